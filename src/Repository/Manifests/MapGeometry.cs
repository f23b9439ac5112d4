using Strongroom.Repository.Crypto;

namespace Strongroom.Repository.Manifests;

/// <summary>The shape of a disk's map (docs/repository-format.md, section 7), which follows from its size alone.</summary>
internal sealed class MapGeometry
{
    public const int FanOut = 64;
    public const int PageBytes = FanOut * ChunkHasher.IdBytes;

    public MapGeometry(long sizeBytes, int chunkBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        SizeBytes = sizeBytes;
        ChunkBytes = chunkBytes;
        ChunkCount = CeilingDivide(sizeBytes, chunkBytes);
        long pages = ChunkCount;
        do
        {
            pages = CeilingDivide(pages, FanOut);
            Height++;
        }
        while (pages > 1);
    }

    public long SizeBytes { get; }

    public int ChunkBytes { get; }

    public int RegionBytes => ChunkBytes * FanOut;

    public long ChunkCount { get; }

    /// <summary>1 when the root is a leaf.</summary>
    public int Height { get; }

    /// <summary>Leaves, which cover a region of the disk each.</summary>
    public long RegionCount => CountAt(1);

    /// <summary>Pages of a height; at height 0, chunks.</summary>
    public long CountAt(int height)
    {
        long count = ChunkCount;
        for (int i = 0; i < height; i++)
            count = CeilingDivide(count, FanOut);
        return count;
    }

    /// <summary>How many children a page has; only the last page of a height may have fewer than 64.</summary>
    public int ChildrenOf(int height, long index) => (int)Math.Min(FanOut, CountAt(height - 1) - (index * FanOut));

    public int ChunkLength(long chunk) => (int)Math.Min(ChunkBytes, SizeBytes - (chunk * ChunkBytes));

    private static long CeilingDivide(long value, long by) => (value / by) + (value % by == 0 ? 0 : 1);
}
