using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

internal sealed class TreeTarget : ITreeTarget
{
    private const uint OwnerOnly = 0x180;
    private const int OwnerAll = 0x1C0;

    private readonly DirectoryTree tree;
    private readonly ulong device;
    private readonly uint restorer = Libc.GetEUid();
    private readonly ConcurrentDictionary<ulong, TreePath> otherFileSystems = new();
    private readonly ProblemLog problems = new();

    internal TreeTarget(string location, SafeFileHandle root)
    {
        Location = location;
        tree = new DirectoryTree(location, root);
        device = Posix.Stat(root, location).Device;
    }

    public ContentKind Kind => ContentKind.Tree;

    public string Location { get; }

    public long ProblemCount => problems.Count;

    public IReadOnlyList<TreeProblem> Problems => problems.First();

    public void CreateDirectory(TreePath path, TreeEntry entry)
    {
        if (path.IsRoot)
        {
            MakeEnterable(tree.Root, Posix.Stat(tree.Root, Location), path);
            return;
        }

        using DirectoryTree.Lease parent = tree.Rent(path.Parent);
        if (UsePresentDirectory(parent.Handle, path))
            return;
        if (Errno.Last is Errno.NotDirectory or Errno.TooManyLinks)
            Remove(parent.Handle, path);
        if (!Posix.MakeDirectory(parent.Handle, path.Name))
            throw Errno.LastToException(tree.Locate(path), "make directory");
        // A default ACL above it may have taken rights even from its owner.
        if (restorer != 0 && !UsePresentDirectory(parent.Handle, path))
            throw Errno.LastToException(tree.Locate(path), "open directory");
    }

    public ITreeTargetFile CreateFile(TreePath path, TreeEntry entry)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(entry.SizeBytes);
        const int flags = OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive;
        using DirectoryTree.Lease parent = tree.Rent(path.Parent);
        byte[] name = path.Name.ToArray();
        SafeFileHandle? handle = Posix.Open(parent.Handle, name, flags, OwnerOnly);
        if (handle is null && Errno.Last == Errno.Exists)
        {
            name = TemporaryName();
            handle = Posix.Open(parent.Handle, name, flags, OwnerOnly);
        }

        if (handle is null)
            throw Errno.LastToException(tree.Locate(path), "create");
        var file = new TreeTargetFile(this, path, name, handle, entry);
        if (!Posix.Truncate(handle, entry.SizeBytes))
        {
            int error = Errno.Last;
            file.Dispose();
            throw Errno.ToException(error, tree.Locate(path), "set size");
        }

        return file;
    }

    public void CreateSpecial(TreePath path, TreeEntry entry)
    {
        using DirectoryTree.Lease parent = tree.Rent(path.Parent);
        bool made = MakeSpecial(parent.Handle, path, entry);
        if (!made && Errno.Last == Errno.Exists)
        {
            Remove(parent.Handle, path);
            made = MakeSpecial(parent.Handle, path, entry);
        }

        if (!made)
        {
            if (Errno.ToFailure(Errno.Last) != DriverFailure.Denied)
                throw Errno.LastToException(tree.Locate(path), "create");
            problems.Add(path, $"this {Word(entry.Type)} cannot be made: {Errno.Describe(Errno.Last)}");
            return;
        }

        // What was made has no handle yet. In a directory that others may write, they could have put something else there.
        using SafeFileHandle node = Posix.Open(parent.Handle, path.Name, OpenFlags.PathOnly | OpenFlags.NoFollow)
            ?? throw Errno.LastToException(tree.Locate(path), "open");
        FileStatus status = Posix.Stat(node, tree.Locate(path));
        if (status.Type != entry.Type || status.LinkCount != 1 || status.Uid != restorer)
            throw new DriverException(DriverFailure.Failed, tree.Locate(path), "create", "it was replaced by somebody else");
        MetadataWriter.Apply(node, status, entry, path, problems, isPathOnly: true);
    }

    public void CreateHardLink(TreePath path, TreePath existing)
    {
        using DirectoryTree.Lease from = tree.Rent(existing.Parent);
        using DirectoryTree.Lease to = tree.Rent(path.Parent);
        if (Posix.Link(from.Handle, existing.Name, to.Handle, path.Name))
            return;
        if (Errno.Last != Errno.Exists)
            throw Errno.LastToException(tree.Locate(path), "link");
        if (Posix.TryStat(from.Handle, existing.Name, out FileStatus file)
            && Posix.TryStat(to.Handle, path.Name, out FileStatus present)
            && file.IsSameFileAs(present))
            return;
        Remove(to.Handle, path);
        if (!Posix.Link(from.Handle, existing.Name, to.Handle, path.Name))
            throw Errno.LastToException(tree.Locate(path), "link");
    }

    public void FinishDirectory(TreePath path, TreeEntry entry)
    {
        using DirectoryTree.Lease lease = tree.Rent(path);
        using SafeFileHandle handle = Posix.OpenToRead(lease.Handle, "."u8, OpenFlags.Directory)
            ?? throw Errno.LastToException(tree.Locate(path), "open directory");
        MetadataWriter.Apply(handle, Posix.Stat(handle, tree.Locate(path)), entry, path, problems, isPathOnly: false);
    }

    public void RemoveOthers(TreePath directory, IReadOnlyCollection<byte[]> names)
    {
        using DirectoryTree.Lease lease = tree.Rent(directory);
        using SafeFileHandle handle = Posix.OpenToRead(lease.Handle, "."u8, OpenFlags.Directory)
            ?? throw Errno.LastToException(tree.Locate(directory), "open directory");
        List<byte[]> present = DirectoryNames.ReadSorted(handle, tree.Locate(directory));
        var kept = new HashSet<TreePath>(names.Where(name => TreePath.IsValidName(name)).Select(name => directory.Append(name)));
        bool isOtherFileSystem = Posix.Stat(handle, tree.Locate(directory)).Device != device;
        foreach (TreePath path in present.Select(name => directory.Append(name)).Where(path => !kept.Contains(path)))
        {
            if (isOtherFileSystem)
            {
                problems.Add(directory, "another file system is mounted here; what the backup does not know was not removed");
                return;
            }

            Remove(handle, path);
        }
    }

    public ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        // One flush of the whole file system is far cheaper than one of every file.
        foreach (TreePath path in otherFileSystems.Values.Prepend(TreePath.Root))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DirectoryTree.Lease lease = tree.Rent(path);
            // A directory finished without the right to read it can still be flushed through the one it came from.
            using SafeFileHandle? handle = Posix.OpenToRead(lease.Handle, "."u8, OpenFlags.Directory);
            if (handle is null || Libc.SyncFs(handle) < 0)
                throw Errno.LastToException(tree.Locate(path), "flush");
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        tree.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The file is whole: gives it its metadata and its name.</summary>
    internal void Complete(TreeTargetFile file)
    {
        FileStatus status = Posix.Stat(file.Handle, tree.Locate(file.Path));
        MetadataWriter.Apply(file.Handle, status, file.Entry, file.Path, problems, isPathOnly: false);
        if (file.Path.Name.SequenceEqual(file.TakenName))
            return;
        using DirectoryTree.Lease parent = tree.Rent(file.Path.Parent);
        if (Posix.Rename(parent.Handle, file.TakenName, file.Path.Name))
            return;
        if (Errno.Last is not (Errno.IsDirectory or Errno.NotEmpty or Errno.Exists))
            throw Errno.LastToException(tree.Locate(file.Path), "rename");
        Remove(parent.Handle, file.Path);
        if (!Posix.Rename(parent.Handle, file.TakenName, file.Path.Name))
            throw Errno.LastToException(tree.Locate(file.Path), "rename");
    }

    /// <summary>The file was given up. That it cannot be removed either is no second failure.</summary>
    internal void Abandon(TreeTargetFile file)
    {
        try
        {
            using DirectoryTree.Lease parent = tree.Rent(file.Path.Parent);
            if (Posix.TryStat(parent.Handle, file.TakenName, out FileStatus present)
                && present.IsSameFileAs(Posix.Stat(file.Handle, tree.Locate(file.Path))))
                Posix.Unlink(parent.Handle, file.TakenName);
        }
        catch (DriverException)
        {
            problems.Add(file.Path, "the restore of this file was given up, and what was written of it may still be there");
        }
    }

    internal string Locate(TreePath path) => tree.Locate(path);

    /// <summary>False with the reason in <see cref="Errno.Last"/> when there is no directory of that name.</summary>
    private bool UsePresentDirectory(SafeFileHandle parent, TreePath path)
    {
        using SafeFileHandle? present = Posix.Open(
            parent, path.Name, OpenFlags.PathOnly | OpenFlags.Directory | OpenFlags.NoFollow);
        if (present is null)
            return false;
        FileStatus status = Posix.Stat(present, tree.Locate(path));
        if (status.Device != device)
            otherFileSystems.TryAdd(status.Device, path);
        MakeEnterable(present, status, path);
        return true;
    }

    /// <summary>A directory that is there may deny its own owner; the mode is set anew when it is finished.</summary>
    private void MakeEnterable(SafeFileHandle directory, in FileStatus status, TreePath path)
    {
        if (restorer == 0 || status.Uid != restorer || (status.Permissions & OwnerAll) == OwnerAll)
            return;
        if (!Posix.ChangeMode(directory, status.Permissions | OwnerAll, isPathOnly: true))
            throw Errno.LastToException(tree.Locate(path), "change mode");
    }

    private void Remove(SafeFileHandle parent, TreePath path)
    {
        tree.Forget(path);
        TreeRemover.Remove(parent, path.Name.ToArray(), tree.Locate(path), device);
    }

    /// <summary>False with the reason in <see cref="Errno.Last"/>.</summary>
    private bool MakeSpecial(SafeFileHandle parent, TreePath path, TreeEntry entry)
    {
        switch (entry.Type)
        {
            case TreeEntryType.SymbolicLink:
                if (entry.LinkTarget is not { Length: > 0 } target || target.AsSpan().Contains((byte)0))
                    throw new DriverException(DriverFailure.Failed, tree.Locate(path), "create", "the link leads nowhere");
                return Posix.MakeSymbolicLink(parent, path.Name, target);
            case TreeEntryType.Fifo or TreeEntryType.Socket or TreeEntryType.CharacterDevice or TreeEntryType.BlockDevice:
                return Posix.MakeNode(parent, path.Name, entry.Type, entry.DeviceMajor, entry.DeviceMinor);
            default:
                throw new ArgumentException($"A {Word(entry.Type)} is not made by this call.", nameof(entry));
        }
    }

    private static string Word(TreeEntryType type) => type switch
    {
        TreeEntryType.File => "file",
        TreeEntryType.Directory => "directory",
        TreeEntryType.SymbolicLink => "symbolic link",
        TreeEntryType.Fifo => "fifo",
        TreeEntryType.Socket => "socket",
        TreeEntryType.CharacterDevice => "character device",
        TreeEntryType.BlockDevice => "block device",
        _ => throw new UnreachableException(),
    };

    /// <summary>Nobody's name, and recognisable where a killed restore leaves it.</summary>
    private static byte[] TemporaryName() =>
        [.. ".strongroom-"u8, .. Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)).Select(digit => (byte)digit)];
}
