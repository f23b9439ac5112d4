using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>
/// What it takes to bring resources into a vault, as the API reference has it (atlas of the vault API, sections 3.6, 10.1
/// and 10.3). All or nothing: the first rule broken refuses the whole request.
/// </summary>
internal static class ResourceBinding
{
    /// <summary>The vault's bindings once <paramref name="additions"/> are in it.</summary>
    /// <param name="registered">The resources named, those that exist, with all disks of the servers among them.</param>
    /// <param name="holders">Bindings in other vaults of this protect_type of anything <paramref name="registered"/>, and of the servers of its disks.</param>
    public static BindingChange Add(
        Vault vault,
        IReadOnlyList<ResourceAddition> additions,
        IReadOnlyList<Resource> registered,
        IReadOnlyList<BindingHolder> holders,
        DateTimeOffset now)
    {
        RefuseRepeated(additions);
        Dictionary<ResourceId, Resource> resources = registered.ToDictionary(resource => resource.Id);
        ILookup<ResourceId?, Resource> disks = registered.Where(resource => resource.ServerId is not null).ToLookup(resource => resource.ServerId);
        Dictionary<ResourceId, BindingHolder> held = holders.DistinctBy(holder => holder.ResourceId).ToDictionary(holder => holder.ResourceId);

        var change = new BindingChange([], []);
        long position = vault.Resources.Count == 0 ? 0 : vault.Resources.Max(resource => resource.Position);
        foreach (ResourceAddition addition in additions)
        {
            if (!VaultKind.Takes(vault.ObjectType, addition.Type))
            {
                throw new RefusedException(
                    ErrorCodes.ResourceTypeUnfit, $"Resource {addition.Id} is of type {addition.Type}: vault {vault.Id} takes resources of object_type {vault.ObjectType} only.");
            }

            if (!resources.TryGetValue(addition.Id, out Resource? resource) || resource.Type != addition.Type)
                throw new RefusedException(ErrorCodes.ResourceMissing, $"There is no {addition.Type} with id {addition.Id}.");
            RefuseHeld(addition.Id, held);
            long sizeGb = SizeGb(resource, addition.Disks, disks[addition.Id].ToList(), held);
            if (vault.Find(addition.Id) is null)
                change.Added.Add(NewBinding(addition, resource, sizeGb, ++position, now));
            else
                Update(change, vault.Settled(addition.Id), addition.Disks, sizeGb);
        }

        RefuseOverfull(vault, change);
        return change;
    }

    /// <summary>What of a server is protected, in GB; of anything else all of it.</summary>
    public static long SizeGb(Resource resource, DiskSelection selection, IEnumerable<Resource> disks) =>
        resource.Type == ResourceTypes.Server ? disks.Where(disk => selection.Takes(disk.Id)).Sum(disk => (long)disk.SizeGb) : resource.SizeGb;

    private static void RefuseRepeated(IReadOnlyList<ResourceAddition> additions)
    {
        var seen = new HashSet<ResourceId>(additions.Count);
        foreach (ResourceAddition addition in additions)
        {
            if (!seen.Add(addition.Id))
                throw new RefusedException(ErrorCodes.ResourceNamedTwice, $"Resource {addition.Id} is named twice in the request.");
        }
    }

    private static void RefuseHeld(ResourceId id, Dictionary<ResourceId, BindingHolder> held)
    {
        if (!held.TryGetValue(id, out BindingHolder? holder))
            return;
        throw holder.IsLeaving
            ? new RefusedException(ErrorCodes.ResourceBeingRemoved, $"Resource {id} is still being removed from another vault: wait until it is gone.")
            : new RefusedException(ErrorCodes.ResourceInOtherVault, $"Resource {id} is in vault {holder.VaultId} already: remove it there first.");
    }

    /// <summary>Checks which disks are taken, and that nobody else protects them; gives what they take of the vault.</summary>
    private static long SizeGb(Resource resource, DiskSelection selection, List<Resource> disks, Dictionary<ResourceId, BindingHolder> held)
    {
        foreach (ResourceId named in selection.Excluded.Concat(selection.Included.Select(included => included.Id)))
        {
            if (!disks.Exists(disk => disk.Id == named))
                throw new RefusedException(ErrorCodes.ParameterInvalid, $"extra_info of resource {resource.Id} names {named}, which is no disk of it.");
        }

        if (resource.Type != ResourceTypes.Server)
        {
            if (resource.ServerId is { } server && held.TryGetValue(server, out BindingHolder? holder) && holder.Disks.Takes(resource.Id))
                throw new RefusedException(ErrorCodes.DiskInVault, $"Disk {resource.Id} is protected through its server {server} in vault {holder.VaultId} already.");
            return resource.SizeGb;
        }

        if (disks.Count == 0)
            throw new RefusedException(ErrorCodes.ServerHasNoDisk, $"Server {resource.Id} has no disk: attach one first.");
        List<Resource> taken = disks.FindAll(disk => selection.Takes(disk.Id));
        if (taken.Count == 0)
            throw new RefusedException(ErrorCodes.ParameterInvalid, $"extra_info of server {resource.Id} leaves out all of its {disks.Count} disks: at least one must stay.");
        foreach (Resource disk in taken)
        {
            if (held.TryGetValue(disk.Id, out BindingHolder? holder))
            {
                throw new RefusedException(
                    ErrorCodes.DiskProtectedTwice, $"Disk {disk.Id} of server {resource.Id} is protected in vault {holder.VaultId} already: exclude it here or remove it there.");
            }
        }

        return SizeGb(resource, selection, taken);
    }

    private static VaultResource NewBinding(ResourceAddition addition, Resource resource, long sizeGb, long position, DateTimeOffset now) => new()
    {
        Id = addition.Id,
        Type = addition.Type,
        Name = addition.Name ?? resource.Name,
        Position = position,
        SizeGb = sizeGb,
        Disks = addition.Disks,
        AddedAt = now,
    };

    // What is in the vault already keeps its place, its name and its backups; only which disks are taken is said anew.
    private static void Update(BindingChange change, VaultResource bound, DiskSelection disks, long sizeGb)
    {
        VaultResource updated = bound with { Disks = disks, SizeGb = sizeGb };
        if (updated != bound)
            change.Updated.Add(updated);
    }

    private static void RefuseOverfull(Vault vault, BindingChange change)
    {
        int count = vault.Resources.Count + change.Added.Count;
        if (count > Vault.ResourceCountMax)
        {
            throw new RefusedException(
                ErrorCodes.VaultResourceCountExceeded, $"Vault {vault.Id} would hold {count} resources: {Vault.ResourceCountMax} is the most.");
        }

        if (vault.IsReplication)
            return;
        long growthGb = change.Added.Sum(added => added.SizeGb) + change.Updated.Sum(updated => updated.SizeGb - vault.Find(updated.Id)!.SizeGb);
        long allocatedGb = vault.AllocatedGb + growthGb;

        // A vault can be overfull because what is in it grew; that must not stand in the way of taking less of it.
        if (growthGb > 0 && allocatedGb > vault.SizeGb)
        {
            throw new RefusedException(
                ErrorCodes.VaultSizeInvalid, $"Vault {vault.Id} has {vault.SizeGb} GB: its resources would take {allocatedGb} GB. Enlarge it first.");
        }
    }
}

/// <param name="Name">Null: the name it is registered under.</param>
internal sealed record ResourceAddition(ResourceId Id, string Type, string? Name, DiskSelection Disks);

/// <summary>A binding of a resource in some other vault.</summary>
internal sealed record BindingHolder(ResourceId ResourceId, VaultId VaultId, string Status, DiskSelection Disks)
{
    public bool IsLeaving => Status == ProtectStatuses.Removing;
}

internal sealed record BindingChange(List<VaultResource> Added, List<VaultResource> Updated);
