using Strongroom.Repository.Crypto;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <summary>
/// A disk being backed up. Each thread takes a <see cref="DiskWorker"/> and does every step itself on the regions it
/// chooses; what nobody writes is zeros. Call <see cref="FinishAsync"/> when all workers are finished.
/// </summary>
public sealed class DiskWriter : IMemberWriter
{
    private readonly BackupSession session;
    private readonly MemberDescription description;
    private readonly MapBuilder map;
    private readonly MemberCounters counters = new();
    private int openRegions;

    internal DiskWriter(BackupSession session, MemberDescription description, long sizeBytes, MemberRecord? parent)
    {
        this.session = session;
        this.description = description;
        Parent = parent;
        Geometry = new MapGeometry(sizeBytes, session.Domain.Parameters.DiskChunkBytes);
        map = new MapBuilder(session.Chunks, Geometry, counters);
    }

    public long SizeBytes => Geometry.SizeBytes;

    /// <summary>64 KiB: what writes must be aligned to.</summary>
    public int ChunkBytes => Geometry.ChunkBytes;

    /// <summary>4 MiB: a region starts at a multiple of it and belongs to one worker.</summary>
    public int RegionBytes => Geometry.RegionBytes;

    public long RegionCount => Geometry.RegionCount;

    /// <summary>Not zeros, so far.</summary>
    public long DataBytes => counters.DataBytes;

    /// <summary>Of those, not in the parent at the same place.</summary>
    public long ChangedBytes => counters.ChangedBytes;

    public long StoredBytes => counters.StoredBytes;

    /// <summary>Kept with the member as <see cref="MemberRecord.SourceState"/>; at most 200 characters.</summary>
    public string? SourceState { get; set; }

    internal MapGeometry Geometry { get; }

    internal MemberRecord? Parent { get; }

    internal MapBuilder Map => map;

    internal BackupSession Session => session;

    internal MemberCounters Counters => counters;

    MemberDescription IMemberWriter.Description => description;

    MemberCounters IMemberWriter.Counters => counters;

    bool IMemberWriter.IsFinished => IsFinished;

    internal bool IsFinished { get; private set; }

    /// <summary>A worker with buffers of its own, for one thread at a time.</summary>
    public DiskWorker CreateWorker() => new(this);

    /// <summary>
    /// Says that the whole regions inside this range are zeros. They would be without it; a very large disk needs less memory
    /// when it is told.
    /// </summary>
    public ValueTask WriteZerosAsync(long offset, long lengthBytes, CancellationToken cancellationToken)
    {
        long from = (offset + RegionBytes - 1) / RegionBytes;
        long end = offset + lengthBytes;
        long to = end >= SizeBytes ? RegionCount : end / RegionBytes;
        return map.SetZerosAsync(from, to, cancellationToken);
    }

    /// <summary>True when the parent is of this size, whole, and of a source in this state.</summary>
    public bool CanKeepAll(string? sourceState) =>
        sourceState is not null && Parent is { } parent && parent.SourceState == sourceState && parent.SizeBytes == SizeBytes;

    /// <summary>
    /// Finishes the disk as the parent has it, without reading the source or the parent's map: for those who know that
    /// nothing was written since. In place of workers and <see cref="FinishAsync"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no parent of this size.</exception>
    public void KeepAll()
    {
        if (Parent is null || Parent.SizeBytes != SizeBytes || DataBytes > 0 || Volatile.Read(ref openRegions) != 0)
            throw new InvalidOperationException($"{description.Id} has no parent of the same size to keep, or was begun.");
        map.SetTop(RootFormat.RootBytes(Parent));
        counters.AddData(Parent.DataBytes, 0, Parent.Chunks);
        IsFinished = true;
    }

    /// <summary>Completes the map.</summary>
    /// <exception cref="InvalidOperationException">A worker has a region it neither finished nor completed.</exception>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref openRegions) != 0)
            throw new InvalidOperationException($"{openRegions} regions of {description.Id} are not complete.");
        await map.FinishAsync(cancellationToken);
        IsFinished = true;
    }

    internal void CountOpenRegion(int change) => Interlocked.Add(ref openRegions, change);

    MemberRecord IMemberWriter.ToRecord() => new()
    {
        Id = description.Id,
        ResourceId = description.ResourceId,
        Name = description.Name,
        Location = description.Location,
        Kind = MemberKind.Disk,
        SizeBytes = SizeBytes,
        Root = Convert.ToHexStringLower(map.Top.Span),
        Height = Geometry.Height,
        Incremental = Parent is not null,
        DataBytes = counters.DataBytes,
        ChangedBytes = counters.ChangedBytes,
        StoredBytes = counters.StoredBytes,
        Chunks = counters.Chunks,
        SourceState = SourceState,
    };
}

/// <summary>
/// One thread's way through a disk: tests for zeros, hashes, compares with the parent, asks the index, gathers,
/// compresses, seals and stores, all on the caller's thread. On a local store its calls complete before they return.
/// </summary>
public sealed class DiskWorker : IAsyncDisposable
{
    private readonly DiskWriter writer;
    private readonly ChunkStore store;
    private readonly ChunkHasher hasher;
    private readonly MapReader? parent;
    private readonly byte[] ids = new byte[MapGeometry.PageBytes];
    private readonly byte[] parentIds = new byte[MapGeometry.PageBytes];
    private readonly byte[] parentLeaf = new byte[ChunkHasher.IdBytes];
    private PackLane? lane;
    private long region = -1;
    private long dataBytes;
    private long changedBytes;
    private long chunkCount;

    internal DiskWorker(DiskWriter writer)
    {
        this.writer = writer;
        store = writer.Session.Chunks;
        var domain = writer.Session.Domain;
        hasher = domain.Keys.Chunks;
        if (writer.Parent is { } member)
        {
            parent = new MapReader(
                domain.Source, new MapGeometry(member.SizeBytes, domain.Parameters.DiskChunkBytes), RootFormat.RootBytes(member),
                domain.Names.Backup(writer.Session.Previous!.Id));
        }
    }

    /// <summary>
    /// Stores what is at a place of the disk. All writes to one region come from one worker, one after the other; the next
    /// region begins by itself. What of a region is not written is zeros.
    /// </summary>
    /// <param name="offset">A multiple of <see cref="DiskWriter.ChunkBytes"/>.</param>
    /// <param name="bytes">Whole chunks, but for the end of the disk. May be used again when the call has completed.</param>
    /// <exception cref="RepositoryException">The parent or the index is damaged.</exception>
    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        CheckPlace(offset, bytes.Length);
        long chunk = offset / writer.ChunkBytes;
        while (!bytes.IsEmpty)
        {
            if (chunk / MapGeometry.FanOut != region)
                await EnterAsync(chunk / MapGeometry.FanOut, cancellationToken);
            int length = Math.Min(writer.ChunkBytes, bytes.Length);
            int at = (int)(chunk % MapGeometry.FanOut) * ChunkHasher.IdBytes;
            if (!Chunking.ZeroTest.IsAllZero(bytes.Span[..length]))
            {
                hasher.Hash(bytes.Span[..length], ids.AsSpan(at, ChunkHasher.IdBytes));
                dataBytes += length;
                chunkCount++;
                if (!ids.AsSpan(at, ChunkHasher.IdBytes).SequenceEqual(parentIds.AsSpan(at, ChunkHasher.IdBytes)))
                {
                    changedBytes += length;
                    await store.AddAsync(lane!, ids.AsMemory(at, ChunkHasher.IdBytes), bytes[..length], cancellationToken);
                }
            }

            bytes = bytes[length..];
            chunk++;
        }
    }

    /// <summary>
    /// Takes a whole region as the parent has it, without reading the source: for those who know that nothing was written there.
    /// Without a parent, or past its end, the region is zeros.
    /// </summary>
    public async ValueTask KeepAsync(long regionToKeep, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(regionToKeep);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(regionToKeep, writer.RegionCount);
        await EnterAsync(regionToKeep, cancellationToken);
        for (int i = 0; i < MapGeometry.FanOut; i++)
        {
            var id = parentIds.AsSpan(i * ChunkHasher.IdBytes, ChunkHasher.IdBytes);
            if (!id.ContainsAnyExcept((byte)0))
                continue;
            long chunk = (regionToKeep * MapGeometry.FanOut) + i;
            long parentEnd = writer.Parent!.SizeBytes;
            if (Math.Min(parentEnd, (chunk + 1) * writer.ChunkBytes) != Math.Min(writer.SizeBytes, (chunk + 1) * writer.ChunkBytes))
                throw new ArgumentException($"Region {regionToKeep} is cut elsewhere in the parent of {parentEnd} bytes.", nameof(regionToKeep));
            id.CopyTo(ids.AsSpan(i * ChunkHasher.IdBytes));
            dataBytes += writer.Geometry.ChunkLength(chunk);
            chunkCount++;
        }
    }

    /// <summary>Ends the last region. A worker that is disposed without it leaves the disk incomplete, and its session uncommitted.</summary>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        await LeaveAsync(cancellationToken);
        ReturnLane();
    }

    public ValueTask DisposeAsync()
    {
        ReturnLane();
        return ValueTask.CompletedTask;
    }

    private void CheckPlace(long offset, int length)
    {
        bool endsWell = length % writer.ChunkBytes == 0 || offset + length == writer.SizeBytes;
        if (offset < 0 || offset % writer.ChunkBytes != 0 || !endsWell || offset + length > writer.SizeBytes)
            throw new ArgumentException($"{length} bytes at {offset} are not whole chunks of a disk of {writer.SizeBytes} bytes.", nameof(offset));
    }

    private async ValueTask EnterAsync(long next, CancellationToken cancellationToken)
    {
        await LeaveAsync(cancellationToken);
        lane ??= store.Rent(writer.Counters);
        ids.AsSpan().Clear();
        if (parent is not null)
            await parent.ReadLeafAsync(next, parentIds, parentLeaf, cancellationToken);
        region = next;
        writer.CountOpenRegion(1);
    }

    private async ValueTask LeaveAsync(CancellationToken cancellationToken)
    {
        if (region < 0)
            return;
        long left = region;
        region = -1;
        writer.Counters.AddData(dataBytes, changedBytes, chunkCount);
        dataBytes = changedBytes = chunkCount = 0;
        if (ids.AsSpan().SequenceEqual(parentIds))
            await writer.Map.SetLeafIdAsync(left, parentLeaf, cancellationToken);
        else
            await writer.Map.SetLeafAsync(left, ids, cancellationToken);
        writer.CountOpenRegion(-1);
    }

    private void ReturnLane()
    {
        if (lane is not null)
            store.Return(lane);
        lane = null;
    }
}
