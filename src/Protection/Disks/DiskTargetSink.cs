using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Disks;

/// <summary>Writes a restored disk to its target, leaving out the zeros a new target has of itself.</summary>
internal sealed class DiskTargetSink(IDiskTarget target, MemberTracker tracker) : IDiskSink
{
    private long writtenBytes;

    internal long WrittenBytes => Volatile.Read(ref writtenBytes);

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        target.Write(offset, bytes);
        Interlocked.Add(ref writtenBytes, bytes.Length);
        tracker.Advance(bytes.Length);
    }

    public void WriteZeros(long offset, long lengthBytes)
    {
        if (!target.StartsZeroed)
            target.WriteZeros(offset, lengthBytes);
        tracker.Advance(lengthBytes);
    }
}
