using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Strongroom.ObjectStores.Local;

/// <summary>
/// The system calls by which the local store changes the disk, one member each, so that tests can stop after every one,
/// fail any, and work out what a loss of power would leave. All return 0 or an <see cref="Errno"/>.
/// </summary>
internal partial class FileCalls
{
    private const int WriteOnly = 0x1, Create = 0x40, Exclusive = 0x80, CloseOnExec = 0x80000;
    private const int OwnerReadWrite = 0x180, OwnerAll = 0x1C0; // 0600, 0700
    private const int KeepSize = 1;
    private const uint BeginWrite = 2;
    private const uint NoReplace = 1;
    private const int CurrentDirectory = -100;

    public virtual int MakeDirectory(string path) => Result(mkdir(path, OwnerAll));

    /// <summary>Makes a file that did not exist and holds its lock until the handle, the caller's in any case, is closed.</summary>
    /// <remarks><see cref="Errno.Stale"/>: a cleaner took the file between its making and its locking; choose another name.</remarks>
    public virtual int CreateLocked(string path, out SafeFileHandle file)
    {
        file = new SafeFileHandle(open(path, WriteOnly | Create | Exclusive | CloseOnExec, OwnerReadWrite), ownsHandle: true);
        if (file.IsInvalid)
            return Marshal.GetLastPInvokeError();
        // Any other failure means a file system without locks, where nobody can lock the file to clean it away either.
        int locked = NativeFile.TryLock(file);
        return locked == Errno.TryAgain || (locked == 0 && NativeFile.Links(file) == 0) ? Errno.Stale : 0;
    }

    /// <summary>Sets room aside without changing the file's size.</summary>
    public virtual int Reserve(SafeFileHandle file, long sizeBytes) => Result(fallocate(file, KeepSize, 0, sizeBytes));

    /// <summary>Appends all of the bytes.</summary>
    public virtual unsafe int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                nint written = write(file, start + done, (nuint)(bytes.Length - done));
                if (written < 0)
                {
                    int error = Marshal.GetLastPInvokeError();
                    if (error != Errno.Interrupted)
                        return error;
                    continue;
                }

                done += (int)written;
            }
        }

        return 0;
    }

    public virtual int Truncate(SafeFileHandle file, long sizeBytes) => Result(ftruncate(file, sizeBytes));

    /// <summary>Has the system begin to write these bytes to the device. Promises nothing; the sync still has to come.</summary>
    public virtual void BeginWriting(SafeFileHandle file, long offset, long sizeBytes) =>
        _ = sync_file_range(file, offset, sizeBytes, BeginWrite);

    public virtual int Sync(SafeFileHandle file)
    {
        int error;
        do
            error = Result(fsync(file));
        while (error == Errno.Interrupted);
        return error;
    }

    /// <summary>Makes the directory's entries durable.</summary>
    public virtual int SyncDirectory(string path)
    {
        int error = NativeFile.Open(path, NativeFile.Directory, out var directory);
        using (directory)
            return error == 0 ? Sync(directory) : error;
    }

    /// <summary>Renames, replacing what is there.</summary>
    public virtual int Move(string from, string to) => Result(rename(from, to));

    /// <summary>Renames; <see cref="Errno.Exists"/> when the name is taken.</summary>
    public virtual int MoveNew(string from, string to) => Result(renameat2(CurrentDirectory, from, CurrentDirectory, to, NoReplace));

    /// <summary>Gives the file a second name; <see cref="Errno.Exists"/> when that is taken.</summary>
    public virtual int Link(string from, string to) => Result(link(from, to));

    public virtual int Remove(string path) => Result(unlink(path));

    private static int Result(int result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;

#pragma warning disable SYSLIB1054, CA2101 // The names are those of the C library.
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkdir(string path, int mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint write(SafeFileHandle file, byte* bytes, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(SafeFileHandle file, long length);

    [LibraryImport("libc")]
    private static partial int sync_file_range(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int renameat2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unlink(string path);
#pragma warning restore SYSLIB1054, CA2101
}
