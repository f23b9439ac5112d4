using Strongroom.Server.Backups;

namespace Strongroom.Server.Retention;

/// <summary>Who asked for a backup.</summary>
internal enum BackupOrigin
{
    /// <summary>Somebody, by hand: never goes by itself, and never counts.</summary>
    Manual,

    /// <summary>A request with <c>auto_trigger</c>: goes like a scheduled one, but drives none of those out.</summary>
    Requested,

    /// <summary>A policy, at one of its slots.</summary>
    Scheduled,
}

internal enum BackupCondition
{
    Available,

    /// <summary>In the making, being restored from, or being deleted.</summary>
    Busy,

    Failed,
}

/// <summary>One backup of one resource in one vault, as far as keeping it is concerned.</summary>
/// <param name="Id">Of the backup; in a preview also of one that does not exist yet.</param>
/// <param name="CreatedAt">The start of its run.</param>
internal sealed record RetainedBackup(string Id, DateTimeOffset CreatedAt)
{
    public BackupOrigin Origin { get; init; } = BackupOrigin.Scheduled;

    public BackupCondition Condition { get; init; } = BackupCondition.Available;

    /// <summary>Something of the resource is missing in it.</summary>
    public bool IsPartial { get; init; }

    /// <summary>Somebody else may be using it.</summary>
    public bool IsShared { get; init; }

    /// <summary>An image was made from it.</summary>
    public bool HasImage { get; init; }

    /// <summary>In a locked vault: until when nothing may let it go (<see cref="LockTerm"/>); null when nothing holds it so.</summary>
    public DateTimeOffset? LockedUntil { get; init; }

    /// <summary>Stamped when it was completed; null when it does not expire.</summary>
    public DateTimeOffset? ExpiredAt { get; init; }

    /// <summary>A stored backup as it is now. Until when it is locked is for the caller, who knows the vault.</summary>
    public static RetainedBackup Of(Backup backup, bool isShared) => new(backup.Id.Value, backup.CreatedAt)
    {
        Origin = !backup.AutoTrigger ? BackupOrigin.Manual : backup.PolicyId is null ? BackupOrigin.Requested : BackupOrigin.Scheduled,
        Condition = backup.Status switch
        {
            BackupStatus.Available => BackupCondition.Available,
            BackupStatus.Error => BackupCondition.Failed,
            _ => BackupCondition.Busy,
        },
        IsPartial = backup.ProblemCount > 0,
        IsShared = isShared,
        ExpiredAt = backup.ExpiredAt,
    };

    /// <summary>Whole and there to be restored.</summary>
    public bool IsGood => Condition == BackupCondition.Available && !IsPartial;
}

/// <summary>What becomes of a backup, and everything that holds it or the one thing that lets it go.</summary>
internal sealed record RetentionVerdict(RetainedBackup Backup, bool Keeps, IReadOnlyList<string> Reasons)
{
    public override string ToString() => $"{(Keeps ? "keep" : "delete")}: {string.Join(", ", Reasons)}";
}
