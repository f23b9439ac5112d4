using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

internal sealed class TreeSource : ITreeSource
{
    private readonly DirectoryTree tree;
    private readonly EntryReader entries = new();
    private readonly bool crossMounts;
    private readonly ulong device;

    internal TreeSource(string location, SafeFileHandle root, bool crossMounts)
    {
        Location = location;
        this.crossMounts = crossMounts;
        tree = new DirectoryTree(location, root);
        FileStatus status = Posix.Stat(root, location);
        device = status.Device;
        Root = entries.Read(root, [], status, out string? problem)
            ?? throw new DriverException(DriverFailure.Failed, location, "open", problem!);
        RootProblem = problem;
    }

    public ContentKind Kind => ContentKind.Tree;

    public string Location { get; }

    public TreeEntry Root { get; }

    /// <summary>Told with the first listing of the root.</summary>
    private string? RootProblem { get; }

    public IEnumerable<TreeEntry> List(TreePath directory, ICollection<TreeProblem> problems)
    {
        using DirectoryTree.Lease lease = tree.Rent(directory);
        using SafeFileHandle handle = Posix.OpenToRead(lease.Handle, "."u8, OpenFlags.Directory)
            ?? throw Errno.LastToException(tree.Locate(directory), "open directory");
        if (directory.IsRoot && RootProblem is not null)
            problems.Add(new TreeProblem(directory, RootProblem));
        if (!crossMounts && Posix.Stat(handle, tree.Locate(directory)).Device != device)
        {
            if (MountedFileSystem.HoldsData(handle, tree.Locate(directory)))
                problems.Add(new TreeProblem(directory, MountedFileSystem.LeftOut));
            return [];
        }

        return ReadEntries(directory, DirectoryNames.ReadSorted(handle, tree.Locate(directory)), problems);
    }

    public ITreeFile OpenFile(TreePath file)
    {
        using DirectoryTree.Lease lease = tree.Rent(file.Parent);
        // Non-blocking: what was a file a moment ago may be a pipe without a writer now.
        SafeFileHandle handle = Posix.OpenToRead(lease.Handle, file.Name, OpenFlags.NoFollow | OpenFlags.NonBlocking)
            ?? throw Errno.LastToException(tree.Locate(file), "open");
        try
        {
            return new TreeFile(tree.Locate(file), handle, file.Name.ToArray(), entries);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        tree.Dispose();
        return ValueTask.CompletedTask;
    }

    private IEnumerable<TreeEntry> ReadEntries(TreePath directory, List<byte[]> names, ICollection<TreeProblem> problems)
    {
        using DirectoryTree.Lease lease = tree.Rent(directory);
        foreach (byte[] name in names)
        {
            TreeEntry? entry = entries.Read(lease.Handle, name, out string? problem);
            if (problem is not null)
                problems.Add(new TreeProblem(directory.Append(name), problem));
            if (entry is not null)
                yield return entry;
        }
    }
}
