namespace Strongroom.Contract.Checkpoints;

/// <summary>Reply to creating and showing a checkpoint. Source: CBR API Reference, "Creating a VM Backup", "Querying a Specified Checkpoint".</summary>
public sealed record CheckpointReply(CheckpointShape Checkpoint);

public sealed record CheckpointShape
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    /// <summary><c>protecting</c>, <c>available</c>, <c>deleting</c> or <c>error</c>.</summary>
    public required string Status { get; init; }

    public required string CreatedAt { get; init; }

    /// <summary>Never null, with at least one resource: one Terraform provider indexes it.</summary>
    public required CheckpointVaultShape Vault { get; init; }

    public required CheckpointExtraInfoShape ExtraInfo { get; init; }
}

public sealed record CheckpointVaultShape
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string ProviderId { get; init; }

    /// <summary>What this run took, with its present state in the vault.</summary>
    public required IReadOnlyList<CheckpointResourceShape> Resources { get; init; }

    public required IReadOnlyList<SkippedResourceShape> SkippedResources { get; init; }
}

/// <summary>Three members are numbers written as strings: three clients' structs are typed so.</summary>
public sealed record CheckpointResourceShape
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string Type { get; init; }

    /// <summary>JSON text, not an object.</summary>
    public required string ExtraInfo { get; init; }

    /// <summary>GB.</summary>
    public required string ResourceSize { get; init; }

    /// <summary>MB.</summary>
    public required string BackupSize { get; init; }

    public required string BackupCount { get; init; }

    public required string ProtectStatus { get; init; }
}

/// <summary>A resource the run left out, and why.</summary>
/// <param name="Code">An error code, as in <c>BackupService.6125</c>.</param>
public sealed record SkippedResourceShape(string Id, string Type, string Name, string Code, string Reason);

/// <param name="RetentionDuration">Days; -1 for a run that no policy ages.</param>
public sealed record CheckpointExtraInfoShape(string Name, string Description, int RetentionDuration);
