using Strongroom.Server.Schedules;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Policies;

/// <summary>What is to be run of the slots that have come: the latest, which stands for all before it. Pure.</summary>
internal static class ElapsedSlots
{
    // Longer than the longest interval, so that a slot is always found; older ones are missed without being counted.
    private static readonly TimeSpan LookBackMax = TimeSpan.FromDays(62);

    /// <param name="schedule">Of the policy as it is now.</param>
    /// <param name="plannedAt">The slot that was due; not after <paramref name="now"/>.</param>
    /// <param name="now">The present.</param>
    public static ScheduledRun Run(Schedule schedule, DateTimeOffset plannedAt, DateTimeOffset now)
    {
        DateTimeOffset from = plannedAt > now - LookBackMax ? plannedAt : now - LookBackMax;
        DateTimeOffset? first = null;
        DateTimeOffset? last = null;
        int count = 0;
        for (DateTimeOffset slot = schedule.NextAfter(from.AddTicks(-1)); slot <= now; slot = schedule.NextAfter(slot))
        {
            first ??= slot;
            last = slot;
            count++;
        }

        // The patterns may have been changed while it was due: what was planned is still run.
        return last is null || count == 1
            ? new ScheduledRun(last ?? plannedAt, 0, null)
            : new ScheduledRun(last.Value, count - 1, plannedAt < first ? plannedAt : first);
    }
}
