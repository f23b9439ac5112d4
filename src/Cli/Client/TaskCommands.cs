using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Contract;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Tasks;

namespace Strongroom.Cli.Client;

/// <summary><c>task</c>: what the service does and did.</summary>
internal static class TaskCommands
{
    private static readonly Column<OperationLogShape>[] ListColumns =
    [
        new("id", task => task.Id),
        new("type", task => task.OperationType),
        new("status", task => task.Status),
        new("progress_percent", task => task.ExtraInfo.Common.Progress),
        new("resource_name", task => task.ExtraInfo.Resource.Name),
        new("vault_name", task => task.VaultName),
        new("started_at", task => new WireInstant(task.StartedAt)),
        new("ended_at", task => new WireInstant(task.EndedAt)),
        new("resource_id", task => task.ExtraInfo.Resource.Id) { IsDetail = true },
        new("vault_id", task => task.VaultId) { IsDetail = true },
        new("checkpoint_id", task => task.CheckpointId) { IsDetail = true },
        new("error_code", task => task.ErrorInfo.Code) { IsDetail = true },
        new("error_message", task => task.ErrorInfo.Message) { IsDetail = true },
    ];

    private static readonly Column<TaskShape>[] ShowColumns =
    [
        new("id", task => task.Id),
        new("type", task => task.Kind),
        new("status", task => task.Status),
        new("phase", task => task.Phase),
        new("progress_percent", task => task.Progress),
        new("done_bytes", task => new ByteSize(task.BytesDone)),
        new("total_bytes", task => new ByteSize(task.BytesTotal)),
        new("changed_bytes", task => new ByteSize(task.BytesChanged)),
        new("stored_bytes", task => new ByteSize(task.BytesStored)),
        new("bytes_per_second", task => new ByteSize(task.BytesPerSecond)),
        new("stands_since", task => new WireInstant(task.Stall?.Since)),
        new("stands_because", task => task.Stall?.Cause),
        new("queue_position", task => task.QueuePosition),
        new("waits_for", task => task.WaitsFor),
        new("error_code", task => task.Error.Code),
        new("error_message", task => task.Error.Message),
        new("remedy", task => task.Remedy),
        new("notice", task => task.Notice),
        new("problem_count", task => task.ProblemCount),
        new("problems", task => task.Problems),
        new("attempts", task => task.Attempts),
        new("cancel_requested", task => task.CancelRequested),
        new("resource_id", task => task.Resource.Id),
        new("resource_name", task => task.Resource.Name),
        new("vault_id", task => task.VaultId),
        new("backup_id", task => task.BackupId),
        new("checkpoint_id", task => task.CheckpointId),
        new("policy_id", task => task.PolicyId),
        new("slot_at", task => new WireInstant(task.SlotAt)),
        new("created_at", task => new WireInstant(task.CreatedAt)),
        new("started_at", task => new WireInstant(task.StartedAt)),
        new("ended_at", task => new WireInstant(task.EndedAt)),
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        var type = new Option<string?>("--type") { Description = "Only backup, restore, delete, vault_delete or remove_resource." };
        var status = new Option<string?>("--status") { Description = "Only waiting, running, success, failed, timeout or skipped." };
        var vault = new Option<string?>("--vault") { Description = "Only of this vault.", HelpName = "id or name" };
        var limit = new Option<int>("--limit") { Description = "The newest so many.", DefaultValueFactory = _ => 100 };
        Command list = noun.AddVerb("list", "Lists tasks, newest first.", type, status, vault, limit);
        var listOutput = new OutputOptions<OperationLogShape>(list, ListColumns);
        list.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string? vaultId = parsed.GetValue(vault) is { } of ? (await cbr.FindVaultAsync(of, cancellationToken)).Id : null;
            var filter = new TaskFilter { OperationType = parsed.GetValue(type), Status = parsed.GetValue(status), VaultId = vaultId };
            listOutput.WriteList(
                shell, parsed, await cbr.ListOperationLogsAsync(filter, cancellationToken).Take(parsed.GetValue(limit)).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });

        var id = new Argument<string>("task") { Description = "Id." };
        Command show = noun.AddVerb("show", "Shows one: phase, bytes, what went wrong.", id);
        var showOutput = new OutputOptions<TaskShape>(show, ShowColumns);
        show.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            showOutput.WriteOne(shell, parsed, await cbr.GetTaskAsync(parsed.GetValue(id)!, cancellationToken));
            return ExitCode.Done;
        });

        var cancelled = new Argument<string[]>("task") { Description = "Ids.", Arity = ArgumentArity.OneOrMore };
        Command cancel = noun.AddVerb("cancel", "Stops tasks that wait or run; a cancelled backup leaves nothing behind.", cancelled);
        cancel.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            foreach (string taskId in parsed.GetValue(cancelled)!)
            {
                TaskShape task = await cbr.CancelTaskAsync(taskId, cancellationToken);
                if (task.Status is not ("waiting" or "running"))
                    shell.Say($"Task {taskId} has ended already: {task.Status}.");
            }

            return ExitCode.Done;
        });
    }
}
