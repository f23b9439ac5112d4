using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Strongroom.ObjectStores;
using Strongroom.Server.Database;
using Strongroom.Server.Metrics;
using Strongroom.Server.Notifications;

namespace Strongroom.Server.Tasks;

/// <summary>
/// Runs tasks: claims them from the table, lets the work of their kind do them, and settles each in one transaction that
/// asks first whether the task is still this worker's. One loop claims, another keeps the lease, writes progress and sees
/// what is to be cancelled; neither waits for a run.
/// </summary>
internal sealed partial class TaskRunner : BackgroundService
{
    private readonly MetadataDatabase database;
    private readonly Dictionary<TaskKind, ITaskWork> works;
    private readonly TaskSignal signal;
    private readonly TaskOptions options;
    private readonly string lockDirectory;
    private readonly StoreActivity store;
    private readonly TimeProvider time;
    private readonly ILogger<TaskRunner> logger;
    private readonly InstallationClock clock;
    private readonly ConcurrentDictionary<TaskId, RunningTask> running = new();

    public TaskRunner(
        MetadataDatabase database,
        IEnumerable<ITaskWork> works,
        TaskSignal signal,
        TaskOptions options,
        string lockDirectory,
        StoreActivity store,
        TimeProvider time,
        ILogger<TaskRunner> logger)
    {
        this.database = database;
        this.works = works.ToDictionary(work => work.Kind);
        this.signal = signal;
        this.options = options;
        this.lockDirectory = lockDirectory;
        this.store = store;
        this.time = time;
        this.logger = logger;
        clock = new InstallationClock(time);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using WorkerPresence presence = await WorkerPresence.JoinAsync(database, time, options.ParallelRunsMax, lockDirectory, stoppingToken);
                await WorkAsync(presence, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                Log.WorkerFailed(logger, error);
                await Task.Delay(LeaseTimings.RenewInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>One life as a worker: ends when the process stops, or when others have taken this worker for dead.</summary>
    private async Task WorkAsync(WorkerPresence presence, CancellationToken stoppingToken)
    {
        await TakeOverAsync(presence, stoppingToken);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        using var slots = new SemaphoreSlim(options.ParallelRunsMax);
        var runs = new TaskSet();
        Task claiming = ClaimLoopAsync(presence, runs, slots, ending.Token);
        try
        {
            await BeatLoopAsync(presence, stoppingToken);
        }
        finally
        {
            await ending.CancelAsync();
            await claiming.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            StopAll(StopReason.Released);
            await runs.WhenAllAsync();
        }
    }

    private async Task ClaimLoopAsync(WorkerPresence presence, TaskSet runs, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        while (true)
        {
            await slots.WaitAsync(cancellationToken);
            TaskRecord? task = null;
            try
            {
                task = await ClaimAsync(presence.Id, cancellationToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.ClaimFailed(logger, error);
            }

            if (task is null)
            {
                slots.Release();
                await signal.WaitAsync(options.PollInterval, time, cancellationToken);
                continue;
            }

            var run = new RunningTask(task, time);
            running[task.Id] = run;
            runs.Add(RunAndReleaseSlotAsync(run, slots));
        }
    }

    private async Task RunAndReleaseSlotAsync(RunningTask run, SemaphoreSlim slots)
    {
        // Away from the claim loop at once: a run may work for long before it first waits.
        await Task.Yield();
        try
        {
            await RunAsync(run);
        }
        catch (Exception error)
        {
            // The row still says that this worker runs it: whoever takes over after it ends, or its next start, goes on from there.
            Log.SettleFailed(logger, error, run.Task.Id);
        }
        finally
        {
            running.TryRemove(run.Task.Id, out _);
            slots.Release();
            // A limit over several tasks may have kept this worker from the next one.
            signal.Notify();
        }
    }

    private async Task<TaskRecord?> ClaimAsync(string workerId, CancellationToken cancellationToken)
    {
        if (!await database.ReadAsync(session => TaskTable.AnyWaitingAsync(session, cancellationToken), cancellationToken))
            return null;
        return await database.WriteRelaxedAsync(
            async session =>
            {
                TaskRecord? task = await TaskTable.ClaimAsync(session, workerId, options, time, cancellationToken);
                if (task is { StartedAt: { } now })
                    await works[task.Kind].BeginAsync(session, task, now, cancellationToken);
                return task;
            },
            cancellationToken);
    }

    private async Task RunAsync(RunningTask run)
    {
        TaskRecord task = run.Task;
        ITaskWork work = works[task.Kind];
        Log.Started(logger, task.Id, task.Kind, task.ResourceId, task.Attempts);
        TaskResult result;
        try
        {
            result = task.CancelRequested
                ? work.Fail(task, TaskEnd.Failed(TaskFailure.Cancelled, "Cancelled before it started."), run.HasWritten)
                : await work.RunAsync(task, run.Lease, run, run.Token);
        }
        catch (LeaseLostException)
        {
            Log.Lost(logger, task.Id);
            return;
        }
        catch (OperationCanceledException) when (run.StopReason == StopReason.Lost)
        {
            Log.Lost(logger, task.Id);
            return;
        }
        catch (OperationCanceledException) when (run.StopReason == StopReason.Released)
        {
            await ReleaseAsync(run);
            return;
        }
        catch (OperationCanceledException) when (run.StopReason == StopReason.Cancelled)
        {
            result = work.Fail(task, TaskEnd.Failed(TaskFailure.Cancelled, "Cancelled on request."), run.HasWritten);
        }
        catch (Exception error)
        {
            Log.RunFailed(logger, error, task.Id, task.Kind, task.ResourceId);
            result = work.Fail(task, error, run.HasWritten);
        }

        await SettleAsync(run, result);
    }

    /// <summary>Writes the end, again and again while the database is away: what was done must not be lost for that.</summary>
    private async Task SettleAsync(RunningTask run, TaskResult result)
    {
        // A short run ends before the beat loop wrote where it was.
        TaskProgress? last = run.TakeUnwritten();
        while (true)
        {
            try
            {
                // Relaxed: from its first statement on the task's row is locked, and everything else that changes is the task's own.
                await database.WriteRelaxedAsync(
                    async session =>
                    {
                        DateTimeOffset now = time.GetStoredNow();
                        if (last is not null)
                            await TaskTable.ReportAsync(session, run.Lease, last, now, CancellationToken.None);
                        if (!await TaskTable.FinishAsync(session, run.Lease, result.End, now, CancellationToken.None))
                            throw new LeaseLostException(run.Lease);
                        await result.SettleAsync(session, now, CancellationToken.None);
                        await NotificationOutbox.TaskEndedAsync(session, result.End.Of(run.Task), now, CancellationToken.None);
                    },
                    CancellationToken.None);
                TaskMeter.Ended(run.Task, result.End, last, time.GetUtcNow());
                Log.Ended(logger, run.Task.Id, result.End.State, result.End.ErrorCode, result.End.ErrorMessage);
                return;
            }
            catch (LeaseLostException)
            {
                Log.Lost(logger, run.Task.Id);
                return;
            }
            catch (DbException error)
            {
                Log.SettleFailed(logger, error, run.Task.Id);
                // Whoever stops this process finds the task running in the table, and the next worker finishes it from the repository.
                if (run.StopReason == StopReason.Released)
                    return;
                await Task.Delay(LeaseTimings.RenewInterval, time, run.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ReleaseAsync(RunningTask run)
    {
        try
        {
            await database.WriteRelaxedAsync(
                session => TaskTable.ReleaseAsync(session, run.Lease, time.GetStoredNow(), CancellationToken.None), CancellationToken.None);
            Log.Released(logger, run.Task.Id);
        }
        catch (DbException error)
        {
            // It stays running in the table until this worker leaves it or is taken for dead.
            Log.SettleFailed(logger, error, run.Task.Id);
        }
    }

    /// <summary>Returns when this worker was taken for dead; throws when the process stops.</summary>
    private async Task BeatLoopAsync(WorkerPresence presence, CancellationToken stoppingToken)
    {
        using var fence = new Fence(time, () => StopAll(StopReason.Released));
        long renewedAt = time.GetTimestamp();
        while (true)
        {
            await Task.Delay(options.ProgressInterval, time, stoppingToken);
            try
            {
                await WriteProgressAsync(presence.Id, stoppingToken);
                if (time.GetElapsedTime(renewedAt) < LeaseTimings.RenewInterval)
                    continue;
                long at = time.GetTimestamp();
                if (!await presence.RenewAsync(stoppingToken))
                {
                    StopAll(StopReason.Lost);
                    return;
                }

                renewedAt = at;
                fence.Extend();
                await clock.BeatAsync(database, stoppingToken);
                await TakeOverAsync(presence, stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.BeatFailed(logger, error);
            }
        }
    }

    private async Task TakeOverAsync(WorkerPresence presence, CancellationToken cancellationToken)
    {
        int count = await presence.TakeOverAsync(cancellationToken);
        if (count == 0)
            return;
        Log.TookOver(logger, count);
        signal.Notify();
    }

    private async Task WriteProgressAsync(string workerId, CancellationToken cancellationToken)
    {
        // Taken before the table is asked: a task claimed in between is not missing from it.
        RunningTask[] runs = running.Values.ToArray();
        if (runs.Length == 0)
            return;
        var unwritten = new List<(TaskLease Lease, TaskProgress Progress)>();
        var stalls = new List<(TaskLease Lease, string Cause)>();
        foreach (RunningTask run in runs)
        {
            if (run.TakeUnwritten() is { } progress)
                unwritten.Add((run.Lease, progress));
            else if (run.TakeUnwrittenStall(store) is { } cause)
                stalls.Add((run.Lease, cause));
        }

        if (unwritten.Count + stalls.Count > 0)
        {
            await database.WriteRelaxedAsync(
                async session =>
                {
                    DateTimeOffset now = time.GetStoredNow();
                    foreach ((TaskLease lease, TaskProgress progress) in unwritten)
                        await TaskTable.ReportAsync(session, lease, progress, now, cancellationToken);
                    foreach ((TaskLease lease, string cause) in stalls)
                        await TaskTable.ReportStallAsync(session, lease, cause, cancellationToken);
                },
                cancellationToken);
        }

        var owned = await database.ReadAsync(session => TaskTable.ListOwnedAsync(session, workerId, cancellationToken), cancellationToken);
        foreach (RunningTask run in runs)
        {
            int at = owned.FindIndex(row => row.Lease == run.Lease);
            if (at < 0)
                run.Stop(StopReason.Lost);
            else if (owned[at].CancelRequested)
                run.Stop(StopReason.Cancelled);
        }
    }

    private void StopAll(StopReason reason)
    {
        foreach (RunningTask run in running.Values)
            run.Stop(reason);
    }

    /// <summary>Acts when it was not extended in time. A timer of its own, since the loop that extends it may hang in the database.</summary>
    private sealed class Fence : IDisposable
    {
        private readonly ITimer timer;

        public Fence(TimeProvider time, Action act) =>
            timer = time.CreateTimer(_ => act(), null, LeaseTimings.FenceAfter, Timeout.InfiniteTimeSpan);

        public void Extend() => timer.Change(LeaseTimings.FenceAfter, Timeout.InfiniteTimeSpan);

        public void Dispose() => timer.Dispose();
    }

    /// <summary>Runs in flight, to be waited for at the end.</summary>
    private sealed class TaskSet
    {
        private readonly List<Task> tasks = [];

        public void Add(Task task)
        {
            tasks.RemoveAll(known => known.IsCompletedSuccessfully);
            tasks.Add(task);
        }

        public Task WhenAllAsync() => Task.WhenAll(tasks);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "task {TaskId} ({Kind} of {ResourceId}) started, attempt {Attempt}")]
        public static partial void Started(ILogger logger, TaskId taskId, TaskKind kind, string resourceId, int attempt);

        [LoggerMessage(2, LogLevel.Information, "task {TaskId} ended: {State} {ErrorCode} {ErrorMessage}")]
        public static partial void Ended(ILogger logger, TaskId taskId, TaskState state, string errorCode, string errorMessage);

        [LoggerMessage(3, LogLevel.Error, "task {TaskId} ({Kind} of {ResourceId}) failed")]
        public static partial void RunFailed(ILogger logger, Exception error, TaskId taskId, TaskKind kind, string resourceId);

        [LoggerMessage(4, LogLevel.Warning, "task {TaskId} belongs to another worker now; this one gives it up")]
        public static partial void Lost(ILogger logger, TaskId taskId);

        [LoggerMessage(5, LogLevel.Information, "task {TaskId} goes back into the queue")]
        public static partial void Released(ILogger logger, TaskId taskId);

        [LoggerMessage(6, LogLevel.Warning, "{Count} tasks of workers that died go back into the queue")]
        public static partial void TookOver(ILogger logger, int count);

        [LoggerMessage(7, LogLevel.Error, "the end of task {TaskId} could not be written; trying again")]
        public static partial void SettleFailed(ILogger logger, Exception error, TaskId taskId);

        [LoggerMessage(8, LogLevel.Error, "claiming a task failed")]
        public static partial void ClaimFailed(ILogger logger, Exception error);

        [LoggerMessage(9, LogLevel.Error, "renewing the lease or writing progress failed")]
        public static partial void BeatFailed(ILogger logger, Exception error);

        [LoggerMessage(10, LogLevel.Error, "the worker failed; it starts again")]
        public static partial void WorkerFailed(ILogger logger, Exception error);
    }
}
