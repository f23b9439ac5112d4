namespace Strongroom.Server.Tests;

/// <summary>
/// A clock that stands still until <see cref="Advance"/>; timers then fire on the calling thread, each at its own instant,
/// in order. Wall clock and monotonic clock move together, unless somebody sets the wall clock.
/// </summary>
public sealed class FakeTimeProvider : TimeProvider
{
    public static readonly DateTimeOffset Start = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    private readonly Lock gate = new();
    private readonly List<FakeTimer> timers = [];
    private DateTimeOffset now;
    private TimeSpan wallOffset;

    public FakeTimeProvider(DateTimeOffset? start = null) => now = start ?? Start;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Every look at the wall clock shows a microsecond more, so that what happened one after the other has that order.</summary>
    public bool IsTicking { get; set; }

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
        {
            if (IsTicking)
                wallOffset += TimeSpan.FromMicroseconds(1);
            return now + wallOffset;
        }
    }

    public override long GetTimestamp()
    {
        lock (gate)
            return now.UtcTicks;
    }

    /// <summary>Puts the wall clock forward or back, as an administrator or a time server does: no time passes, and no timer fires.</summary>
    public void SetWall(TimeSpan by)
    {
        lock (gate)
            wallOffset += by;
    }

    public void Advance(TimeSpan by)
    {
        DateTimeOffset until;
        lock (gate)
            until = now + by;
        while (NextDue(until) is { } timer)
            timer.Fire();
        lock (gate)
            now = until;
    }

    /// <summary>Time passes as on a machine that slept through it: what came due meanwhile fires once, however often it would have.</summary>
    public void Sleep(TimeSpan by)
    {
        List<FakeTimer> due;
        lock (gate)
        {
            now += by;
            due = [.. timers.Where(timer => timer.DueAt <= now).OrderBy(timer => timer.DueAt)];
            foreach (FakeTimer timer in due)
                timer.RearmAfter(now);
        }

        foreach (FakeTimer timer in due)
            timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private FakeTimer? NextDue(DateTimeOffset until)
    {
        lock (gate)
        {
            FakeTimer? next = timers.Where(timer => timer.DueAt <= until).MinBy(timer => timer.DueAt);
            if (next is null)
                return null;
            if (next.DueAt > now)
                now = next.DueAt;
            next.Rearm();
            return next;
        }
    }

    private sealed class FakeTimer(FakeTimeProvider time, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan period;

        public DateTimeOffset DueAt { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time.gate)
            {
                time.timers.Remove(this);
                this.period = period;
                if (dueTime == Timeout.InfiniteTimeSpan)
                    return true;
                DueAt = time.now + dueTime;
                time.timers.Add(this);
                if (dueTime > TimeSpan.Zero)
                    return true;
                Rearm();
            }

            Fire();
            return true;
        }

        public void Fire() => callback(state);

        public void Rearm()
        {
            if (period == Timeout.InfiniteTimeSpan || period == TimeSpan.Zero)
                time.timers.Remove(this);
            else
                DueAt += period;
        }

        public void RearmAfter(DateTimeOffset now)
        {
            Rearm();
            if (DueAt <= now)
                DueAt = now + period;
        }

        public void Dispose()
        {
            lock (time.gate)
                time.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
