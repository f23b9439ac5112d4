using System.Globalization;
using Strongroom.Contract;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Checkpoints;

/// <summary>
/// Who takes part in a run and who is left out, with the reason: the rules of atlas section 3.1, over what the database
/// said. No I/O, no clock, no chance.
/// </summary>
internal sealed record CheckpointPlan(IReadOnlyList<PlannedBackup> Backups, IReadOnlyList<SkippedResourceShape> Skipped)
{
    private const int NameCharsMax = 64;

    /// <param name="registered">The vault's resources as they are registered, and the disks of its servers.</param>
    /// <param name="inTheMaking">Resources, disks of servers among them, that a run is backing up or will.</param>
    /// <param name="beingRestored">Resources, disks of servers among them, that a restore writes to or will.</param>
    public static CheckpointPlan Make(
        Vault vault,
        CheckpointOrder order,
        IReadOnlyList<Resource> registered,
        IReadOnlyCollection<ResourceId> inTheMaking,
        IReadOnlyCollection<ResourceId> beingRestored)
    {
        RefuseVault(vault);
        Dictionary<ResourceId, Resource> byId = registered.ToDictionary(resource => resource.Id);
        ILookup<ResourceId?, Resource> disksOf = registered.Where(resource => resource.ServerId is not null).ToLookup(resource => resource.ServerId);

        var backups = new List<PlannedBackup>();
        var skipped = new List<SkippedResourceShape>();
        foreach ((VaultResource binding, DiskSelection chosen) in Chosen(vault, order))
        {
            byId.TryGetValue(binding.Id, out Resource? resource);
            List<Resource> disks = disksOf[binding.Id].OrderBy(disk => disk.Position).ToList();
            List<Resource> taken = TakenDisks(binding, chosen, disks);
            (ErrorCode Code, string Reason)? reason = Reason(binding, resource, disks, taken, inTheMaking, beingRestored);
            if (reason is { } why)
                skipped.Add(new SkippedResourceShape(binding.Id.Value, binding.Type, binding.Name, why.Code.Code, why.Reason));
            else
                backups.Add(new PlannedBackup(binding, resource!, taken, disks.Count == 0 || taken.Contains(disks[0])));
        }

        return new CheckpointPlan(backups, skipped);
    }

    /// <exception cref="RefusedException">Nobody takes part: 2010, 1001 or 0001.</exception>
    public void RefuseNothing(Vault vault)
    {
        if (Backups.Count == 0)
            throw NothingLeft(vault, Skipped);
    }

    /// <summary>A base name where the caller gave none: 4 random hex digits make it unlikely, not impossible, to meet twice.</summary>
    public static string MadeUpName(Vault vault, bool autoTrigger, int random) =>
        autoTrigger
            ? string.Create(CultureInfo.InvariantCulture, $"{vault.BackupNamePrefix}autobk_{random & 0xffff:x4}")
            : string.Create(CultureInfo.InvariantCulture, $"manualbk_{random & 0xffff:x4}");

    /// <summary>The name of one backup of the run: numbered when there are several.</summary>
    public string NameOf(string baseName, int index)
    {
        if (Backups.Count == 1)
            return baseName;
        string suffix = string.Create(CultureInfo.InvariantCulture, $"_{index + 1:D4}");
        return baseName[..Math.Min(baseName.Length, NameCharsMax - suffix.Length)] + suffix;
    }

    private static void RefuseVault(Vault vault)
    {
        if (vault.IsReplication)
            throw new RefusedException(ErrorCodes.VaultTypeNotBackedUp, $"Vault {vault.Id} holds replicas: backups are made into vaults of protect_type backup.");
        if (vault.Status is not (VaultStatuses.Available or VaultStatuses.Lock))
            throw new RefusedException(ErrorCodes.VaultStatusForbidsBackup, $"Vault {vault.Id} is in status {vault.Status}: it takes no backups.");
        if (vault.UsedBytes >= vault.SizeGb * WireUnits.BytesPerGb && !vault.DemandBilling)
        {
            throw new RefusedException(
                ErrorCodes.VaultFull,
                $"Vault {vault.Id} is full: its backups take {WireUnits.UsedMb(vault.UsedBytes)} MB of {vault.SizeGb} GB. Enlarge it or delete backups.");
        }
    }

    private static IEnumerable<(VaultResource Binding, DiskSelection Disks)> Chosen(Vault vault, CheckpointOrder order)
    {
        if (order.Resources.Count == 0)
            return vault.Resources.Select(binding => (binding, DiskSelection.All));
        return order.Resources.Select(chosen => (
            vault.Find(chosen.Id) ?? throw new RefusedException(ErrorCodes.ResourceNotInVault, $"Resource {chosen.Id} is not in vault {vault.Id}."),
            chosen.Disks));
    }

    private static List<Resource> TakenDisks(VaultResource binding, DiskSelection chosen, List<Resource> disks)
    {
        foreach (ResourceId named in chosen.Excluded.Concat(chosen.Included.Select(included => included.Id)))
        {
            if (disks.TrueForAll(disk => disk.Id != named))
                throw new RefusedException(ErrorCodes.ParameterInvalid, $"extra_info of resource {binding.Id} names {named}, which is no disk of it.");
        }

        return disks.FindAll(disk => binding.Disks.Takes(disk.Id) && chosen.Takes(disk.Id));
    }

    private static (ErrorCode Code, string Reason)? Reason(
        VaultResource binding,
        Resource? resource,
        List<Resource> disks,
        List<Resource> taken,
        IReadOnlyCollection<ResourceId> inTheMaking,
        IReadOnlyCollection<ResourceId> beingRestored)
    {
        bool isServer = binding.Type == ResourceTypes.Server;
        if (resource is null || resource.IsDeleted)
        {
            ErrorCode missing = isServer ? ErrorCodes.ServerMissing : binding.Type == ResourceTypes.Disk ? ErrorCodes.DiskMissing : ErrorCodes.ResourceMissing;
            return (missing, $"{binding.Id} is not registered any more.");
        }

        if (binding.Status == ProtectStatuses.Removing)
            return (ErrorCodes.ResourceBeingRemoved, $"{binding.Id} is being removed from the vault.");

        // Of a server its own state and that of every disk taken; of anything else its own.
        bool IsAmong(IReadOnlyCollection<ResourceId> busy) => busy.Contains(binding.Id) || taken.Exists(disk => busy.Contains(disk.Id));
        if (binding.Status == ProtectStatuses.Protecting || IsAmong(inTheMaking))
            return (ErrorCodes.BackupTaskRunning, $"A backup of {binding.Id} is running already.");
        if (binding.Status == ProtectStatuses.Restoring || IsAmong(beingRestored))
            return (ErrorCodes.RestoreRunning, $"{binding.Id} is being restored.");

        if (!isServer)
            return null;
        if (disks.Count == 0)
            return (ErrorCodes.ServerHasNoDisk, $"Server {binding.Id} has no disk.");
        return taken.Count == 0 ? (ErrorCodes.NothingToBackUp, $"All {disks.Count} disks of server {binding.Id} are left out.") : null;
    }

    private static RefusedException NothingLeft(Vault vault, IReadOnlyList<SkippedResourceShape> skipped)
    {
        if (skipped.Count == 0)
            return new RefusedException(ErrorCodes.NothingToBackUp, $"Vault {vault.Id} holds no resources: add some first.");
        string reasons = string.Join(" ", skipped.Take(3).Select(skip => skip.Reason)) + (skipped.Count > 3 ? " …" : "");
        if (skipped.All(skip => skip.Code == ErrorCodes.RestoreRunning.Code))
            return new RefusedException(ErrorCodes.RestoreRunning, $"Nothing can be backed up now: {reasons}");
        bool allBusy = skipped.All(skip => skip.Code == ErrorCodes.RestoreRunning.Code
            || skip.Code == ErrorCodes.BackupTaskRunning.Code
            || skip.Code == ErrorCodes.ResourceBeingRemoved.Code);
        return new RefusedException(allBusy ? ErrorCodes.VaultBusy : ErrorCodes.NothingToBackUp, $"Nothing can be backed up now: {reasons}");
    }
}

/// <param name="Disks">Of a server: those taken, in order; empty for others.</param>
/// <param name="HasSystemDisk">Of a server: its first disk is among them.</param>
internal sealed record PlannedBackup(VaultResource Binding, Resource Resource, IReadOnlyList<Resource> Disks, bool HasSystemDisk)
{
    public bool IsServer => Binding.Type == ResourceTypes.Server;

    public int SizeGb => IsServer ? WireUnits.SumGb(Disks.Sum(disk => (long)disk.SizeGb)) : Resource.SizeGb;
}
