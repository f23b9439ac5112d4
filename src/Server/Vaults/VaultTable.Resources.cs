using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>The bindings of resources to vaults.</summary>
internal static partial class VaultTable
{
    public static async ValueTask InsertResourcesAsync(
        DbSession session, VaultId id, IReadOnlyList<VaultResource> resources, CancellationToken cancellationToken)
    {
        foreach (VaultResource resource in resources)
        {
            await session.ExecuteAsync(
                $"""
                insert into vault_resources (vault_id, resource_id, position, type, name, auto_protect, size_gb, backup_bytes,
                    backup_count, protect_status, extra_info, added_at)
                values ({id}, {resource.Id}, {resource.Position}, {resource.Type}, {resource.Name}, {resource.AutoProtect},
                    {resource.SizeGb}, {resource.BackupBytes}, {(long)resource.BackupCount}, {resource.Status},
                    {StoredDisks(resource.Disks)}, {resource.AddedAt.ToMicroseconds()})
                """,
                cancellationToken);
        }

        await TouchAsync(session, id, cancellationToken);
    }

    /// <summary>Stores what a client can change of bindings.</summary>
    public static async ValueTask UpdateResourcesAsync(
        DbSession session, VaultId id, IReadOnlyList<VaultResource> resources, CancellationToken cancellationToken)
    {
        foreach (VaultResource resource in resources)
        {
            await session.ExecuteAsync(
                $"""
                update vault_resources set auto_protect = {resource.AutoProtect}, size_gb = {resource.SizeGb},
                    protect_status = {resource.Status}, extra_info = {StoredDisks(resource.Disks)}
                where vault_id = {id} and resource_id = {resource.Id}
                """,
                cancellationToken);
        }

        await TouchAsync(session, id, cancellationToken);
    }

    /// <summary>One of <see cref="ProtectStatuses"/>. False: the resource is not in the vault, or shows as deleted and stays so.</summary>
    public static async ValueTask<bool> SetProtectStatusAsync(
        DbSession session, VaultId id, ResourceId resourceId, string status, CancellationToken cancellationToken)
    {
        int count = await session.ExecuteAsync(
            $"""
            update vault_resources set protect_status = {status}
            where vault_id = {id} and resource_id = {resourceId} and protect_status <> {ProtectStatuses.Deleted}
            """,
            cancellationToken);
        await TouchAsync(session, id, cancellationToken);
        return count > 0;
    }

    /// <summary>The same in whatever vault that takes backups holds them; those no vault holds are passed over.</summary>
    public static async ValueTask SetProtectStatusAsync(
        DbSession session, IReadOnlyCollection<ResourceId> resourceIds, string status, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"""
            update vault_resources set protect_status = {status}
            where resource_id in {resourceIds} and protect_status <> {ProtectStatuses.Deleted}
                and vault_id in (select id from vaults where protect_type = {ProtectTypes.Backup} and deleted_at_tick is null)
            """,
            cancellationToken);
        await TouchHoldersAsync(session, resourceIds, cancellationToken);
    }

    /// <summary>Takes resources out of the vault, and what their backups amount to out of the vault's figures.</summary>
    public static async ValueTask DeleteResourcesAsync(
        DbSession session, VaultId id, IReadOnlyList<VaultResource> resources, CancellationToken cancellationToken)
    {
        ResourceId[] ids = [.. resources.Select(resource => resource.Id)];
        await session.ExecuteAsync(
            $"""
            insert into vault_departures (vault_id, resource_id)
            select vault_id, resource_id from vault_resources where vault_id = {id} and resource_id in {ids}
            on conflict do nothing
            """,
            cancellationToken);
        await session.ExecuteAsync($"delete from vault_resources where vault_id = {id} and resource_id in {ids}", cancellationToken);
        await CountAsync(session, id, resources, -1, cancellationToken);
    }

    /// <summary>Takes a resource out of the vault and leaves it the backups, which count in it as before.</summary>
    public static async ValueTask LetGoResourceAsync(DbSession session, VaultId id, ResourceId resourceId, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync($"delete from vault_resources where vault_id = {id} and resource_id = {resourceId}", cancellationToken);
        await TouchAsync(session, id, cancellationToken);
    }

    /// <summary>Those of the ids that were taken out of the vault before.</summary>
    public static async ValueTask<HashSet<ResourceId>> ListDepartedAsync(
        DbSession session, VaultId id, IReadOnlyCollection<ResourceId> ids, CancellationToken cancellationToken) =>
        [.. await session.QueryAsync(
            $"select resource_id from vault_departures where vault_id = {id} and resource_id in {ids}", row => new ResourceId(row.GetString(0)), cancellationToken)];

    /// <summary>Moves bindings, with what their backups amount to. The backups themselves move in the same transaction (<c>BackupTable.MoveAsync</c>).</summary>
    public static async ValueTask MoveResourcesAsync(
        DbSession session, VaultId from, VaultId to, IReadOnlyList<VaultResource> resources, CancellationToken cancellationToken)
    {
        foreach (VaultResource resource in resources)
        {
            await session.ExecuteAsync(
                $"update vault_resources set vault_id = {to}, position = {resource.Position} where vault_id = {from} and resource_id = {resource.Id}",
                cancellationToken);
        }

        await CountAsync(session, from, resources, -1, cancellationToken);
        await CountAsync(session, to, resources, 1, cancellationToken);
    }

    /// <summary>Bindings of these resources in vaults of one protect_type, other than <paramref name="except"/> when given.</summary>
    public static async ValueTask<List<BindingHolder>> HoldersAsync(
        DbSession session, string protectType, VaultId? except, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken)
    {
        Sql others = except is null ? Sql.Empty : $"and v.id <> {except}";
        return await session.QueryAsync(
            $"""
            select r.resource_id, r.vault_id, r.protect_status, r.extra_info
            from vault_resources r join vaults v on v.id = r.vault_id
            where r.resource_id in {resourceIds} and v.protect_type = {protectType} and v.deleted_at_tick is null {others}
            """,
            ReadHolder,
            cancellationToken);
    }

    /// <summary>The vaults of protect_type backup that hold any of these resources, whole, by resource.</summary>
    public static async ValueTask<Dictionary<ResourceId, Vault>> FindHoldingAsync(
        DbSession session, string projectId, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken)
    {
        List<Vault> vaults = await ReadAsync(
            session,
            $"""
            select {Columns} from vaults v left join vault_resources r on r.vault_id = v.id
            where v.project_id = {projectId} and v.deleted_at_tick is null and v.protect_type = {ProtectTypes.Backup}
                and v.id in (select vault_id from vault_resources where resource_id in {resourceIds})
            order by v.id, r.position
            """,
            cancellationToken);
        var holding = new Dictionary<ResourceId, Vault>();
        foreach (Vault vault in vaults)
        {
            foreach (VaultResource resource in vault.Resources)
                holding[resource.Id] = vault;
        }

        return holding;
    }

    /// <summary>Shows resources that were unregistered as deleted, wherever they are bound.</summary>
    public static async ValueTask MarkSourcesGoneAsync(
        DbSession session, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"""
            update vault_resources set protect_status = {ProtectStatuses.Deleted}
            where resource_id in {resourceIds} and protect_status <> {ProtectStatuses.Removing}
            """,
            cancellationToken);
        await TouchHoldersAsync(session, resourceIds, cancellationToken);
    }

    /// <summary>Where a resource is bound, in vaults of any kind that are there.</summary>
    public static ValueTask<List<BindingHolder>> HoldersAsync(DbSession session, ResourceId resourceId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select r.resource_id, r.vault_id, r.protect_status, r.extra_info
            from vault_resources r join vaults v on v.id = r.vault_id
            where r.resource_id = {resourceId} and v.deleted_at_tick is null
            """,
            ReadHolder,
            cancellationToken);

    /// <summary>What a resource takes of a vault it is in.</summary>
    public static async ValueTask SetResourceSizeAsync(
        DbSession session, VaultId id, ResourceId resourceId, long sizeGb, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"update vault_resources set size_gb = {sizeGb} where vault_id = {id} and resource_id = {resourceId}", cancellationToken);
        await TouchAsync(session, id, cancellationToken);
    }

    private static async ValueTask CountAsync(
        DbSession session, VaultId id, IReadOnlyList<VaultResource> resources, int sign, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update vaults set version = version + 1, used_bytes = used_bytes + {sign * resources.Sum(resource => resource.BackupBytes)},
                backup_count = backup_count + {sign * resources.Sum(resource => (long)resource.BackupCount)}
            where id = {id}
            """,
            cancellationToken);
}
