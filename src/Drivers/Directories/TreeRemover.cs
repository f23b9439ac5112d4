using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

/// <summary>Removes an entry with all beneath it, never through a symbolic link and never into another file system.</summary>
internal static class TreeRemover
{
    internal static void Remove(SafeFileHandle parent, byte[] name, string location, ulong device)
    {
        if (TryRemoveLeaf(parent, name, location))
            return;
        // One open directory a level; the names are taken from the end, so that each list shrinks as it is worked off.
        var levels = new Stack<(SafeFileHandle Handle, byte[] Name, List<byte[]> Left)>();
        try
        {
            Descend(parent, name);
            while (levels.TryPeek(out var level))
            {
                if (level.Left.Count == 0)
                {
                    levels.Pop();
                    level.Handle.Dispose();
                    if (!Posix.Unlink(levels.TryPeek(out var above) ? above.Handle : parent, level.Name, isDirectory: true))
                        throw Errno.LastToException(location, "remove");
                    continue;
                }

                byte[] child = level.Left[^1];
                level.Left.RemoveAt(level.Left.Count - 1);
                if (!TryRemoveLeaf(level.Handle, child, location))
                    Descend(level.Handle, child);
            }
        }
        finally
        {
            foreach (var level in levels)
                level.Handle.Dispose();
        }

        void Descend(SafeFileHandle above, byte[] child)
        {
            SafeFileHandle handle = Posix.Open(above, child, OpenFlags.Read | OpenFlags.Directory | OpenFlags.NoFollow)
                ?? throw Errno.LastToException(location, "remove");
            levels.Push((handle, child, []));
            if (Posix.Stat(handle, location).Device != device)
                throw new DriverException(
                    DriverFailure.InUse, location, "remove", $"a file system is mounted at {TreePath.Show(child)} inside it");
            levels.Peek().Left.AddRange(DirectoryNames.ReadSorted(handle, location));
        }
    }

    /// <summary>False for a directory that is not empty. Something already gone counts as removed.</summary>
    private static bool TryRemoveLeaf(SafeFileHandle parent, byte[] name, string location)
    {
        if (Posix.Unlink(parent, name) || Errno.Last == Errno.NoEntry)
            return true;
        if (Errno.Last is not (Errno.IsDirectory or Errno.NotPermitted))
            throw Errno.LastToException(location, "remove");
        if (Posix.Unlink(parent, name, isDirectory: true) || Errno.Last == Errno.NoEntry)
            return true;
        return Errno.Last is Errno.NotEmpty or Errno.Exists ? false : throw Errno.LastToException(location, "remove");
    }
}
