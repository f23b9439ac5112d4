namespace Strongroom.Drivers;

/// <summary>
/// A directory being filled by a restore. The order is: directories before what is in them; contents and links in any
/// order after that; <see cref="FinishDirectory"/> last, deepest first, since writing into a directory changes its times.
/// </summary>
/// <remarks>
/// No call ever follows a symbolic link inside the target or leaves it. Files and links may be written in parallel.
/// Something of the same name that is in the way is replaced; entries the backup does not know are left alone
/// unless <see cref="RemoveOthers"/> is called.
/// Ownership, attributes and device nodes that the process may not set are reported as problems, not as failures.
/// </remarks>
public interface ITreeTarget : ITarget
{
    /// <summary>Makes the directory, open to the restoring process only until it is finished.</summary>
    void CreateDirectory(TreePath path, TreeEntry entry);

    /// <summary>Creates the file with its size, all hole; metadata is applied when the file is disposed by <see cref="ITreeTargetFile.Complete"/>.</summary>
    ITreeTargetFile CreateFile(TreePath path, TreeEntry entry);

    /// <summary>Symbolic links, fifos, sockets and device nodes, with their metadata.</summary>
    void CreateSpecial(TreePath path, TreeEntry entry);

    /// <summary>A further name of a file already completed.</summary>
    void CreateHardLink(TreePath path, TreePath existing);

    /// <summary>Applies a directory's own metadata, times last.</summary>
    void FinishDirectory(TreePath path, TreeEntry entry);

    /// <summary>Removes every entry of the directory whose name is not among <paramref name="names"/>, for restores that must equal the backup.</summary>
    void RemoveOthers(TreePath directory, IReadOnlyCollection<byte[]> names);

    /// <summary>What could not be put back as it was, so far.</summary>
    IReadOnlyList<TreeProblem> Problems { get; }
}

public interface ITreeTargetFile : IDisposable
{
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Sets owner, mode, attributes and times. Disposing without it leaves a file that is not to be trusted; the target removes it.</summary>
    void Complete();
}
