using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

/// <summary>A file being restored, under its own name when that was free, else under a temporary one until it is complete.</summary>
internal sealed class TreeTargetFile(
    TreeTarget target, TreePath path, byte[] takenName, SafeFileHandle handle, TreeEntry entry) : ITreeTargetFile
{
    private bool isComplete;

    internal TreePath Path => path;

    internal byte[] TakenName => takenName;

    internal SafeFileHandle Handle => handle;

    internal TreeEntry Entry => entry;

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, entry.SizeBytes - offset, nameof(bytes));
        if (!Posix.Write(handle, offset, bytes))
            throw Errno.LastToException(target.Locate(path), $"write at {offset}");
    }

    public void Complete()
    {
        target.Complete(this);
        isComplete = true;
    }

    public void Dispose()
    {
        if (handle.IsClosed)
            return;
        if (!isComplete)
            target.Abandon(this);
        handle.Dispose();
    }
}
