using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Vaults;
using Strongroom.Drivers;
using Strongroom.Drivers.DiskImages;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Resources;
using Strongroom.Server.Shares;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>
/// Accepts a restore: every condition is checked first (<see cref="RestorePlan"/>), then the backup and the target show that
/// they are busy and a task waits, in one transaction. The answer is 202 with the task's id, which one Terraform provider
/// insists on.
/// </summary>
internal sealed class RestoreEndpoint(
    MetadataDatabase database, IProtectionEngine engine, ServerOptions options, TaskSignal signal, TimeProvider time)
{
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost(BackupEndpoints.OneBackup + "/restore", RestoreAsync).WithAction("cbr:backups:restore");

    private async Task RestoreAsync(HttpContext context)
    {
        Caller caller = context.Caller();
        BackupId id = BackupEndpoints.PathBackup(context);
        RestoreOrder order = await BodyReader.ReadAsync(context, RestoreOrder.Read);
        CancellationToken cancellationToken = context.RequestAborted;

        // What is at the targets is looked at outside the transaction: a slow device must not hold up the database.
        (SeenBackup seen, RestorePlan plan, List<Resource> targets) = await database.ReadAsync(
            session => PlanAsync(session, caller.ProjectId, id, order, cancellationToken), cancellationToken);
        await CheckTargetsAsync(seen.Backup, plan, targets, cancellationToken);

        TaskId taskId = TaskId.New();
        await database.WriteAsync(
            async session =>
            {
                (seen, plan, _) = await PlanAsync(session, caller.ProjectId, id, order, cancellationToken);
                await AcceptAsync(session, taskId, seen, plan, caller, time.GetStoredNow(), cancellationToken);
            },
            cancellationToken);
        signal.Notify();
        await JsonReply.WriteAsync(context, new RestoreReply(taskId.Value), BackupJson.Default.RestoreReply, StatusCodes.Status202Accepted);
    }

    private static async ValueTask<(SeenBackup Backup, RestorePlan Plan, List<Resource> Targets)> PlanAsync(
        DbSession session, string projectId, BackupId id, RestoreOrder order, CancellationToken cancellationToken)
    {
        SeenBackup seen = await BackupTable.FindSeenAsync(session, projectId, id, [ShareStatus.Accepted], cancellationToken)
            ?? throw BackupEndpoints.Missing(id);
        Backup backup = seen.Backup;
        RestorePlan.RefuseBackup(seen, await FindVaultAsync(session, projectId, seen, cancellationToken));
        ResourceId targetId = RestorePlan.TargetId(backup, order);
        List<Resource> targets = await ResourceTable.FindWithDisksAsync(session, projectId, [targetId], cancellationToken);
        Resource? target = targets.Find(resource => resource.Id == targetId);
        List<Resource> disks = targets.FindAll(resource => resource.ServerId == targetId);

        List<TaskRecord> restores = await TaskTable.ListRestoresInWorkAsync(session, projectId, cancellationToken);
        RestorePlan plan = RestorePlan.Make(
            backup,
            backup.IsServer ? await BackupTable.ListChildrenAsync(session, id, cancellationToken) : [],
            order,
            target,
            disks,
            await BackupTable.ListInTheMakingAsync(session, projectId, [targetId, .. disks.Select(disk => disk.Id)], cancellationToken),
            restores.SelectMany(RestoreWork.Touched).ToHashSet());
        return (seen, plan, targets);
    }

    private static async ValueTask<Vault?> FindVaultAsync(
        DbSession session, string projectId, SeenBackup seen, CancellationToken cancellationToken) =>
        seen.VaultId is { } id ? await VaultTable.FindAsync(session, projectId, id, cancellationToken) : null;

    /// <summary>
    /// What is there now, before anything is opened. A process without the worker's role may not see the targets at all, so
    /// there the sizes they were registered with must do; the worker's driver looks again in any case.
    /// </summary>
    private async Task CheckTargetsAsync(Backup backup, RestorePlan plan, List<Resource> targets, CancellationToken cancellationToken)
    {
        bool isHere = options.Roles.HasFlag(ServerRoles.Worker);
        foreach (RestoreMapping mapping in plan.Mappings)
        {
            Resource target = targets.Find(resource => resource.Id.Value == mapping.ResourceId)!;
            long sizeBytes = target.SizeBytes;
            try
            {
                if (isHere)
                    sizeBytes = (await engine.InspectAsync(target.Path!, target.Driver, cancellationToken)).SizeBytes;
            }
            catch (DriverException error) when (error.Failure == DriverFailure.Missing)
            {
                // An image or a directory is made anew, with the size it was registered with. A device cannot be.
                if (DiskImagesDriver.IsDevicePath(target.Path!))
                    throw RestorePlan.NoTarget(backup, target.Id);
            }
            catch (DriverException error)
            {
                throw new RefusedException(ErrorCodes.DiskStateForbidsRestore, $"{target.Name} ({target.Id}) cannot be written to: {error.Message}");
            }

            if (!backup.IsServer && !backup.IsDisk)
                continue;
            Backup source = mapping.MemberId == backup.Id.Value
                ? backup
                : await database.ReadAsync(
                    session => BackupTable.FindAsync(session, backup.ProjectId, new BackupId(mapping.MemberId), cancellationToken), cancellationToken)
                    ?? throw BackupEndpoints.Missing(new BackupId(mapping.MemberId));
            RestorePlan.RefuseTooSmall(source, target.Id, sizeBytes);
        }
    }

    private static async ValueTask AcceptAsync(
        DbSession session, TaskId taskId, SeenBackup seen, RestorePlan plan, Caller caller, DateTimeOffset now, CancellationToken cancellationToken)
    {
        Backup backup = seen.Backup;
        Vault? vault = await FindVaultAsync(session, caller.ProjectId, seen, cancellationToken);
        await BackupTable.MoveWithParentAsync(session, backup.Id, BackupStatus.WaitingRestore, now, cancellationToken);
        await VaultTable.SetProtectStatusAsync(session, plan.Touched.ToList(), ProtectStatuses.Restoring, cancellationToken);
        await TaskTable.InsertAsync(
            session,
            new TaskRecord
            {
                Id = taskId,
                ProjectId = caller.ProjectId,
                Kind = TaskKind.Restore,
                CheckpointId = backup.CheckpointId,
                VaultId = seen.VaultId,
                VaultName = vault?.Name,
                ProviderId = backup.ProviderId,
                EnterpriseProjectId = seen.IsOwn ? backup.EnterpriseProjectId : vault?.EnterpriseProjectId ?? "0",
                ResourceId = backup.ResourceId.Value,
                ResourceName = backup.ResourceName,
                ResourceType = backup.ResourceType,
                BackupId = backup.Id,
                BackupName = backup.Name,
                TargetId = plan.Target.Id.Value,
                TargetName = plan.Target.Name,
                Plan = new TaskPlan { Mappings = plan.Mappings },
                RequestId = caller.RequestId,
                CreatedAt = now,
                UpdatedAt = now,
            },
            cancellationToken);
    }
}
