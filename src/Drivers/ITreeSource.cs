namespace Strongroom.Drivers;

/// <summary>
/// A directory tree. The caller walks it: list a directory, open the files it wants, descend. Names are raw bytes, since
/// file systems do not promise UTF-8. Paths are relative to the root, the root itself is empty.
/// </summary>
/// <remarks>
/// Every member may be called in parallel. No call follows a symbolic link or leaves the tree. A mount point inside the
/// tree is listed as a directory; whether it is entered is the driver's setting.
/// </remarks>
public interface ITreeSource : ISource
{
    /// <summary>The root directory's own entry; its name is empty.</summary>
    TreeEntry Root { get; }

    /// <summary>
    /// The entries of a directory in ordinal order of their bytes. The names are read before the call returns, each entry's
    /// metadata as it is reached, so that a directory of a million files does not fill the memory. An entry that vanished
    /// meanwhile or could not be read is left out, and it and whatever else cannot be taken as it is are added to
    /// <paramref name="problems"/>, by the enumerating thread.
    /// </summary>
    /// <exception cref="DriverException">Here and from the enumerator: the directory itself is gone or unreadable.</exception>
    IEnumerable<TreeEntry> List(TreePath directory, ICollection<TreeProblem> problems);

    /// <summary>Opens a regular file found by <see cref="List"/>.</summary>
    /// <exception cref="DriverException"><see cref="DriverFailure.Missing"/> when it vanished, <see cref="DriverFailure.Denied"/> and so on.</exception>
    ITreeFile OpenFile(TreePath file);
}

/// <summary>An open regular file.</summary>
public interface ITreeFile : IDisposable
{
    /// <summary>Metadata as of opening (fstat on the open handle).</summary>
    TreeEntry EntryAtOpen { get; }

    /// <summary>What of the metadata could not be read; null when all could.</summary>
    string? Problem { get; }

    /// <summary>
    /// The next range that may hold data at or after <paramref name="offset"/>, within the size at opening; null when only a
    /// hole remains.
    /// </summary>
    DiskExtent? NextData(long offset);

    /// <summary>Reads up to the span's length; fewer only at the end of the file, 0 past it.</summary>
    /// <exception cref="DriverException">The file system failed.</exception>
    int Read(long offset, Span<byte> destination);

    /// <summary>True when size, mtime and ctime are still those of <see cref="EntryAtOpen"/>: the content read is of one state.</summary>
    bool IsUnchanged();
}

/// <summary>One thing that could not be taken or put back as it was: its path and what happened.</summary>
public readonly record struct TreeProblem(TreePath Path, string Message);
