using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Http;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>
/// Where a backup goes back to, and every condition for it in the order of the atlas's section 19. No I/O: what is at the
/// targets now is looked at after this and before anything is opened.
/// </summary>
/// <param name="Target">The server, disk or file system.</param>
/// <param name="Mappings">Which member goes to which disk or file system, each once.</param>
internal sealed record RestorePlan(Resource Target, IReadOnlyList<RestoreMapping> Mappings)
{
    /// <summary>Everything that will be written or belongs to it: the target and the single resources.</summary>
    public IEnumerable<ResourceId> Touched => Mappings.Select(mapping => new ResourceId(mapping.ResourceId)).Append(Target.Id).Distinct();

    /// <summary>The backup itself, and the vault it is in for whoever restores it.</summary>
    public static void RefuseBackup(SeenBackup seen, Vault? vault)
    {
        Backup backup = seen.Backup;
        if (!seen.IsOwn && backup.IsServer)
        {
            throw new RefusedException(
                ErrorCodes.RestoreElsewhereRefused,
                $"Backup {backup.Id} is shared by another project, so it cannot be restored to a server as a whole: restore its disks one by one, by the ids of its children.");
        }

        if (backup.Status != BackupStatus.Available)
        {
            throw new RefusedException(
                ErrorCodes.BackupStatusForbidsRestore, $"Backup {backup.Id} is in status {WireWord.Of(backup.Status)}: only an available one can be restored.");
        }

        if (vault?.Status is not (VaultStatuses.Available or VaultStatuses.Lock))
            throw new RefusedException(ErrorCodes.VaultNotRestorable, $"Vault {seen.VaultId} is {vault?.Status ?? "gone"}: it must be available to restore from it.");
    }

    /// <summary>The id of the resource the request names as the target; which member of the request that is depends on the backup's kind.</summary>
    public static ResourceId TargetId(Backup backup, RestoreOrder order)
    {
        if (backup.IsServer)
        {
            if (order.ServerId is not { } serverId)
                throw BodyReader.Refused($"restore.server_id is missing: {backup.Id} is the backup of a server.");
            return order.Mappings.Count > 0
                ? serverId
                : throw BodyReader.Refused("restore.mappings is missing: it says which disk's backup (see the backup's children) goes to which disk of the server.");
        }

        if (backup.IsDisk)
            return order.VolumeId ?? throw BodyReader.Refused($"restore.volume_id is missing: {backup.Id} is the backup of a disk.");
        return order.ResourceId ?? throw BodyReader.Refused($"restore.resource_id is missing: {backup.Id} is the backup of a {backup.ResourceType}.");
    }

    /// <param name="target">What <see cref="TargetId"/> names; null when the project has none of that id.</param>
    /// <param name="targetDisks">Of a server: its disks.</param>
    /// <param name="inTheMaking">Of the target and its disks: those a run is backing up.</param>
    /// <param name="beingRestored">Resources that restores in work write to.</param>
    public static RestorePlan Make(
        Backup backup,
        IReadOnlyList<Backup> children,
        RestoreOrder order,
        Resource? target,
        IReadOnlyList<Resource> targetDisks,
        IReadOnlyCollection<ResourceId> inTheMaking,
        IReadOnlyCollection<ResourceId> beingRestored)
    {
        if (target is null || target.Type != backup.ResourceType)
            throw NoTarget(backup, TargetId(backup, order));
        List<RestoreMapping> mappings = backup.IsServer ? order.Mappings.ToList() : [new RestoreMapping(backup.Id.Value, target.Id.Value)];
        var plan = new RestorePlan(target, mappings);

        foreach (ResourceId id in plan.Touched)
        {
            if (inTheMaking.Contains(id))
                throw new RefusedException(ErrorCodes.RestoreSourceBusy, $"{id} is being backed up: wait until that has ended.");
        }

        foreach (ResourceId id in plan.Touched)
        {
            if (beingRestored.Contains(id))
                throw new RefusedException(ErrorCodes.RestoreRunning, $"{id} is being restored already: wait until that has ended.");
        }

        if (backup.IsServer)
            CheckMappings(backup, children, target, targetDisks, mappings);
        return plan;
    }

    /// <summary>Codes of what is not there, by the kind that was to be written.</summary>
    public static RefusedException NoTarget(Backup backup, ResourceId id) =>
        backup.IsServer ? new RefusedException(ErrorCodes.ServerMissing, $"There is no server {id}.")
        : backup.IsDisk ? new RefusedException(ErrorCodes.DiskMissing, $"There is no disk {id}.")
        : new RefusedException(ErrorCodes.ResourceMissing, $"There is no {backup.ResourceType} {id}.");

    /// <summary>What is there takes what was saved: compared before anything is opened, and again by the driver.</summary>
    public static void RefuseTooSmall(Backup source, ResourceId targetId, long targetBytes)
    {
        if (targetBytes < source.SizeBytes)
        {
            throw new RefusedException(
                ErrorCodes.RestoreTargetTooSmall, $"Disk {targetId} has {targetBytes} bytes, backup {source.Id} needs {source.SizeBytes}: choose a larger one.");
        }
    }

    private static void CheckMappings(
        Backup backup, IReadOnlyList<Backup> children, Resource server, IReadOnlyList<Resource> disks, List<RestoreMapping> mappings)
    {
        var usedDisks = new HashSet<string>();
        var usedBackups = new HashSet<string>();
        foreach (RestoreMapping mapping in mappings)
        {
            if (children.All(child => child.Id.Value != mapping.MemberId))
                throw BodyReader.Refused($"restore.mappings: {mapping.MemberId} is not among the children of backup {backup.Id}.");
            if (disks.All(disk => disk.Id.Value != mapping.ResourceId))
                throw BodyReader.Refused($"restore.mappings: {mapping.ResourceId} is no disk of server {server.Id}.");
            if (!usedBackups.Add(mapping.MemberId))
                throw BodyReader.Refused($"restore.mappings names backup {mapping.MemberId} twice.");
            if (!usedDisks.Add(mapping.ResourceId))
                throw BodyReader.Refused($"restore.mappings names disk {mapping.ResourceId} twice.");
        }
    }
}
