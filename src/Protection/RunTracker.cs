namespace Strongroom.Protection;

/// <summary>
/// Gathers what a run's workers have done and tells it a few times a second, in order: no figure ever falls. Members may be
/// called from any thread.
/// </summary>
internal sealed class RunTracker(IProgress<RunProgress>? progress, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly List<MemberTracker> members = [];
    private Func<(long ChangedBytes, long StoredBytes)> figures = () => (0, 0);
    private RunProgress last;
    private long lastReportedAt;

    internal MemberTracker AddMember(long expectedBytes)
    {
        var member = new MemberTracker(this, expectedBytes);
        lock (gate)
            members.Add(member);
        return member;
    }

    /// <summary>Where the figures of what changed and what was stored come from, once there is a session.</summary>
    internal void Follow(Func<(long ChangedBytes, long StoredBytes)> source)
    {
        lock (gate)
            figures = source;
    }

    /// <summary>Tells the phase, and the figures as they are at this moment.</summary>
    internal void Enter(RunPhase phase)
    {
        lock (gate)
        {
            last = last with { Phase = phase };
            Report();
        }
    }

    internal void Touch()
    {
        if (progress is null || time.GetElapsedTime(Volatile.Read(ref lastReportedAt)) < Interval || !gate.TryEnter())
            return;
        try
        {
            Report();
        }
        finally
        {
            gate.Exit();
        }
    }

    private void Report()
    {
        if (progress is null)
            return;
        (long changed, long stored) = figures();
        long done = members.Sum(member => member.DoneBytes);
        last = last with
        {
            BytesDone = Math.Max(last.BytesDone, done),
            BytesTotal = Math.Max(last.BytesTotal, members.Sum(member => member.ExpectedBytes)),
            BytesChanged = Math.Max(last.BytesChanged, changed),
            BytesStored = Math.Max(last.BytesStored, stored),
        };
        Volatile.Write(ref lastReportedAt, time.GetTimestamp());
        progress.Report(last);
    }
}

/// <summary>One member's way. What it is expected to have grows when more turns up.</summary>
internal sealed class MemberTracker(RunTracker run, long expectedBytes)
{
    private long doneBytes;

    internal long DoneBytes => Volatile.Read(ref doneBytes);

    internal long ExpectedBytes => Math.Max(expectedBytes, DoneBytes);

    internal void Advance(long bytes)
    {
        Interlocked.Add(ref doneBytes, bytes);
        run.Touch();
    }

    /// <summary>All is done, however much was expected.</summary>
    internal void Finish() => Advance(Math.Max(0, expectedBytes - DoneBytes));
}
