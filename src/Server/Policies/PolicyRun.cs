using System.Globalization;
using Strongroom.Contract;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Notifications;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>
/// What a policy does at a slot on one vault: one checkpoint over the resources that are not suspended, and a task for each
/// (atlas of backups, section 17.4). Nothing is passed over in silence: a resource that cannot take part, or a vault that
/// takes no backups, has a task that says why.
/// </summary>
internal static class PolicyRun
{
    // Somebody is at work on the resource: the next slot is as good. Anything else is a failure to be seen.
    private static readonly string[] BusyCodes =
        [ErrorCodes.BackupTaskRunning.Code, ErrorCodes.RestoreRunning.Code, ErrorCodes.ResourceBeingRemoved.Code];

    /// <returns>The checkpoint, null when nothing was started; and how many resources were skipped.</returns>
    public static async ValueTask<(CheckpointId? Checkpoint, int SkippedCount)> StartAsync(
        DbSession session, Policy policy, Vault vault, ScheduledRun run, int random, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (policy.IsReplication)
        {
            await RefuseReplicationAsync(session, policy, vault, run, now, cancellationToken);
            return default;
        }

        List<VaultResource> taken = [.. vault.Resources.Where(resource => resource.AutoProtect)];
        if (taken.Count == 0)
            return default;
        string requestId = NewRequestId();
        var order = new CheckpointOrder
        {
            VaultId = vault.Id,
            AutoTrigger = true,
            PolicyId = policy.Id.Value,
            Run = run,
            RetentionDays = policy.Definition.RetentionDurationDays is > 0 and var days ? days : -1,
            Resources = taken.ConvertAll(resource => new ChosenResource(resource.Id, DiskSelection.All)),
            FullResources = await FullAsync(session, policy, taken, vault.Id, now, cancellationToken),
        };
        CheckpointPlan plan;
        try
        {
            plan = await CheckpointPlanner.PlanAsync(session, vault, order, cancellationToken);
        }
        catch (RefusedException refused)
        {
            TaskRecord whole = Ended(vault, order, TaskState.Failed, refused.Error.Code, refused.Message, requestId, now);
            await EndAsync(session, whole, now, cancellationToken);
            return default;
        }

        CheckpointStart? start = plan.Backups.Count == 0 ? null : new CheckpointStart(vault, order, plan, random, requestId, now);
        if (start is not null)
            await start.SaveAsync(session, cancellationToken);
        foreach (SkippedResourceShape skipped in plan.Skipped)
        {
            TaskState state = BusyCodes.Contains(skipped.Code) ? TaskState.Skipped : TaskState.Failed;
            TaskRecord task = Ended(vault, order, state, skipped.Code, skipped.Reason, requestId, now) with
            {
                ResourceId = skipped.Id,
                ResourceName = skipped.Name,
                ResourceType = skipped.Type,
                CheckpointId = start?.Checkpoint.Id,
            };
            await EndAsync(session, task, now, cancellationToken);
        }

        return (start?.Checkpoint.Id, plan.Skipped.Count(skipped => BusyCodes.Contains(skipped.Code)));
    }

    /// <summary>
    /// There is no second site to replicate to. Whoever relies on one has to see that at every slot with something to replicate,
    /// not when the first site is lost.
    /// </summary>
    private static async ValueTask RefuseReplicationAsync(
        DbSession session, Policy policy, Vault vault, ScheduledRun run, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (vault.BackupCount == 0)
            return;
        string message = $"None of the {vault.BackupCount} backups of vault {vault.Id} is replicated: this installation has no other site "
            + $"(region {ShownText.Quoted(policy.Definition.DestinationRegion ?? "")}). Disable policy {policy.Id} or take it off the vault.";
        var order = new CheckpointOrder { VaultId = vault.Id, PolicyId = policy.Id.Value, Run = run };
        TaskRecord task = Ended(vault, order, TaskState.Failed, ErrorCodes.DestinationUnsupported.Code, message, NewRequestId(), now);
        await EndAsync(session, task with { Kind = TaskKind.Replication }, now, cancellationToken);
    }

    private static string NewRequestId() => Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);

    private static async ValueTask EndAsync(DbSession session, TaskRecord task, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await TaskTable.InsertAsync(session, task, cancellationToken);
        await NotificationOutbox.TaskEndedAsync(session, task, now, cancellationToken);
    }

    private static async ValueTask<HashSet<ResourceId>> FullAsync(
        DbSession session, Policy policy, List<VaultResource> resources, VaultId vaultId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        int? interval = policy.Definition.FullBackupInterval;
        if (interval is null or < 0)
            return [];
        Dictionary<ResourceId, FullHistory> histories = await BackupTable.FullHistoryAsync(session, vaultId, cancellationToken);
        return [.. resources.Select(resource => resource.Id).Where(id => FullBackups.IsDue(interval, histories.GetValueOrDefault(id), now))];
    }

    /// <summary>A task that was over before it began; of the vault as a whole unless changed.</summary>
    private static TaskRecord Ended(
        Vault vault, CheckpointOrder order, TaskState state, string code, string message, string requestId, DateTimeOffset now) => new()
    {
        Id = TaskId.New(),
        ProjectId = vault.ProjectId,
        Kind = TaskKind.Backup,
        State = state,
        VaultId = vault.Id,
        VaultName = vault.Name,
        PolicyId = order.PolicyId,
        ProviderId = vault.ProviderId,
        EnterpriseProjectId = vault.EnterpriseProjectId,
        ResourceId = vault.Id.Value,
        ResourceName = vault.Name,
        ResourceType = "vault",
        Plan = new TaskPlan { Run = order.Run },
        RequestId = requestId,
        CreatedAt = now,
        StartedAt = now,
        EndedAt = now,
        UpdatedAt = now,
        ErrorCode = code,
        ErrorMessage = message,
        Progress = TaskProgress.None with { Phase = TaskPhase.Done },
    };
}
