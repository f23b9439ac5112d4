using Strongroom.Drivers;

namespace Strongroom.Protection.Disks;

/// <summary>
/// Deals out the regions of a disk that may hold data, each once and in order, with the whole regions of hole before each.
/// The file system is asked once for the whole disk: finding the end of an extent costs as much as the extent is long, so that
/// asking again for every region would take time by the square of the size. Thread-safe.
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
            long hole = next;
            if (FindExtentPast(next) is not { } found)
            {
                next = sizeBytes;
                return new DataRegion(hole, sizeBytes - hole, sizeBytes, 0, []);
            }

            long offset = Math.Max(next, found.Offset / regionBytes * regionBytes);
            next = Math.Min(offset + regionBytes, sizeBytes);
            return new DataRegion(hole, offset - hole, offset, (int)(next - offset), ClipExtents(offset, next));
        }
    }

    public void Dispose() => extents.Dispose();

    private List<DiskExtent> ClipExtents(long from, long to)
    {
        var clipped = new List<DiskExtent>(1);
        for (long at = from; at < to && FindExtentPast(at) is { } found && found.Offset < to;)
        {
            long start = Math.Max(from, found.Offset);
            at = Math.Min(to, found.Offset + found.LengthBytes);
            clipped.Add(new DiskExtent(start, at - start));
        }

        return clipped;
    }

    /// <summary>The first extent that ends after the offset; offsets only grow.</summary>
    private DiskExtent? FindExtentPast(long offset)
    {
        while (extent is not { } known || known.Offset + known.LengthBytes <= offset)
        {
            if (!extents.MoveNext())
                return null;
            extent = extents.Current;
        }

        return extent;
    }
}

/// <param name="HoleOffset">Where whole regions without data begin.</param>
/// <param name="HoleBytes">How long they are together; 0 when there are none.</param>
/// <param name="Offset">Where the region begins.</param>
/// <param name="LengthBytes">Shorter only at the end of the disk.</param>
/// <param name="Extents">Where in it data may be, ascending; not empty unless the length is 0.</param>
internal readonly record struct DataRegion(
    long HoleOffset, long HoleBytes, long Offset, int LengthBytes, IReadOnlyList<DiskExtent> Extents);
