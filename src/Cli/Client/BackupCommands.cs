using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Cli.Progress;
using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Resources;

namespace Strongroom.Cli.Client;

/// <summary><c>backup</c>: what a checkpoint kept of one resource, and the way back.</summary>
internal static class BackupCommands
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(400);

    private static readonly Column<BackupShape>[] Columns =
    [
        new("id", backup => backup.Id),
        new("name", backup => backup.Name),
        new("status", backup => backup.Status),
        new("resource_name", backup => backup.ResourceName),
        new("resource_type", backup => backup.ResourceType),
        new("resource_size_bytes", backup => new ByteSize(backup.ResourceSize * WireUnits.BytesPerGb)),
        new("created_at", backup => new WireInstant(backup.CreatedAt)),
        new("protected_at", backup => new WireInstant(backup.ProtectedAt)) { IsDetail = true },
        new("expired_at", backup => new WireInstant(backup.ExpiredAt)) { IsDetail = true },
        new("incremental", backup => backup.Incremental) { IsDetail = true },
        new("resource_id", backup => backup.ResourceId) { IsDetail = true },
        new("vault_id", backup => backup.VaultId) { IsDetail = true },
        new("checkpoint_id", backup => backup.CheckpointId) { IsDetail = true },
        new("parent_id", backup => backup.ParentId) { IsDetail = true },
        new("child_ids", backup => backup.Children.Select(child => child.Id)) { IsDetail = true },
        new("description", backup => backup.Description) { IsDetail = true },
    ];

    private static readonly Column<string>[] TaskColumns = [new("task_id", taskId => taskId)];

    public static void AddTo(Command noun, Shell shell)
    {
        AddList(noun, shell);
        AddShow(noun, shell);
        AddRestore(noun, shell);
        AddRename(noun, shell);
        AddDelete(noun, shell);
        MemberCommands.AddTo(noun, shell);
    }

    private static void AddList(Command noun, Shell shell)
    {
        var name = new Option<string?>("--name") { Description = "Only this name." };
        var vault = new Option<string?>("--vault") { Description = "Only of this vault.", HelpName = "id or name" };
        var resource = new Option<string?>("--resource") { Description = "Only of this resource.", HelpName = "id" };
        var checkpoint = new Option<string?>("--checkpoint") { Description = "Only of this checkpoint.", HelpName = "id" };
        var status = new Option<string?>("--status") { Description = "Only in this state, such as available or error." };
        var parent = new Option<string?>("--disks-of") { Description = "The disks in this backup of a server.", HelpName = "id" };
        Command verb = noun.AddVerb("list", "Lists backups, newest first.", name, vault, resource, checkpoint, status, parent);
        var output = new OutputOptions<BackupShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string? vaultId = parsed.GetValue(vault) is { } of ? (await cbr.FindVaultAsync(of, cancellationToken)).Id : null;
            var filter = new BackupFilter
            {
                Name = parsed.GetValue(name),
                VaultId = vaultId,
                ResourceId = parsed.GetValue(resource),
                CheckpointId = parsed.GetValue(checkpoint),
                Status = parsed.GetValue(status),
                ParentId = parsed.GetValue(parent),
            };
            output.WriteList(shell, parsed, await cbr.ListBackupsAsync(filter, cancellationToken).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddShow(Command noun, Shell shell)
    {
        Argument<string> backup = BackupArgument();
        Command verb = noun.AddVerb("show", "Shows one.", backup);
        var output = new OutputOptions<BackupShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteOne(shell, parsed, await cbr.FindBackupAsync(parsed.GetValue(backup)!, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddRestore(Command noun, Shell shell)
    {
        Argument<string> backup = BackupArgument();
        var target = new Option<string?>("--to") { Description = "Write it over this resource instead of the one it was taken of.", HelpName = "id or name" };
        var mappings = new Option<string[]>("--map")
        {
            Description = "Of a server's backup, only this disk, and where to; may be repeated.",
            HelpName = "disk backup id=disk id",
        };
        mappings.Validators.Add(result =>
        {
            foreach (string wrong in result.Tokens.Select(token => token.Value).Where(value => value.Split('=').Length != 2))
                result.AddError($"'{wrong}' is no mapping; write DISK-BACKUP-ID=DISK-ID.");
        });
        var powerOff = new Option<bool>("--leave-off") { Description = "Do not start the server afterwards." };
        Option<bool> wait = CheckpointCommands.WaitOption();
        Command verb = noun.AddVerb("restore", "Writes a backup over a resource.", backup, target, mappings, powerOff, wait);
        var output = new OutputOptions<string>(verb, TaskColumns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            BackupShape found = await cbr.FindBackupAsync(parsed.GetValue(backup)!, cancellationToken);
            RestoreTarget to = await TargetAsync(cbr, found, parsed.GetValue(target), parsed.GetValue(mappings) ?? [], cancellationToken);
            if (to.ServerId is not null)
                to = to with { PowerOn = !parsed.GetValue(powerOff) };
            string taskId = await cbr.RestoreBackupAsync(found.Id, to, cancellationToken);
            ExitCode code = parsed.GetValue(wait) ? await TaskWait.RunAsync(shell, cbr, [taskId], cancellationToken) : ExitCode.Done;
            output.WriteOne(shell, parsed, taskId);
            return code;
        });
    }

    private static void AddRename(Command noun, Shell shell)
    {
        Argument<string> backup = BackupArgument();
        var name = new Argument<string>("name") { Description = "1 to 64 letters, digits, _ and -." };
        Command verb = noun.AddVerb("rename", "Gives a backup another name.", backup, name);
        var output = new OutputOptions<BackupShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            BackupShape found = await cbr.FindBackupAsync(parsed.GetValue(backup)!, cancellationToken);
            output.WriteOne(shell, parsed, await cbr.RenameBackupAsync(found.Id, parsed.GetValue(name)!, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddDelete(Command noun, Shell shell)
    {
        var backups = new Argument<string[]>("backup") { Description = "Ids or names.", Arity = ArgumentArity.OneOrMore };
        Option<bool> wait = CheckpointCommands.WaitOption();
        Command verb = noun.AddVerb("delete", "Deletes backups; the others of the same resource are not touched.", backups, wait);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            var deleted = new List<BackupShape>();
            foreach (string idOrName in parsed.GetValue(backups)!)
            {
                BackupShape found = await cbr.FindBackupAsync(idOrName, cancellationToken);
                await cbr.DeleteBackupAsync(found.Id, cancellationToken);
                deleted.Add(found);
                shell.Say($"deleted backup {found.Name} ({found.Id}) of {found.ResourceName}");
            }

            return parsed.GetValue(wait)
                ? await ProgressBoard.RunAsync(shell, board => WaitUntilGoneAsync(shell, cbr, deleted, board, cancellationToken), cancellationToken)
                : ExitCode.Done;
        });
    }

    private static async Task<ExitCode> WaitUntilGoneAsync(
        Shell shell, CbrClient cbr, List<BackupShape> deleted, ProgressBoard board, CancellationToken cancellationToken)
    {
        var code = ExitCode.Done;
        ProgressItem item = board.Add("deleting", countsBytes: false);
        for (int gone = 0; gone < deleted.Count; gone++)
        {
            item.Report(gone, deleted.Count, $"{gone} of {deleted.Count} backups");
            string status = await LastStatusAsync(shell, cbr, deleted[gone].Id, cancellationToken);
            if (status == "error")
            {
                shell.Say($"backup {deleted[gone].Name} ({deleted[gone].Id}) was not deleted; see 'strongroom task list --type delete'.");
                code = ExitCode.Failed;
            }
        }

        item.Finish("done");
        return code;
    }

    /// <returns>Empty when it is gone.</returns>
    private static async Task<string> LastStatusAsync(Shell shell, CbrClient cbr, string backupId, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                BackupShape backup = await cbr.GetBackupAsync(backupId, cancellationToken);
                if (backup.Status == "error")
                    return backup.Status;
                await Task.Delay(PollInterval, shell.Time, cancellationToken);
            }
        }
        catch (CbrException answer) when (answer.Status == 404)
        {
            return "";
        }
    }

    private static Argument<string> BackupArgument() => new("backup") { Description = "Id or name." };

    private static async Task<RestoreTarget> TargetAsync(
        CbrClient cbr, BackupShape backup, string? to, string[] mappings, CancellationToken cancellationToken)
    {
        if (backup.ResourceType != ResourceTypes.Server && mappings.Length > 0)
            throw CommandException.Usage($"{backup.Name} is no backup of a server; --map does not fit.");
        string targetId = to is null ? backup.ResourceId : (await cbr.FindResourceAsync(to, cancellationToken)).Id;
        return backup.ResourceType switch
        {
            ResourceTypes.Server => new RestoreTarget
            {
                ServerId = targetId,
                Mappings = mappings.Length > 0
                    ? [.. mappings.Select(mapping => new RestoreMapping(mapping.Split('=')[0], mapping.Split('=')[1]))]
                    : await MapDisksAsync(cbr, backup, targetId, cancellationToken),
            },
            ResourceTypes.Disk => new RestoreTarget { VolumeId = targetId },
            _ => new RestoreTarget { ResourceId = targetId },
        };
    }

    /// <summary>Every disk to itself, or, on another server, the first to the first and so on.</summary>
    private static async Task<IReadOnlyList<RestoreMapping>> MapDisksAsync(
        CbrClient cbr, BackupShape backup, string serverId, CancellationToken cancellationToken)
    {
        if (serverId == backup.ResourceId)
            return [.. backup.Children.Select(child => new RestoreMapping(child.Id, child.ResourceId))];
        ResourceShape server = await cbr.GetResourceAsync(serverId, cancellationToken);
        if (server.Disks.Count != backup.Children.Count)
        {
            throw new CommandException(
                ExitCode.Refused,
                $"The backup has {backup.Children.Count} disks and {server.Name} has {server.Disks.Count}; say with --map which goes where.");
        }

        return [.. backup.Children.Zip(server.Disks, (child, disk) => new RestoreMapping(child.Id, disk.Id))];
    }
}
