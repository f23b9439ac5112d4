using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Tasks;

namespace Strongroom.Scenarios;

/// <summary>What an administrator's commands on the machine itself can do to a locked vault.</summary>
[Trait("Category", "Slow")]
public sealed class LockedVaultScenarios
{
    private const int Refused = 5;

    [Fact]
    public async Task No_command_short_of_losing_the_store_takes_a_backup_out_of_a_locked_vault()
    {
        using var directory = new TemporaryDirectory();
        await Sums.Shell("head -c 3000000 /dev/urandom > \"$1\"", directory["image"]);
        string sum = await Sums.OfFile(directory["image"]);
        string backup;
        string project;
        string vault;
        await using (RunningService service = await RunningService.Start(directory["data"]))
        {
            Protected disk = await Protected.Add(service.Cbr, ResourceTypes.Disk, "disk", directory["image"]);
            await service.Cbr.UpdateVaultAsync(disk.VaultId, new VaultChange { Locked = true }, CancellationToken.None);
            CheckpointShape checkpoint = await service.Cbr.CreateCheckpointAsync(
                new CheckpointCreation { VaultId = disk.VaultId, Parameters = new CheckpointParameters { AutoTrigger = true } }, CancellationToken.None);
            OperationLogShape log = await service.Cbr.ListOperationLogsAsync(new TaskFilter { VaultId = disk.VaultId }, CancellationToken.None)
                .FirstAsync(log => log.CheckpointId == checkpoint.Id);
            TaskShape task = await Protected.Ended(service.Cbr, log.Id);
            (backup, project, vault) = (task.BackupId!, checkpoint.ProjectId, disk.VaultId);
            foreach (string[] command in new[] { new[] { "backup", "delete", backup }, ["vault", "delete", vault] })
                Assert.NotEqual(0, (await StrongroomBinary.Run(service.Variables, TimeSpan.FromMinutes(1), command)).ExitCode);
        }

        CommandResult destroyed = await RunAsync("repo", "key", "destroy", project, "--yes", "--data", directory["data"]);
        CommandResult dropped = await RunAsync("project", "delete", project, "--data", directory["data"]);
        CommandResult deleted = await RunAsync("repo", "delete", backup, "--repo", directory["data"] + "/repository", "--key-file", directory["data"] + "/keys/master.key");
        await StrongroomBinary.Do(null, "repo", "gc", "--data", directory["data"]);
        await StrongroomBinary.Do(null, "repo", "repair", "--data", directory["data"]);

        Assert.Equal(Refused, destroyed.ExitCode);
        Assert.Contains("1 backups in locked vaults", destroyed.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, dropped.ExitCode);
        Assert.NotEqual(0, deleted.ExitCode);
        await StrongroomBinary.Do(null, "repo", "restore", backup, "--to", directory["back"], "--data", directory["data"]);
        Assert.Equal(sum, await Sums.OfFile(directory["back"]));
        await using RunningService again = await RunningService.Start(directory["data"]);
        Assert.Equal("available", (await again.Cbr.GetBackupAsync(backup, CancellationToken.None)).Status);
    }

    private static Task<CommandResult> RunAsync(params string[] arguments) => StrongroomBinary.Run(null, TimeSpan.FromMinutes(1), arguments);
}
