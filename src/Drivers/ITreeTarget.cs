namespace Strongroom.Drivers;

/// <summary>
/// A directory being filled by a restore. The order is: directories before what is in them; contents and links in any
/// order after that; <see cref="FinishDirectory"/> last, deepest first, since writing into a directory changes its times.
/// </summary>
/// <remarks>
/// No call ever follows a symbolic link inside the target or leaves it. Files and links may be written in parallel.
/// Something of the same name that is in the way is replaced; entries the backup does not know are left alone
/// unless <see cref="RemoveOthers"/> is called.
/// Ownership, attributes and device nodes that the process may not set are reported as problems, not as failures; without
/// its owner a file does not get its set-id bits either. Everything else that fails is a <see cref="DriverException"/>.
/// </remarks>
public interface ITreeTarget : ITarget
{
    /// <summary>
    /// Makes the directory, open to the restoring process only until it is finished. One that is there is used as it is. The
    /// root is there from the start, and calling this for it does no harm.
    /// </summary>
    void CreateDirectory(TreePath path, TreeEntry entry);

    /// <summary>
    /// Begins a file of its size, all hole. A file of that name stays what it was until <see cref="ITreeTargetFile.Complete"/>
    /// puts the new one, whole and with its metadata, in its place; its other hard links keep the old content.
    /// </summary>
    ITreeTargetFile CreateFile(TreePath path, TreeEntry entry);

    /// <summary>Symbolic links, fifos, sockets and device nodes, with their metadata.</summary>
    void CreateSpecial(TreePath path, TreeEntry entry);

    /// <summary>A further name of a file already completed.</summary>
    /// <exception cref="DriverException">The file system has no hard links, or allows no more of this file; a copy may be written instead.</exception>
    void CreateHardLink(TreePath path, TreePath existing);

    /// <summary>Applies a directory's own metadata, times last.</summary>
    void FinishDirectory(TreePath path, TreeEntry entry);

    /// <summary>
    /// Removes every entry of the directory whose name is not among <paramref name="names"/>, for restores that must equal the
    /// backup. Never removes anything of another file system mounted in the tree: it is reported instead.
    /// </summary>
    void RemoveOthers(TreePath directory, IReadOnlyCollection<byte[]> names);

    /// <summary>How many things could not be put back as they were, so far.</summary>
    long ProblemCount { get; }

    /// <summary>The first of them, at most <see cref="ProblemsKept"/>.</summary>
    IReadOnlyList<TreeProblem> Problems { get; }

    /// <summary>A tree restored without the right to set owners has one problem a file: enough are kept to see what is wrong.</summary>
    const int ProblemsKept = 100;
}

public interface ITreeTargetFile : IDisposable
{
    /// <summary>Writes within the size it was created with; ranges may be written in parallel.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Sets owner, mode, attributes and times and gives the file its name. Disposing without it removes what was written.</summary>
    void Complete();
}
