using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Strongroom.ObjectStores.Local;

/// <summary>What is found under a path; a symbolic link is neither file nor directory.</summary>
internal enum EntryKind
{
    File,
    Directory,
    Other,
}

/// <summary>
/// Reading calls of the C library. A read through them allocates nothing and a missing file costs no exception: half of the
/// store's questions are about objects that do not exist.
/// </summary>
internal static unsafe partial class NativeFile
{
    /// <summary>Longest path of Linux, the final zero included.</summary>
    public const int MaxPathBytes = 4096;

    // The two flags whose values differ between processors.
    private static readonly bool _arm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    private static readonly int _noFollow = _arm ? 0x8000 : 0x20000;
    public static readonly int Directory = _arm ? 0x4000 : 0x10000;
    public const int ReadWrite = 0x2;

    // Without NoWait a named pipe that someone left in the directory would hold up its reader for ever.
    private const int CloseOnExec = 0x80000, NoWait = 0x800;
    private const int LockExclusive = 2, LockNoWait = 4;
    private const int CurrentDirectory = -100, StatNoFollow = 0x100, StatEmptyPath = 0x1000;
    private const uint StatType = 0x1, StatLinks = 0x4, StatSize = 0x200;

    /// <summary>Reads from a file's offset on until the destination is full or the file ends; no link is followed.</summary>
    public static int Read(ReadOnlySpan<byte> pathWithZero, long offset, Span<byte> destination, out int readBytes)
    {
        readBytes = 0;
        int file;
        fixed (byte* path = pathWithZero)
        {
            do
                file = open(path, CloseOnExec | NoWait | _noFollow, 0);
            while (file < 0 && Marshal.GetLastPInvokeError() == Errno.Interrupted);
        }

        if (file < 0)
            return Marshal.GetLastPInvokeError();
        try
        {
            fixed (byte* start = destination)
            {
                // At least once, so that an empty read, too, tells a file from a directory.
                do
                {
                    nint read = pread(file, start + readBytes, (nuint)(destination.Length - readBytes), offset + readBytes);
                    if (read == 0)
                        break;
                    if (read > 0)
                        readBytes += (int)read;
                    else if (Marshal.GetLastPInvokeError() is var error && error != Errno.Interrupted)
                        return error;
                }
                while (readBytes < destination.Length);
            }

            return 0;
        }
        finally
        {
            _ = close(file);
        }
    }

    public static int Look(ReadOnlySpan<byte> pathWithZero, out EntryKind kind, out long sizeBytes)
    {
        Statx stat;
        int result;
        fixed (byte* path = pathWithZero)
            result = statx(CurrentDirectory, path, StatNoFollow, StatType | StatSize, &stat);
        kind = (stat.Mode & 0xF000) switch { 0x8000 => EntryKind.File, 0x4000 => EntryKind.Directory, _ => EntryKind.Other };
        sizeBytes = (long)stat.Size;
        return result < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    public static int Look(string path, out EntryKind kind, out long sizeBytes) =>
        Look(Encoding.UTF8.GetBytes(path + '\0'), out kind, out sizeBytes);

    /// <summary>Opens for reading; the handle is the caller's, valid only when the result is 0.</summary>
    public static int Open(string path, int flags, out SafeFileHandle file)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0'))
            file = new SafeFileHandle(open(bytes, flags | CloseOnExec | NoWait | _noFollow, 0), ownsHandle: true);
        return file.IsInvalid ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Takes the file's lock, which lives as long as its handle, or says at once that another holds it.</summary>
    public static int TryLock(SafeFileHandle file) => flock(file, LockExclusive | LockNoWait) < 0 ? Marshal.GetLastPInvokeError() : 0;

    /// <summary>How many names the open file has.</summary>
    public static uint Links(SafeFileHandle file)
    {
        Statx stat;
        byte empty = 0;
        bool taken = false;
        try
        {
            file.DangerousAddRef(ref taken);
            return statx((int)file.DangerousGetHandle(), &empty, StatEmptyPath, StatLinks, &stat) == 0 ? stat.Links : 1;
        }
        finally
        {
            if (taken)
                file.DangerousRelease();
        }
    }

    /// <summary>The kernel's struct statx, the same on every processor (linux/stat.h); only what is read here is named.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(40)]
        public ulong Size;
    }

#pragma warning disable SYSLIB1054 // The names are those of the C library.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int file, byte* bytes, nuint length, long offset);

    [LibraryImport("libc")]
    private static partial int close(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(int directory, byte* path, int flags, uint mask, Statx* result);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);
#pragma warning restore SYSLIB1054
}
