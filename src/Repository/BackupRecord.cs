using System.Text.Json.Serialization;

namespace Strongroom.Repository;

/// <summary>A committed backup, as its signed root says. Complete by itself: no other backup is needed to restore it.</summary>
public sealed record BackupRecord
{
    /// <summary>The id it was begun with; 1 to 64 of <c>[a-z0-9-]</c>.</summary>
    [JsonIgnore]
    public string Id { get; internal init; } = "";

    /// <summary>SHA-256 of the whole root object, lower-case hex: what the next backup of the resource refers to.</summary>
    [JsonIgnore]
    public string RootSha256 { get; internal init; } = "";

    /// <summary>Size of the root object.</summary>
    [JsonIgnore]
    public long RootBytes { get; internal init; }

    /// <summary>As given by who made it, UTC. For people; what is newest is decided by <see cref="Sequence"/>.</summary>
    [JsonIgnore]
    public DateTimeOffset CreatedAt => DateTimeOffset.UnixEpoch.AddTicks(CreatedUs * TimeSpan.TicksPerMicrosecond);

    /// <summary>Microseconds since 1970.</summary>
    [JsonInclude]
    internal long CreatedUs { get; init; }

    /// <summary>1 for the first backup of a resource, then one more than that of <see cref="Previous"/>.</summary>
    public required long Sequence { get; init; }

    public required string ResourceId { get; init; }

    public required string ResourceName { get; init; }

    public required string ResourceType { get; init; }

    public required IReadOnlyDictionary<string, string> Attributes { get; init; }

    /// <summary>The newest backup of the resource when this one began; it may have been deleted since.</summary>
    public PreviousBackup? Previous { get; init; }

    /// <summary>How many things could not be read; above 0 the backup is partial.</summary>
    public required long ProblemCount { get; init; }

    /// <summary>The first of them.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    public required IReadOnlyList<MemberRecord> Members { get; init; }

    [JsonIgnore]
    public bool IsPartial => ProblemCount > 0;

    /// <summary>The member of this id, or null.</summary>
    public MemberRecord? Member(string memberId) => Members.FirstOrDefault(member => member.Id == memberId);
}

/// <param name="BackupId">Its id.</param>
/// <param name="Sha256">SHA-256 of its root object, hex.</param>
public sealed record PreviousBackup(string BackupId, string Sha256);

public enum MemberKind
{
    [JsonStringEnumMemberName("disk")]
    Disk,

    [JsonStringEnumMemberName("tree")]
    Tree,
}

/// <summary>One disk or file system of a backup.</summary>
public sealed record MemberRecord
{
    public required string Id { get; init; }

    public required string ResourceId { get; init; }

    public required string Name { get; init; }

    public required string Location { get; init; }

    public required MemberKind Kind { get; init; }

    /// <summary>A disk's size; of a tree, the sum of its files' sizes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Where the map or the tree begins; only this assembly knows how to read it.</summary>
    [JsonInclude]
    internal string Root { get; init; } = "";

    [JsonInclude]
    internal int Height { get; init; }

    /// <summary>True when it was compared with a member of the backup before.</summary>
    public required bool Incremental { get; init; }

    /// <summary>Bytes that are not zeros or holes.</summary>
    public required long DataBytes { get; init; }

    /// <summary>Of those, bytes that were not at this place in the backup before.</summary>
    public required long ChangedBytes { get; init; }

    /// <summary>What the store grew by for this member: segments and pages, compressed and sealed, with their directories.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Pieces of data it consists of, holes left out.</summary>
    public required long Chunks { get; init; }

    /// <summary>
    /// Of a disk: what the source said of its state when it was read, opaque here. Equal to that of a source now: the same
    /// bytes (see <see cref="DiskWriter.KeepAll"/>). Null when it could not tell, or when it changed while it was read.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SourceState { get; init; }

    public long Files { get; init; }

    public long Directories { get; init; }
}
