using Strongroom.Server.Backups;

namespace Strongroom.Server.Retention;

/// <summary>
/// How long a locked vault holds a scheduled or requested backup: until the time it was stamped with is over, by the calendar and
/// by the installation's own clock (<see cref="Tasks.InstallationClock"/>), which nobody can put forward. Pure.
/// </summary>
internal static class LockTerm
{
    /// <param name="backup">In a locked vault.</param>
    /// <param name="now">What the calendar shows.</param>
    /// <param name="tick">What the installation's clock shows.</param>
    /// <returns>When that is, as long as both clocks run on; far away for one without a stamp; null for one that failed.</returns>
    public static DateTimeOffset? Of(Backup backup, DateTimeOffset now, long tick)
    {
        if (backup.Status == BackupStatus.Error)
            return null;
        if (backup.ExpiredAt is not { } expiredAt || backup.CompletedAtTick is not { } completed)
            return DateTimeOffset.MaxValue;
        TimeSpan left = expiredAt - backup.CreatedAt - TimeSpan.FromMicroseconds(tick - completed);
        return now + left > expiredAt ? now + left : expiredAt;
    }
}
