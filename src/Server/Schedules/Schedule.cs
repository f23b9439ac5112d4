using Strongroom.Server.Http;

namespace Strongroom.Server.Schedules;

/// <summary>
/// When a policy runs: its patterns, read on the wall clock of one time zone. A slot is a minute of that clock; it falls on
/// the first instant at which the clock shows that minute or a later one. So a slot in a skipped hour runs once, at the first
/// minute after it, one in a repeated hour the first time only, and slots that fall on one instant are one run.
/// </summary>
internal sealed class Schedule
{
    public const int PatternCountMax = 24;

    private readonly DateOnly anchor;

    /// <param name="patterns">One or more; see <see cref="ReadPatterns"/> for what a policy may have.</param>
    /// <param name="start">
    /// The policy's <c>start_time</c>: intervals of days are counted from its date in <paramref name="zone"/>, and no daily slot
    /// comes before it.
    /// </param>
    /// <param name="zone">UTC unless the policy names another (<see cref="TimeZones"/>).</param>
    public Schedule(IReadOnlyList<SchedulePattern> patterns, DateTimeOffset start, TimeZoneInfo zone)
    {
        Patterns = patterns;
        Start = start;
        Zone = zone;
        anchor = DateOnly.FromDateTime(WallClock.At(start, zone));
    }

    public IReadOnlyList<SchedulePattern> Patterns { get; }

    public DateTimeOffset Start { get; }

    public TimeZoneInfo Zone { get; }

    /// <summary><c>trigger.properties.pattern</c> of a request: 1 to 24, with all their time points at least an hour apart.</summary>
    public static List<SchedulePattern> ReadPatterns(BodyValue list)
    {
        List<SchedulePattern> patterns = list.List(1, PatternCountMax, SchedulePattern.Read);
        for (int i = 0; i < patterns.Count; i++)
        {
            for (int j = i; j < patterns.Count; j++)
            {
                if (SchedulePattern.TooClose(patterns[i], patterns[j]) is var (minute, otherMinute))
                {
                    throw BodyReader.Refused(
                        $"{list.Path} must have its time points at least one hour apart: {Clock(minute)} of item {i} and {Clock(otherMinute)} of item {j} are not.");
                }
            }
        }

        return patterns;
    }

    /// <summary>The first slot strictly after an instant. There always is one, at most 31 days and a clock change away.</summary>
    public DateTimeOffset NextAfter(DateTimeOffset instant)
    {
        DateTimeOffset? next = null;
        foreach (SchedulePattern pattern in Patterns)
        {
            DateTimeOffset candidate = NextAfter(pattern, instant);
            if (next is null || candidate < next)
                next = candidate;
        }

        return next ?? throw new ArgumentException("A schedule needs a pattern.", nameof(instant));
    }

    /// <summary>The latest slot at or before an instant and strictly after another; null when there is none.</summary>
    /// <remarks>Costs a step per slot in between.</remarks>
    public DateTimeOffset? LatestBetween(DateTimeOffset after, DateTimeOffset until)
    {
        DateTimeOffset? latest = null;
        for (DateTimeOffset slot = NextAfter(after); slot <= until; slot = NextAfter(slot))
            latest = slot;
        return latest;
    }

    private DateTimeOffset NextAfter(SchedulePattern pattern, DateTimeOffset instant)
    {
        // A slot after the instant is on the instant's own date or a later one: clocks that go back repeat no slot.
        DateOnly date = DateOnly.FromDateTime(WallClock.At(instant, Zone));
        if (pattern.IsDaily && date < anchor)
            date = anchor;
        for (; ; date = date.AddDays(1))
        {
            if (!pattern.RunsOn(date, anchor))
                continue;
            foreach (int minute in pattern.MinutesOfDay)
            {
                DateTimeOffset slot = WallClock.FirstInstantOf(date.ToDateTime(new TimeOnly(minute / 60, minute % 60)), Zone);
                if (slot > instant && (!pattern.IsDaily || slot >= Start))
                    return slot;
            }
        }
    }

    private static string Clock(int minute) => $"{minute / 60:00}:{minute % 60:00}";
}
