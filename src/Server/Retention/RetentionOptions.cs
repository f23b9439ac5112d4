using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Retention;

/// <summary>
/// Rules of CBR's retention that surprise, each as the original has it unless it is set otherwise (User Guide, "Creating a
/// Backup Policy" and the FAQ on changed retention rules).
/// </summary>
public sealed class RetentionOptions
{
    /// <summary>How soon after a backup, and after an expiry, the rules are carried out.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Expired backups go in batches between two hours of the day, UTC, and stay usable until then. Equal hours: at once.
    /// </summary>
    [Range(0, 23)]
    public int ExpiryFromHour { get; set; } = 8;

    [Range(0, 23)]
    public int ExpiryUntilHour { get; set; } = 20;

    /// <summary>
    /// A rule changed from a number to an age leaves backups made before it for good. True: they age like those made since.
    /// </summary>
    public bool AgeReachesBack { get; set; }

    /// <summary>Failed periodic backups of a resource: the newest so many stay, to be looked at.</summary>
    [Range(0, 1000)]
    public int FailedCountMax { get; set; } = 10;

    /// <summary>And none for longer than this.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00")]
    public TimeSpan FailedAgeMax { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The first instant, from an expiry on, at which expired backups go.</summary>
    public DateTimeOffset RemovalOf(DateTimeOffset expiry)
    {
        if (ExpiryFromHour == ExpiryUntilHour)
            return expiry;
        DateTimeOffset midnight = new(expiry.UtcDateTime.Date, TimeSpan.Zero);
        // Yesterday's window may reach over midnight.
        for (int day = -1; ; day++)
        {
            DateTimeOffset from = midnight.AddDays(day).AddHours(ExpiryFromHour);
            DateTimeOffset until = midnight.AddDays(day + (ExpiryUntilHour < ExpiryFromHour ? 1 : 0)).AddHours(ExpiryUntilHour);
            if (expiry < until)
                return expiry > from ? expiry : from;
        }
    }
}
