using System.Runtime.InteropServices;

namespace Strongroom.ObjectStores.Local;

/// <summary>Error numbers of Linux (asm-generic/errno.h), and what each means to the caller of a store.</summary>
internal static class Errno
{
    public const int
        NotPermitted = 1,
        NoEntry = 2,
        Interrupted = 4,
        InputOutput = 5,
        TryAgain = 11,
        NoMemory = 12,
        AccessDenied = 13,
        Busy = 16,
        Exists = 17,
        OtherDevice = 18,
        NotDirectory = 20,
        IsDirectory = 21,
        InvalidArgument = 22,
        SystemFilesOpen = 23,
        FilesOpen = 24,
        NoSpace = 28,
        ReadOnly = 30,
        NoLock = 37,
        NoCall = 38,
        Loop = 40,
        NoData = 61,
        BadMessage = 74,
        IllegalSequence = 84,
        NotSupported = 95,
        TimedOut = 110,
        Stale = 116,
        NeedsCleaning = 117,
        RemoteInputOutput = 121,
        Quota = 122;

    /// <summary>What <paramref name="error"/> says when a file is read.</summary>
    public static ObjectStoreException WhileReading(int error, string what) => error switch
    {
        // A link where an object should be is no object.
        NoEntry or NotDirectory or Loop or IsDirectory => new(ObjectStoreFailure.NotFound, $"{what}: there is no such object."),
        // EIO of the page cache, and what it is made from when a read is direct: a critical medium error, a failed integrity check of the
        // block layer (block/blk-core.c, blk_errors), a bad checksum of the file system, of its own structures too, a failed transport.
        InputOutput or NoData or IllegalSequence or BadMessage or NeedsCleaning or RemoteInputOutput =>
            new(ObjectStoreFailure.Unreadable, $"{what}: the medium cannot be read ({Text(error)}). Check the disk."),
        _ => Other(error, what),
    };

    /// <summary>What <paramref name="error"/> says when the directory is changed.</summary>
    public static ObjectStoreException WhileWriting(int error, string what) => error switch
    {
        NoSpace or Quota => new(ObjectStoreFailure.Full, $"{what}: {Text(error)}. Free some room there, or give it more."),
        ReadOnly => new(ObjectStoreFailure.Denied, $"{what}: the file system is mounted read-only."),
        // Another attempt writes to other blocks of the device.
        InputOutput => new(ObjectStoreFailure.Transient, $"{what}: the device refused the write ({Text(error)}). Check the disk."),
        // The directory, or the temporary file in it, was taken away under the upload.
        NoEntry => new(ObjectStoreFailure.Transient, $"{what}: the store's files were removed or moved meanwhile."),
        NotDirectory or IsDirectory or Loop => new(ObjectStoreFailure.Invalid, $"{what}: something else is in the way there ({Text(error)})."),
        _ => Other(error, what),
    };

    private static ObjectStoreException Other(int error, string what) => error switch
    {
        AccessDenied or NotPermitted => new(ObjectStoreFailure.Denied, $"{what}: {Text(error)}. Check the owner and mode of the directory."),
        TryAgain or NoMemory or Busy or SystemFilesOpen or FilesOpen or NoLock or TimedOut or Stale =>
            new(ObjectStoreFailure.Transient, $"{what}: {Text(error)}."),
        _ => new(ObjectStoreFailure.Invalid, $"{what}: {Text(error)}."),
    };

    private static string Text(int error) => Marshal.GetPInvokeErrorMessage(error);
}
