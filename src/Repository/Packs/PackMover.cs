using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository.Packs;

/// <summary>
/// Moves sealed segments byte for byte into new packs of one kind, which name where they were sealed (docs/repository-format.md,
/// section 5). Each seal is tested on the way, so that rot is not carried on. One user at a time.
/// </summary>
internal sealed class PackMover(RepositoryDomain domain, PackKind kind) : IAsyncDisposable
{
    /// <summary>As a lane's packs: directories stay small, and so does the run of what was moved.</summary>
    private const int MaxChunksPerPack = 1 << 16;
    private const int MaxEntriesPerRun = 1 << 20;

    private readonly List<SegmentInfo> segments = [];
    private readonly List<int> chunkCounts = [];
    private readonly List<ObjectId> origins = [];
    private readonly ByteWriter chunks = new(4096);
    private readonly List<IndexEntry> entries = [];
    private readonly List<PackRecord> packs = [];
    private byte[] opened = [];
    private byte[] header = [];
    private ObjectId packId;
    private ObjectUpload? upload;
    private AesGcm? cipher;
    private ObjectId cipherOrigin;
    private long packBytes;

    /// <summary>Of packs and runs written so far.</summary>
    public long WrittenBytes { get; private set; }

    /// <param name="reader">Whoever reads the pack; perhaps it has the segment already.</param>
    /// <param name="firstChunk">Number of the segment's first chunk in the pack's directory.</param>
    /// <exception cref="RepositoryException">The segment is damaged; nothing of it was moved.</exception>
    public async ValueTask MoveAsync(PackReader reader, PackDirectory source, int segment, int firstChunk, CancellationToken cancellationToken)
    {
        var info = source.Record.Segments[segment];
        var origin = source.Record.Origins[info.Origin];
        var stored = await reader.ReadStoredAsync(new SegmentLocation(source.Record.Id, segment, origin, info), cancellationToken);
        TestSeal(source, segment, origin, stored.Span);

        int chunkCount = source.ChunksIn(segment);
        bool isFull = upload is not null && (packBytes >= domain.Options.PackBytes || segments.Count == PackFormat.MaxSegments
            || (chunks.Length / PackFormat.ChunkEntryBytes) + chunkCount > MaxChunksPerPack);
        if (isFull)
            await FinishPackAsync(cancellationToken);
        if (upload is null)
            await BeginPackAsync(cancellationToken);

        int place = origins.IndexOf(origin);
        if (place < 0)
        {
            place = origins.Count;
            origins.Add(origin);
        }

        int offset = 0;
        for (int chunk = firstChunk; chunk < firstChunk + chunkCount; chunk++)
        {
            int length = source.ChunkLength(chunk);
            var slot = chunks.Append(PackFormat.ChunkEntryBytes);
            source.ChunkId(chunk).CopyTo(slot);
            BinaryPrimitives.WriteUInt32LittleEndian(slot[ChunkHasher.IdBytes..], (uint)length);
            entries.Add(new IndexEntry(ChunkPrefix.Of(source.ChunkId(chunk)), (uint)packs.Count, (ushort)segments.Count, offset, length));
            offset += length;
        }

        await upload!.AppendAsync(stored, cancellationToken);
        segments.Add(info with { Offset = packBytes, Origin = checked((ushort)place) });
        chunkCounts.Add(chunkCount);
        packBytes += info.StoredLength;
    }

    /// <summary>Makes everything moved durable, and then known to the index.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (upload is not null)
            await FinishPackAsync(cancellationToken);
        await WriteRunAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (upload is not null)
            await upload.DisposeAsync();
        cipher?.Dispose();
    }

    private void TestSeal(PackDirectory source, int segment, ObjectId origin, ReadOnlySpan<byte> stored)
    {
        var info = source.Record.Segments[segment];
        if (opened.Length < stored.Length)
            opened = GC.AllocateUninitializedArray<byte>(stored.Length);
        if (cipher is null || cipherOrigin != origin)
        {
            cipher?.Dispose();
            cipher = Sealing.CipherFor(domain.Keys.SealingKey, origin, PackFormat.KeyInfo);
            cipherOrigin = origin;
        }

        stored.CopyTo(opened);
        if (stored.Length != info.StoredLength
            || !PackFormat.TryOpenSegment(cipher, new SegmentLocation(source.Record.Id, segment, origin, info), opened.AsSpan(0, stored.Length)))
        {
            throw new RepositoryException(
                RepositoryFailure.Damaged, domain.Names.Pack(source.Record.Id), info.Offset, $"Segment {segment} cannot be moved: its seal is broken.");
        }
    }

    private async ValueTask BeginPackAsync(CancellationToken cancellationToken)
    {
        packId = ObjectId.NewRandom();
        header = PackFormat.Header(packId, kind);
        origins.Add(packId);
        upload = await domain.Store.PutAsync(domain.Names.Pack(packId), PutMode.CreateOnly, domain.Options.PackBytes, cancellationToken);
        await upload.AppendAsync(header, cancellationToken);
        packBytes = header.Length;
    }

    private async ValueTask FinishPackAsync(CancellationToken cancellationToken)
    {
        var end = new ByteWriter();
        using (var directoryCipher = Sealing.CipherFor(domain.Keys.SealingKey, packId, PackFormat.KeyInfo))
        {
            PackFormat.WriteEnd(
                directoryCipher, header, origins, CollectionsMarshal.AsSpan(segments), CollectionsMarshal.AsSpan(chunkCounts), chunks.Written, end);
        }

        await using (var finished = upload!)
        {
            await finished.AppendAsync(end.WrittenMemory, cancellationToken);
            await finished.CommitAsync(cancellationToken);
        }

        upload = null;
        packs.Add(new PackRecord(packId, kind, packBytes + end.Length, [.. origins], [.. segments]));
        WrittenBytes += packBytes + end.Length + domain.Store.ParityBytes(packBytes + end.Length, domain.Options.PackBytes);
        segments.Clear();
        chunkCounts.Clear();
        origins.Clear();
        chunks.Clear();
        if (entries.Count >= MaxEntriesPerRun)
            await WriteRunAsync(cancellationToken);
    }

    private async ValueTask WriteRunAsync(CancellationToken cancellationToken)
    {
        if (packs.Count == 0)
            return;
        CollectionsMarshal.AsSpan(entries).Sort();
        var (_, sizeBytes) = await RunWriter.WriteAsync(domain.Store, domain.Names, domain.Keys, entries, packs, cancellationToken);
        WrittenBytes += sizeBytes;
        entries.Clear();
        packs.Clear();
    }
}
