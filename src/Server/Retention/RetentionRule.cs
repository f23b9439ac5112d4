using Strongroom.Server.Policies;

namespace Strongroom.Server.Retention;

/// <summary>
/// What a policy says about keeping (atlas of the policy API, section 18.2). By number when any of the counts is above 0, by
/// age when <see cref="DurationDays"/> is; never both, and neither keeps everything.
/// </summary>
internal sealed record RetentionRule
{
    /// <summary>Keeps everything: no policy, a disabled one, or one without a limit. Stamped expiry still counts.</summary>
    public static readonly RetentionRule Permanent = new();

    /// <summary>So many of the newest; 0 when the number does not matter.</summary>
    public int MaxBackups { get; init; }

    /// <summary>So many days of 24 hours from the start of the run; 0 when the age does not matter.</summary>
    public int DurationDays { get; init; }

    public int DayBackups { get; init; }

    public int WeekBackups { get; init; }

    public int MonthBackups { get; init; }

    public int YearBackups { get; init; }

    /// <summary>From UTC to the calendar that days, weeks, months and years are counted in.</summary>
    public TimeSpan CalendarOffset { get; init; }

    public bool HasSlots => DayBackups > 0 || WeekBackups > 0 || MonthBackups > 0 || YearBackups > 0;

    public bool IsByNumber => MaxBackups > 0 || HasSlots;

    /// <summary>The rule in the members of <c>operation_definition</c>; absent, 0 and -1 all mean no limit.</summary>
    /// <remarks>
    /// An explicit <c>max_backups</c> of -1 says "do not clean by number", and then the long-term counts hold nothing back
    /// because nothing goes; absent or 0 leaves the long-term counts to decide alone.
    /// </remarks>
    public static RetentionRule Of(int? maxBackups, int? durationDays, int? days, int? weeks, int? months, int? years, TimeSpan? offset)
    {
        if (durationDays > 0)
            return new RetentionRule { DurationDays = durationDays.Value };
        if (maxBackups == -1)
            return Permanent;
        return new RetentionRule
        {
            MaxBackups = maxBackups ?? 0,
            DayBackups = days ?? 0,
            WeekBackups = weeks ?? 0,
            MonthBackups = months ?? 0,
            YearBackups = years ?? 0,
            CalendarOffset = offset ?? TimeSpan.Zero,
        };
    }

    /// <summary>A disabled policy cleans no more than one that was taken off; what is stamped expires all the same.</summary>
    public static RetentionRule Of(Policy? policy) => policy is { Enabled: true, Definition: var definition }
        ? Of(
            definition.MaxBackups,
            definition.RetentionDurationDays,
            definition.DayBackups,
            definition.WeekBackups,
            definition.MonthBackups,
            definition.YearBackups,
            definition.Offset)
        : Permanent;

    /// <summary>What a backup completed under this rule is stamped with; fixed from then on, whatever becomes of the policy.</summary>
    /// <param name="startedAt">The start of its run.</param>
    public DateTimeOffset? ExpiryOf(DateTimeOffset startedAt) => DurationDays > 0 ? startedAt.AddDays(DurationDays) : null;
}
