namespace Strongroom.Drivers;

/// <summary>What a directory says of one entry: all of its metadata, none of its content.</summary>
public sealed record TreeEntry
{
    /// <summary>The raw name; empty for the root.</summary>
    public required byte[] Name { get; init; }

    public required TreeEntryType Type { get; init; }

    /// <summary>The twelve permission bits of <c>st_mode</c>, set-id and sticky bits included.</summary>
    public required int Mode { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>Owner and group names where the machine knows them; otherwise null. Restores prefer ids.</summary>
    public string? UserName { get; init; }

    public string? GroupName { get; init; }

    /// <summary>Nanoseconds since 1970-01-01 UTC; negative before it.</summary>
    public required long ModifiedNs { get; init; }

    /// <summary>Inode change time; only evidence for "unchanged", cannot be restored.</summary>
    public long ChangedNs { get; init; }

    /// <summary>Size of a regular file in bytes; 0 otherwise.</summary>
    public long SizeBytes { get; init; }

    public ulong Device { get; init; }

    public ulong Inode { get; init; }

    /// <summary>Names of this inode; above 1 for a regular file means a hard link, known by (<see cref="Device"/>, <see cref="Inode"/>).</summary>
    public uint LinkCount { get; init; }

    /// <summary>Raw target of a symbolic link; null otherwise.</summary>
    public byte[]? LinkTarget { get; init; }

    /// <summary>Major and minor number of a device node.</summary>
    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Extended attributes in ordinal order of names, POSIX ACLs among them (<c>system.posix_acl_access</c>, <c>…_default</c>).</summary>
    public IReadOnlyList<ExtendedAttribute> Attributes { get; init; } = [];
}

public sealed record ExtendedAttribute(byte[] Name, byte[] Value);

/// <summary>The numbers are those of the stored format (docs/repository-format.md); never renumber.</summary>
public enum TreeEntryType
{
    File = 1,
    Directory = 2,
    SymbolicLink = 3,
    Fifo = 4,
    Socket = 5,
    CharacterDevice = 6,
    BlockDevice = 7,
}
