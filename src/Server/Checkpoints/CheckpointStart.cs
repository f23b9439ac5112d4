using System.Text.Json;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Checkpoints;

/// <summary>
/// The rows a run begins with: the checkpoint, a backup per resource with one beneath it per disk of a server, a waiting
/// task per backup, and every resource shown as protecting. Saved in one transaction before the answer, so that whoever
/// lists right after it sees them.
/// </summary>
internal sealed class CheckpointStart
{
    private readonly Vault vault;
    private readonly CheckpointOrder order;
    private readonly CheckpointPlan plan;
    private readonly string requestId;

    /// <param name="random">For a name, where the caller gave none.</param>
    public CheckpointStart(Vault vault, CheckpointOrder order, CheckpointPlan plan, int random, string requestId, DateTimeOffset now)
    {
        this.vault = vault;
        this.order = order;
        this.plan = plan;
        this.requestId = requestId;
        Checkpoint = new Checkpoint
        {
            Id = CheckpointId.New(),
            ProjectId = vault.ProjectId,
            VaultId = vault.Id,
            Name = order.Name ?? CheckpointPlan.MadeUpName(vault, order.AutoTrigger, random),
            Description = order.Description,
            SkippedJson = JsonSerializer.Serialize(plan.Skipped, CheckpointJson.Default.IReadOnlyListSkippedResourceShape),
            RetentionDays = order.RetentionDays,
            CreatedAt = now,
        };
    }

    public Checkpoint Checkpoint { get; }

    public async ValueTask SaveAsync(DbSession session, CancellationToken cancellationToken)
    {
        await CheckpointTable.InsertAsync(session, Checkpoint, cancellationToken);
        for (int i = 0; i < plan.Backups.Count; i++)
        {
            PlannedBackup planned = plan.Backups[i];
            Backup backup = ToBackup(planned, i);
            await BackupTable.InsertAsync(session, backup, cancellationToken);
            for (int disk = 0; disk < planned.Disks.Count; disk++)
                await BackupTable.InsertAsync(session, ToChild(backup, planned, disk), cancellationToken);
            await TaskTable.InsertAsync(session, ToTask(backup), cancellationToken);
            await VaultTable.SetProtectStatusAsync(session, vault.Id, planned.Binding.Id, ProtectStatuses.Protecting, cancellationToken);
        }
    }

    private Backup ToBackup(PlannedBackup planned, int index) => new()
    {
        Id = BackupId.New(),
        ProjectId = vault.ProjectId,
        CheckpointId = Checkpoint.Id,
        VaultId = vault.Id,
        Position = index,
        ProviderId = vault.ProviderId,
        EnterpriseProjectId = vault.EnterpriseProjectId,
        Name = plan.NameOf(Checkpoint.Name, index),
        Description = order.Description,
        ResourceId = planned.Binding.Id,
        ResourceName = planned.Binding.Name,
        ResourceType = planned.Binding.Type,
        SizeGb = planned.SizeGb,
        Status = BackupStatus.WaitingProtect,
        AutoTrigger = order.AutoTrigger,
        Incremental = order.Incremental && !order.FullResources.Contains(planned.Binding.Id),
        SystemDisk = planned.IsServer && planned.HasSystemDisk,
        Metadata = BackupMetadata.Of(planned.Resource, planned.Disks),
        PolicyId = order.Run is null ? null : new PolicyId(order.PolicyId!),
        CreatedAt = Checkpoint.CreatedAt,
        UpdatedAt = Checkpoint.CreatedAt,
    };

    private static Backup ToChild(Backup parent, PlannedBackup planned, int index)
    {
        Resource disk = planned.Disks[index];
        return parent with
        {
            Id = BackupId.New(),
            ParentId = parent.Id,
            Position = index,
            Name = $"{parent.Name}_{planned.Binding.Name}",
            ResourceId = disk.Id,
            ResourceName = disk.Name,
            ResourceType = ResourceTypes.Disk,
            SizeGb = disk.SizeGb,
            SystemDisk = index == 0 && planned.HasSystemDisk,
            Metadata = null,
        };
    }

    private TaskRecord ToTask(Backup backup) => new()
    {
        Id = TaskId.New(),
        ProjectId = vault.ProjectId,
        Kind = TaskKind.Backup,
        CheckpointId = Checkpoint.Id,
        VaultId = vault.Id,
        VaultName = vault.Name,
        PolicyId = order.PolicyId,
        ProviderId = vault.ProviderId,
        EnterpriseProjectId = vault.EnterpriseProjectId,
        ResourceId = backup.ResourceId.Value,
        ResourceName = backup.ResourceName,
        ResourceType = backup.ResourceType,
        BackupId = backup.Id,
        BackupName = backup.Name,
        Plan = order.Run is null ? null : new TaskPlan { Run = order.Run },
        RequestId = requestId,
        CreatedAt = Checkpoint.CreatedAt,
        UpdatedAt = Checkpoint.CreatedAt,
    };
}
