using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>The same entry as the drivers and as the repository know it.</summary>
internal static class EntryShape
{
    /// <summary>What the stored format takes of attributes (docs/repository-format.md, section 8), names and lengths included.</summary>
    private const long AttributeBytesMax = 3 << 20;

    internal static StoredEntry ToStored(TreeEntry entry, TreePath path, Action<TreePath, string> report)
    {
        if (entry.Attributes.Sum(attribute => attribute.Name.LongLength + attribute.Value.LongLength + 20) <= AttributeBytesMax)
            return ToStored(entry);
        report(path, "its extended attributes are more than a backup can hold; they are left out");
        return ToStored(entry with { Attributes = [] });
    }

    private static StoredEntry ToStored(TreeEntry entry) => new()
    {
        Name = entry.Name,
        Type = (StoredEntryType)entry.Type,
        Mode = entry.Mode,
        Uid = entry.Uid,
        Gid = entry.Gid,
        UserName = entry.UserName,
        GroupName = entry.GroupName,
        ModifiedNs = entry.ModifiedNs,
        ChangedNs = entry.ChangedNs,
        SizeBytes = entry.SizeBytes,
        Device = entry.Device,
        Inode = entry.Inode,
        LinkCount = entry.LinkCount,
        LinkTarget = entry.LinkTarget,
        DeviceMajor = entry.DeviceMajor,
        DeviceMinor = entry.DeviceMinor,
        Attributes = entry.Attributes.Count == 0
            ? []
            : [.. entry.Attributes.Select(attribute => new StoredAttribute(attribute.Name, attribute.Value))],
    };

    internal static TreeEntry ToTree(StoredEntry entry) => new()
    {
        Name = entry.Name,
        Type = (TreeEntryType)entry.Type,
        Mode = entry.Mode,
        Uid = entry.Uid,
        Gid = entry.Gid,
        UserName = entry.UserName,
        GroupName = entry.GroupName,
        ModifiedNs = entry.ModifiedNs,
        ChangedNs = entry.ChangedNs,
        SizeBytes = entry.Content?.LengthBytes ?? 0,
        Device = entry.Device,
        Inode = entry.Inode,
        LinkCount = entry.LinkCount,
        LinkTarget = entry.LinkTarget,
        DeviceMajor = entry.DeviceMajor,
        DeviceMinor = entry.DeviceMinor,
        Attributes = entry.Attributes.Count == 0
            ? []
            : [.. entry.Attributes.Select(attribute => new ExtendedAttribute(attribute.Name, attribute.Value))],
    };
}
