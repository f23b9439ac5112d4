using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

/// <summary>Gives an open file, directory or node the metadata of its entry. What may not be set is a problem, not a failure.</summary>
internal static class MetadataWriter
{
    private const int SetUserId = 0x800;
    private const int SetGroupId = 0x400;
    private const int OwnerMayWrite = 0x80;

    /// <summary>
    /// Owner, attributes, ACLs, mode, time, in this order: a change of owner drops capabilities and set-id bits; an attribute may
    /// only be set while the owner may write; an ACL changes that and the group bits, which the mode then puts right.
    /// </summary>
    internal static void Apply(
        SafeFileHandle file, in FileStatus status, TreeEntry entry, TreePath path, ProblemLog problems, bool isPathOnly)
    {
        int mode = entry.Mode & 0xFFF;
        if (!SetOwner(file, status, entry, out bool hasUser, out bool hasGroup))
        {
            int error = Errno.Last;
            int dropped = mode & ((hasUser ? 0 : SetUserId) | (hasGroup ? 0 : SetGroupId));
            mode &= ~dropped;
            problems.Add(
                path,
                $"its owner {entry.Uid}:{entry.Gid} cannot be set: {Errno.Describe(error)}"
                + (dropped == 0 ? "" : "; its set-id bits were left out with it"));
        }

        // A default ACL above it may have taken the owner's right to set attributes; the real mode follows.
        if (entry.Type != TreeEntryType.SymbolicLink && (status.Permissions & OwnerMayWrite) == 0)
            Posix.ChangeMode(file, status.Permissions | OwnerMayWrite, isPathOnly);
        RemoveOtherAttributes(file, entry, path, problems);
        foreach (ExtendedAttribute attribute in entry.Attributes.OrderBy(attribute => IsAcl(attribute.Name)))
        {
            if (!Attributes.Set(file, attribute))
                problems.Add(
                    path, $"its attribute {TreePath.Show(attribute.Name)} cannot be set: {Errno.Describe(Errno.Last)}");
        }

        if (entry.Type != TreeEntryType.SymbolicLink && !Posix.ChangeMode(file, mode, isPathOnly))
            problems.Add(path, $"its mode cannot be set: {Errno.Describe(Errno.Last)}");
        if (!Posix.SetModified(file, entry.ModifiedNs, isPathOnly))
            problems.Add(path, $"its time cannot be set: {Errno.Describe(Errno.Last)}");
    }

    private static bool SetOwner(SafeFileHandle file, in FileStatus status, TreeEntry entry, out bool hasUser, out bool hasGroup)
    {
        hasUser = status.Uid == entry.Uid;
        hasGroup = status.Gid == entry.Gid;
        if (hasUser && hasGroup)
            return true;
        if (Posix.ChangeOwner(file, entry.Uid, entry.Gid))
            return hasUser = hasGroup = true;
        // Who may not give a file away may still have it in another of his groups.
        int error = Errno.Last;
        hasGroup = hasGroup || Posix.ChangeOwner(file, uint.MaxValue, entry.Gid);
        System.Runtime.InteropServices.Marshal.SetLastPInvokeError(error);
        return hasUser && hasGroup;
    }

    /// <summary>What a directory that was there had, or what a new file inherited from a default ACL above it.</summary>
    private static void RemoveOtherAttributes(SafeFileHandle file, TreeEntry entry, TreePath path, ProblemLog problems)
    {
        foreach (ExtendedAttribute present in Attributes.Read(file, [], out _))
        {
            if (!IsRestorable(present.Name) || entry.Attributes.Any(one => one.Name.AsSpan().SequenceEqual(present.Name)))
                continue;
            if (!Attributes.Remove(file, present.Name))
                problems.Add(
                    path, $"its attribute {TreePath.Show(present.Name)} cannot be removed: {Errno.Describe(Errno.Last)}");
        }
    }

    /// <summary>Labels of a security module belong to the machine that is restored to; an entry without one keeps what it got.</summary>
    private static bool IsRestorable(ReadOnlySpan<byte> name) =>
        name.StartsWith("user."u8) || IsAcl(name) || name.SequenceEqual("security.capability"u8);

    private static bool IsAcl(ReadOnlySpan<byte> name) => name.StartsWith("system.posix_acl_"u8);
}
