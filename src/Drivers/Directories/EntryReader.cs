using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

/// <summary>Makes a <see cref="TreeEntry"/> of what the system tells.</summary>
internal sealed class EntryReader
{
    private readonly AccountNames accounts = new();

    /// <summary>The entry of that name, or null with the reason.</summary>
    /// <param name="directory">Where it is.</param>
    /// <param name="name">Its raw name.</param>
    /// <param name="problem">Why there is no entry, or what of it could not be read; null when all is well.</param>
    internal TreeEntry? Read(SafeFileHandle directory, byte[] name, out string? problem)
    {
        if (!Posix.TryStat(directory, name, out FileStatus status))
        {
            problem = Errno.Last == Errno.NoEntry
                ? "it vanished while the directory was read"
                : $"it cannot be read: {Errno.Describe(Errno.Last)}";
            return null;
        }

        byte[]? linkTarget = null;
        if (status.Type == TreeEntryType.SymbolicLink && (linkTarget = Posix.ReadLink(directory, name)) is null)
        {
            problem = $"the link cannot be read: {Errno.Describe(Errno.Last)}";
            return null;
        }

        return Make(name, status, linkTarget, Attributes.Read(directory, name, out problem), ref problem);
    }

    /// <summary>The entry of an open file or directory.</summary>
    internal TreeEntry? Read(SafeFileHandle file, byte[] name, in FileStatus status, out string? problem) =>
        Make(name, status, null, Attributes.Read(file, [], out problem), ref problem);

    private TreeEntry? Make(
        byte[] name, in FileStatus status, byte[]? linkTarget, IReadOnlyList<ExtendedAttribute> attributes, ref string? problem)
    {
        if (status.Type is not { } type)
        {
            problem = "it is of a kind this product does not know";
            return null;
        }

        if (!NanosecondTime.CanHold(status.ModifiedSeconds))
            problem ??= "its time lies outside the years 1678 to 2261 and is kept as the nearest time inside";
        return new TreeEntry
        {
            Name = name,
            Type = type,
            Mode = status.Permissions,
            Uid = status.Uid,
            Gid = status.Gid,
            UserName = accounts.User(status.Uid),
            GroupName = accounts.Group(status.Gid),
            ModifiedNs = status.ModifiedNs,
            ChangedNs = status.ChangedNs,
            SizeBytes = type == TreeEntryType.File ? status.SizeBytes : 0,
            Device = status.Device,
            Inode = status.Inode,
            LinkCount = status.LinkCount,
            LinkTarget = linkTarget,
            DeviceMajor = type is TreeEntryType.CharacterDevice or TreeEntryType.BlockDevice ? status.NodeMajor : 0,
            DeviceMinor = type is TreeEntryType.CharacterDevice or TreeEntryType.BlockDevice ? status.NodeMinor : 0,
            Attributes = attributes,
        };
    }
}
