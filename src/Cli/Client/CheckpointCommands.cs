using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Contract;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Tasks;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Client;

/// <summary><c>checkpoint</c>: one protection of a vault at one time.</summary>
internal static class CheckpointCommands
{
    private static readonly Column<CheckpointShape>[] Columns =
    [
        new("id", checkpoint => checkpoint.Id),
        new("name", checkpoint => checkpoint.ExtraInfo.Name),
        new("status", checkpoint => checkpoint.Status),
        new("vault_id", checkpoint => checkpoint.Vault.Id),
        new("vault_name", checkpoint => checkpoint.Vault.Name),
        new("resource_ids", checkpoint => checkpoint.Vault.Resources.Select(resource => resource.Id)),
        new("skipped_resource_ids", checkpoint => checkpoint.Vault.SkippedResources.Select(resource => resource.Id)),
        new("created_at", checkpoint => new WireInstant(checkpoint.CreatedAt)),
        new("description", checkpoint => checkpoint.ExtraInfo.Description),
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        AddCreate(noun, shell);
        AddShow(noun, shell);
    }

    /// <summary>Ids of the tasks that make the checkpoint's backups. They exist before its creation is answered.</summary>
    public static async Task<IReadOnlyList<string>> TaskIdsAsync(this CbrClient cbr, CheckpointShape checkpoint, CancellationToken cancellationToken)
    {
        var ids = new List<string>();
        var filter = new TaskFilter { OperationType = "backup", VaultId = checkpoint.Vault.Id };
        await foreach (OperationLogShape log in cbr.ListOperationLogsAsync(filter, cancellationToken))
        {
            if (log.CheckpointId == checkpoint.Id)
                ids.Add(log.Id);
            else if (ids.Count > 0 && ids.Count >= checkpoint.Vault.Resources.Count)
                break; // newest first: the rest is older
        }

        return ids;
    }

    private static void AddCreate(Command noun, Shell shell)
    {
        var vault = new Argument<string>("vault") { Description = "Id or name." };
        var name = new Option<string?>("--name") { Description = "Name of the backups: 1 to 64 letters, digits, _ and -." };
        var description = new Option<string?>("--description") { Description = "Up to 255 characters." };
        var full = new Option<bool>("--full") { Description = "Read everything anew, whatever the backup before holds." };
        var resources = new Option<string[]>("--resource") { Description = "Only this resource; may be repeated.", HelpName = "id or name" };
        Option<bool> wait = WaitOption();
        Command verb = noun.AddVerb("create", "Backs up the resources of a vault.", vault, name, description, full, resources, wait);
        var output = new OutputOptions<CheckpointShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            VaultShape found = await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken);
            string[] chosen = parsed.GetValue(resources) ?? [];
            CheckpointShape checkpoint = await cbr.CreateCheckpointAsync(
                new CheckpointCreation
                {
                    VaultId = found.Id,
                    Parameters = new CheckpointParameters
                    {
                        Name = parsed.GetValue(name),
                        Description = parsed.GetValue(description),
                        Incremental = parsed.GetValue(full) ? false : null,
                        Resources = chosen.Length == 0 ? null : [.. chosen.Select(idOrName => IdIn(found, idOrName))],
                    },
                },
                cancellationToken);
            var code = ExitCode.Done;
            foreach (SkippedResourceShape skipped in checkpoint.Vault.SkippedResources)
            {
                shell.Say($"left out {skipped.Name} ({skipped.Id}): {skipped.Reason} ({skipped.Code})");
                code = ExitCode.Partial;
            }

            if (parsed.GetValue(wait))
            {
                ExitCode ended = await TaskWait.RunAsync(shell, cbr, await cbr.TaskIdsAsync(checkpoint, cancellationToken), cancellationToken);
                code = ended == ExitCode.Done ? code : ended;
                checkpoint = await cbr.GetCheckpointAsync(checkpoint.Id, cancellationToken);
            }

            output.WriteOne(shell, parsed, checkpoint);
            return code;
        });
    }

    private static void AddShow(Command noun, Shell shell)
    {
        var id = new Argument<string>("checkpoint") { Description = "Id." };
        Command verb = noun.AddVerb("show", "Shows one.", id);
        var output = new OutputOptions<CheckpointShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteOne(shell, parsed, await cbr.GetCheckpointAsync(parsed.GetValue(id)!, cancellationToken));
            return ExitCode.Done;
        });
    }

    internal static Option<bool> WaitOption() => new("--wait") { Description = "Stay until it is done, showing progress." };

    private static string IdIn(VaultShape vault, string idOrName) =>
        vault.Resources.FirstOrDefault(resource => resource.Id == idOrName || resource.Name == idOrName)?.Id
            ?? throw CommandException.NotFound($"{idOrName} is not in vault {vault.Name}; see 'strongroom vault resources {vault.Name}'.");
}
