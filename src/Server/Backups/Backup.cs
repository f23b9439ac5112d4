using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Resources;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>Also the id of the backup, or of its member, in the repository.</summary>
public readonly record struct BackupId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static BackupId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}

public enum BackupStatus
{
    WaitingProtect,
    Protecting,
    Available,
    WaitingRestore,
    Restoring,
    WaitingDelete,
    Deleting,
    Error,
}

/// <summary>One resource in one checkpoint; beneath a server's backup, one of its disks.</summary>
public sealed record Backup
{
    public required BackupId Id { get; init; }

    public required string ProjectId { get; init; }

    public required CheckpointId CheckpointId { get; init; }

    public required VaultId VaultId { get; init; }

    /// <summary>The server's backup this disk belongs to; null on everything a list shows.</summary>
    public BackupId? ParentId { get; init; }

    /// <summary>Its place among its checkpoint's, or beneath its parent, from 0.</summary>
    public required int Position { get; init; }

    public required string ProviderId { get; init; }

    public required string EnterpriseProjectId { get; init; }

    public required string Name { get; init; }

    public required string? Description { get; init; }

    public required ResourceId ResourceId { get; init; }

    public required string ResourceName { get; init; }

    public required string ResourceType { get; init; }

    /// <summary>As registered when the run was asked for.</summary>
    public required int SizeGb { get; init; }

    /// <summary>What a restore writes: a disk's size, or the sum of a tree's files; 0 until it is available.</summary>
    public long SizeBytes { get; init; }

    public required BackupStatus Status { get; init; }

    /// <summary>Counts as made by a schedule: retention and locking go by it.</summary>
    public required bool AutoTrigger { get; init; }

    /// <summary>What the run was asked for; the first backup of a resource holds everything whatever this says.</summary>
    public required bool Incremental { get; init; }

    /// <summary>A disk: it is its server's system disk. A server: that disk is among the children.</summary>
    public required bool SystemDisk { get; init; }

    /// <summary>What it counts in its vault's <c>used</c>; 0 until it is available. On a server the sum of its disks.</summary>
    public long ChangedBytes { get; init; }

    /// <summary>What the store grew by.</summary>
    public long StoredBytes { get; init; }

    /// <summary>Above 0: partial, so many things are missing or torn.</summary>
    public long ProblemCount { get; init; }

    /// <summary>JSON of <see cref="BackupMetadata"/>; null on the disks of a server.</summary>
    public string? Metadata { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The instant whose state was taken.</summary>
    public DateTimeOffset? ProtectedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When retention lets it go; stamped when it is completed, by the policy of its vault at that time.</summary>
    public DateTimeOffset? ExpiredAt { get; init; }

    /// <summary>The policy at one of whose slots it was made; null when somebody asked for it.</summary>
    public PolicyId? PolicyId { get; init; }

    /// <summary>The installation clock when it became available.</summary>
    public long? CompletedAtTick { get; init; }

    public bool IsServer => ResourceType == ResourceTypes.Server;

    public bool IsDisk => ResourceType == ResourceTypes.Disk;

    /// <summary>A run is making it, or will.</summary>
    public bool IsInTheMaking => Status is BackupStatus.WaitingProtect or BackupStatus.Protecting;

    public bool IsBeingRestored => Status is BackupStatus.WaitingRestore or BackupStatus.Restoring;

    /// <summary>On the wire.</summary>
    /// <param name="children">A server's disks where one backup is shown; empty in lists.</param>
    public BackupShape ToShape(IReadOnlyList<Backup> children) => new()
    {
        Children = children.Select(child => child.ToShape([])).ToList(),
        CheckpointId = CheckpointId.Value,
        CreatedAt = WireUnits.Instant(CreatedAt),
        Description = Description,
        ExpiredAt = ExpiredAt is { } expiredAt ? WireUnits.Instant(expiredAt) : null,
        ExtendInfo = ExtendInfo(),
        Id = Id.Value,
        ImageType = "backup",
        Incremental = Incremental,
        Name = Name,
        ParentId = ParentId?.Value,
        ProjectId = ProjectId,
        // Live answers leave it null on disks, whether alone or in a server (recordings of 2025).
        ProtectedAt = ProtectedAt is { } protectedAt && !IsDisk ? WireUnits.Instant(protectedAt) : null,
        ProviderId = ProviderId,
        ResourceId = ResourceId.Value,
        ResourceName = ResourceName,
        ResourceSize = SizeGb,
        ResourceType = ResourceType,
        Status = WireWord.Of(Status),
        UpdatedAt = WireUnits.Instant(UpdatedAt),
        VaultId = VaultId.Value,
        EnterpriseProjectId = EnterpriseProjectId,
    };

    private BackupExtendInfoShape ExtendInfo()
    {
        bool hasData = Status is BackupStatus.Available or BackupStatus.WaitingRestore or BackupStatus.Restoring;
        return new BackupExtendInfoShape
        {
            AutoTrigger = AutoTrigger,
            Bootable = IsServer ? null : SystemDisk,
            Progress = IsServer ? null : hasData ? 100 : 0,
            SupportedRestoreMode = IsServer ? (hasData ? "backup" : "na") : null,
            SystemDisk = IsDisk && SystemDisk,
            AppConsistency = IsServer ? AppConsistencyShape.None : null,
            ContainSystemDisk = IsServer ? SystemDisk : null,
            Architecture = IsServer ? Architecture : null,
            Incremental = Incremental,
        };
    }

    private static string Architecture { get; } = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "x86_64",
        System.Runtime.InteropServices.Architecture.Arm64 => "aarch64",
        var other => other.ToString().ToLowerInvariant(),
    };
}
