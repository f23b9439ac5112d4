using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Indexes;

/// <summary>
/// Writes one index run as a stream: all entries in ascending order, then the packs in order of their numbers, then
/// <see cref="FinishAsync"/>. Holds one block, one filter page and the tail, however many entries pass.
/// </summary>
internal sealed class RunWriter : IAsyncDisposable
{
    private readonly ObjectUpload upload;
    private readonly AesGcm cipher;
    private readonly byte[] header;
    private readonly byte[] block = new byte[RunFormat.UnitBytes];
    private readonly byte[] filters = new byte[RunFormat.UnitBytes];
    private readonly ByteWriter fences = new();
    private readonly ByteWriter packs = new();
    private readonly ByteWriter pageTable = new();
    private readonly ByteWriter packPage = new(RunFormat.UnitBytes + 4096);
    private byte[] sealedUnit = new byte[RunFormat.StoredUnitBytes];
    private int blockFill;
    private int filterFill;
    private int blockCount;
    private int packCount;
    private int packPageCount;
    private uint unit;
    private long offset;
    private long entryCount;
    private IndexEntry last;

    private RunWriter(ObjectId id, string name, ObjectUpload upload, DomainKeys keys)
    {
        Id = id;
        Name = name;
        this.upload = upload;
        header = RunFormat.Header(id);
        cipher = Sealing.CipherFor(keys.SealingKey, id, RunFormat.KeyInfo);
    }

    public ObjectId Id { get; }

    public string Name { get; }

    /// <summary>Bytes written so far; the object's size after <see cref="FinishAsync"/>.</summary>
    public long SizeBytes => offset;

    public static async ValueTask<RunWriter> BeginAsync(
        IObjectStore store, DomainNames names, DomainKeys keys, long entryCountHint, CancellationToken cancellationToken)
    {
        var id = ObjectId.NewRandom();
        string name = names.Index(id);
        var upload = await store.PutAsync(name, PutMode.CreateOnly, entryCountHint * 30, cancellationToken);
        var writer = new RunWriter(id, name, upload, keys);
        await writer.AppendAsync(writer.header, cancellationToken);
        return writer;
    }

    /// <summary>Writes a run of what is in memory.</summary>
    /// <param name="entries">In ascending order.</param>
    /// <param name="packs">In the order of their numbers.</param>
    /// <returns>The run's id and size.</returns>
    public static async ValueTask<(ObjectId Id, long SizeBytes)> WriteAsync(
        IObjectStore store, DomainNames names, DomainKeys keys, IReadOnlyCollection<IndexEntry> entries, IReadOnlyCollection<PackRecord> packs,
        CancellationToken cancellationToken)
    {
        await using var writer = await BeginAsync(store, names, keys, entries.Count, cancellationToken);
        foreach (var entry in entries)
            await writer.AddAsync(entry, cancellationToken);
        foreach (var pack in packs)
            await writer.AddPackAsync(pack, cancellationToken);
        await writer.FinishAsync(cancellationToken);
        return (writer.Id, writer.SizeBytes);
    }

    /// <param name="entry">Greater than the one before; the same chunk in the same pack twice is passed over.</param>
    public async ValueTask AddAsync(IndexEntry entry, CancellationToken cancellationToken)
    {
        if (entryCount > 0)
        {
            int order = entry.CompareTo(last);
            if (order < 0)
                throw new ArgumentException($"{entry} comes after {last}.", nameof(entry));
            if (order == 0)
                return;
        }

        last = entry;
        entryCount++;
        var slot = block.AsSpan(blockFill, IndexEntry.Size);
        entry.Write(slot);
        if (blockFill == 0)
            fences.Raw(slot[..ChunkPrefix.Size]);
        RunFormat.AddToFilter(filters.AsSpan(filterFill, RunFormat.FilterBytes), slot);
        blockFill += IndexEntry.Size;
        if (blockFill == block.Length)
            await EndBlockAsync(cancellationToken);
    }

    public async ValueTask AddPackAsync(PackRecord pack, CancellationToken cancellationToken)
    {
        if (packCount == 0)
            await EndEntriesAsync(cancellationToken);
        packCount++;
        pack.Id.Write(packs.Append(ObjectId.Size));
        packs.U32((uint)packPageCount);
        packs.U32((uint)packPage.Length);
        RunFormat.WritePack(pack, packPage);
        if (packPage.Length >= RunFormat.UnitBytes)
            await EndPackPageAsync(cancellationToken);
    }

    /// <summary>Makes the run visible and durable.</summary>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        if (packCount == 0)
            await EndEntriesAsync(cancellationToken);
        if (packPage.Length > 0)
            await EndPackPageAsync(cancellationToken);

        var tail = new ByteWriter(RunFormat.TailFixedBytes + fences.Length + packs.Length + pageTable.Length);
        tail.U64((ulong)entryCount);
        tail.U32((uint)blockCount);
        tail.U32((uint)packCount);
        tail.U32((uint)packPageCount);
        tail.Raw(fences.Written);
        tail.Raw(packs.Written);
        tail.Raw(pageTable.Written);
        unit = Sealing.LastNonce;
        await AppendSealedAsync(tail.WrittenMemory, cancellationToken);
        await AppendAsync(RunFormat.Footer(tail.Length + Sealing.TagBytes), cancellationToken);
        await upload.CommitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        cipher.Dispose();
        await upload.DisposeAsync();
    }

    private async ValueTask EndBlockAsync(CancellationToken cancellationToken)
    {
        await AppendSealedAsync(block.AsMemory(0, blockFill), cancellationToken);
        blockFill = 0;
        blockCount++;
        filterFill += RunFormat.FilterBytes;
        if (filterFill == filters.Length)
            await EndFilterPageAsync(cancellationToken);
    }

    private async ValueTask EndFilterPageAsync(CancellationToken cancellationToken)
    {
        await AppendSealedAsync(filters.AsMemory(0, filterFill), cancellationToken);
        filterFill = 0;
        filters.AsSpan().Clear();
    }

    private async ValueTask EndEntriesAsync(CancellationToken cancellationToken)
    {
        if (blockFill > 0)
            await EndBlockAsync(cancellationToken);
        if (filterFill > 0)
            await EndFilterPageAsync(cancellationToken);
    }

    private async ValueTask EndPackPageAsync(CancellationToken cancellationToken)
    {
        pageTable.U64((ulong)offset);
        pageTable.U32((uint)packPage.Length);
        packPageCount++;
        await AppendSealedAsync(packPage.WrittenMemory, cancellationToken);
        packPage.Clear();
    }

    private async ValueTask AppendSealedAsync(ReadOnlyMemory<byte> plain, CancellationToken cancellationToken)
    {
        int stored = plain.Length + Sealing.TagBytes;
        if (sealedUnit.Length < stored)
            sealedUnit = new byte[stored];
        Seal(plain.Span, sealedUnit.AsSpan(0, stored));
        await AppendAsync(sealedUnit.AsMemory(0, stored), cancellationToken);
    }

    private void Seal(ReadOnlySpan<byte> plain, Span<byte> stored)
    {
        Span<byte> aad = stackalloc byte[RunFormat.HeaderBytes + 4];
        RunFormat.WriteAad(header, unit, aad);
        Sealing.Seal(cipher, unit, plain, aad, stored);
        unit = unchecked(unit + 1);
    }

    private async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await upload.AppendAsync(bytes, cancellationToken);
        offset += bytes.Length;
    }
}
