using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

/// <summary>
/// The directories of one tree, each opened from the one above it, never through a symbolic link, so that no path leads out
/// of the root and none is too long for the system. The most recently used stay open. Members may be called in parallel.
/// </summary>
internal sealed class DirectoryTree : IDisposable
{
    /// <summary>Enough for the directories several workers are busy in and the way down to each.</summary>
    private const int OpenMax = 256;

    private readonly Lock gate = new();
    private readonly Dictionary<TreePath, OpenDirectory> open = [];
    private readonly LinkedList<OpenDirectory> byUse = new();
    private readonly OpenDirectory root;
    private readonly string location;

    internal DirectoryTree(string location, SafeFileHandle root)
    {
        this.location = location;
        this.root = new OpenDirectory(TreePath.Root, root);
    }

    /// <summary>The root, opened as a path; open as long as the tree is.</summary>
    internal SafeFileHandle Root => root.Handle;

    /// <summary>The directory, opened as a path only. The lease keeps it open and is disposed by the caller.</summary>
    /// <exception cref="DriverException">A part of the path is not there or is no directory.</exception>
    internal Lease Rent(TreePath path)
    {
        OpenDirectory current = RentNearest(path);
        while (current.Path.Bytes.Length < path.Bytes.Length)
        {
            int from = current.Path.IsRoot ? 0 : current.Path.Bytes.Length + 1;
            int length = path.Bytes[from..].IndexOf((byte)'/');
            TreePath next = length < 0 ? path : path.Prefix(from + length);
            SafeFileHandle? handle = Posix.Open(
                current.Handle, next.Name, OpenFlags.PathOnly | OpenFlags.Directory | OpenFlags.NoFollow);
            int error = Errno.Last;
            Release(current);
            if (handle is null)
                throw Errno.ToException(error, Locate(next), "open directory");
            current = Remember(next, handle);
        }

        return new Lease(this, current);
    }

    /// <summary>Closes the directory and all beneath it, before another entry takes its name.</summary>
    internal void Forget(TreePath path)
    {
        lock (gate)
        {
            foreach (OpenDirectory directory in byUse.Where(one => one.Path.IsWithin(path)).ToList())
                Drop(directory);
        }
    }

    /// <summary>How people find the path.</summary>
    internal string Locate(TreePath path) => path.IsRoot ? location : $"{location.TrimEnd('/')}/{path}";

    public void Dispose()
    {
        lock (gate)
        {
            foreach (OpenDirectory directory in byUse.ToList())
                Drop(directory);
            root.Handle.Dispose();
        }
    }

    private OpenDirectory RentNearest(TreePath path)
    {
        lock (gate)
        {
            while (!path.IsRoot)
            {
                if (open.TryGetValue(path, out OpenDirectory? known))
                {
                    known.Users++;
                    byUse.Remove(known.Place);
                    byUse.AddFirst(known.Place);
                    return known;
                }

                path = path.Parent;
            }

            return root;
        }
    }

    private OpenDirectory Remember(TreePath path, SafeFileHandle handle)
    {
        lock (gate)
        {
            if (open.TryGetValue(path, out OpenDirectory? known))
            {
                handle.Dispose();
                known.Users++;
                return known;
            }

            var added = new OpenDirectory(path, handle) { Users = 1 };
            open.Add(path, added);
            byUse.AddFirst(added.Place);
            if (byUse.Count > OpenMax)
                Drop(byUse.Last!.Value);
            return added;
        }
    }

    private void Release(OpenDirectory directory)
    {
        if (directory == root)
            return;
        lock (gate)
        {
            if (--directory.Users == 0 && directory.IsDropped)
                directory.Handle.Dispose();
        }
    }

    /// <summary>Under the gate. Whoever still uses it closes it.</summary>
    private void Drop(OpenDirectory directory)
    {
        open.Remove(directory.Path);
        byUse.Remove(directory.Place);
        directory.IsDropped = true;
        if (directory.Users == 0)
            directory.Handle.Dispose();
    }

    internal readonly struct Lease(DirectoryTree tree, OpenDirectory directory) : IDisposable
    {
        internal SafeFileHandle Handle => directory.Handle;

        public void Dispose() => tree.Release(directory);
    }

    internal sealed class OpenDirectory
    {
        internal OpenDirectory(TreePath path, SafeFileHandle handle)
        {
            Path = path;
            Handle = handle;
            Place = new LinkedListNode<OpenDirectory>(this);
        }

        internal TreePath Path { get; }

        internal SafeFileHandle Handle { get; }

        internal LinkedListNode<OpenDirectory> Place { get; }

        internal int Users { get; set; }

        internal bool IsDropped { get; set; }
    }
}
