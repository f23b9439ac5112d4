using Strongroom.Server.Backups;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Checkpoints;

/// <summary>The words of a checkpoint's state that this service has.</summary>
internal static class CheckpointStatuses
{
    public const string Protecting = "protecting";
    public const string Available = "available";
    public const string Deleting = "deleting";
    public const string Error = "error";
}

/// <summary>One run over one vault. It lasts as long as one of its backups.</summary>
internal sealed record Checkpoint
{
    public required CheckpointId Id { get; init; }

    public required string ProjectId { get; init; }

    public required VaultId VaultId { get; init; }

    /// <summary>As asked for, or made up; the backups' names follow from it.</summary>
    public required string Name { get; init; }

    public required string? Description { get; init; }

    /// <summary>JSON of what was left out and why, as on the wire.</summary>
    public required string SkippedJson { get; init; }

    /// <summary>How long its backups are kept, by its policy; -1: not by age.</summary>
    public int RetentionDays { get; init; } = -1;

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>
    /// What the states of its backups, servers' disks left out, amount to: protecting until every one has ended, then
    /// available when at least one has its data. Not stored, so it cannot contradict them.
    /// </summary>
    public static string StatusOf(IReadOnlyCollection<Backup> backups)
    {
        if (backups.Any(backup => backup.IsInTheMaking))
            return CheckpointStatuses.Protecting;
        if (backups.Any(backup => backup.Status is BackupStatus.Available or BackupStatus.WaitingRestore or BackupStatus.Restoring))
            return CheckpointStatuses.Available;
        return backups.Any(backup => backup.Status == BackupStatus.Error) ? CheckpointStatuses.Error : CheckpointStatuses.Deleting;
    }
}
