using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Tasks;

public sealed class TaskOptions
{
    /// <summary>
    /// Tasks run at once by this process. One run already uses every core; the second keeps the machine busy while the
    /// first opens its source or waits for the store.
    /// </summary>
    [Range(1, 64)]
    public int ParallelRunsMax { get; set; } = 2;

    /// <summary>
    /// Backups of one vault at once, by all processes together: so many resources of one tenant may be read and written at a
    /// time, however many workers there are.
    /// </summary>
    [Range(1, 1000)]
    public int ParallelRunsPerVaultMax { get; set; } = 4;

    /// <summary>Tasks run at once by all processes together: what the store and the database are to bear.</summary>
    [Range(1, 10_000)]
    public int ParallelRunsInstallationMax { get; set; } = 64;

    /// <summary>How often to look for work that another process was asked for. Work asked of this one starts at once.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often progress is written and a wish to cancel is seen.</summary>
    public TimeSpan ProgressInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A task whose process died is started again this often in all before it is given up: the second time survives a
    /// restart or an update, the third a bad day; a task that kills its process every time must not do so for ever.
    /// </summary>
    [Range(1, 100)]
    public int AttemptsMax { get; set; } = 3;

    /// <summary>How long tasks that ended can be looked up; a little over a year, as the audit. Clients expect a month.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3660.00:00:00")]
    public TimeSpan HistoryRetention { get; set; } = TimeSpan.FromDays(400);

    /// <summary>How long deleted backups can be brought back, in time the service runs.</summary>
    public TimeSpan UndoWindow { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often backups past the undo window are looked for.</summary>
    public TimeSpan PurgeInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How often the space of dropped backups is freed; zero: never by this process. A pass reads what leads to every backup, so
    /// it should not run much more often than backups expire.
    /// </summary>
    public TimeSpan CollectionInterval { get; set; } = TimeSpan.FromHours(6);
}

/// <summary>The timings that safety rests on, with the reason beside each.</summary>
internal static class LeaseTimings
{
    /// <summary>
    /// How long a worker's counter must stand still, by the observer's own monotonic clock, before its tasks are given to
    /// others. Long enough for a hung disk or a database fail-over, short enough that nobody is woken at night.
    /// </summary>
    public static readonly TimeSpan LeasePeriod = TimeSpan.FromSeconds(30);

    /// <summary>Six chances to renew within a lease period.</summary>
    public static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A worker that could not renew for so long stops its runs by itself. It must be clearly shorter than the lease period:
    /// the token keeps a stale owner from committing, but only this keeps it from writing into a restore's target.
    /// </summary>
    public static readonly TimeSpan FenceAfter = TimeSpan.FromSeconds(20);
}
