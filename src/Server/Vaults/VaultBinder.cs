using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>Gathers what <see cref="ResourceBinding"/> has to know.</summary>
internal static class VaultBinder
{
    /// <summary>What binding these resources changes. Stores nothing.</summary>
    public static async ValueTask<BindingChange> AddAsync(
        DbSession session, Vault vault, IReadOnlyList<ResourceAddition> additions, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (additions.Count == 0)
            return new BindingChange([], []);
        ResourceId[] ids = [.. additions.Select(addition => addition.Id)];
        List<Resource> registered = await ResourceTable.FindWithDisksAsync(session, vault.ProjectId, ids, cancellationToken);

        // A disk is also protected through its server, so the bindings of disks and servers both matter.
        HashSet<ResourceId> related = [.. ids];
        foreach (Resource resource in registered)
        {
            related.Add(resource.Id);
            if (resource.ServerId is { } server)
                related.Add(server);
        }

        List<BindingHolder> holders = await VaultTable.HoldersAsync(session, vault.ProtectType, vault.Id, related, cancellationToken);
        return ResourceBinding.Add(vault, additions, registered, holders, now);
    }

    /// <summary>Stores new bindings. A resource may have backups in the vault it enters: those that stayed, or were brought back, after it had left.</summary>
    public static async ValueTask InsertAsync(DbSession session, VaultId id, List<VaultResource> added, CancellationToken cancellationToken)
    {
        Dictionary<ResourceId, (long Bytes, int Count)> usage =
            await BackupTable.UsageAsync(session, id, [.. added.Select(resource => resource.Id)], cancellationToken);
        VaultResource[] counted = [.. added.Select(resource =>
        {
            (long bytes, int count) = usage.GetValueOrDefault(resource.Id);
            return resource with { BackupBytes = bytes, BackupCount = count };
        })];
        await VaultTable.InsertResourcesAsync(session, id, counted, cancellationToken);
    }

    /// <summary>Counts anew what a resource takes of the vaults it is in, after it was measured, or disks of it came or went.</summary>
    public static async ValueTask RefreshAsync(DbSession session, string projectId, ResourceId id, CancellationToken cancellationToken)
    {
        List<Resource> known = await ResourceTable.FindWithDisksAsync(session, projectId, [id], cancellationToken);
        if (known.Find(resource => resource.Id == id) is not { } measured)
            return;
        foreach (BindingHolder holder in await VaultTable.HoldersAsync(session, id, cancellationToken))
        {
            long sizeGb = ResourceBinding.SizeGb(measured, holder.Disks, known.Where(resource => resource.ServerId == id));
            await VaultTable.SetResourceSizeAsync(session, holder.VaultId, id, sizeGb, cancellationToken);
        }
    }
}
