using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <summary>Where a restored disk goes. Called from several threads at once, in any order, never twice for one place.</summary>
public interface IDiskSink
{
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>The range is zeros in the backup; a sink whose target starts zeroed does nothing.</summary>
    void WriteZeros(long offset, long lengthBytes);
}

/// <summary>A range of a disk that is not all zeros.</summary>
public readonly record struct DataExtent(long Offset, long LengthBytes);

/// <summary>A disk as a backup has it. Thread-safe. Every byte it gives was checked by its seal and its chunk's hash.</summary>
public sealed class DiskReader
{
    /// <summary>Chunks planned at once: 2 GiB of disk, in about 4 MiB of memory, so that segments are opened once however they are scattered.</summary>
    private const int WindowChunks = 1 << 15;

    private readonly RepositoryDomain domain;
    private readonly MapGeometry geometry;
    private readonly byte[] root;
    private readonly string owner;
    private readonly ConcurrentBag<MapReader> maps = [];

    internal DiskReader(RepositoryDomain domain, BackupRecord backup, MemberRecord member)
    {
        this.domain = domain;
        Member = member;
        geometry = new MapGeometry(member.SizeBytes, domain.Parameters.DiskChunkBytes);
        root = RootFormat.RootBytes(member);
        owner = domain.Names.Backup(backup.Id);
        if (member.Height != geometry.Height)
            throw new RepositoryException(RepositoryFailure.Damaged, owner, $"A map of height {member.Height} does not fit {member.SizeBytes} bytes.");
    }

    public MemberRecord Member { get; }

    public long SizeBytes => geometry.SizeBytes;

    /// <summary>The ranges that are not zeros, ascending, as whole chunks clipped to the size, neighbours joined.</summary>
    public async IAsyncEnumerable<DataExtent> DataExtentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var map = new RegionCursor(this);
        long start = -1;
        for (long region = 0; region < geometry.RegionCount; region++)
        {
            await map.ReadAsync(region, cancellationToken);
            for (int i = 0; i < map.ChunkCount; i++)
            {
                long chunk = (region * MapGeometry.FanOut) + i;
                if (map.IsData(i) == start >= 0)
                    continue;
                long offset = chunk * geometry.ChunkBytes;
                if (start >= 0)
                    yield return new DataExtent(start, offset - start);
                start = start >= 0 ? -1 : offset;
            }
        }

        if (start >= 0)
            yield return new DataExtent(start, SizeBytes - start);
    }

    /// <summary>Reads from any place; for a whole disk <see cref="RestoreAsync"/> is several times faster.</summary>
    /// <returns>Bytes read: all asked for, fewer only at the end of the disk.</returns>
    /// <exception cref="RepositoryException">Damaged; never wrong bytes.</exception>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        int total = (int)Math.Clamp(SizeBytes - offset, 0, destination.Length);
        if (!maps.TryTake(out var map))
            map = NewMap();
        byte[] ids = new byte[MapGeometry.PageBytes];
        byte[] leaf = new byte[ChunkHasher.IdBytes];
        long read = -1;
        for (int done = 0; done < total;)
        {
            long chunk = (offset + done) / geometry.ChunkBytes;
            if (chunk / MapGeometry.FanOut != read)
            {
                read = chunk / MapGeometry.FanOut;
                await map.ReadLeafAsync(read, ids, leaf, cancellationToken);
            }

            int within = (int)((offset + done) % geometry.ChunkBytes);
            int length = Math.Min(total - done, geometry.ChunkLength(chunk) - within);
            var id = ids.AsMemory((int)(chunk % MapGeometry.FanOut) * ChunkHasher.IdBytes, ChunkHasher.IdBytes);
            if (id.Span.ContainsAnyExcept((byte)0))
            {
                var bytes = await domain.Source.ReadChunkAsync(id, cancellationToken);
                CheckLength(bytes.Length, chunk, id.Span);
                bytes.Slice(within, length).CopyTo(destination[done..]);
            }
            else
            {
                destination.Span.Slice(done, length).Clear();
            }

            done += length;
        }

        maps.Add(map);
        return total;
    }

    /// <summary>Hands the whole disk to a sink, segment by segment in the order they are stored.</summary>
    /// <param name="workers">Threads that read, open, check and write; one per core is right for a local store.</param>
    /// <exception cref="RepositoryException">Damaged: what the sink got until then is right, but not all.</exception>
    public async Task RestoreAsync(IDiskSink sink, int workers, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        ChunkReceiver receiver = (_, target, bytes) => sink.Write(target, bytes);
        var map = new RegionCursor(this);
        int roomChunks = (int)Math.Min(WindowChunks, geometry.RegionCount * MapGeometry.FanOut) + MapGeometry.FanOut;
        var planning = new SegmentPlan(domain.Source, roomChunks);
        var running = new SegmentPlan(domain.Source, roomChunks);
        var work = Task.CompletedTask;
        long zerosFrom = -1;
        try
        {
            for (long region = 0; region < geometry.RegionCount; region++)
            {
                await map.ReadAsync(region, cancellationToken);
                for (int i = 0; i < map.ChunkCount; i++)
                {
                    long chunk = (region * MapGeometry.FanOut) + i;
                    long offset = chunk * geometry.ChunkBytes;
                    if (!map.IsData(i))
                    {
                        zerosFrom = zerosFrom < 0 ? offset : zerosFrom;
                        continue;
                    }

                    if (zerosFrom >= 0)
                        sink.WriteZeros(zerosFrom, offset - zerosFrom);
                    zerosFrom = -1;
                    var hit = await domain.Source.FindAsync(map.IdOf(i), cancellationToken);
                    CheckLength(hit.Entry.Length, chunk, map.IdOf(i).Span);
                    planning.Add(hit, map.IdOf(i).Span, 0, offset);
                }

                if (planning.Count < WindowChunks)
                    continue;
                await work;
                (planning, running) = (running, planning);
                work = running.RunAsync(workers, receiver, null, cancellationToken);
            }

            if (zerosFrom >= 0)
                sink.WriteZeros(zerosFrom, SizeBytes - zerosFrom);
        }
        finally
        {
            await work;
        }

        await planning.RunAsync(workers, receiver, null, cancellationToken);
    }

    private MapReader NewMap() => new(domain.Source, geometry, root, owner);

    private void CheckLength(int length, long chunk, ReadOnlySpan<byte> id)
    {
        if (length != geometry.ChunkLength(chunk))
        {
            throw new RepositoryException(
                RepositoryFailure.Damaged, owner, $"Chunk {ChunkSource.Show(id)} has {length} bytes; {geometry.ChunkLength(chunk)} belong at {chunk * geometry.ChunkBytes}.");
        }
    }

    /// <summary>The chunk ids of one region after the other.</summary>
    private sealed class RegionCursor(DiskReader reader)
    {
        private readonly MapReader map = reader.NewMap();
        private readonly byte[] ids = new byte[MapGeometry.PageBytes];
        private readonly byte[] leaf = new byte[ChunkHasher.IdBytes];

        public int ChunkCount { get; private set; }

        public async ValueTask ReadAsync(long region, CancellationToken cancellationToken)
        {
            ChunkCount = reader.geometry.ChildrenOf(1, region);
            await map.ReadLeafAsync(region, ids, leaf, cancellationToken);
        }

        public Memory<byte> IdOf(int i) => ids.AsMemory(i * ChunkHasher.IdBytes, ChunkHasher.IdBytes);

        public bool IsData(int i) => IdOf(i).Span.ContainsAnyExcept((byte)0);
    }
}
