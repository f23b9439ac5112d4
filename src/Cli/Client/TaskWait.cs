using Strongroom.Cli.Progress;
using Strongroom.Contract;
using Strongroom.Contract.Tasks;

namespace Strongroom.Cli.Client;

/// <summary>Follows tasks until they end.</summary>
internal static class TaskWait
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(400);

    /// <summary>Shows the tasks' progress, reports what failed or is missing on standard error, and sums up.</summary>
    /// <returns><see cref="ExitCode.Failed"/> when none succeeded, <see cref="ExitCode.Partial"/> when only some did or something is missing.</returns>
    public static async Task<ExitCode> RunAsync(
        Shell shell, CbrClient cbr, IReadOnlyList<string> taskIds, CancellationToken cancellationToken)
    {
        TaskShape[] ended = await ProgressBoard.RunAsync(
            shell,
            board => Task.WhenAll(taskIds.Select(id => FollowAsync(shell, cbr, id, board, cancellationToken))),
            cancellationToken);
        foreach (TaskShape task in ended.Where(task => task.Status != "success"))
        {
            shell.Say(Describe(task));
            foreach (string problem in task.Problems)
                shell.Say($"  {problem}");
        }

        int succeeded = ended.Count(task => task.Status == "success");
        int partial = ended.Count(task => task.Status == "partial");
        return succeeded == ended.Length ? ExitCode.Done : succeeded + partial > 0 ? ExitCode.Partial : ExitCode.Failed;
    }

    /// <summary>Polls one task until it ended.</summary>
    public static async Task<TaskShape> FollowAsync(
        Shell shell, CbrClient cbr, string taskId, ProgressBoard board, CancellationToken cancellationToken)
    {
        TaskShape task = await cbr.GetTaskAsync(taskId, cancellationToken);
        ProgressItem item = board.Add($"{task.Kind} {task.Resource.Name}", countsBytes: true);
        while (!HasEnded(task))
        {
            string detail = task.QueuePosition is { } position ? $"waiting, {position} before it" : task.Stall is null ? task.Phase : task.Phase + ", stands";
            item.Report(task.BytesDone, task.BytesTotal, detail);
            await Task.Delay(PollInterval, shell.Time, cancellationToken);
            task = await cbr.GetTaskAsync(taskId, cancellationToken);
        }

        item.Report(task.BytesDone, task.BytesTotal, task.Status);
        item.Finish(task.Status);
        return task;
    }

    public static string Describe(TaskShape task)
    {
        string what = $"{task.Kind} of {task.Resource.Name}";
        string id = $"see 'strongroom task show {task.Id}'";
        return task.Status == "partial"
            ? $"{what}: {task.ProblemCount} things are missing or differ; {id}:"
            : $"{what}: {task.Status}: {task.Error.Message}{(task.Error.Code.Length > 0 ? $" ({task.Error.Code})" : "")}; {id}.";
    }

    private static bool HasEnded(TaskShape task) => task.Status is not ("waiting" or "running");
}
