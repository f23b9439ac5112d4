using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Notifications;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>
/// Deleting backups: one, or all that go with a vault or with resources leaving it. It is done when the transaction is:
/// the rows are marked and hidden, <see cref="BackupPurge"/> drops them for good after the undo window. So there is nothing
/// to wait for, no state <c>deleting</c> or <c>removing</c> that could stick, and an administrator can bring them back.
/// </summary>
internal static class BackupRemoval
{
    /// <summary>Marks one backup, takes it out of its vault's figures, and records the task.</summary>
    /// <param name="vault">The one it is in; null when that is gone.</param>
    /// <exception cref="RefusedException">6201, 6216 or 6220: the backup's or its vault's state forbids it.</exception>
    public static async ValueTask OfOneAsync(
        DbSession session, Backup backup, Vault? vault, string requestId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        RefuseOne(backup, vault);
        if (await BackupTable.IsBaseOfRunAsync(session, backup, cancellationToken))
        {
            throw new RefusedException(
                ErrorCodes.BackupNotDeletable, $"Backup {backup.Id} is the newest of {backup.ResourceId}, whose next backup is being made: wait until that has ended.");
        }

        await RemoveAsync(session, backup, vault, requestId, null, null, now, cancellationToken);
    }

    /// <summary>The same for a backup whose time is over, in a locked vault too: who calls knows that it may go.</summary>
    /// <param name="policyId">The vault's; null when none decided it.</param>
    /// <param name="reason">Why it goes, for the task.</param>
    public static async ValueTask ByRetentionAsync(
        DbSession session, Backup backup, Vault vault, PolicyId? policyId, string reason, DateTimeOffset now, CancellationToken cancellationToken) =>
        await RemoveAsync(session, backup, vault, Guid.NewGuid().ToString("N"), reason, policyId, now, cancellationToken);

    private static async ValueTask RemoveAsync(
        DbSession session,
        Backup backup,
        Vault? vault,
        string requestId,
        string? reason,
        PolicyId? policyId,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        await MarkAsync(session, [backup], cancellationToken);
        if (backup.Status == BackupStatus.Available)
        {
            await VaultTable.AddUsageAsync(session, backup.VaultId, backup.ResourceId, -backup.ChangedBytes, -1, cancellationToken);
            await NotificationOutbox.WatchVaultAsync(session, backup.VaultId, now, cancellationToken);
        }

        var order = new RemovalOrder(
            backup.ProjectId, backup.VaultId, vault?.Name ?? "", backup.ProviderId, backup.EnterpriseProjectId, requestId, now);
        TaskRecord task = order.ToTask(TaskKind.Delete, backup.ResourceId.Value, backup.ResourceName, backup.ResourceType, reason is null ? null : new TaskPlan { Reason = reason });
        await TaskTable.InsertAsync(
            session,
            task with { CheckpointId = backup.CheckpointId, BackupId = backup.Id, BackupName = backup.Name, PolicyId = policyId?.Value },
            cancellationToken);
    }

    /// <summary>Marks all backups of a vault that is being deleted, and records the task.</summary>
    /// <exception cref="RefusedException">6203 or 6216: a backup is being made or restored.</exception>
    public static async ValueTask OfVaultAsync(DbSession session, RemovalOrder order, CancellationToken cancellationToken)
    {
        List<Backup> backups = await BackupTable.ListOfVaultAsync(session, order.VaultId, null, cancellationToken);
        RefuseBusy(backups, ErrorCodes.BackupRunning);
        await MarkAsync(session, backups, cancellationToken);
        await TaskTable.InsertAsync(
            session,
            order.ToTask(TaskKind.VaultDelete, order.VaultId.Value, order.VaultName, "vault", new TaskPlan { BackupCount = backups.Count }),
            cancellationToken);
    }

    /// <summary>Marks all backups that a vault holds of resources leaving it, and records one task for them all.</summary>
    /// <exception cref="RefusedException">6125 or 6216: a backup of one of them is being made or restored.</exception>
    public static async ValueTask OfResourcesAsync(
        DbSession session, RemovalOrder order, IReadOnlyList<PlannedResource> resources, CancellationToken cancellationToken)
    {
        int count = 0;
        foreach (PlannedResource resource in resources)
        {
            List<Backup> backups = await BackupTable.ListOfVaultAsync(session, order.VaultId, new ResourceId(resource.Id), cancellationToken);
            RefuseBusy(backups, ErrorCodes.BackupTaskRunning);
            await MarkAsync(session, backups, cancellationToken);
            count += backups.Count;
        }

        await TaskTable.InsertAsync(
            session,
            order.ToTask(
                TaskKind.RemoveResource,
                resources[0].Id,
                resources[0].Name,
                resources[0].Type,
                new TaskPlan { BackupCount = count, Resources = resources }),
            cancellationToken);
    }

    private static void RefuseOne(Backup backup, Vault? vault)
    {
        if (backup.ParentId is { } parentId)
        {
            throw new RefusedException(
                ErrorCodes.BackupNotDeletable, $"Backup {backup.Id} is one disk of backup {parentId}: delete that one, which takes all its disks along.");
        }

        if (backup.IsBeingRestored)
            throw new RefusedException(ErrorCodes.BackupInUse, $"Backup {backup.Id} is being restored: wait until that has ended.");
        if (backup.Status is not (BackupStatus.Available or BackupStatus.Error))
        {
            throw new RefusedException(
                ErrorCodes.BackupNotDeletable, $"Backup {backup.Id} is in status {WireWord.Of(backup.Status)}: only available and failed ones can be deleted.");
        }

        if (vault?.Status == VaultStatuses.Deleting)
            throw new RefusedException(ErrorCodes.BackupNotDeletable, $"Vault {vault.Id} is being deleted, and its backups with it.");
        if (vault is { IsLocked: true } && backup.AutoTrigger && backup.Status == BackupStatus.Available)
            throw new RefusedException(ErrorCodes.BackupLocked, $"Backup {backup.Id} was made by a schedule in the locked vault {vault.Id}: it goes when it expires.");
    }

    private static void RefuseBusy(IReadOnlyList<Backup> backups, ErrorCode whenInTheMaking)
    {
        foreach (Backup backup in backups)
        {
            if (backup.IsInTheMaking)
            {
                throw new RefusedException(
                    whenInTheMaking, $"Backup {backup.Id} of {backup.ResourceName} ({backup.ResourceId}) is being made: wait until it has ended.");
            }

            if (backup.IsBeingRestored)
            {
                throw new RefusedException(
                    ErrorCodes.BackupInUse, $"Backup {backup.Id} of {backup.ResourceName} ({backup.ResourceId}) is being restored: wait until it has ended.");
            }
        }
    }

    private static async ValueTask MarkAsync(DbSession session, List<Backup> backups, CancellationToken cancellationToken)
    {
        long tick = await InstallationClock.ReadAsync(session, cancellationToken);
        foreach (Backup[] chunk in backups.Chunk(BackupTable.IdCountMax))
            await BackupTable.MarkDeletedAsync(session, Array.ConvertAll(chunk, backup => backup.Id), tick, cancellationToken);
    }
}

/// <summary>Who asked for a removal, and in which vault.</summary>
/// <param name="RequestId">The caller's, as in <c>X-Request-Id</c>.</param>
internal sealed record RemovalOrder(
    string ProjectId,
    VaultId VaultId,
    string VaultName,
    string ProviderId,
    string EnterpriseProjectId,
    string RequestId,
    DateTimeOffset Now)
{
    public TaskRecord ToTask(TaskKind kind, string resourceId, string resourceName, string resourceType, TaskPlan? plan) => new()
    {
        Id = TaskId.New(),
        ProjectId = ProjectId,
        Kind = kind,
        State = TaskState.Success,
        VaultId = VaultId,
        VaultName = VaultName,
        ProviderId = ProviderId,
        EnterpriseProjectId = EnterpriseProjectId,
        ResourceId = resourceId,
        ResourceName = resourceName,
        ResourceType = resourceType,
        Plan = plan,
        RequestId = RequestId,
        CreatedAt = Now,
        StartedAt = Now,
        EndedAt = Now,
        UpdatedAt = Now,
        Progress = TaskProgress.Complete,
    };
}
