using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

internal sealed class TreeFile : ITreeFile
{
    private readonly string location;
    private readonly SafeFileHandle handle;
    private readonly FileStatus statusAtOpen;

    /// <summary>Takes the handle over unless it throws.</summary>
    internal TreeFile(string location, SafeFileHandle handle, byte[] name, EntryReader entries)
    {
        this.location = location;
        this.handle = handle;
        statusAtOpen = Posix.Stat(handle, location);
        if (statusAtOpen.Type != TreeEntryType.File)
            throw new DriverException(DriverFailure.WrongKind, location, "open", "it is no regular file any more");
        EntryAtOpen = entries.Read(handle, name, statusAtOpen, out string? problem)!;
        Problem = problem;
    }

    public TreeEntry EntryAtOpen { get; }

    public string? Problem { get; }

    public DiskExtent? NextData(long offset) => Posix.NextData(handle, offset, statusAtOpen.SizeBytes, location);

    public int Read(long offset, Span<byte> destination)
    {
        int length = Posix.Read(handle, offset, destination);
        return length >= 0 ? length : throw Errno.LastToException(location, $"read at {offset}");
    }

    public bool IsUnchanged()
    {
        FileStatus now = Posix.Stat(handle, location);
        return now.SizeBytes == statusAtOpen.SizeBytes
            && now.ModifiedSeconds == statusAtOpen.ModifiedSeconds
            && now.ModifiedNanoseconds == statusAtOpen.ModifiedNanoseconds
            && now.ChangedSeconds == statusAtOpen.ChangedSeconds
            && now.ChangedNanoseconds == statusAtOpen.ChangedNanoseconds;
    }

    public void Dispose() => handle.Dispose();
}
