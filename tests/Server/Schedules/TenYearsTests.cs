using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Strongroom.Server.Schedules;

namespace Strongroom.Server.Tests.Schedules;

/// <summary>
/// Ten years of schedules in every zone of the machine. The oracle shares nothing with the code: it takes the changes of each
/// zone from <c>zdump</c>, walks the years minute by minute, and lets a slot run when the highest time the clock has ever shown
/// passes it. Instants and their number must agree. <c>STRONGROOM_SCHEDULES_LONG=1</c> runs many more patterns.
/// </summary>
public sealed class TenYearsTests(ITestOutputHelper output)
{
    private const int YearFirst = 2025;
    private const int YearCount = 10;
    private const int MinutesPerDay = 1440;

    private static readonly DateTimeOffset Start = new(YearFirst, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = Start.AddYears(YearCount);
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("STRONGROOM_SCHEDULES_LONG") == "1";

    [Fact]
    [Trait("Category", "Slow")]
    public void Every_zone_has_one_run_per_slot_for_ten_years()
    {
        if (!File.Exists("/usr/bin/zdump"))
            Assert.Skip("zdump (Debian's libc-bin) is not there");
        string[] zones = [.. ZoneNames()];
        Dictionary<string, List<(long Minute, int Offset)>> changes = Changes(zones);
        long runs = 0;
        long slots = 0;
        long moved = 0;
        var faults = new ConcurrentQueue<string>();

        // Zones that have always changed together share a walk of the oracle, each is asked by itself.
        string[][] groups = [.. zones.GroupBy(zone => string.Join(",", changes[zone])).Select(group => group.ToArray())];
        Parallel.For(0, groups.Length, new ParallelOptions { MaxDegreeOfParallelism = 2 }, i =>
        {
            var random = new Random(i);
            for (int round = 0; round < (IsLong ? 20 : 1); round++)
            {
                string[] patterns = Patterns(random);
                Oracle? oracle = null;
                foreach (string zone in groups[i])
                {
                    var schedule = new Schedule([.. patterns.Select(SchedulePattern.Parse)], Start, TimeZones.Find(zone)!);
                    oracle ??= Oracle.Walk(schedule, changes[zone]);
                    Interlocked.Add(ref slots, oracle.Slots);
                    Interlocked.Add(ref moved, oracle.Moved);
                    Interlocked.Add(ref runs, oracle.Runs.Count);
                    if (Compare(schedule, oracle.Runs) is { } fault)
                        faults.Enqueue($"{zone}, seed {i}, round {round}, {string.Join(" | ", patterns)}: {fault}");
                }
            }
        });

        output.WriteLine($"{zones.Length} zones, {YearCount} years: {slots} slots, {runs} runs, {moved} slots in skipped hours, {faults.Count} faults");
        Assert.True(zones.Length > 300, $"only {zones.Length} zones on this machine");
        Assert.True(moved > 0);
        Assert.Empty(faults);
    }

    private static string? Compare(Schedule schedule, List<DateTimeOffset> expected)
    {
        DateTimeOffset at = Start.AddTicks(-1);
        foreach (DateTimeOffset run in expected)
        {
            at = schedule.NextAfter(at);
            if (at != run)
                return $"{at:u} instead of {run:u}";
        }

        at = schedule.NextAfter(at);
        return at < End ? $"{at:u} is one too many" : null;
    }

    /// <summary>The hours around clock changes, where the trouble is, and any others; at least an hour apart.</summary>
    private static string[] Patterns(Random random)
    {
        int minute = random.Next(60);
        string days = string.Join(",", new[] { "MO", "TU", "WE", "TH", "FR", "SA", "SU" }.Where(_ => random.Next(3) > 0).DefaultIfEmpty("SU"));
        return
        [
            $"FREQ=DAILY;BYHOUR=2;BYMINUTE={minute}",
            $"FREQ=DAILY;INTERVAL={random.Next(1, 31)};BYHOUR=0,1,3;BYMINUTE={minute}",
            $"FREQ=WEEKLY;BYDAY={days};BYHOUR=23,{random.Next(4, 22)};BYMINUTE={minute}",
        ];
    }

    private static IEnumerable<string> ZoneNames()
    {
        const string root = "/usr/share/zoneinfo/";
        return Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Select(path => path[root.Length..])
            .Where(name => !name.StartsWith("posix/") && !name.StartsWith("right/") && name is not ("localtime" or "posixrules" or "Factory"))
            .Where(name => File.ReadAllBytes(root + name).AsSpan().StartsWith("TZif"u8))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>Per zone the minutes at which its offset changes, and the offset in minutes from there.</summary>
    private static Dictionary<string, List<(long Minute, int Offset)>> Changes(string[] zones)
    {
        var changes = zones.ToDictionary(zone => zone, _ => new List<(long, int)>());
        var start = new ProcessStartInfo("/usr/bin/zdump") { RedirectStandardOutput = true };
        // From before the first change to be seen; a zone without any is asked what it shows at one instant.
        foreach (string argument in new[] { "-v", "-c", $"1900,{YearFirst + YearCount + 1}" }.Concat(zones))
            start.ArgumentList.Add(argument);
        using Process zdump = Process.Start(start)!;
        while (zdump.StandardOutput.ReadLine() is { } line)
        {
            // Europe/Berlin  Sun Mar 30 01:00:00 2025 UT = Sun Mar 30 03:00:00 2025 CEST isdst=1 gmtoff=7200
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[^1].StartsWith("gmtoff=", StringComparison.Ordinal) && words[4].EndsWith(":00", StringComparison.Ordinal))
            {
                DateTime at = DateTime.ParseExact($"{words[5]} {words[2]} {words[3]} {words[4]}", "yyyy MMM d HH:mm:ss", CultureInfo.InvariantCulture);
                changes[words[0]].Add((at.Ticks / TimeSpan.TicksPerMinute, int.Parse(words[^1]["gmtoff=".Length..], CultureInfo.InvariantCulture) / 60));
            }
        }

        foreach (string zone in zones.Where(zone => changes[zone].Count == 0))
            changes[zone].Add((0, FixedOffset(zone)));
        return changes;
    }

    private static int FixedOffset(string zone)
    {
        var start = new ProcessStartInfo("/bin/date") { RedirectStandardOutput = true, ArgumentList = { "+%z" } };
        start.Environment["TZ"] = zone;
        using Process date = Process.Start(start)!;
        string text = date.StandardOutput.ReadToEnd().Trim(); // +0545
        int minutes = (int.Parse(text[1..3], CultureInfo.InvariantCulture) * 60) + int.Parse(text[3..5], CultureInfo.InvariantCulture);
        return text[0] == '-' ? -minutes : minutes;
    }

    private sealed record Oracle(List<DateTimeOffset> Runs, long Slots, long Moved)
    {
        public static Oracle Walk(Schedule schedule, List<(long Minute, int Offset)> changes)
        {
            long start = Start.Ticks / TimeSpan.TicksPerMinute;
            long end = End.Ticks / TimeSpan.TicksPerMinute;
            int next = changes.FindIndex(change => change.Minute > start);
            next = next < 0 ? changes.Count : next;
            long offset = changes[Math.Max(0, next - 1)].Offset;
            long highest = start + offset - 1;
            long anchorDay = (start + offset) / MinutesPerDay;
            (int Interval, bool[] Days, HashSet<int> Minutes)[] rules =
                [.. schedule.Patterns.Select(pattern => (pattern.IntervalDays, pattern.Weekdays.ToArray(), pattern.MinutesOfDay.ToHashSet()))];
            bool[] minutes = [.. Enumerable.Range(0, MinutesPerDay).Select(minute => rules.Any(rule => rule.Minutes.Contains(minute)))];
            var runs = new List<DateTimeOffset>();
            long slots = 0;
            long moved = 0;
            for (long minute = start; minute < end; minute++)
            {
                if (next < changes.Count && changes[next].Minute <= minute)
                    offset = changes[next++].Offset;
                bool isRun = false;
                for (long shown = minute + offset; highest < shown;)
                {
                    highest++;
                    if (!minutes[(int)(highest % MinutesPerDay)] || !IsSlot(highest))
                        continue;
                    slots++;
                    moved += highest < shown ? 1 : 0;
                    // A daily slot before the anchor's instant does not exist; the anchor is the start of the walk.
                    isRun = true;
                }

                if (isRun)
                    runs.Add(new DateTimeOffset(minute * TimeSpan.TicksPerMinute, TimeSpan.Zero));
            }

            return new Oracle(runs, slots, moved);

            bool IsSlot(long shown)
            {
                long day = shown / MinutesPerDay;
                foreach ((int interval, bool[] days, HashSet<int> atMinutes) in rules)
                {
                    bool isDay = interval > 0 ? (day - anchorDay) % interval == 0 : days[(day + 1) % 7]; // day 0 was a Monday
                    if (isDay && atMinutes.Contains((int)(shown % MinutesPerDay)))
                        return true;
                }

                return false;
            }
        }
    }
}
