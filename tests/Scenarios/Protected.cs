using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Tasks;
using Strongroom.Contract.Vaults;

namespace Strongroom.Scenarios;

/// <summary>One resource in a vault of its own, and what the scenarios do with it over HTTP.</summary>
internal sealed record Protected(ResourceShape Resource, string VaultId)
{
    private static readonly TimeSpan TaskLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    public static async Task<Protected> Add(CbrClient cbr, string type, string name, string path)
    {
        ResourceShape resource = await cbr.RegisterResourceAsync(
            new ResourceRegistrationShape { Type = type, Name = name, Path = path }, CancellationToken.None);
        string objectType = type == ResourceTypes.Disk ? ObjectTypes.Disk : ObjectTypes.FileSystem;
        VaultShape vault = await cbr.CreateVaultAsync(
            new VaultCreation { Name = name, Billing = new VaultBillingCreation { ObjectType = objectType, Size = 100 } }, CancellationToken.None);
        await cbr.AddResourcesAsync(vault.Id, [new ResourceReference { Id = resource.Id, Type = type }], CancellationToken.None);
        return new Protected(resource, vault.Id);
    }

    /// <returns>The task that makes the backup, not waited for.</returns>
    public async Task<OperationLogShape> StartBackup(CbrClient cbr)
    {
        CheckpointShape checkpoint = await cbr.CreateCheckpointAsync(new CheckpointCreation { VaultId = VaultId }, CancellationToken.None);
        return await cbr.ListOperationLogsAsync(new TaskFilter { OperationType = "backup", VaultId = VaultId }, CancellationToken.None)
            .FirstAsync(log => log.CheckpointId == checkpoint.Id);
    }

    public Task<string> StartRestore(CbrClient cbr, string backupId) => cbr.RestoreBackupAsync(
        backupId,
        Resource.Type == ResourceTypes.Disk ? new RestoreTarget { VolumeId = Resource.Id } : new RestoreTarget { ResourceId = Resource.Id },
        CancellationToken.None);

    public async Task<string> BackUp(CbrClient cbr)
    {
        TaskShape task = await Ended(cbr, (await StartBackup(cbr)).Id);
        Assert.True(task.Status == "success", $"{task.Status}: {task.Error.Message} {string.Join("; ", task.Problems)}");
        return task.BackupId!;
    }

    public async Task Restore(CbrClient cbr, string backupId)
    {
        TaskShape task = await Ended(cbr, await StartRestore(cbr, backupId));
        Assert.True(task.Status == "success", $"{task.Status}: {task.Error.Message} {string.Join("; ", task.Problems)}");
    }

    public async Task<string?> ProtectStatus(CbrClient cbr) =>
        (await cbr.GetVaultAsync(VaultId, CancellationToken.None)).Resources.Single().ProtectStatus;

    public ValueTask<List<BackupShape>> Backups(CbrClient cbr) =>
        cbr.ListBackupsAsync(new BackupFilter { VaultId = VaultId }, CancellationToken.None).ToListAsync();

    /// <summary>Waits for a task; one that never ends fails the test.</summary>
    public static async Task<TaskShape> Ended(CbrClient cbr, string taskId)
    {
        using var limit = new CancellationTokenSource(TaskLimit);
        while (true)
        {
            TaskShape task = await cbr.GetTaskAsync(taskId, limit.Token);
            if (task.Status is not ("waiting" or "running"))
                return task;
            await Task.Delay(PollInterval, limit.Token);
        }
    }
}
