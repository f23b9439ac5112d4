using System.Text;
using System.Text.Json;
using Strongroom.Contract;
using Strongroom.Server.Http;
using Strongroom.Server.Schedules;

namespace Strongroom.Server.Tests.Schedules;

public sealed class SchedulePatternTests
{
    [Theory]
    [InlineData("FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=06;BYMINUTE=00")]
    [InlineData("FREQ=DAILY;INTERVAL=5;BYHOUR=6;BYMINUTE=0")]
    [InlineData("BYMINUTE=59;BYHOUR=23;FREQ=DAILY")]
    [InlineData("FREQ=WEEKLY;INTERVAL=1;BYDAY=SU;BYHOUR=0,2,4;BYMINUTE=30")]
    public void These_are_patterns(string text) => Assert.Equal(text, Assert.Single(Read(text)).Text);

    [Theory]
    [InlineData("", "is 0 characters long")]
    [InlineData("FREQ=WEEKLY;BYDAY=MO;BYHOUR=06", "must have BYMINUTE")]
    [InlineData("FREQ=WEEKLY;BYHOUR=06;BYMINUTE=00", "must have BYDAY")]
    [InlineData("BYHOUR=06;BYMINUTE=00", "must have FREQ")]
    [InlineData("FREQ=HOURLY;BYHOUR=06;BYMINUTE=00", "FREQ=DAILY or FREQ=WEEKLY")]
    [InlineData("FREQ=DAILY;BYDAY=MO;BYHOUR=06;BYMINUTE=00", "must not have BYDAY")]
    [InlineData("FREQ=DAILY;INTERVAL=0;BYHOUR=06;BYMINUTE=00", "1 to 30")]
    [InlineData("FREQ=DAILY;INTERVAL=31;BYHOUR=06;BYMINUTE=00", "1 to 30")]
    [InlineData("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=06;BYMINUTE=00", "INTERVAL other than 1")]
    [InlineData("FREQ=DAILY;BYHOUR=24;BYMINUTE=00", "0 to 23")]
    [InlineData("FREQ=DAILY;BYHOUR=006;BYMINUTE=00", "one or two digits")]
    [InlineData("FREQ=DAILY;BYHOUR=-1;BYMINUTE=00", "0 to 23")]
    [InlineData("FREQ=DAILY;BYHOUR=06;BYMINUTE=60", "0 to 59")]
    [InlineData("FREQ=DAILY;BYHOUR=06;BYHOUR=07;BYMINUTE=00", "names BYHOUR twice")]
    [InlineData("FREQ=WEEKLY;BYDAY=MO,MO;BYHOUR=06;BYMINUTE=00", "names MO twice")]
    [InlineData("FREQ=WEEKLY;BYDAY=mo;BYHOUR=06;BYMINUTE=00", "'mo' is none")]
    [InlineData("FREQ=WEEKLY;BYDAY=MO;TU;BYHOUR=06;BYMINUTE=00", "'TU' is none")]
    [InlineData("freq=DAILY;BYHOUR=06;BYMINUTE=00", "is none")]
    [InlineData("RRULE:FREQ=DAILY;BYHOUR=06;BYMINUTE=00", "is none")]
    [InlineData("FREQ=DAILY;BYHOUR=06;BYMINUTE=00;", "'' is none")]
    [InlineData("FREQ=DAILY;BYHOUR=06;BYMINUTE=00;COUNT=3", "'COUNT=3' is none")]
    [InlineData("FREQ=DAILY;BYHOUR=06;BYMINUTE=00,30", "at least one hour apart: 06:00 of item 0 and 06:30 of item 0")]
    public void These_are_refused(string text, string because)
    {
        RefusedException refusal = Assert.Throws<RefusedException>(() => Read(text));

        Assert.Equal(ErrorCodes.ParameterInvalid, refusal.Error);
        Assert.Contains(because, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FREQ=WEEKLY;BYDAY=WE;BYHOUR=00;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=TU;BYHOUR=23;BYMINUTE=45", false)] // across midnight
    [InlineData("FREQ=WEEKLY;BYDAY=MO;BYHOUR=00;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=23;BYMINUTE=45", false)] // across the week
    [InlineData("FREQ=WEEKLY;BYDAY=WE;BYHOUR=00;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=23;BYMINUTE=45", true)]
    [InlineData("FREQ=WEEKLY;BYDAY=WE;BYHOUR=00;BYMINUTE=45", "FREQ=WEEKLY;BYDAY=TU;BYHOUR=23;BYMINUTE=45", true)]
    [InlineData("FREQ=DAILY;INTERVAL=2;BYHOUR=10;BYMINUTE=00", "FREQ=DAILY;INTERVAL=3;BYHOUR=10;BYMINUTE=59", false)] // every sixth day
    [InlineData("FREQ=DAILY;INTERVAL=2;BYHOUR=23;BYMINUTE=30", "FREQ=DAILY;INTERVAL=4;BYHOUR=00;BYMINUTE=00", true)] // never days in a row
    [InlineData("FREQ=DAILY;INTERVAL=2;BYHOUR=23;BYMINUTE=30", "FREQ=DAILY;INTERVAL=3;BYHOUR=00;BYMINUTE=00", false)]
    [InlineData("FREQ=DAILY;INTERVAL=9;BYHOUR=10;BYMINUTE=00", "FREQ=WEEKLY;BYDAY=FR;BYHOUR=10;BYMINUTE=30", false)]
    [InlineData("FREQ=DAILY;INTERVAL=9;BYHOUR=10;BYMINUTE=00", "FREQ=WEEKLY;BYDAY=FR;BYHOUR=10;BYMINUTE=00", true)] // one point
    public void Time_points_are_an_hour_apart(string one, string other, bool isAllowed)
    {
        foreach (string[] order in new[] { new[] { one, other }, [other, one] })
        {
            Exception? refusal = Record.Exception(() => Read(order));

            Assert.Equal(isAllowed, refusal is null);
        }
    }

    [Fact]
    public void A_policy_has_at_most_24_patterns()
    {
        string[] hourly = [.. Enumerable.Range(0, 24).Select(hour => $"FREQ=DAILY;BYHOUR={hour};BYMINUTE=15")];

        Assert.Equal(24, Read(hourly).Count);
        Assert.Throws<RefusedException>(() => Read([.. hourly, "FREQ=DAILY;BYHOUR=0;BYMINUTE=15"]));
        Assert.Throws<RefusedException>(() => Read([]));
    }

    [Theory]
    [InlineData("FREQ=DAILY;INTERVAL=3;BYHOUR=14;BYMINUTE=30", "05 14:30, 08 14:30, 11 14:30, 14 14:30")]
    [InlineData("FREQ=DAILY;INTERVAL=3;BYHOUR=01;BYMINUTE=30", "08 01:30, 11 01:30, 14 01:30, 17 01:30")]
    [InlineData("FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=09;BYMINUTE=00", "11 09:00, 12 09:00, 18 09:00, 19 09:00")]
    public void The_first_runs_are_those_of_the_reference(string pattern, string expected)
    {
        var start = new DateTimeOffset(2024, 11, 5, 10, 20, 31, TimeSpan.Zero);
        var schedule = new Schedule([SchedulePattern.Parse(pattern)], start, TimeZoneInfo.Utc);

        Assert.Equal(expected, string.Join(", ", Next(schedule, start, 4).Select(slot => $"{slot:dd HH:mm}")));
    }

    [Theory]
    [InlineData("Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29 01:00Z")] // 02:30 is skipped: at 03:00
    [InlineData("Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25 00:30Z")] // 02:30 comes twice: the first time
    [InlineData("Europe/Berlin", "2026-10-25T00:30Z", "2026-10-26 01:30Z")] // and not again
    [InlineData("America/New_York", "2026-03-07T12:00Z", "2026-03-08 07:00Z")]
    [InlineData("Australia/Lord_Howe", "2026-10-03T12:00Z", "2026-10-03 15:30Z")] // half an hour, from 02:00 to 02:30
    [InlineData("Asia/Kathmandu", "2026-03-28T12:00Z", "2026-03-28 20:45Z")]
    public void A_skipped_time_runs_at_the_next_minute_and_a_repeated_one_once(string zone, string after, string expected)
    {
        var schedule = new Schedule(
            [SchedulePattern.Parse("FREQ=DAILY;BYHOUR=02;BYMINUTE=30")], DateTimeOffset.UnixEpoch, TimeZones.Find(zone)!);

        Assert.Equal(expected, $"{schedule.NextAfter(DateTimeOffset.Parse(after)):yyyy-MM-dd HH:mm}Z");
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/localtime")]
    [InlineData("Europe")]
    [InlineData("Europe/Nowhere")]
    [InlineData("zone.tab")]
    [InlineData("Europe/Ber\0lin")]
    [InlineData("")]
    public void What_is_no_zone_is_not_found(string name) => Assert.Null(TimeZones.Find(name));

    internal static IEnumerable<DateTimeOffset> Next(Schedule schedule, DateTimeOffset after, int count)
    {
        for (int i = 0; i < count; i++)
            yield return after = schedule.NextAfter(after);
    }

    private static List<SchedulePattern> Read(params string[] patterns) => BodyReader.Parse(
        Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { pattern = patterns })), body => Schedule.ReadPatterns(body["pattern"]));
}
