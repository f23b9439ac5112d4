namespace Strongroom.Server.Schedules;

/// <summary>
/// Between instants and what a clock on a wall shows. Built on the offset at an instant alone: the platform's own answers to
/// the reverse question (which times are invalid, which ambiguous) are wrong for zones whose standard time is moved or whose
/// daylight saving is negative.
/// </summary>
internal static class WallClock
{
    // No zone is further from UTC; the platform holds the same limit.
    private static readonly TimeSpan OffsetMax = TimeSpan.FromHours(14);

    /// <summary>What the clock shows at an instant.</summary>
    public static DateTime At(DateTimeOffset instant, TimeZoneInfo zone) =>
        DateTime.SpecifyKind(instant.UtcDateTime + OffsetAt(instant, zone), DateTimeKind.Unspecified);

    /// <summary>
    /// The first instant at which the clock shows a time or a later one: where the clock goes back the first of two, where it
    /// leaps the instant of the leap. Does not decrease as <paramref name="shown"/> grows.
    /// </summary>
    public static DateTimeOffset FirstInstantOf(DateTime shown, TimeZoneInfo zone)
    {
        var asUtc = new DateTimeOffset(DateTime.SpecifyKind(shown, DateTimeKind.Utc));
        // Every answer lies between these two, and clocks are not changed twice in the hours between them.
        DateTimeOffset before = asUtc - OffsetMax;
        DateTimeOffset after = asUtc + OffsetMax;
        TimeSpan offset = OffsetAt(before, zone);
        TimeSpan laterOffset = OffsetAt(after, zone);
        // Before the change, if the change leaves it there; a clock that goes back shows the time earlier with the old offset.
        if (OffsetAt(asUtc - offset, zone) == offset)
            return asUtc - offset;
        if (OffsetAt(asUtc - laterOffset, zone) == laterOffset)
            return asUtc - laterOffset;
        return ChangeBetween(before, after, laterOffset, zone);
    }

    private static DateTimeOffset ChangeBetween(DateTimeOffset before, DateTimeOffset after, TimeSpan laterOffset, TimeZoneInfo zone)
    {
        long low = before.UtcTicks;
        long high = after.UtcTicks;
        while (high - low > 1)
        {
            long middle = low + ((high - low) / 2);
            if (OffsetAt(new DateTimeOffset(middle, TimeSpan.Zero), zone) == laterOffset)
                high = middle;
            else
                low = middle;
        }

        return new DateTimeOffset(high, TimeSpan.Zero);
    }

    private static TimeSpan OffsetAt(DateTimeOffset instant, TimeZoneInfo zone) => zone.GetUtcOffset(instant);
}
