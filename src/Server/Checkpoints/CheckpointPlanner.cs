using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Checkpoints;

/// <summary>Gathers what <see cref="CheckpointPlan"/> has to know.</summary>
internal static class CheckpointPlanner
{
    public static async ValueTask<CheckpointPlan> PlanAsync(
        DbSession session, Vault vault, CheckpointOrder order, CancellationToken cancellationToken)
    {
        List<Resource> registered = await ResourceTable.FindWithDisksAsync(
            session, vault.ProjectId, vault.Resources.Select(resource => resource.Id).ToList(), cancellationToken);
        List<ResourceId> inTheMaking = await BackupTable.ListInTheMakingAsync(
            session, vault.ProjectId, registered.ConvertAll(resource => resource.Id), cancellationToken);
        List<TaskRecord> restores = await TaskTable.ListRestoresInWorkAsync(session, vault.ProjectId, cancellationToken);
        return CheckpointPlan.Make(vault, order, registered, inTheMaking, restores.SelectMany(RestoreWork.Touched).ToHashSet());
    }
}
