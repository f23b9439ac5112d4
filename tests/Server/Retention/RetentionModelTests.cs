using Strongroom.Server.Retention;

namespace Strongroom.Server.Tests.Retention;

/// <summary>
/// Random histories of one resource: backups of every kind, changing rules, what was let go taken away, beside an oracle that
/// asks of each backup by itself whether anything holds it. After every step both must let the same backups go.
/// </summary>
public sealed class RetentionModelTests(ITestOutputHelper output)
{
    private const int HistoryCount = 100;
    private const int StepCount = 120;

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_oracle_lets_the_same_backups_go()
    {
        long made = 0;
        long gone = 0;
        for (int seed = 0; seed < HistoryCount; seed++)
        {
            var random = new Random(seed);
            RetentionOptions options = RandomOptions(random);
            RetentionRule rule = RandomRule(random);
            List<RetainedBackup> backups = [];
            DateTimeOffset now = Start;
            for (int step = 0; step < StepCount; step++)
            {
                now = now.AddMinutes(random.Next(60, 5 * 1440));
                if (random.Next(25) == 0)
                    rule = RandomRule(random);
                backups.Add(RandomBackup(random, $"{made++}", now, rule));

                string[] expected = [.. backups.Where(backup => Goes(rule, backups, backup, now, options)).Select(backup => backup.Id).Order()];
                string[] actual = [.. RetentionDecision.Of(rule, backups, now, options).Where(verdict => !verdict.Keeps).Select(verdict => verdict.Backup.Id).Order()];

                Assert.True(expected.SequenceEqual(actual), $"seed {seed}, step {step}, {rule}: {string.Join(" ", expected)} instead of {string.Join(" ", actual)}");
                gone += backups.RemoveAll(backup => actual.Contains(backup.Id));
            }
        }

        output.WriteLine($"{HistoryCount} histories, {made} backups made, {gone} gone");
        Assert.InRange(gone, made / 10, made);
    }

    /// <summary>The oracle.</summary>
    private static bool Goes(RetentionRule rule, List<RetainedBackup> all, RetainedBackup backup, DateTimeOffset now, RetentionOptions options)
    {
        if (backup.Origin == BackupOrigin.Manual || backup.IsShared || backup.HasImage || backup.LockedUntil > now || backup.Condition == BackupCondition.Busy)
            return false;
        if (backup.Condition == BackupCondition.Failed)
        {
            int newerFailed = all.Count(other => other.Condition == BackupCondition.Failed && other.Origin != BackupOrigin.Manual && other.CreatedAt > backup.CreatedAt);
            return newerFailed >= options.FailedCountMax || now - backup.CreatedAt >= options.FailedAgeMax;
        }

        bool isGood = !backup.IsPartial;
        if (isGood && !all.Exists(other => other.CreatedAt > backup.CreatedAt && other.Condition == BackupCondition.Available && !other.IsPartial))
            return false;

        DateTimeOffset? expiry = backup.ExpiredAt;
        if (expiry is null && options.AgeReachesBack && rule.DurationDays > 0)
            expiry = backup.CreatedAt + TimeSpan.FromDays(rule.DurationDays);
        if (expiry is not null && expiry <= now && WindowHasOpened(expiry.Value, now, options))
            return true;

        if (rule.MaxBackups == 0 && rule.DayBackups + rule.WeekBackups + rule.MonthBackups + rule.YearBackups == 0)
            return false;
        return !Held(all.Where(other => other.Origin != BackupOrigin.Manual))
            && !(backup.Origin == BackupOrigin.Scheduled && Held(all.Where(other => other.Origin == BackupOrigin.Scheduled)));

        bool Held(IEnumerable<RetainedBackup> among)
        {
            List<RetainedBackup> newer = [.. among.Where(other => other.CreatedAt > backup.CreatedAt && other.Condition == BackupCondition.Available && !other.HasImage)];
            return newer.Count < rule.MaxBackups
                || InPeriods(newer, rule.DayBackups, local => local.Date)
                || InPeriods(newer, rule.WeekBackups, local => local.Date.AddDays(-(((int)local.DayOfWeek + 6) % 7)))
                || InPeriods(newer, rule.MonthBackups, local => new DateTime(local.Year, local.Month, 1))
                || InPeriods(newer, rule.YearBackups, local => new DateTime(local.Year, 1, 1));
        }

        bool InPeriods(List<RetainedBackup> newer, int count, Func<DateTime, DateTime> periodOf)
        {
            DateTime Period(RetainedBackup one) => periodOf(one.CreatedAt.ToOffset(rule.CalendarOffset).DateTime);
            HashSet<DateTime> newerPeriods = [.. newer.Select(Period)];
            return !newerPeriods.Contains(Period(backup)) && newerPeriods.Count < count;
        }
    }

    /// <summary>Whether an hour within the window has come since the expiry, asked minute by minute.</summary>
    private static bool WindowHasOpened(DateTimeOffset expiry, DateTimeOffset now, RetentionOptions options)
    {
        if (options.ExpiryFromHour == options.ExpiryUntilHour)
            return true;
        for (DateTimeOffset minute = expiry; minute <= now; minute = minute.AddMinutes(1))
        {
            int hour = minute.Hour;
            if (options.ExpiryFromHour < options.ExpiryUntilHour
                ? hour >= options.ExpiryFromHour && hour < options.ExpiryUntilHour
                : hour >= options.ExpiryFromHour || hour < options.ExpiryUntilHour)
            {
                return true;
            }
        }

        return false;
    }

    private static RetentionOptions RandomOptions(Random random) => new()
    {
        ExpiryFromHour = random.Next(3) == 0 ? random.Next(24) : 8,
        ExpiryUntilHour = random.Next(3) == 0 ? random.Next(24) : 20,
        AgeReachesBack = random.Next(2) == 0,
        FailedCountMax = random.Next(4),
        FailedAgeMax = TimeSpan.FromDays(random.Next(5, 60)),
    };

    private static RetentionRule RandomRule(Random random) => random.Next(4) switch
    {
        0 => new RetentionRule { DurationDays = random.Next(1, 90) },
        1 => RetentionRule.Permanent,
        _ => new RetentionRule
        {
            MaxBackups = random.Next(12),
            DayBackups = random.Next(6),
            WeekBackups = random.Next(5),
            MonthBackups = random.Next(4),
            YearBackups = random.Next(3),
            CalendarOffset = TimeSpan.FromMinutes(random.Next(-14 * 4, (14 * 4) + 1) * 15),
        },
    };

    private static RetainedBackup RandomBackup(Random random, string id, DateTimeOffset at, RetentionRule rule) => new(id, at)
    {
        Origin = random.Next(10) switch { 0 => BackupOrigin.Manual, < 4 => BackupOrigin.Requested, _ => BackupOrigin.Scheduled },
        Condition = random.Next(12) switch { 0 => BackupCondition.Busy, < 3 => BackupCondition.Failed, _ => BackupCondition.Available },
        IsPartial = random.Next(8) == 0,
        IsShared = random.Next(25) == 0,
        HasImage = random.Next(25) == 0,
        LockedUntil = random.Next(25) == 0 ? DateTimeOffset.MaxValue : null,
        ExpiredAt = rule.ExpiryOf(at),
    };
}
