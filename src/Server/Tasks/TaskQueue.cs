using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>What a waiting task waits for.</summary>
/// <param name="Position">Tasks of its project that will start before it.</param>
/// <param name="InWork">Tasks that run.</param>
/// <param name="InWorkOfVault">Backups of its vault that run.</param>
/// <param name="Workers">Processes that run tasks, as far as they are registered.</param>
/// <param name="RunsMax">How many tasks all of them take at once.</param>
internal sealed record TaskQueue(int Position, long InWork, long InWorkOfVault, long Workers, long RunsMax)
{
    public static async ValueTask<TaskQueue> ReadAsync(DbSession session, TaskRecord task, CancellationToken cancellationToken)
    {
        int position = await TaskTable.CountAheadAsync(session, task, cancellationToken);
        (long inWork, long ofVault) = await TaskTable.CountInWorkAsync(session, task.VaultId, cancellationToken);
        List<WorkerRecord> workers = await WorkerTable.ListAsync(session, cancellationToken);
        return new TaskQueue(position, inWork, ofVault, workers.Count, workers.Sum(worker => worker.RunsMax));
    }

    /// <summary>The first of the limits that keeps the task from starting now, in the order they are asked when one is taken.</summary>
    public string CauseFor(TaskKind kind, TaskOptions limits) => this switch
    {
        { Workers: 0 } => "no process of the role worker is running.",
        _ when InWork >= limits.ParallelRunsInstallationMax =>
            $"the whole service runs {InWork} tasks, as many as it may at once (Tasks__ParallelRunsInstallationMax).",
        _ when kind == TaskKind.Backup && InWorkOfVault >= limits.ParallelRunsPerVaultMax =>
            $"{InWorkOfVault} backups of its vault run, as many as may at once (Tasks__ParallelRunsPerVaultMax).",
        _ when InWork >= RunsMax => $"every worker is busy: {InWork} tasks run, as many as {Workers} of them take at once (Tasks__ParallelRunsMax).",
        { Position: > 0 } => "those of its project that were asked for before it.",
        _ => "its turn, which is the next of its project: a worker looks every few seconds.",
    };
}
