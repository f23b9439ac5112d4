using Strongroom.Server.Retention;

namespace Strongroom.Server.Tests.Retention;

/// <summary>The worked examples of the policy atlas, section 18, and the rules around them.</summary>
public sealed class RetentionTests
{
    private static readonly RetentionOptions Options = new();

    [Fact]
    public void The_first_worked_example_keeps_its_five()
    {
        var rule = new RetentionRule { MaxBackups = 2, DayBackups = 3, WeekBackups = 2, MonthBackups = 2, CalendarOffset = TimeSpan.FromHours(8) };
        List<RetainedBackup> backups = [.. Enumerable.Range(0, 16).Select(day => Made(At(2024, 10, 28, 17).AddDays(day)))];
        backups.Add(Made(At(2024, 11, 10, 3)));
        backups.Add(Made(At(2024, 11, 11, 3)));

        List<RetentionVerdict> verdicts = Decide(rule, backups, At(2024, 11, 12, 17));

        Assert.Equal(
            [
                "2024-11-12 17:00 keep: number 1 of 2, day 2024-11-13, week 2024-W46, month 2024-11, newest good",
                "2024-11-11 17:00 keep: number 2 of 2, day 2024-11-12",
                "2024-11-11 03:00 keep: day 2024-11-11",
                "2024-11-10 03:00 keep: week 2024-W45",
                "2024-10-30 17:00 keep: month 2024-10",
            ],
            verdicts.Where(verdict => verdict.Keeps).Select(Shown));
    }

    [Fact]
    public void The_second_worked_example_counts_no_manual_backup()
    {
        DateTimeOffset first = At(2024, 11, 4, 6);
        List<RetainedBackup> backups = [.. Enumerable.Range(0, 5).Select(i => Made(first.AddHours(6 * i)))];
        backups.Add(Made(At(2024, 11, 4, 13)) with { Origin = BackupOrigin.Manual });

        List<RetentionVerdict> verdicts = Decide(new RetentionRule { MaxBackups = 4 }, backups, At(2024, 11, 5, 6));

        Assert.Equal(["2024-11-04 06:00 delete: beyond the newest 4"], Deleted(verdicts));
        Assert.Equal(5, verdicts.Count(verdict => verdict.Keeps));
    }

    [Fact]
    public void From_days_to_a_number_both_rules_count()
    {
        // Three days, daily at 02:00, then "the newest seven" from 8 August 10:00 on: 6 and 7 go by age, 8 as well in time.
        List<RetainedBackup> backups = [.. Enumerable.Range(6, 3).Select(day => Aged(At(2024, 8, day, 2), 3))];
        backups.Add(Made(At(2024, 8, 9, 2)));
        backups.Add(Made(At(2024, 8, 10, 2)));

        List<RetentionVerdict> verdicts = Decide(new RetentionRule { MaxBackups = 7 }, backups, At(2024, 8, 10, 10));

        Assert.Equal(["2024-08-07 02:00 delete: older than 3 days", "2024-08-06 02:00 delete: older than 3 days"], Deleted(verdicts));
    }

    [Fact]
    public void From_a_month_to_a_number_the_number_comes_first()
    {
        List<RetainedBackup> backups = [.. Enumerable.Range(6, 3).Select(day => Aged(At(2024, 8, day, 2), 30))];
        backups.AddRange(Enumerable.Range(9, 7).Select(day => Made(At(2024, 8, day, 2))));

        List<RetentionVerdict> verdicts = Decide(new RetentionRule { MaxBackups = 7 }, backups, At(2024, 8, 15, 10));

        Assert.Equal([8, 7, 6], verdicts.Where(verdict => !verdict.Keeps).Select(verdict => verdict.Backup.CreatedAt.Day));
    }

    [Fact]
    public void From_a_number_to_days_old_backups_stay_for_good_unless_age_reaches_back()
    {
        List<RetainedBackup> backups = [Made(At(2024, 1, 1, 0)), Aged(At(2024, 12, 1, 0), 3)];
        var rule = new RetentionRule { DurationDays = 3 };

        Assert.Equal("keep: permanent", Decide(rule, backups, At(2024, 12, 2, 0))[1].ToString());
        Assert.Equal("delete: older than 3 days", Decide(rule, backups, At(2024, 12, 2, 0), new RetentionOptions { AgeReachesBack = true })[1].ToString());
    }

    [Fact]
    public void Expired_backups_go_between_eight_and_eight_in_the_evening()
    {
        RetainedBackup old = Aged(At(2024, 11, 20, 20), 3);
        List<RetainedBackup> backups = [old, Made(At(2024, 11, 23, 22))];

        Assert.Equal("keep: until 2024-11-23T20:00:00Z", Decide(RetentionRule.Permanent, backups, At(2024, 11, 23, 19))[1].ToString());
        Assert.Equal("keep: expired, goes at 2024-11-24T08:00:00Z", Decide(RetentionRule.Permanent, backups, At(2024, 11, 24, 7))[1].ToString());
        Assert.Equal("delete: older than 3 days", Decide(RetentionRule.Permanent, backups, At(2024, 11, 24, 8))[1].ToString());
        var atOnce = new RetentionOptions { ExpiryFromHour = 0, ExpiryUntilHour = 0 };
        Assert.Equal("delete: older than 3 days", Decide(RetentionRule.Permanent, backups, At(2024, 11, 23, 20), atOnce)[1].ToString());
        var atNight = new RetentionOptions { ExpiryFromHour = 22, ExpiryUntilHour = 6 };
        Assert.Equal(At(2024, 11, 23, 22), atNight.RemovalOf(At(2024, 11, 23, 20)));
        Assert.Equal(At(2024, 11, 23, 3), atNight.RemovalOf(At(2024, 11, 23, 3)));
    }

    [Fact]
    public void Failed_periodic_backups_stay_ten_and_a_month()
    {
        List<RetainedBackup> backups = [.. Enumerable.Range(0, 12).Select(i => Made(At(2024, 5, 31, 0).AddHours(-i)) with { Condition = BackupCondition.Failed })];
        backups.Add(Made(At(2024, 5, 1, 0)) with { Condition = BackupCondition.Failed, Origin = BackupOrigin.Manual });

        Assert.Equal(2, Decide(RetentionRule.Permanent, backups, At(2024, 5, 31, 1)).Count(verdict => !verdict.Keeps));
        Assert.Equal(12, Decide(RetentionRule.Permanent, backups, At(2024, 6, 30, 0)).Count(verdict => !verdict.Keeps));
    }

    [Fact]
    public void The_newest_good_backup_outlives_its_age_and_partial_ones_after_it()
    {
        RetainedBackup good = Aged(At(2024, 1, 1, 0), 1);
        RetainedBackup partial = Aged(At(2024, 1, 2, 0), 1) with { IsPartial = true };

        List<RetentionVerdict> verdicts = Decide(RetentionRule.Permanent, [good, partial], At(2025, 1, 1, 12));

        Assert.Equal(["delete: older than 1 days", "keep: newest good"], verdicts.Select(verdict => verdict.ToString()));
    }

    [Fact]
    public void What_is_manual_shared_locked_busy_or_an_images_never_goes()
    {
        RetainedBackup old = Aged(At(2020, 1, 1, 0), 1);
        List<RetainedBackup> backups =
        [
            old with { Id = "1", Origin = BackupOrigin.Manual },
            old with { Id = "2", IsShared = true },
            old with { Id = "3", HasImage = true },
            old with { Id = "4", LockedUntil = DateTimeOffset.MaxValue },
            old with { Id = "5", Condition = BackupCondition.Busy },
            old with { Id = "6" },
            Made(At(2024, 1, 1, 0)),
        ];

        List<RetentionVerdict> verdicts = Decide(new RetentionRule { MaxBackups = 1 }, backups, At(2025, 1, 1, 12));

        Assert.Equal("6", Assert.Single(verdicts, verdict => !verdict.Keeps).Backup.Id);
    }

    [Fact]
    public void A_flood_of_requests_drives_no_scheduled_backup_out()
    {
        List<RetainedBackup> scheduled = [.. Enumerable.Range(1, 7).Select(day => Made(At(2024, 5, day, 1)))];
        List<RetainedBackup> flood = [.. Enumerable.Range(0, 500).Select(i => Made(At(2024, 5, 7, 2).AddMinutes(i)) with { Origin = BackupOrigin.Requested })];
        var rule = new RetentionRule { MaxBackups = 3, DayBackups = 5 };

        HashSet<string> before = Kept(Decide(rule, scheduled, At(2024, 5, 8, 0)));
        HashSet<string> after = Kept(Decide(rule, scheduled.Concat(flood), At(2024, 5, 8, 0)));

        Assert.Subset(after, before);
        Assert.Equal(before.Count + 3, after.Count);
    }

    [Theory]
    [InlineData(7, -1, 0, true, 0)]
    [InlineData(-1, 30, 0, false, 30)]
    [InlineData(-1, -1, 5, false, 0)]
    [InlineData(null, null, 5, true, 0)]
    [InlineData(0, null, 0, false, 0)]
    public void The_mode_follows_from_the_definition(int? max, int? days, int dayBackups, bool isByNumber, int duration)
    {
        RetentionRule rule = RetentionRule.Of(max, days, dayBackups, null, null, null, null);

        Assert.Equal((isByNumber, duration), (rule.IsByNumber, rule.DurationDays));
    }

    private static DateTimeOffset At(int year, int month, int day, int hour) => new(year, month, day, hour, 0, 0, TimeSpan.Zero);

    private static RetainedBackup Made(DateTimeOffset at) => new($"{at:yyyyMMddHHmmss}", at);

    private static RetainedBackup Aged(DateTimeOffset at, int days) => Made(at) with { ExpiredAt = at.AddDays(days) };

    private static List<RetentionVerdict> Decide(
        RetentionRule rule, IEnumerable<RetainedBackup> backups, DateTimeOffset now, RetentionOptions? options = null) =>
        RetentionDecision.Of(rule, backups, now, options ?? Options);

    private static HashSet<string> Kept(IEnumerable<RetentionVerdict> verdicts) =>
        [.. verdicts.Where(verdict => verdict.Keeps).Select(verdict => verdict.Backup.Id)];

    private static IEnumerable<string> Deleted(IEnumerable<RetentionVerdict> verdicts) =>
        verdicts.Where(verdict => !verdict.Keeps).Select(Shown);

    private static string Shown(RetentionVerdict verdict) => $"{verdict.Backup.CreatedAt:yyyy-MM-dd HH:mm} {verdict}";
}
