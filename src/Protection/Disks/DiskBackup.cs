using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Disks;

/// <summary>Reads one disk into a <see cref="DiskWriter"/>: workers take the next region with data, holes are passed.</summary>
internal sealed class DiskBackup(IDiskSource source, DiskWriter writer, MemberTracker tracker)
{
    internal async Task RunAsync(int workers, CancellationToken cancellationToken)
    {
        using (var regions = new DataRegions(source, writer.RegionBytes))
            await WorkerGroup.RunAsync(workers, token => WorkAsync(regions, token), cancellationToken);
        await writer.FinishAsync(cancellationToken);
    }

    private async Task WorkAsync(DataRegions regions, CancellationToken cancellationToken)
    {
        await using DiskWorker worker = writer.CreateWorker();
        byte[] buffer = GC.AllocateUninitializedArray<byte>(writer.RegionBytes);
        while (regions.TakeNext() is { } taken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (taken.HoleBytes > 0)
            {
                await writer.WriteZerosAsync(taken.HoleOffset, taken.HoleBytes, cancellationToken);
                tracker.Advance(taken.HoleBytes);
            }

            if (taken.LengthBytes == 0)
                break;
            await StoreRegionAsync(worker, buffer, taken, cancellationToken);
            tracker.Advance(taken.LengthBytes);
        }

        await worker.FinishAsync(cancellationToken);
    }

    /// <summary>Chunks with any data in them are written; holes inside them are zeros in the buffer, not reads.</summary>
    private async Task StoreRegionAsync(
        DiskWorker worker, byte[] buffer, DataRegion region, CancellationToken cancellationToken)
    {
        long offset = region.Offset;
        long end = offset + region.LengthBytes;
        long runStart = -1;
        long filled = 0;
        foreach (DiskExtent extent in region.Extents)
        {
            long extentEnd = extent.Offset + extent.LengthBytes;
            long chunk = extent.Offset / writer.ChunkBytes * writer.ChunkBytes;
            if (runStart >= 0 && chunk >= EndOfChunk(filled))
            {
                await WriteRunAsync();
                runStart = -1;
            }

            if (runStart < 0)
                runStart = filled = chunk;
            Clear(filled, extent.Offset);
            source.Read(extent.Offset, buffer.AsSpan((int)(extent.Offset - offset), (int)extent.LengthBytes));
            filled = extentEnd;
        }

        await WriteRunAsync();

        long EndOfChunk(long at) =>
            Math.Min(end, (at + writer.ChunkBytes - 1) / writer.ChunkBytes * writer.ChunkBytes);

        void Clear(long from, long to) => buffer.AsSpan((int)(from - offset), (int)(to - from)).Clear();

        ValueTask WriteRunAsync()
        {
            long runEnd = EndOfChunk(filled);
            Clear(filled, runEnd);
            return worker.WriteAsync(
                runStart, buffer.AsMemory((int)(runStart - offset), (int)(runEnd - runStart)), cancellationToken);
        }
    }
}
