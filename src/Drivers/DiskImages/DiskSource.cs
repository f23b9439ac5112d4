using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

/// <summary>
/// An image or device being read. Where the file system shares blocks between files (XFS, Btrfs), an image is read from a
/// nameless copy made at opening, which is of one instant and vanishes with its handle.
/// </summary>
internal sealed class DiskSource : IDiskSource
{
    /// <summary><c>_IOW(0x94, 9, int)</c> of linux/fs.h; the same on x64 and arm64.</summary>
    private const nuint CloneFile = 0x40049409;

    /// <summary><c>_IO(0x12, 97)</c>: writes back what a mounted file system holds and forgets pages read before it wrote.</summary>
    private const nuint FlushDevice = 0x1261;

    /// <summary>
    /// What the device fetches while the caller works on what it has. Left to itself the system reads 128 KiB ahead, and two
    /// workers on a disk that is not in the page cache wait for it most of the time.
    /// </summary>
    private const int ReadAheadBytes = 8 << 20;

    /// <summary>Shorter reads come from scattered extents.</summary>
    private const int ReadAheadRunBytes = 256 << 10;

    /// <summary>So far from a place that was not in the page cache the next ones are thought not to be either; asking costs as much as reading a tenth.</summary>
    private const long ColdBytes = 256 << 20;

    /// <summary>
    /// How long an image must have rested before its times are evidence. A page written through a mapping changes the times
    /// only once between two write-backs, and those may be some 35 seconds apart (dirty_expire plus dirty_writeback).
    /// </summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(2);

    private readonly SafeFileHandle original;
    private readonly SafeFileHandle? copy;
    private readonly FileStatus statusAtOpen;
    private readonly long? writtenAtOpen;
    private long coldUntil;

    private DiskSource(string location, SafeFileHandle original, SafeFileHandle? copy, TimeProvider time)
    {
        Location = location;
        this.original = original;
        this.copy = copy;
        statusAtOpen = Posix.Stat(original, location);
        if (IsDevice)
        {
            // Without the right to flush (it takes an administrator) the device is read as the cache has it.
            _ = Libc.IoCtl(original, FlushDevice, 0);
            writtenAtOpen = DeviceWrites.Count(statusAtOpen);
        }

        SizeBytes = Posix.Length(copy ?? original);
        if (SizeBytes < 0)
            throw Errno.LastToException(location, "measure");
        StateMark = MarkOf(statusAtOpen, time);
    }

    public ContentKind Kind => ContentKind.Disk;

    public string Location { get; }

    public long SizeBytes { get; }

    public string? StateMark { get; }

    private SafeFileHandle Handle => copy ?? original;

    private bool IsDevice => statusAtOpen.Type == TreeEntryType.BlockDevice;

    /// <summary>Takes the handle over unless it throws.</summary>
    internal static DiskSource Open(string location, SafeFileHandle file, TimeProvider time)
    {
        SafeFileHandle? clone = Posix.Stat(file, location).Type == TreeEntryType.File ? TryClone(location, file) : null;
        try
        {
            return new DiskSource(location, file, clone, time);
        }
        catch
        {
            clone?.Dispose();
            throw;
        }
    }

    public IEnumerable<DiskExtent> DataExtents(long fromOffset, long toOffset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromOffset);
        toOffset = Math.Min(toOffset, SizeBytes);
        while (Posix.NextData(Handle, fromOffset, toOffset, Location) is { } extent)
        {
            yield return extent;
            fromOffset = extent.Offset + extent.LengthBytes;
        }
    }

    public void Read(long offset, Span<byte> destination)
    {
        int cached = 0;
        if (destination.Length >= ReadAheadRunBytes)
        {
            cached = Posix.ReadCached(Handle, offset, destination);
            if (cached < destination.Length)
                Volatile.Write(ref coldUntil, offset + ColdBytes);
            if (offset < Volatile.Read(ref coldUntil))
                Posix.ReadAhead(Handle, offset + destination.Length, ReadAheadBytes);
        }

        int length = Posix.Read(Handle, offset + cached, destination[cached..]);
        if (length < 0)
            throw Errno.LastToException(Location, $"read at {offset}");
        length += cached;
        if (length < destination.Length)
            throw new DriverException(
                DriverFailure.Failed, Location, $"read at {offset}", $"it ended {destination.Length - length} bytes early");
    }

    public string? ChangeSinceOpen()
    {
        if (copy is not null)
            return null;
        FileStatus now = Posix.Stat(original, Location);
        if (IsDevice)
            return DeviceWrites.Count(now) == writtenAtOpen
                ? null
                : "the device was written to while it was read, so its bytes are not of one instant";
        return now.SizeBytes == statusAtOpen.SizeBytes
            && now.ModifiedSeconds == statusAtOpen.ModifiedSeconds
            && now.ModifiedNanoseconds == statusAtOpen.ModifiedNanoseconds
            && now.ChangedSeconds == statusAtOpen.ChangedSeconds
            && now.ChangedNanoseconds == statusAtOpen.ChangedNanoseconds
            ? null
            : "the image was written to while it was read, so its bytes are not of one instant";
    }

    public ValueTask DisposeAsync()
    {
        copy?.Dispose();
        original.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string? MarkOf(in FileStatus status, TimeProvider time)
    {
        long restedSinceNs = (time.GetUtcNow() - Rest - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        return status.Type == TreeEntryType.File && status.ModifiedNs < restedSinceNs && status.ChangedNs < restedSinceNs
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"file:{status.Device:x}:{status.Inode:x}:{status.SizeBytes}:{status.ModifiedNs}:{status.ChangedNs}")
            : null;
    }

    private static SafeFileHandle? TryClone(string location, SafeFileHandle file)
    {
        // The link's target decides which directory, and so which file system, it lies in.
        string directory = Path.GetDirectoryName(
            File.ResolveLinkTarget(location, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(location))!;
        SafeFileHandle? clone = Posix.OpenLocation(directory, OpenFlags.ReadWrite | OpenFlags.Unnamed, 0x180);
        if (clone is null)
            return null;
        if (Libc.IoCtl(clone, CloneFile, file.DangerousGetHandle()) == 0)
            return clone;
        clone.Dispose();
        return null;
    }
}
