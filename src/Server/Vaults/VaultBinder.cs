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

    /// <summary>Counts anew what a server takes of the vaults it is in, after disks came, went or were measured.</summary>
    public static async ValueTask RefreshServerAsync(DbSession session, string projectId, ResourceId serverId, CancellationToken cancellationToken)
    {
        List<Resource> known = await ResourceTable.FindWithDisksAsync(session, projectId, [serverId], cancellationToken);
        if (known.Find(resource => resource.Id == serverId) is not { } server)
            return;
        foreach (BindingHolder holder in await VaultTable.HoldersAsync(session, serverId, cancellationToken))
        {
            long sizeGb = ResourceBinding.SizeGb(server, holder.Disks, known.Where(resource => resource.ServerId == serverId));
            await VaultTable.SetBindingSizeAsync(session, holder.VaultId, serverId, sizeGb, cancellationToken);
        }
    }
}
