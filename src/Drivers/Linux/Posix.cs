using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Strongroom.Drivers.Linux;

/// <summary>
/// Calls on names relative to an open directory, and on open files. Names are raw bytes without the closing NUL.
/// A call that may fail in the ordinary run of things returns false or null and leaves the reason in <see cref="Errno.Last"/>.
/// </summary>
internal static unsafe class Posix
{
    private const int SeekEnd = 2;
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const uint StatxBasic = 0x7FF;
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int ZeroRange = 16;

    /// <summary>Stands for the working directory, so that a location as the user gave it can be opened.</summary>
    internal static readonly SafeFileHandle WorkingDirectory = new(-100, ownsHandle: false);

    internal static SafeFileHandle? Open(SafeFileHandle directory, ReadOnlySpan<byte> name, int flags, uint mode = 0)
    {
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        int descriptor;
        do
            descriptor = Libc.OpenAt(directory, path, flags | OpenFlags.CloseOnExec, mode);
        while (descriptor < 0 && Errno.Last == Errno.Interrupted);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Opens for reading, without touching the access time where that is allowed (owner or root).</summary>
    internal static SafeFileHandle? OpenToRead(SafeFileHandle directory, ReadOnlySpan<byte> name, int flags) =>
        Open(directory, name, OpenFlags.Read | OpenFlags.NoAccessTime | flags)
        ?? (Errno.Last == Errno.NotPermitted ? Open(directory, name, OpenFlags.Read | flags) : null);

    internal static SafeFileHandle? OpenLocation(string location, int flags, uint mode = 0) =>
        Open(WorkingDirectory, LocationBytes(location), flags, mode);

    internal static byte[] LocationBytes(string location)
    {
        ArgumentException.ThrowIfNullOrEmpty(location);
        if (location.Length > 4096 || location.Contains('\0', StringComparison.Ordinal))
            throw new DriverException(DriverFailure.Missing, location, "open", "this is not a path");
        return Encoding.UTF8.GetBytes(location);
    }

    /// <summary>Status of a name itself; a symbolic link is not followed and nothing is mounted by looking.</summary>
    internal static bool TryStat(SafeFileHandle directory, ReadOnlySpan<byte> name, out FileStatus status)
    {
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        status = default;
        fixed (FileStatus* target = &status)
            return Libc.Statx(directory, path, AtFlags.NoFollow | AtFlags.NoAutomount, StatxBasic, target) == 0;
    }

    /// <summary>Status of what a location leads to, links followed.</summary>
    internal static bool TryStatLocation(string location, out FileStatus status)
    {
        byte[] name = LocationBytes(location);
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        status = default;
        fixed (FileStatus* target = &status)
            return Libc.Statx(WorkingDirectory, path, 0, StatxBasic, target) == 0;
    }

    internal static FileStatus Stat(SafeFileHandle file, string location)
    {
        byte empty = 0;
        FileStatus status;
        return Libc.Statx(file, &empty, AtFlags.EmptyPath, StatxBasic, &status) == 0
            ? status
            : throw Errno.LastToException(location, "stat");
    }

    internal static byte[]? ReadLink(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        const int longest = 4096;
        byte* target = stackalloc byte[longest];
        nint length = Libc.ReadLinkAt(directory, path, target, longest);
        return length < 0 ? null : new ReadOnlySpan<byte>(target, (int)length).ToArray();
    }

    /// <summary>Reads until the span is full or the file ends. Negative on failure.</summary>
    internal static int Read(SafeFileHandle file, long offset, Span<byte> destination)
    {
        int done = 0;
        fixed (byte* buffer = destination)
        {
            while (done < destination.Length)
            {
                nint got = Libc.PRead(file, buffer + done, (nuint)(destination.Length - done), offset + done);
                if (got == 0)
                    break;
                if (got > 0)
                    done += (int)got;
                else if (Errno.Last != Errno.Interrupted)
                    return -1;
            }
        }

        return done;
    }

    /// <summary>What of it the page cache has, from the start on; 0 also where the file system cannot tell.</summary>
    internal static int ReadCached(SafeFileHandle file, long offset, Span<byte> destination)
    {
        const int NoWait = 8; // RWF_NOWAIT of linux/fs.h
        fixed (byte* buffer = destination)
        {
            var vector = new IoVector { Start = buffer, Length = (nuint)destination.Length };
            return (int)Math.Max(0, Libc.PReadV2(file, &vector, 1, offset, NoWait));
        }
    }

    /// <summary>Has the device fetch a range that will be read soon. Promises nothing.</summary>
    internal static void ReadAhead(SafeFileHandle file, long offset, long lengthBytes)
    {
        const int WillNeed = 3; // POSIX_FADV_WILLNEED
        _ = Libc.FAdvise(file, offset, lengthBytes, WillNeed);
    }

    internal static bool Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
    {
        int done = 0;
        fixed (byte* buffer = bytes)
        {
            while (done < bytes.Length)
            {
                nint put = Libc.PWrite(file, buffer + done, (nuint)(bytes.Length - done), offset + done);
                if (put >= 0)
                    done += (int)put;
                else if (Errno.Last != Errno.Interrupted)
                    return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The next range that may hold data at or after <paramref name="offset"/> and before <paramref name="end"/>. Null when
    /// there is only a hole. A file system that does not tell counts as all data.
    /// </summary>
    internal static DiskExtent? NextData(SafeFileHandle file, long offset, long end, string location)
    {
        if (offset >= end)
            return null;
        long data = Libc.LSeek(file, offset, SeekData);
        if (data < 0)
            return Errno.Last switch
            {
                Errno.NoSuchDeviceOrAddress => null,
                Errno.Invalid or Errno.NotSupported => new DiskExtent(offset, end - offset),
                _ => throw Errno.LastToException(location, "look for holes"),
            };
        if (data >= end)
            return null;
        long hole = Libc.LSeek(file, data, SeekHole);
        // A file cut short in between: the read will say so.
        hole = hole <= data ? end : Math.Min(hole, end);
        return new DiskExtent(data, hole - data);
    }

    /// <summary>The length of a file or block device, or -1.</summary>
    internal static long Length(SafeFileHandle file) => Libc.LSeek(file, 0, SeekEnd);

    internal static bool Truncate(SafeFileHandle file, long length) => Libc.FTruncate(file, length) == 0;

    /// <summary>Gives the range back to the file system, so that it reads as zeros.</summary>
    internal static bool Punch(SafeFileHandle file, long offset, long length) =>
        Libc.FAllocate(file, PunchHole | KeepSize, offset, length) == 0;

    /// <summary>Lets the system make the range zeros by the quickest means it has.</summary>
    internal static bool Zero(SafeFileHandle file, long offset, long length) =>
        Libc.FAllocate(file, ZeroRange | KeepSize, offset, length) == 0;

    internal static bool MakeDirectory(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        return Libc.MkDirAt(directory, path, 0x1C0) == 0;
    }

    internal static bool MakeNode(SafeFileHandle directory, ReadOnlySpan<byte> name, TreeEntryType type, uint major, uint minor)
    {
        uint kind = type switch
        {
            TreeEntryType.Fifo => 0x1000,
            TreeEntryType.Socket => 0xC000,
            TreeEntryType.CharacterDevice => 0x2000,
            TreeEntryType.BlockDevice => 0x6000,
            _ => throw new ArgumentOutOfRangeException(nameof(type)),
        };
        // glibc's makedev: the numbers interleave as they do in its 64-bit dev_t.
        ulong device = ((ulong)(minor & 0xFF)) | ((ulong)(major & 0xFFF) << 8)
            | ((ulong)(minor & ~0xFFu) << 12) | ((ulong)(major & ~0xFFFu) << 32);
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        return Libc.MkNodAt(directory, path, kind | 0x180, device) == 0;
    }

    internal static bool MakeSymbolicLink(SafeFileHandle directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> target)
    {
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        byte* value = stackalloc byte[target.Length + 1];
        Terminate(target, value);
        return Libc.SymLinkAt(value, directory, path) == 0;
    }

    internal static bool Link(
        SafeFileHandle fromDirectory, ReadOnlySpan<byte> from, SafeFileHandle toDirectory, ReadOnlySpan<byte> to)
    {
        byte* source = stackalloc byte[from.Length + 1];
        Terminate(from, source);
        byte* target = stackalloc byte[to.Length + 1];
        Terminate(to, target);
        return Libc.LinkAt(fromDirectory, source, toDirectory, target, 0) == 0;
    }

    internal static bool Rename(SafeFileHandle directory, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        byte* source = stackalloc byte[from.Length + 1];
        Terminate(from, source);
        byte* target = stackalloc byte[to.Length + 1];
        Terminate(to, target);
        return Libc.RenameAt(directory, source, directory, target) == 0;
    }

    internal static bool Unlink(SafeFileHandle directory, ReadOnlySpan<byte> name, bool isDirectory = false)
    {
        byte* path = stackalloc byte[name.Length + 1];
        Terminate(name, path);
        return Libc.UnlinkAt(directory, path, isDirectory ? AtFlags.RemoveDirectory : 0) == 0;
    }

    /// <summary><paramref name="uid"/> or <paramref name="gid"/> of <see cref="uint.MaxValue"/> leaves that one alone.</summary>
    internal static bool ChangeOwner(SafeFileHandle file, uint uid, uint gid)
    {
        byte empty = 0;
        return Libc.FChownAt(file, &empty, uid, gid, AtFlags.EmptyPath) == 0;
    }

    /// <summary>Permissions of an open file or, by way of /proc, of one opened only as a path.</summary>
    internal static bool ChangeMode(SafeFileHandle file, int mode, bool isPathOnly)
    {
        if (!isPathOnly)
            return Libc.FChmod(file, (uint)mode) == 0;
        byte* path = stackalloc byte[ProcPath.MaxLength];
        ProcPath.Write(file, [], path);
        return Libc.Chmod(path, (uint)mode) == 0;
    }

    /// <summary>Sets the modification time and leaves the access time alone.</summary>
    internal static bool SetModified(SafeFileHandle file, long modifiedNs, bool isPathOnly)
    {
        const long omit = (1L << 30) - 2;
        TimeSpec* times = stackalloc TimeSpec[2];
        times[0] = new TimeSpec { Nanoseconds = omit };
        times[1] = NanosecondTime.ToTimeSpec(modifiedNs);
        byte empty = 0;
        return (isPathOnly ? Libc.UTimeNsAt(file, &empty, times, AtFlags.EmptyPath) : Libc.FUTimeNs(file, times)) == 0;
    }

    internal static void Terminate(ReadOnlySpan<byte> name, byte* destination)
    {
        name.CopyTo(new Span<byte>(destination, name.Length));
        destination[name.Length] = 0;
    }
}
