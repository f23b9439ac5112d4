namespace Strongroom.Server.Policies;

/// <summary>When a policy reads a resource anew (atlas of backups, section 17.5). Pure.</summary>
internal static class FullBackups
{
    // Two full backups are a day apart. Runs start a little after their slots, not always by the same, and slots are at least
    // an hour apart: half an hour less than a day takes the slot a day later and none before it.
    private static readonly TimeSpan ApartMin = TimeSpan.FromHours(23.5);

    /// <param name="interval"><c>full_backup_interval</c>: -1 or null never, 0 always, else after so many increments.</param>
    /// <param name="history">Of the resource in the vault; null when it has no backup there.</param>
    /// <param name="now">When the run starts.</param>
    public static bool IsDue(int? interval, FullHistory? history, DateTimeOffset now)
    {
        if (interval is null or < 0)
            return false;
        if (history?.LastFullAt is not { } lastFullAt)
            return true;
        return interval == 0 || (history.CountSince >= interval && now - lastFullAt >= ApartMin);
    }
}

/// <param name="LastFullAt">The newest that was asked to be full; null when none was.</param>
/// <param name="CountSince">Backups after it.</param>
internal sealed record FullHistory(DateTimeOffset? LastFullAt, long CountSince);
