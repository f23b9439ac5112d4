using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// Brings what lives in sparse packs elsewhere: segments move as they are sealed; only one that is more than half dead is opened, and
/// its live chunks are gathered into new ones.
/// </summary>
internal sealed class PackRewriter(RepositoryDomain domain, LiveMarks marks) : IAsyncDisposable
{
    private readonly PackMover data = new(domain, PackKind.Data);
    private readonly PackMover pages = new(domain, PackKind.Pages);
    private readonly MemberCounters opened = new();
    private ChunkStore? gathered;

    /// <summary>Complete after <see cref="FinishAsync"/>, but for the index run of gathered chunks.</summary>
    public long WrittenBytes => data.WrittenBytes + pages.WrittenBytes + opened.StoredBytes + (gathered?.Runs.Sum(run => run.SizeBytes) ?? 0);

    /// <summary>
    /// Dead segments are dropped anyway; of others, more than half must be dead before it is worth decompressing and compressing
    /// again what a move carries along for nothing.
    /// </summary>
    public static bool IsWorthOpening(in SegmentInfo segment, int liveBytes) => liveBytes < segment.PlainLength / 2;

    /// <param name="goesOn">
    /// Past segments that are damaged or unreadable: what lives in the others is out of the pack then. For packs that are condemned: of
    /// others the next collection might prefer the copy that was left, and move it once more.
    /// </param>
    /// <exception cref="RepositoryException">Something that lives in it is damaged or unreadable; the pack must stay.</exception>
    public async ValueTask RewriteAsync(ObjectId pack, long sizeBytes, bool goesOn, CancellationToken cancellationToken)
    {
        var use = marks.Uses[pack];
        RepositoryException? damage = null;
        var reader = domain.Source.Rent();
        try
        {
            var directory = await reader.ReadDirectoryAsync(pack, sizeBytes, cancellationToken);
            var mover = directory.Record.Kind == PackKind.Data ? data : pages;
            var wanted = Enumerable.Range(0, directory.Record.Segments.Length)
                .Where(segment => use.LiveBytes[segment] > 0).Select(directory.Record.LocationOf).ToList();
            int next = 0;
            int chunk = 0;
            for (int segment = 0; segment < directory.Record.Segments.Length; segment++)
            {
                var info = directory.Record.Segments[segment];
                int live = use.LiveBytes[segment];
                if (live > 0)
                    await reader.ReadAheadAsync(wanted, next++, cancellationToken);
                try
                {
                    if (live > 0 && IsWorthOpening(info, live))
                        await GatherAsync(reader, directory, segment, chunk, cancellationToken);
                    else if (live > 0)
                        await mover.MoveAsync(reader, directory, segment, chunk, cancellationToken);
                }
                catch (RepositoryException e) when (goesOn && e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
                {
                    damage ??= e;
                }

                chunk += directory.ChunksIn(segment);
            }
        }
        finally
        {
            domain.Source.Return(reader);
        }

        if (damage is not null)
            throw damage;
    }

    /// <summary>Makes everything durable and known to the index.</summary>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        await data.FlushAsync(cancellationToken);
        await pages.FlushAsync(cancellationToken);
        if (gathered is not null)
            await gathered.FlushAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await data.DisposeAsync();
        await pages.DisposeAsync();
        if (gathered is not null)
            await gathered.DisposeAsync();
    }

    private async ValueTask GatherAsync(PackReader reader, PackDirectory directory, int segment, int firstChunk, CancellationToken cancellationToken)
    {
        var record = directory.Record;
        var info = record.Segments[segment];
        var plain = await reader.ReadSegmentAsync(record.LocationOf(segment), cancellationToken);

        // An index of its own: what is known elsewhere is what is about to go.
        gathered ??= new ChunkStore(domain);
        var lane = gathered.Rent(opened);
        byte[] id = new byte[ChunkHasher.IdBytes];
        int offset = 0;
        for (int chunk = firstChunk; chunk < firstChunk + directory.ChunksIn(segment); chunk++)
        {
            int length = directory.ChunkLength(chunk);
            directory.ChunkId(chunk).CopyTo(id);
            if (await marks.IsLiveAsync(ChunkPrefix.Of(id), record.Id, cancellationToken))
                await AddAsync(lane, id, plain.Slice(offset, length), record, info, cancellationToken);
            offset += length;
        }

        gathered.Return(lane);
    }

    private async ValueTask AddAsync(
        PackLane lane, byte[] id, ReadOnlyMemory<byte> plain, PackRecord record, SegmentInfo info, CancellationToken cancellationToken)
    {
        byte[] actual = new byte[ChunkHasher.IdBytes];
        (record.Kind == PackKind.Data ? domain.Keys.Chunks : domain.Keys.Pages).Hash(plain.Span, actual);
        if (!actual.AsSpan().SequenceEqual(id))
            throw new RepositoryException(RepositoryFailure.Damaged, domain.Names.Pack(record.Id), info.Offset, $"It holds other bytes than chunk {ChunkSource.Show(id)}.");
        if (record.Kind == PackKind.Data)
            await gathered!.AddAsync(lane, id, plain, cancellationToken);
        else
            await gathered!.AddPageAsync(plain, actual, opened, cancellationToken);
    }
}
