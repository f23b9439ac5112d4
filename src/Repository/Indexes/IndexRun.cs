using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Indexes;

/// <summary>
/// A stored run, opened: fences and pack ids are in memory (16 bytes per 2,340 chunks, 24 per pack), everything else is
/// read in units as it is asked for and kept as far as the <see cref="UnitCache"/> allows. Look-ups run in parallel.
/// </summary>
internal sealed class IndexRun
{
    /// <summary>Read first: holds the whole tail of any run below some two million chunks.</summary>
    private const int TailGuessBytes = 32 << 10;

    /// <summary>A filter page answers for 28 blocks, and stays while blocks, of which few are asked twice, come and go.</summary>
    private const int FilterRounds = 8;
    private const int BlockRounds = 1;

    private readonly IObjectStore store;
    private readonly UnitCache cache;
    private readonly byte[] header;
    private readonly byte[] key;
    private readonly ChunkPrefix[] fences;
    private readonly byte[] packTable;
    private readonly byte[] pageTable;
    private readonly CachedUnit?[] units;
    private readonly ConcurrentDictionary<int, Lazy<Task<byte[]>>> loads = new();
    private readonly int packPagesFrom;

    private IndexRun(
        IObjectStore store, UnitCache cache, ObjectId id, string name, long sizeBytes, byte[] header, byte[] key, long entryCount,
        ChunkPrefix[] fences, byte[] packTable, byte[] pageTable)
    {
        this.store = store;
        this.cache = cache;
        this.header = header;
        this.key = key;
        this.fences = fences;
        this.packTable = packTable;
        this.pageTable = pageTable;
        Id = id;
        Name = name;
        SizeBytes = sizeBytes;
        EntryCount = entryCount;
        packPagesFrom = fences.Length + RunFormat.FilterPageCount(fences.Length);
        units = new CachedUnit?[packPagesFrom + (pageTable.Length / RunFormat.TailPageBytes)];
    }

    public ObjectId Id { get; }

    public string Name { get; }

    public long SizeBytes { get; }

    public long EntryCount { get; }

    public int BlockCount => fences.Length;

    public int PackCount => packTable.Length / RunFormat.TailPackBytes;

    public ObjectId PackId(int number) => ObjectId.Read(packTable.AsSpan(number * RunFormat.TailPackBytes));

    /// <exception cref="RepositoryException">Damaged, or a newer format.</exception>
    /// <exception cref="ObjectStoreException">NotFound: it was merged away since it was listed.</exception>
    public static async ValueTask<IndexRun> OpenAsync(
        IObjectStore store, DomainNames names, DomainKeys keys, UnitCache cache, ObjectId id, long sizeBytes, CancellationToken cancellationToken)
    {
        string name = names.Index(id);
        try
        {
            return await OpenAsync(store, name, keys, cache, id, sizeBytes, cancellationToken);
        }
        catch (RepositoryException) when (store.Forget(name))
        {
            return await OpenAsync(store, name, keys, cache, id, sizeBytes, cancellationToken);
        }
    }

    private static async ValueTask<IndexRun> OpenAsync(
        IObjectStore store, string name, DomainKeys keys, UnitCache cache, ObjectId id, long sizeBytes, CancellationToken cancellationToken)
    {
        await store.FetchAsync(name, sizeBytes, cancellationToken);
        try
        {
            if (sizeBytes < RunFormat.HeaderBytes + RunFormat.FooterBytes)
                throw new InvalidDataException($"{sizeBytes} bytes are too few for a run.");
            byte[] header = await ReadExactlyAsync(store, name, 0, RunFormat.HeaderBytes, cancellationToken);
            RunFormat.CheckHeader(header, id, name);

            int guess = (int)Math.Min(sizeBytes - RunFormat.HeaderBytes, TailGuessBytes);
            byte[] end = await ReadExactlyAsync(store, name, sizeBytes - guess, guess, cancellationToken);
            int tailLength = RunFormat.CheckFooter(end.AsSpan(^RunFormat.FooterBytes), sizeBytes);
            long tailOffset = sizeBytes - RunFormat.FooterBytes - tailLength;
            byte[] tail = tailLength + RunFormat.FooterBytes <= guess
                ? end[^(tailLength + RunFormat.FooterBytes)..^RunFormat.FooterBytes]
                : await ReadExactlyAsync(store, name, tailOffset, tailLength, cancellationToken);

            Span<byte> salt = stackalloc byte[ObjectId.Size];
            id.Write(salt);
            byte[] key = Sealing.Derive(keys.SealingKey, salt, RunFormat.KeyInfo);
            byte[] plain = OpenUnit(header, key, Sealing.LastNonce, tail)
                ?? throw new InvalidDataException("The seal of its tail is broken.");
            return Parse(store, cache, id, name, sizeBytes, header, key, plain, tailOffset);
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, name, e.Message, e);
        }
    }

    /// <summary>The next entry of this chunk, without going to the store.</summary>
    /// <param name="start">Where to go on: 0 for the first call, then what the last call left there.</param>
    /// <param name="missingUnit">The unit to load before calling again, or -1 when the answer is known.</param>
    /// <returns>True with an entry; false without one, or when a unit is missing.</returns>
    public bool TryFind(ChunkPrefix prefix, ref long start, out IndexEntry entry, out int missingUnit)
    {
        missingUnit = -1;
        int firstBlock = start == 0 ? Math.Max(0, LowerFence(prefix) - 1) : (int)(start / RunFormat.EntriesPerBlock);
        for (int block = firstBlock; block < fences.Length && !(fences[block] > prefix); block++)
        {
            int filterUnit = RunFormat.UnitOfFilter(block, fences.Length);
            if (!TryUse(filterUnit, out byte[]? filterPage))
            {
                missingUnit = filterUnit;
                entry = default;
                return false;
            }

            var filter = filterPage.AsSpan(block % RunFormat.BlocksPerFilterPage * RunFormat.FilterBytes, RunFormat.FilterBytes);
            if (!RunFormat.MayContain(filter, prefix))
                continue;

            int unit = RunFormat.UnitOfBlock(block);
            if (!TryUse(unit, out byte[]? bytes))
            {
                missingUnit = unit;
                entry = default;
                return false;
            }

            int position = LowerEntry(bytes, prefix);
            if (start / RunFormat.EntriesPerBlock == block)
                position = Math.Max(position, (int)(start % RunFormat.EntriesPerBlock));
            if (position * IndexEntry.Size < bytes.Length)
            {
                entry = IndexEntry.Read(bytes.AsSpan(position * IndexEntry.Size));
                if (entry.Prefix == prefix)
                {
                    start = ((long)block * RunFormat.EntriesPerBlock) + position + 1;
                    return true;
                }
            }
        }

        entry = default;
        return false;
    }

    /// <summary>Reads a unit into memory, where <see cref="TryFind"/> will see it; those who miss the same one wait for one read.</summary>
    /// <exception cref="RepositoryException">Damaged.</exception>
    public async ValueTask<byte[]> LoadAsync(int unit, CancellationToken cancellationToken)
    {
        if (TryUse(unit, out byte[]? cached))
            return cached;
        var load = loads.GetOrAdd(unit, static (unit, run) => new Lazy<Task<byte[]>>(() => run.ReadIntoCacheAsync(unit)), this);
        return await load.Value.WaitAsync(cancellationToken);
    }

    private async Task<byte[]> ReadIntoCacheAsync(int unit)
    {
        try
        {
            // A load that ended since it was missed.
            if (TryUse(unit, out byte[]? cached))
                return cached;

            // Several may wait for this: none of them may cancel it for the others.
            byte[] bytes = await ReadUnitAsync(unit, CancellationToken.None);
            var entry = new CachedUnit(this, unit, bytes, IsFilter(unit) ? FilterRounds : BlockRounds);
            Volatile.Write(ref units[unit], entry);
            cache.Add(entry);
            return bytes;
        }
        finally
        {
            loads.TryRemove(unit, out _);
        }
    }

    private bool IsFilter(int unit) =>
        unit == packPagesFrom - 1
        || (unit < packPagesFrom && unit % (RunFormat.BlocksPerFilterPage + 1) == RunFormat.BlocksPerFilterPage);

    /// <summary>Reads a block past the cache, for those who stream through the run.</summary>
    public ValueTask<byte[]> ReadBlockAsync(int block, CancellationToken cancellationToken) =>
        ReadUnitAsync(RunFormat.UnitOfBlock(block), cancellationToken);

    /// <summary>Reads every filter page, for a check of the run as a whole.</summary>
    public async ValueTask CheckFiltersAsync(CancellationToken cancellationToken)
    {
        for (int block = 0; block < fences.Length; block += RunFormat.BlocksPerFilterPage)
            await ReadUnitAsync(RunFormat.UnitOfFilter(block, fences.Length), cancellationToken);
    }

    public async ValueTask<SegmentLocation> LocateSegmentAsync(IndexEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            var (page, offset) = RecordOf(checked((int)entry.Pack));
            byte[] bytes = await LoadAsync(packPagesFrom + page, cancellationToken);
            if (offset >= bytes.Length)
                throw new InvalidDataException($"There is no record at {offset} of pack page {page}.");
            var segment = RunFormat.ReadSegment(bytes.AsSpan(offset), PackId((int)entry.Pack), entry.Segment);
            if (entry.Length == 0 || (long)entry.Offset + entry.Length > segment.Info.PlainLength)
                throw new InvalidDataException($"{entry} does not fit its segment of {segment.Info.PlainLength} bytes.");
            return segment;
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, Name, e.Message, e);
        }
    }

    public async ValueTask<PackRecord> ReadPackAsync(int number, CancellationToken cancellationToken)
    {
        try
        {
            var (page, offset) = RecordOf(number);
            byte[] bytes = await LoadAsync(packPagesFrom + page, cancellationToken);
            if (offset >= bytes.Length)
                throw new InvalidDataException($"There is no record at {offset} of pack page {page}.");
            return RunFormat.ReadPack(bytes.AsSpan(offset), PackId(number));
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, Name, e.Message, e);
        }
    }

    internal void Drop(int unit) => Volatile.Write(ref units[unit], null);

    private static IndexRun Parse(
        IObjectStore store, UnitCache cache, ObjectId id, string name, long sizeBytes, byte[] header, byte[] key, byte[] tail, long tailOffset)
    {
        var reader = new ByteReader(tail);
        ulong entryCount = reader.U64();
        int blockCount = reader.Count(tail.Length / ChunkPrefix.Size, "blocks");
        int packCount = reader.Count(tail.Length / RunFormat.TailPackBytes, "packs");
        int pageCount = reader.Count(tail.Length / RunFormat.TailPageBytes, "pack pages");
        if (entryCount > long.MaxValue || (entryCount + RunFormat.EntriesPerBlock - 1) / RunFormat.EntriesPerBlock != (ulong)blockCount)
            throw new InvalidDataException($"{entryCount} entries do not make {blockCount} blocks.");
        var fences = new ChunkPrefix[blockCount];
        for (int i = 0; i < blockCount; i++)
            fences[i] = ChunkPrefix.Of(reader.Take(ChunkPrefix.Size));
        byte[] packTable = reader.Take(packCount * RunFormat.TailPackBytes).ToArray();
        byte[] pageTable = reader.Take(pageCount * RunFormat.TailPageBytes).ToArray();
        reader.End();

        // Everything up to the tail is units one after the other; their lengths follow from the counts.
        long offset = RunFormat.HeaderBytes;
        if (blockCount > 0)
        {
            int lastEntries = (int)((entryCount - 1) % RunFormat.EntriesPerBlock) + 1;
            int lastFilters = ((blockCount - 1) % RunFormat.BlocksPerFilterPage) + 1;
            offset += ((long)RunFormat.UnitOfBlock(blockCount - 1) * RunFormat.StoredUnitBytes)
                + (lastEntries * IndexEntry.Size) + Sealing.TagBytes + (lastFilters * RunFormat.FilterBytes) + Sealing.TagBytes;
        }

        for (int page = 0; page < pageCount; page++)
        {
            var (at, length) = PageOf(pageTable, page);
            if (at != offset || length is < 1 or > RunFormat.MaxPackPageBytes)
                throw new InvalidDataException($"Pack page {page} is not possible.");
            offset += length + Sealing.TagBytes;
        }

        if (offset != tailOffset)
            throw new InvalidDataException($"Its units end at {offset}, its tail starts at {tailOffset}.");
        for (int pack = 0; pack < packCount; pack++)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(packTable.AsSpan((pack * RunFormat.TailPackBytes) + ObjectId.Size)) >= pageCount)
                throw new InvalidDataException($"Pack {pack} is on a page that does not exist.");
        }

        return new IndexRun(store, cache, id, name, sizeBytes, header, key, (long)entryCount, fences, packTable, pageTable);
    }

    private bool TryUse(int unit, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out byte[]? bytes)
    {
        var cached = Volatile.Read(ref units[unit]);
        if (cached is null)
        {
            bytes = null;
            return false;
        }

        cached.Use();
        bytes = cached.Bytes;
        return true;
    }

    /// <summary>The number of the first fence that is not less than the prefix.</summary>
    private int LowerFence(ChunkPrefix prefix)
    {
        int low = 0;
        int high = fences.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (fences[middle] < prefix)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private static int LowerEntry(byte[] block, ChunkPrefix prefix)
    {
        int low = 0;
        int high = block.Length / IndexEntry.Size;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (ChunkPrefix.Of(block.AsSpan(middle * IndexEntry.Size)) < prefix)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private (int Page, int Offset) RecordOf(int pack)
    {
        if ((uint)pack >= (uint)PackCount)
            throw new InvalidDataException($"An entry names pack {pack} of {PackCount}.");
        var place = packTable.AsSpan((pack * RunFormat.TailPackBytes) + ObjectId.Size);
        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(place[4..]);
        return ((int)BinaryPrimitives.ReadUInt32LittleEndian(place), (int)Math.Min(offset, int.MaxValue));
    }

    private static (long Offset, int Length) PageOf(byte[] pageTable, int page)
    {
        var place = pageTable.AsSpan(page * RunFormat.TailPageBytes);
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(place);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(place[8..]);
        return ((long)Math.Min(offset, long.MaxValue), (int)Math.Min(length, int.MaxValue));
    }

    private (long Offset, int PlainLength) PlaceOf(int unit)
    {
        if (unit >= packPagesFrom)
            return PageOf(pageTable, unit - packPagesFrom);
        int lastBlock = fences.Length - 1;
        int lastBlockUnit = RunFormat.UnitOfBlock(lastBlock);
        int lastBlockBytes = ((int)((EntryCount - 1) % RunFormat.EntriesPerBlock) + 1) * IndexEntry.Size;
        long offset = RunFormat.HeaderBytes + ((long)unit * RunFormat.StoredUnitBytes);
        if (unit < lastBlockUnit)
            return (offset, RunFormat.UnitBytes);
        if (unit == lastBlockUnit)
            return (offset, lastBlockBytes);
        return (offset - RunFormat.UnitBytes + lastBlockBytes, ((lastBlock % RunFormat.BlocksPerFilterPage) + 1) * RunFormat.FilterBytes);
    }

    private async ValueTask<byte[]> ReadUnitAsync(int unit, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadUnitOnceAsync(unit, cancellationToken);
        }
        catch (RepositoryException) when (store.Forget(Name))
        {
            return await ReadUnitOnceAsync(unit, cancellationToken);
        }
    }

    private async ValueTask<byte[]> ReadUnitOnceAsync(int unit, CancellationToken cancellationToken)
    {
        var (offset, plainLength) = PlaceOf(unit);
        int length = plainLength + Sealing.TagBytes;
        byte[] stored = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            int read = await store.ReadAsync(Name, offset, stored.AsMemory(0, length), cancellationToken);
            if (read != length)
                throw new RepositoryException(RepositoryFailure.Damaged, Name, offset, $"It ends after {read} of {length} bytes.");
            return OpenUnit(header, key, (uint)unit, stored.AsSpan(0, length))
                ?? throw new RepositoryException(RepositoryFailure.Damaged, Name, offset, $"The seal of unit {unit} is broken.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    private static byte[]? OpenUnit(byte[] header, byte[] key, uint unit, ReadOnlySpan<byte> stored)
    {
        Span<byte> aad = stackalloc byte[RunFormat.HeaderBytes + 4];
        RunFormat.WriteAad(header, unit, aad);
        using var cipher = new AesGcm(key, Sealing.TagBytes);
        byte[] plain = new byte[stored.Length - Sealing.TagBytes];
        return Sealing.TryOpen(cipher, unit, stored, aad, plain) ? plain : null;
    }

    private static async ValueTask<byte[]> ReadExactlyAsync(IObjectStore store, string name, long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        int read = await store.ReadAsync(name, offset, bytes, cancellationToken);
        if (read != length)
            throw new InvalidDataException($"It ends after {read} of {length} bytes at {offset}.");
        return bytes;
    }
}
