using Strongroom.Drivers;

namespace Strongroom.Protection.Disks;

/// <summary>
/// Deals out the regions of a disk that may hold data, each once and in order, with the whole regions of hole before each.
/// A hole costs one question to the file system, however large it is. Thread-safe.
/// </summary>
internal sealed class DataRegions : IDisposable
{
    private readonly Lock gate = new();
    private readonly IEnumerator<DiskExtent> extents;
    private readonly long sizeBytes;
    private readonly int regionBytes;
    private DiskExtent? extent;
    private long next;

    internal DataRegions(IDiskSource source, int regionBytes)
    {
        this.regionBytes = regionBytes;
        sizeBytes = source.SizeBytes;
        extents = source.DataExtents(0, sizeBytes).GetEnumerator();
    }

    /// <summary>The next region, or null at the end. Its length is 0 when only a hole is left.</summary>
    internal DataRegion? TakeNext()
    {
        lock (gate)
        {
            if (next >= sizeBytes)
                return null;
            while (extent is not { } known || known.Offset + known.LengthBytes <= next)
            {
                if (!extents.MoveNext())
                    return TakeRest();
                extent = extents.Current;
            }

            long offset = Math.Max(next, extent.Value.Offset / regionBytes * regionBytes);
            var taken = new DataRegion(next, offset - next, offset, (int)Math.Min(regionBytes, sizeBytes - offset));
            next = offset + taken.LengthBytes;
            return taken;
        }
    }

    public void Dispose() => extents.Dispose();

    private DataRegion TakeRest()
    {
        var rest = new DataRegion(next, sizeBytes - next, sizeBytes, 0);
        next = sizeBytes;
        return rest;
    }
}

/// <param name="HoleOffset">Where whole regions without data begin.</param>
/// <param name="HoleBytes">How long they are together; 0 when there are none.</param>
/// <param name="Offset">Where the region begins.</param>
/// <param name="LengthBytes">Shorter only at the end of the disk.</param>
internal readonly record struct DataRegion(long HoleOffset, long HoleBytes, long Offset, int LengthBytes);
