using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>
/// The tables <c>vaults</c> and <c>vault_resources</c>. Deleted vaults are not there for any of these unless its name says so.
/// </summary>
internal static partial class VaultTable
{
    /// <summary>A vault with its resources, in one round trip.</summary>
    public static async ValueTask<Vault?> FindAsync(DbSession session, string projectId, VaultId id, CancellationToken cancellationToken)
    {
        List<Vault> vaults = await ReadAsync(
            session,
            $"""
            select {Columns} from vaults v left join vault_resources r on r.vault_id = v.id
            where v.id = {id} and v.project_id = {projectId} and v.deleted_at_tick is null
            order by r.position
            """,
            cancellationToken);
        return vaults.Count == 0 ? null : vaults[0];
    }

    /// <summary>The version of a vault, which changes with anything clients see of it; null when it is not there.</summary>
    public static ValueTask<long?> FindVersionAsync(DbSession session, string projectId, VaultId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync<long?>(
            $"select version from vaults where id = {id} and project_id = {projectId} and deleted_at_tick is null",
            row => row.GetInt64(0),
            cancellationToken);

    /// <summary>Vaults with their resources, in no order, in one round trip; those that are not there are left out.</summary>
    public static ValueTask<List<Vault>> FindManyAsync(
        DbSession session, string projectId, IReadOnlyCollection<VaultId> ids, CancellationToken cancellationToken) =>
        ReadAsync(
            session,
            $"""
            select {Columns} from vaults v left join vault_resources r on r.vault_id = v.id
            where v.id in {ids} and v.project_id = {projectId} and v.deleted_at_tick is null
            order by v.id, r.position
            """,
            cancellationToken);

    /// <summary>One page of vaults, newest first, by id and version, in one round trip; past the end it takes a second one to count.</summary>
    public static async ValueTask<VaultPage> ListAsync(DbSession session, string projectId, VaultFilter filter, CancellationToken cancellationToken)
    {
        Sql where = filter.Where(projectId);
        Sql matching = $"(select id, version, created_at, count(*) over () as match_count from vaults where {where}) matching";
        if (filter.Marker is { } marker)
        {
            matching = $"""
                {matching} where created_at < (select created_at from vaults where id = {marker})
                or (created_at = (select created_at from vaults where id = {marker}) and id < {marker})
                """;
        }

        long count = 0;
        List<VaultVersion> page = await session.QueryAsync(
            $"select id, version, match_count from {matching} order by created_at desc, id desc limit {filter.Limit} offset {filter.Offset}",
            row =>
            {
                count = row.GetInt64(2);
                return new VaultVersion(new VaultId(row.GetString(0)), row.GetInt64(1));
            },
            cancellationToken);
        if (page.Count == 0 && (filter.Offset > 0 || filter.Marker is not null))
            count = await session.QueryLongAsync($"select count(*) from vaults where {where}", cancellationToken);
        return new VaultPage(page, count);
    }

    /// <summary>Whether the project ever had this vault, deleted ones that wait for the end of their undo window included.</summary>
    public static async ValueTask<bool> WasThereAsync(DbSession session, string projectId, VaultId id, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select count(*) from vaults where id = {id} and project_id = {projectId}", cancellationToken) > 0;

    public static ValueTask<long> CountAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select count(*) from vaults where project_id = {projectId} and deleted_at_tick is null", cancellationToken);

    /// <summary>Inserts the vault and its bindings.</summary>
    public static async ValueTask InsertAsync(DbSession session, Vault vault, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"""
            insert into vaults (id, project_id, name, description, enterprise_project_id, user_id, object_type, protect_type,
                consistent_level, cloud_type, is_multi_az, status, size_gb, used_bytes, backup_count, auto_bind, bind_rules,
                auto_expand, auto_expanded, smn_notify, threshold, locked, tags, backup_name_prefix, demand_billing,
                availability_zone, sys_lock_source_service, charging_mode, period_type, period_num, is_auto_renew, order_id,
                product_id, created_at, version)
            values ({vault.Id}, {vault.ProjectId}, {vault.Name}, {vault.Description}, {vault.EnterpriseProjectId}, {vault.UserId},
                {vault.ObjectType}, {vault.ProtectType}, {vault.ConsistentLevel}, {vault.CloudType}, {vault.IsMultiAz}, {vault.Status},
                {vault.SizeGb}, {vault.UsedBytes}, {vault.BackupCount}, {vault.AutoBind}, {StoredRules(vault.BindRules)},
                {vault.AutoExpand}, {vault.IsAutoExpanded}, {vault.SmnNotify}, {(long)vault.Threshold}, {vault.IsLocked},
                {StoredTags(vault.Tags)}, {vault.BackupNamePrefix}, {vault.DemandBilling}, {vault.AvailabilityZone},
                {vault.SysLockSourceService}, {vault.Charging.Mode}, {vault.Charging.PeriodType}, {(long)vault.Charging.PeriodNum},
                {vault.Charging.IsAutoRenew}, {vault.Charging.OrderId}, {vault.Charging.ProductId}, {vault.CreatedAt.ToMicroseconds()}, {vault.Version})
            """,
            cancellationToken);
        await InsertResourcesAsync(session, vault.Id, vault.Resources, cancellationToken);
    }

    /// <summary>Stores what a client can change of a vault; not its resources, nor what backups amount to.</summary>
    public static async ValueTask UpdateAsync(DbSession session, Vault vault, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update vaults set version = version + 1, name = {vault.Name}, consistent_level = {vault.ConsistentLevel}, status = {vault.Status},
                size_gb = {vault.SizeGb}, auto_bind = {vault.AutoBind}, bind_rules = {StoredRules(vault.BindRules)},
                auto_expand = {vault.AutoExpand}, auto_expanded = {vault.IsAutoExpanded}, smn_notify = {vault.SmnNotify},
                threshold = {(long)vault.Threshold}, locked = {vault.IsLocked}, tags = {StoredTags(vault.Tags)},
                charging_mode = {vault.Charging.Mode}, period_type = {vault.Charging.PeriodType},
                period_num = {(long)vault.Charging.PeriodNum}, is_auto_renew = {vault.Charging.IsAutoRenew},
                order_id = {vault.Charging.OrderId}, product_id = {vault.Charging.ProductId}
            where id = {vault.Id}
            """,
            cancellationToken);

    /// <summary>From here on no client sees the vault, and what it bound is free. The row stays until its undo window ends.</summary>
    /// <param name="tick">The installation clock.</param>
    public static async ValueTask MarkDeletedAsync(DbSession session, VaultId id, long tick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update vaults set deleted_at_tick = {tick} where id = {id}", cancellationToken);

    /// <summary>Brings a deleted vault back, without the resources that are in another vault of its protect_type by now.</summary>
    /// <returns>When it was deleted, by the installation clock; null when it is not deleted or past its undo window.</returns>
    public static async ValueTask<long?> UndeleteAsync(DbSession session, string projectId, VaultId id, CancellationToken cancellationToken)
    {
        long? tick = await session.QueryFirstAsync<long?>(
            $"select deleted_at_tick from vaults where id = {id} and project_id = {projectId} and deleted_at_tick is not null",
            row => row.GetInt64(0),
            cancellationToken);
        if (tick is null)
            return null;
        await session.ExecuteAsync(
            $"""
            delete from vault_resources where vault_id = {id} and resource_id in (
                select r.resource_id from vault_resources r join vaults v on v.id = r.vault_id
                where v.deleted_at_tick is null and v.project_id = {projectId}
                    and v.protect_type = (select protect_type from vaults where id = {id}))
            """,
            cancellationToken);
        await session.ExecuteAsync($"update vaults set version = version + 1, deleted_at_tick = null where id = {id}", cancellationToken);
        return tick;
    }

    /// <summary>Drops the rows of vaults deleted before that moment; their backups are gone already.</summary>
    public static async ValueTask PurgeAsync(DbSession session, long deletedBeforeTick, CancellationToken cancellationToken)
    {
        Sql due = $"deleted_at_tick <= {deletedBeforeTick} and not exists (select 1 from backups b where b.vault_id = vaults.id)";
        await session.ExecuteAsync($"delete from vault_resources where vault_id in (select id from vaults where {due})", cancellationToken);
        await session.ExecuteAsync($"delete from vault_departures where vault_id in (select id from vaults where {due})", cancellationToken);
        await session.ExecuteAsync($"delete from vaults where {due}", cancellationToken);
    }

    public static async ValueTask SetStatusAsync(DbSession session, VaultId id, string status, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update vaults set version = version + 1, status = {status} where id = {id}", cancellationToken);

    /// <summary>
    /// Counts a backup in or, with negative figures, out: in the vault, and on the resource if it is still there. Belongs in
    /// the transaction that makes the backup appear or vanish.
    /// </summary>
    public static async ValueTask AddUsageAsync(
        DbSession session, VaultId id, ResourceId resourceId, long bytes, int backupCount, CancellationToken cancellationToken)
    {
        if (bytes == 0 && backupCount == 0)
            return;
        await session.ExecuteAsync(
            $"""
            update vaults set version = version + 1, used_bytes = used_bytes + {bytes}, backup_count = backup_count + {(long)backupCount}
            where id = {id}
            """,
            cancellationToken);
        await session.ExecuteAsync(
            $"""
            update vault_resources set backup_bytes = backup_bytes + {bytes}, backup_count = backup_count + {(long)backupCount}
            where vault_id = {id} and resource_id = {resourceId}
            """,
            cancellationToken);
    }

    /// <summary>
    /// Waits for whoever writes the vault's row, and makes others wait until the transaction ends; a serializable one that read
    /// the row before loses and runs again.
    /// </summary>
    public static async ValueTask HoldAsync(DbSession session, VaultId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update vaults set version = version where id = {id}", cancellationToken);

    /// <summary>A full vault with <c>auto_expand</c> grows by a quarter, as often as it takes. Belongs after what filled it, in the same transaction.</summary>
    public static async ValueTask ExpandAsync(DbSession session, VaultId id, CancellationToken cancellationToken)
    {
        (long sizeGb, long usedBytes) = await session.QueryFirstAsync(
            $"""
            select size_gb, used_bytes from vaults
            where id = {id} and auto_expand = true and used_bytes >= size_gb * {WireUnits.BytesPerGb}
            """,
            row => (row.GetInt64(0), row.GetInt64(1)),
            cancellationToken);
        if (sizeGb == 0)
            return;
        while (usedBytes >= sizeGb * WireUnits.BytesPerGb && sizeGb < VaultRequests.SizeMaxGb)
            sizeGb = Math.Min(VaultRequests.SizeMaxGb, ((sizeGb * 5) + 3) / 4);
        await session.ExecuteAsync(
            $"update vaults set version = version + 1, size_gb = {sizeGb}, auto_expanded = true where id = {id}", cancellationToken);
    }

    public static async ValueTask UpdateNotificationsAsync(
        DbSession session, string projectId, bool? smnNotify, int? threshold, CancellationToken cancellationToken)
    {
        if (smnNotify is { } notify)
            await session.ExecuteAsync($"update vaults set version = version + 1, smn_notify = {notify} where {Writable(projectId)}", cancellationToken);
        if (threshold is { } percent)
            await session.ExecuteAsync($"update vaults set version = version + 1, threshold = {(long)percent} where {Writable(projectId)}", cancellationToken);
    }

    private static Sql Writable(string projectId) =>
        $"project_id = {projectId} and deleted_at_tick is null and status in ({VaultStatuses.Available}, {VaultStatuses.Lock})";

    // Everything a client can see of a vault hangs on its version (RenderedVaults): whatever changes it, changes that.
    private static async ValueTask TouchAsync(DbSession session, VaultId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update vaults set version = version + 1 where id = {id}", cancellationToken);

    private static async ValueTask TouchHoldersAsync(
        DbSession session, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update vaults set version = version + 1 where id in (select vault_id from vault_resources where resource_id in {resourceIds})",
            cancellationToken);
}

/// <summary>A state of a vault: whatever is seen of it is the same for the same version.</summary>
internal readonly record struct VaultVersion(VaultId Id, long Version);

/// <param name="Count">Vaults matching, not only those of this page.</param>
internal sealed record VaultPage(IReadOnlyList<VaultVersion> Vaults, long Count);
