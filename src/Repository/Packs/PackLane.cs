using System.Security.Cryptography;
using System.Buffers.Binary;
using Strongroom.ObjectStores;
using Strongroom.Repository.Compression;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository.Packs;

/// <summary>
/// One worker's way into the store: chunks are gathered into a segment, which is compressed, sealed and appended to the
/// lane's open pack. Buffers, compressor and cipher live as long as the lane. One user at a time.
/// </summary>
/// <remarks>
/// A lane that failed is never used again: its pack's id, and with it the nonces spent, are dropped with it.
/// </remarks>
internal sealed class PackLane : IAsyncDisposable
{
    /// <summary>Keeps a pack's directory, and what the lane holds for it, small when chunks are tiny.</summary>
    private const int MaxChunksPerPack = 1 << 16;

    private readonly IObjectStore store;
    private readonly DomainNames names;
    private readonly DomainKeys keys;
    private readonly PackLedger ledger;
    private readonly PackKind kind;
    private readonly int segmentTarget;
    private readonly int packTarget;
    private readonly ZstdCompressor compressor;
    private readonly List<SegmentInfo> segments = [];
    private readonly List<int> chunkCounts = [];
    private readonly List<Share> shares = [];
    private readonly ByteWriter chunks = new(4096);
    private byte[] segment;
    private byte[] output;
    private int fill;
    private int chunksInSegment;
    private ObjectId packId;
    private uint packNumber;
    private byte[] header = [];
    private AesGcm? cipher;
    private ObjectUpload? upload;
    private long packBytes;
    private readonly Queue<Task> finishing = [];

    public PackLane(IObjectStore store, DomainNames names, DomainKeys keys, PackLedger ledger, PackKind kind, int segmentBytes, int packBytes, int level)
    {
        this.store = store;
        this.names = names;
        this.keys = keys;
        this.ledger = ledger;
        this.kind = kind;
        segmentTarget = segmentBytes;
        packTarget = packBytes;
        compressor = new ZstdCompressor(level);
        segment = GC.AllocateUninitializedArray<byte>(segmentBytes);
        output = GC.AllocateUninitializedArray<byte>(segmentBytes + Sealing.TagBytes);
    }

    /// <summary>Whose chunks come next: stored bytes are counted there.</summary>
    public MemberCounters? Counters { get; set; }

    /// <summary>True when a chunk of this length can be placed without a call of <see cref="MakeRoomAsync"/>.</summary>
    public bool HasRoom(int length) => upload is not null && fill + length <= segmentTarget && fill + length <= segment.Length;

    /// <summary>Writes out the segment when the chunk does not fit, and opens a pack when there is none.</summary>
    public async ValueTask MakeRoomAsync(int length, CancellationToken cancellationToken)
    {
        if (fill > 0 && fill + length > segmentTarget)
            await WriteSegmentAsync(cancellationToken);
        if (length > segment.Length)
        {
            segment = GC.AllocateUninitializedArray<byte>(length);
            output = GC.AllocateUninitializedArray<byte>(length + Sealing.TagBytes);
        }

        if (fill == 0 && upload is not null
            && (packBytes >= packTarget || segments.Count == PackFormat.MaxSegments || chunks.Length >= MaxChunksPerPack * PackFormat.ChunkEntryBytes))
            await FinishPackAsync(cancellationToken);
        if (upload is null)
            await BeginPackAsync(cancellationToken);
    }

    /// <summary>Where the next chunk will be, if it is placed.</summary>
    public Indexes.IndexEntry Place(Indexes.ChunkPrefix prefix, int length) =>
        new(prefix, packNumber, (ushort)segments.Count, fill, length);

    /// <summary>Places a chunk there, after <see cref="HasRoom"/> or <see cref="MakeRoomAsync"/> said that it fits.</summary>
    public void Add(ReadOnlySpan<byte> id, ReadOnlySpan<byte> plain)
    {
        plain.CopyTo(segment.AsSpan(fill));
        fill += plain.Length;
        chunksInSegment++;
        var entry = chunks.Append(PackFormat.ChunkEntryBytes);
        id.CopyTo(entry);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[ChunkHasher.IdBytes..], (uint)plain.Length);
        if (Counters is not null)
        {
            if (shares.Count == 0 || shares[^1].Counters != Counters)
                shares.Add(new Share(Counters));
            shares[^1].PlainBytes += plain.Length;
        }
    }

    /// <summary>Writes out what is gathered and makes every pack of this lane durable.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (fill > 0)
            await WriteSegmentAsync(cancellationToken);
        if (upload is not null)
            await FinishPackAsync(cancellationToken);
        await LetFinishAsync(0);
    }

    public async ValueTask DisposeAsync()
    {
        // What is still on its way may fail or not: nothing refers to it.
        await Task.WhenAll(finishing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (upload is not null)
            await upload.DisposeAsync();
        upload = null;
        cipher?.Dispose();
        compressor.Dispose();
    }

    private async ValueTask BeginPackAsync(CancellationToken cancellationToken)
    {
        packId = ObjectId.NewRandom();
        header = PackFormat.Header(packId, kind);
        cipher?.Dispose();
        cipher = Sealing.CipherFor(keys.SealingKey, packId, PackFormat.KeyInfo);
        upload = await store.PutAsync(names.Pack(packId), PutMode.CreateOnly, packTarget, cancellationToken);
        packNumber = ledger.Begin();
        await upload.AppendAsync(header, cancellationToken);
        packBytes = header.Length;
    }

    private async ValueTask WriteSegmentAsync(CancellationToken cancellationToken)
    {
        int stored = SealSegment(out var codec);
        await upload!.AppendAsync(output.AsMemory(0, stored), cancellationToken);
        segments.Add(new SegmentInfo(packBytes, stored, fill, (uint)segments.Count, 0, codec));
        chunkCounts.Add(chunksInSegment);
        packBytes += stored;
        foreach (var share in shares)
            share.Counters.AddStored(stored * share.PlainBytes / fill);
        shares.Clear();
        fill = 0;
        chunksInSegment = 0;
    }

    private int SealSegment(out SegmentCodec codec)
    {
        // A saving under a thirty-second is not worth decompressing for at every read.
        int packed = compressor.Compress(segment.AsSpan(0, fill), output.AsSpan(0, fill - (fill / 32)));
        codec = packed > 0 ? SegmentCodec.Zstd : SegmentCodec.Plain;
        var payload = packed > 0 ? output.AsSpan(0, packed) : segment.AsSpan(0, fill);
        PackFormat.SealSegment(cipher!, packId, (uint)segments.Count, codec, fill, payload, output);
        return payload.Length + Sealing.TagBytes;
    }

    private async ValueTask FinishPackAsync(CancellationToken cancellationToken)
    {
        var end = new ByteWriter();
        PackFormat.WriteEnd(
            cipher!, header, [packId], System.Runtime.InteropServices.CollectionsMarshal.AsSpan(segments),
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chunkCounts), chunks.Written, end);
        await upload!.AppendAsync(end.WrittenMemory, cancellationToken);
        var record = new PackRecord(packId, kind, packBytes + end.Length, [packId], [.. segments]);
        Counters?.AddStored(PackFormat.HeaderBytes + end.Length + store.ParityBytes(record.SizeBytes, packTarget));

        // Making it durable waits for the device; the lane goes on compressing meanwhile, some packs ahead.
        await LetFinishAsync(store.CommitsAtOnce - 1);
        var (finished, number) = (upload, packNumber);
        upload = null;
        finishing.Enqueue(Task.Run(
            async () =>
            {
                await using (finished)
                    await finished.CommitAsync(cancellationToken);
                ledger.Complete(number, record);
            },
            CancellationToken.None));
        segments.Clear();
        chunkCounts.Clear();
        chunks.Clear();
    }

    /// <summary>Waits until no more packs than this are on their way, and tells of one that failed.</summary>
    private async ValueTask LetFinishAsync(int left)
    {
        while (finishing.TryPeek(out var oldest) && (finishing.Count > left || oldest.IsCompleted))
        {
            await oldest;
            _ = finishing.Dequeue();
        }
    }

    private sealed class Share(MemberCounters counters)
    {
        public MemberCounters Counters => counters;

        public long PlainBytes { get; set; }
    }
}
