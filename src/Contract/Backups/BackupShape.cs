using System.Text.Json.Serialization;

namespace Strongroom.Contract.Backups;

public sealed record BackupReply(BackupShape Backup);

/// <param name="Count">Matches before paging.</param>
public sealed record BackupListReply(IReadOnlyList<BackupShape> Backups, long Count, int Offset, int Limit);

/// <summary>A backup on the wire. Members and their order are those of live answers (recordings of 2025).</summary>
public sealed record BackupShape
{
    /// <summary>The disks of a server's backup when one backup is shown; empty in lists and on the disks themselves.</summary>
    public required IReadOnlyList<BackupShape> Children { get; init; }

    public required string CheckpointId { get; init; }

    public required string CreatedAt { get; init; }

    public required string? Description { get; init; }

    public required string? ExpiredAt { get; init; }

    /// <summary>Never null: a Terraform provider dereferences it.</summary>
    public required BackupExtendInfoShape ExtendInfo { get; init; }

    public required string Id { get; init; }

    /// <summary><c>backup</c>, or <c>replication</c> for a replica.</summary>
    public required string ImageType { get; init; }

    /// <summary>What the run was asked for.</summary>
    public required bool Incremental { get; init; }

    public required string Name { get; init; }

    public required string? ParentId { get; init; }

    /// <summary>The owner, also where another project sees it.</summary>
    public required string ProjectId { get; init; }

    /// <summary>The instant whose state was taken; null until then, and on single disks.</summary>
    public required string? ProtectedAt { get; init; }

    public required string ProviderId { get; init; }

    public string? ResourceAz { get; init; }

    public required string ResourceId { get; init; }

    public required string ResourceName { get; init; }

    /// <summary>Set by schedules; null on manual backups.</summary>
    public string? ScheduledOperationId { get; init; }

    /// <summary>GB.</summary>
    public required int ResourceSize { get; init; }

    public required string ResourceType { get; init; }

    public required string Status { get; init; }

    public required string? UpdatedAt { get; init; }

    /// <summary>The vault of whoever asks: of a shared backup the recipient's, null until it accepted.</summary>
    public required string? VaultId { get; init; }

    public int Version { get; init; } = 3;

    public IReadOnlyList<object> ReplicationRecords { get; init; } = [];

    /// <summary>A string, <c>"0"</c> by default: a number breaks typed clients.</summary>
    public required string EnterpriseProjectId { get; init; }
}

public sealed record BackupExtendInfoShape
{
    /// <summary>Made by a schedule, or by a run that says so: retention and locking go by it.</summary>
    public required bool AutoTrigger { get; init; }

    /// <summary>Null on servers.</summary>
    public required bool? Bootable { get; init; }

    public IReadOnlyList<object>? OsImagesData { get; init; }

    /// <summary>0 to 100 on disks; null on servers.</summary>
    public required int? Progress { get; init; }

    public string? SnapshotId { get; init; }

    public bool SupportLld { get; init; }

    /// <summary><c>backup</c> when a server's backup can be restored, <c>na</c> before; null on disks.</summary>
    public required string? SupportedRestoreMode { get; init; }

    public required bool SystemDisk { get; init; }

    public bool IsMultiAz { get; init; }

    public string? EncryptedAlgorithm { get; init; }

    public bool IsDec { get; init; }

    public required AppConsistencyShape? AppConsistency { get; init; }

    /// <summary>On servers only; absent elsewhere.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required bool? ContainSystemDisk { get; init; }

    /// <summary>Whether the source was encrypted; what is stored always is.</summary>
    public bool Encrypted { get; init; }

    /// <summary>On servers only; absent elsewhere.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required string? Architecture { get; init; }

    /// <summary>The same as on the backup itself: one cloud publishes it here.</summary>
    public required bool Incremental { get; init; }
}

/// <summary>Four strings: <c>"0"</c> and <c>"1"</c> for no and yes, code <c>"0"</c> when fine.</summary>
public sealed record AppConsistencyShape
{
    public static AppConsistencyShape None { get; } = new();

    [JsonPropertyName("app_consistency")]
    public string Taken { get; init; } = "0";

    public string AppConsistencyStatus { get; init; } = "0";

    public string AppConsistencyErrorCode { get; init; } = "0";

    public string AppConsistencyErrorMessage { get; init; } = "";
}

/// <summary>The resource as it was when the backup was made. Every member holds JSON text, not objects.</summary>
public sealed record BackupMetadataReply
{
    public required string BackupId { get; init; }

    public required string Backups { get; init; }

    public required string Flavor { get; init; }

    public required IReadOnlyList<string> Floatingips { get; init; }

    public required string Interface { get; init; }

    public required IReadOnlyList<string> Ports { get; init; }

    public required string Server { get; init; }

    public required IReadOnlyList<string> Volumes { get; init; }
}

/// <param name="JobId">The operation log of the restore; one Terraform provider polls it.</param>
public sealed record RestoreReply(string JobId);
