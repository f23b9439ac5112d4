using System.Diagnostics.CodeAnalysis;
using Strongroom.Contract;
using Strongroom.ObjectStores;
using Strongroom.Protection;

namespace Strongroom.Server.Tasks;

/// <summary>Why a run was told to stop.</summary>
internal enum StopReason
{
    None,

    /// <summary>The user wants it so.</summary>
    Cancelled,

    /// <summary>The process ends, or could not renew its lease: the task goes back into the queue.</summary>
    Released,

    /// <summary>Somebody else has the task.</summary>
    Lost,
}

/// <summary>A task this process runs: its lease, where it is, and how to stop it.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A source without a timer holds nothing, and whoever stops the run may be late.")]
internal sealed class RunningTask : IProgress<RunProgress>
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private TaskProgress latest = new(TaskPhase.Opening, 0, 0, 0, 0, 0);
    private readonly TimeProvider time;
    private TaskProgress written = TaskProgress.None;
    private string? writtenStall;
    private long movedAt;
    private long writtenAt;

    public RunningTask(TaskRecord task, TimeProvider time)
    {
        this.time = time;
        movedAt = writtenAt = time.GetTimestamp();
        Task = task;
        Lease = new TaskLease(task.Id, task.WorkerId!, task.Token);
        // A second attempt goes on counting where the first one was, so that nobody sees progress fall.
        latest = latest with { Percent = task.Progress.Percent };
        HasWritten = task.Attempts > 1;
    }

    public TaskRecord Task { get; }

    public TaskLease Lease { get; }

    public StopReason StopReason { get; private set; }

    public CancellationToken Token => stop.Token;

    /// <summary>This attempt or an earlier one may have written to a target.</summary>
    public bool HasWritten { get; private set; }

    /// <summary>Stops the run; the first reason counts, except that a lost lease outweighs all others.</summary>
    public void Stop(StopReason reason)
    {
        lock (gate)
        {
            if (StopReason == StopReason.None || reason == StopReason.Lost)
                StopReason = reason;
        }

        stop.Cancel();
    }

    /// <summary>Called by the run, from any thread, as often as it likes.</summary>
    public void Report(RunProgress value)
    {
        // 100 is for the end: until then something is always left to do.
        int percent = value.BytesTotal <= 0 ? 0 : (int)Math.Min(99, 100.0 * value.BytesDone / value.BytesTotal);
        lock (gate)
        {
            HasWritten |= value.Phase == RunPhase.Writing;
            TaskProgress before = latest;
            latest = new TaskProgress(
                Phase(value.Phase),
                Math.Max(latest.Percent, percent),
                Math.Max(latest.BytesDone, value.BytesDone),
                Math.Max(latest.BytesTotal, value.BytesTotal),
                Math.Max(latest.BytesChanged, value.BytesChanged),
                Math.Max(latest.BytesStored, value.BytesStored),
                latest.BytesPerSecond);
            if (latest != before)
                movedAt = time.GetTimestamp();
        }
    }

    /// <summary>What was reported since the last time this was asked; null when nothing was.</summary>
    public TaskProgress? TakeUnwritten()
    {
        lock (gate)
        {
            if (latest == written)
                return null;
            long now = time.GetTimestamp();
            latest = latest with { BytesPerSecond = Rate(latest.BytesDone - written.BytesDone, time.GetElapsedTime(writtenAt, now)) };
            (written, writtenAt, writtenStall) = (latest, now, null);
            return written;
        }
    }

    /// <summary>Why the run has stood for <see cref="TaskStall.StandsAfter"/>, when that is not what was taken last; null while it moves.</summary>
    public string? TakeUnwrittenStall(StoreActivity store)
    {
        lock (gate)
        {
            if (time.GetElapsedTime(movedAt) < TaskStall.StandsAfter)
                return null;
            string cause = TaskStall.CauseOf(latest.Phase, store);
            return cause == writtenStall ? null : writtenStall = cause;
        }
    }

    // Half of what it is now and half of what it was: steady enough to read, and right again after a few intervals.
    private long Rate(long bytes, TimeSpan elapsed) => elapsed <= TimeSpan.Zero
        ? latest.BytesPerSecond
        : (long)((bytes / elapsed.TotalSeconds) + (written.BytesPerSecond == 0 ? bytes / elapsed.TotalSeconds : written.BytesPerSecond)) / 2;

    private static TaskPhase Phase(RunPhase phase) => phase switch
    {
        RunPhase.Opening => TaskPhase.Opening,
        RunPhase.Reading => TaskPhase.Reading,
        RunPhase.Committing => TaskPhase.Committing,
        RunPhase.Writing => TaskPhase.Writing,
        RunPhase.Checking => TaskPhase.Checking,
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
