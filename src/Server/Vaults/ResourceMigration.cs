using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>What it takes to move resources, and their backups, into another vault (atlas of the vault API, sections 3.8 and 10.4).</summary>
internal static class ResourceMigration
{
    /// <summary>The bindings to move, with their places in the destination.</summary>
    public static List<VaultResource> Plan(Vault source, Vault destination, IReadOnlyList<ResourceId> ids)
    {
        source.RefuseUnlessBindable();
        RefuseUnfit(source, destination);
        var moving = new List<VaultResource>();
        long position = destination.Resources.Count == 0 ? 0 : destination.Resources.Max(resource => resource.Position);
        foreach (ResourceId id in ids.Distinct())
            moving.Add(source.Settled(id) with { Position = ++position });
        RefuseRunning(source);
        RefuseRunning(destination);
        RefuseOverfull(destination, moving);
        return moving;
    }

    private static void RefuseUnfit(Vault source, Vault destination)
    {
        destination.RefuseUnlessBindable();
        if (source.Id == destination.Id)
            throw Unfit($"Vault {source.Id} cannot be its own destination.");
        if (source.IsLocked)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {source.Id} is locked: resources cannot leave it.");
        if (destination.IsLocked)
            throw Unfit($"Destination vault {destination.Id} is locked: nothing can be moved into it.");
        if (source.ObjectType != destination.ObjectType || source.ProtectType != destination.ProtectType)
        {
            throw new RefusedException(
                ErrorCodes.VaultTypeDiffers,
                $"Destination vault {destination.Id} is for {destination.ObjectType} and {destination.ProtectType}, vault {source.Id} for {source.ObjectType} and {source.ProtectType}.");
        }
    }

    private static void RefuseRunning(Vault vault)
    {
        foreach (VaultResource resource in vault.Resources)
        {
            if (resource.Status is ProtectStatuses.Protecting or ProtectStatuses.Restoring)
                throw new RefusedException(ErrorCodes.BackupTaskRunning, $"A task of resource {resource.Id} runs in vault {vault.Id}: wait until it ends.");
        }
    }

    private static void RefuseOverfull(Vault destination, List<VaultResource> moving)
    {
        int count = destination.Resources.Count + moving.Count;
        if (count > Vault.ResourceCountMax)
        {
            throw new RefusedException(
                ErrorCodes.VaultResourceCountExceeded, $"Vault {destination.Id} would hold {count} resources: {Vault.ResourceCountMax} is the most.");
        }

        long allocatedGb = destination.IsReplication ? 0 : destination.AllocatedGb + moving.Sum(resource => resource.SizeGb);
        long usedBytes = destination.UsedBytes + moving.Sum(resource => resource.BackupBytes);
        long usedGb = destination.DemandBilling ? 0 : WireUnits.UsedGb(usedBytes);
        if (Math.Max(allocatedGb, usedGb) > destination.SizeGb)
        {
            throw new RefusedException(
                ErrorCodes.DestinationVaultFull,
                $"Vault {destination.Id} has {destination.SizeGb} GB: {allocatedGb} GB of resources and {usedGb} GB of backups would be in it. Enlarge it first.");
        }
    }

    private static RefusedException Unfit(string message) => new(ErrorCodes.DestinationVaultCheckFailed, message);
}
