using System.Globalization;

namespace Strongroom.Server.Retention;

/// <summary>
/// What a policy keeps of one resource in one vault: a pure function, which the executor and the preview both use (atlas of the
/// policy API, section 18).
///
/// By number: the newest so many, and the newest of each of the last so many days, weeks, months and years that have a backup.
/// Counted are automatic backups that are available and that no image was made from. By age: a backup goes when the expiry it
/// was stamped with is past. Backups asked for with <c>auto_trigger</c> are weighed together with the scheduled ones, but those
/// are also weighed by themselves: however many are asked for, none drives a scheduled one out.
///
/// Whatever the rules say, these stay: manual, shared, locked and busy backups, those with an image, and of each resource the
/// newest good one.
/// </summary>
internal static class RetentionDecision
{
    /// <param name="rule">Of the policy as it is now.</param>
    /// <param name="backups">All of one resource in one vault, in any order.</param>
    /// <param name="now">When it is decided.</param>
    /// <param name="options">The rules of the installation.</param>
    /// <returns>A verdict for each, the newest first.</returns>
    public static List<RetentionVerdict> Of(
        RetentionRule rule, IEnumerable<RetainedBackup> backups, DateTimeOffset now, RetentionOptions options)
    {
        List<RetainedBackup> newestFirst =
            [.. backups.OrderByDescending(backup => backup.CreatedAt).ThenByDescending(backup => backup.Id, StringComparer.Ordinal)];
        Dictionary<string, List<string>> held = rule.IsByNumber ? HeldByNumber(rule, newestFirst) : [];
        HashSet<string> failedHeld = [.. newestFirst.Where(IsFailedAutomatic).Take(options.FailedCountMax).Select(backup => backup.Id)];
        RetainedBackup? newestGood = newestFirst.Find(backup => backup.IsGood);
        return newestFirst.ConvertAll(Verdict);

        RetentionVerdict Verdict(RetainedBackup backup)
        {
            List<string> reasons = Unconditional(backup, now);
            if (reasons.Count > 0)
                return new RetentionVerdict(backup, true, reasons);
            if (backup.Condition == BackupCondition.Failed)
                return FailedVerdict(backup, failedHeld.Contains(backup.Id), now, options);
            if (LetGo(backup, out string? why) is { } because && backup != newestGood)
                return new RetentionVerdict(backup, false, [because]);
            reasons.AddRange(held.GetValueOrDefault(backup.Id, []));
            if (why is not null)
                reasons.Add(why);
            if (backup == newestGood)
                reasons.Add("newest good");
            else if (reasons.Count == 0)
                reasons.Add("permanent");
            return new RetentionVerdict(backup, true, reasons);
        }

        // Why a backup goes; else what its age has to say for keeping it.
        string? LetGo(RetainedBackup backup, out string? why)
        {
            why = null;
            bool reachesBack = options.AgeReachesBack && backup.ExpiredAt is null;
            if ((reachesBack ? rule.ExpiryOf(backup.CreatedAt) : backup.ExpiredAt) is { } expiry)
            {
                DateTimeOffset removal = options.RemovalOf(expiry);
                if (removal <= now)
                    return OlderThan(expiry - backup.CreatedAt);
                why = expiry > now ? $"until {Shown(expiry)}" : $"expired, goes at {Shown(removal)}";
            }

            return IsCounted(backup) && rule.IsByNumber && !held.ContainsKey(backup.Id) ? Surplus(rule) : null;
        }
    }

    /// <summary>What keeps a backup whatever the policy says.</summary>
    private static List<string> Unconditional(RetainedBackup backup, DateTimeOffset now)
    {
        List<string> reasons = [];
        if (backup.Origin == BackupOrigin.Manual)
            reasons.Add("manual");
        if (backup.IsShared)
            reasons.Add("shared");
        if (backup.HasImage)
            reasons.Add("image");
        if (backup.LockedUntil > now)
            reasons.Add("locked");
        if (backup.Condition == BackupCondition.Busy)
            reasons.Add("in use");
        return reasons;
    }

    private static RetentionVerdict FailedVerdict(RetainedBackup backup, bool isAmongNewest, DateTimeOffset now, RetentionOptions options)
    {
        if (backup.CreatedAt + options.FailedAgeMax <= now)
            return new RetentionVerdict(backup, false, ["failed, " + OlderThan(options.FailedAgeMax)]);
        return isAmongNewest
            ? new RetentionVerdict(backup, true, ["failed"])
            : new RetentionVerdict(backup, false, [$"failed, beyond the newest {options.FailedCountMax}"]);
    }

    private static bool IsFailedAutomatic(RetainedBackup backup) =>
        backup.Condition == BackupCondition.Failed && backup.Origin != BackupOrigin.Manual;

    private static bool IsCounted(RetainedBackup backup) =>
        backup.Origin != BackupOrigin.Manual && backup.Condition == BackupCondition.Available && !backup.HasImage;

    private static Dictionary<string, List<string>> HeldByNumber(RetentionRule rule, List<RetainedBackup> newestFirst)
    {
        List<RetainedBackup> counted = newestFirst.FindAll(IsCounted);
        var held = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        Hold(counted);
        if (counted.Exists(backup => backup.Origin == BackupOrigin.Requested))
            Hold(counted.FindAll(backup => backup.Origin == BackupOrigin.Scheduled));
        return held;

        void Hold(List<RetainedBackup> weighed)
        {
            for (int i = 0; i < Math.Min(rule.MaxBackups, weighed.Count); i++)
                Add(weighed[i], $"number {i + 1} of {rule.MaxBackups}");
            HoldPeriods(weighed, rule.DayBackups, local => $"day {local:yyyy-MM-dd}");
            HoldPeriods(weighed, rule.WeekBackups, local => $"week {ISOWeek.GetYear(local):0000}-W{ISOWeek.GetWeekOfYear(local):00}");
            HoldPeriods(weighed, rule.MonthBackups, local => $"month {local:yyyy-MM}");
            HoldPeriods(weighed, rule.YearBackups, local => $"year {local:yyyy}");
        }

        // The first of each period in the list is its newest. Periods without a backup use up nothing.
        void HoldPeriods(List<RetainedBackup> weighed, int periodCount, Func<DateTime, string> periodOf)
        {
            string? last = null;
            foreach (RetainedBackup backup in weighed)
            {
                if (periodCount == 0)
                    return;
                string period = periodOf(backup.CreatedAt.UtcDateTime + rule.CalendarOffset);
                if (period == last)
                    continue;
                last = period;
                periodCount--;
                Add(backup, period);
            }
        }

        void Add(RetainedBackup backup, string reason)
        {
            if (!held.TryGetValue(backup.Id, out List<string>? reasons))
                held.Add(backup.Id, reasons = []);
            // Weighed twice, a backup keeps the place of the first weighing.
            if (!reasons.Exists(given => given == reason || (reason.StartsWith("number", StringComparison.Ordinal) && given.StartsWith("number", StringComparison.Ordinal))))
                reasons.Add(reason);
        }
    }

    private static string Surplus(RetentionRule rule) =>
        (rule.MaxBackups > 0, rule.HasSlots) switch
        {
            (true, false) => $"beyond the newest {rule.MaxBackups}",
            (true, true) => $"beyond the newest {rule.MaxBackups} and the newest of no day, week, month or year that is kept",
            _ => "the newest of no day, week, month or year that is kept",
        };

    private static string OlderThan(TimeSpan age) =>
        age.Ticks % TimeSpan.TicksPerDay == 0 ? $"older than {age.Days} days" : $"older than {age.TotalHours:0.#} hours";

    private static string Shown(DateTimeOffset instant) => instant.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
