namespace Strongroom.Repository;

/// <summary>The numbers are those of the stored format; never renumber.</summary>
public enum StoredEntryType
{
    File = 1,
    Directory = 2,
    SymbolicLink = 3,
    Fifo = 4,
    Socket = 5,
    CharacterDevice = 6,
    BlockDevice = 7,
}

/// <summary>An entry of a directory as a backup keeps it: all of its metadata, and where its content is.</summary>
public sealed record StoredEntry
{
    /// <summary>Raw bytes, 1 to 255, without <c>/</c> and NUL, never <c>.</c> or <c>..</c>; empty for the root of a tree.</summary>
    public required byte[] Name { get; init; }

    public required StoredEntryType Type { get; init; }

    /// <summary>The twelve permission bits.</summary>
    public required int Mode { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    public string? UserName { get; init; }

    public string? GroupName { get; init; }

    /// <summary>Nanoseconds since 1970-01-01 UTC; negative before it.</summary>
    public required long ModifiedNs { get; init; }

    /// <summary>Inode change time, only evidence for "unchanged".</summary>
    public long ChangedNs { get; init; }

    /// <summary>Of a file: the length of <see cref="Content"/>, which decides when they differ. 0 otherwise.</summary>
    public long SizeBytes { get; init; }

    public ulong Device { get; init; }

    public ulong Inode { get; init; }

    /// <summary>Above 1 for a file: the names of equal <see cref="Device"/> and <see cref="Inode"/> are one file; each carries the content.</summary>
    public uint LinkCount { get; init; }

    /// <summary>Raw target of a symbolic link, up to 64 KiB; null otherwise.</summary>
    public byte[]? LinkTarget { get; init; }

    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Extended attributes in the order given; together at most 3 MiB.</summary>
    public IReadOnlyList<StoredAttribute> Attributes { get; init; } = [];

    /// <summary>Of a file, from <see cref="TreeWorker.StoreAsync"/> or from the parent's entry of an unchanged one.</summary>
    public FileContent? Content { get; init; }

    /// <summary>Of a directory, from <see cref="DirectoryWriter.FinishAsync"/>.</summary>
    public DirectoryContent? Children { get; init; }

    /// <summary>How deep in its tree it is; set when it is read.</summary>
    internal int Depth { get; init; }
}

public sealed record StoredAttribute(byte[] Name, byte[] Value);

/// <summary>A directory's entries, stored. To be put into the directory's own entry.</summary>
public sealed class DirectoryContent
{
    internal DirectoryContent(byte[] id) => Id = id;

    /// <summary>The page's id; zero for an empty directory.</summary>
    internal byte[] Id { get; }
}

/// <summary>A file's content, stored or about to be: where its chunks are and where it has holes.</summary>
public sealed class FileContent
{
    internal FileContent()
    {
    }

    internal FileContent(int level, int count, byte[] items, long lengthBytes) => Set(level, count, items, lengthBytes);

    /// <summary>With its holes; what was really read, should the file have changed meanwhile.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>False until the worker that stores it has completed it.</summary>
    public bool IsComplete => Items is not null;

    internal int Level { get; private set; }

    internal int Count { get; private set; }

    /// <summary>The encoded items of the content list (docs/repository-format.md, section 8).</summary>
    internal byte[]? Items { get; private set; }

    internal void Set(int level, int count, byte[] items, long lengthBytes)
    {
        Level = level;
        Count = count;
        LengthBytes = lengthBytes;
        Items = items;
    }
}
