using Strongroom.Repository.Crypto;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>
/// Walks a stored map. Remembers the page last read of each height, so that going through a disk in order reads every
/// page once. One reader belongs to one worker at a time.
/// </summary>
internal sealed class MapReader
{
    private readonly ChunkSource source;
    private readonly MapGeometry geometry;
    private readonly string owner;
    private readonly Level[] path;

    /// <param name="owner">Named when the map does not fit the disk: the root object.</param>
    public MapReader(ChunkSource source, MapGeometry geometry, ReadOnlySpan<byte> root, string owner)
    {
        this.source = source;
        this.geometry = geometry;
        this.owner = owner;
        path = [.. Enumerable.Range(0, geometry.Height).Select(_ => new Level())];
        Top = root.ToArray();
    }

    public byte[] Top { get; }

    /// <summary>The chunk ids of a region and the id of the leaf that lists them, both zero where all is zeros.</summary>
    /// <param name="region">A region past the end has no chunks.</param>
    /// <param name="ids">Receives 64 ids.</param>
    /// <param name="leafId">Receives the leaf's own id.</param>
    public async ValueTask ReadLeafAsync(long region, Memory<byte> ids, Memory<byte> leafId, CancellationToken cancellationToken)
    {
        ids.Span.Clear();
        leafId.Span.Clear();
        if (region >= geometry.RegionCount)
            return;
        ReadOnlyMemory<byte> id = Top;
        for (int height = geometry.Height; height >= 1; height--)
        {
            if (!id.Span.ContainsAnyExcept((byte)0))
                return;
            long index = region;
            for (int i = 1; i < height; i++)
                index /= MapGeometry.FanOut;
            var level = path[height - 1];
            if (level.Index != index)
            {
                level.Index = -1;
                level.Page = await ReadPageAsync(id, height, index, cancellationToken);
                level.Index = index;
            }

            if (height == 1)
            {
                level.Page.CopyTo(ids);
                id.CopyTo(leafId);
                return;
            }

            long child = region;
            for (int i = 2; i < height; i++)
                child /= MapGeometry.FanOut;
            int at = (int)(child % MapGeometry.FanOut) * ChunkHasher.IdBytes;
            if (at >= level.Page.Length)
                return;
            id = level.Page.Slice(at, ChunkHasher.IdBytes);
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadPageAsync(ReadOnlyMemory<byte> id, int height, long index, CancellationToken cancellationToken)
    {
        var page = await source.ReadPageAsync(id, cancellationToken);
        CheckPage(page.Span, geometry.ChildrenOf(height, index), id.Span, owner);
        return page;
    }

    /// <exception cref="RepositoryException">The page is no map page of at most this many children.</exception>
    public static void CheckPage(ReadOnlySpan<byte> page, int children, ReadOnlySpan<byte> id, string owner)
    {
        if (page.Length == 0 || page.Length % ChunkHasher.IdBytes != 0 || page.Length > children * ChunkHasher.IdBytes
            || !page[^ChunkHasher.IdBytes..].ContainsAnyExcept((byte)0))
        {
            throw new RepositoryException(
                RepositoryFailure.Damaged, owner, $"Page {ChunkSource.Show(id)} with {page.Length} bytes is no map page of {children} children.");
        }
    }

    private sealed class Level
    {
        public long Index { get; set; } = -1;

        public ReadOnlyMemory<byte> Page { get; set; }
    }
}
