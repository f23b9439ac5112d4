using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>The tables <c>vaults</c> and <c>vault_resources</c>. Deleted vaults are not there for any of these.</summary>
internal static class VaultTable
{
    private const int BindingColumn = 34;
    private const int BindingColumnCount = 11;

    // What Read and ReadBinding take, in their order; the binding's columns are null for a vault without resources.
    private static Sql Columns =>
        $"""
        v.id, v.project_id, v.name, v.description, v.enterprise_project_id, v.user_id, v.object_type, v.protect_type,
        v.consistent_level, v.cloud_type, v.is_multi_az, v.status, v.size_gb, v.used_bytes, v.backup_count, v.auto_bind,
        v.bind_rules, v.auto_expand, v.auto_expanded, v.smn_notify, v.threshold, v.locked, v.tags, v.backup_name_prefix,
        v.demand_billing, v.availability_zone, v.sys_lock_source_service, v.charging_mode, v.period_type, v.period_num,
        v.is_auto_renew, v.order_id, v.product_id, v.created_at,
        r.resource_id, r.type, r.name, r.position, r.auto_protect, r.size_gb, r.backup_bytes, r.backup_count,
        r.protect_status, r.extra_info, r.added_at
        """;

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

    /// <summary>One page of vaults with their resources, newest first, in one round trip; past the end it takes a second one to count.</summary>
    public static async ValueTask<VaultPage> ListAsync(DbSession session, string projectId, VaultFilter filter, CancellationToken cancellationToken)
    {
        Sql where = filter.Where(projectId);
        Sql afterMarker = filter.Marker is { } marker
            ? $"""
              where created_at < (select created_at from vaults where id = {marker})
              or (created_at = (select created_at from vaults where id = {marker}) and id < {marker})
              """
            : Sql.Empty;
        long count = 0;
        List<Vault> vaults = await ReadAsync(
            session,
            $"""
            with v as (
                select * from (select vaults.*, count(*) over () as match_count from vaults where {where}) matching {afterMarker}
                order by created_at desc, id desc limit {filter.Limit} offset {filter.Offset})
            select {Columns}, v.match_count from v left join vault_resources r on r.vault_id = v.id
            order by v.created_at desc, v.id desc, r.position
            """,
            cancellationToken,
            row => count = row.GetInt64(BindingColumn + BindingColumnCount));
        if (vaults.Count == 0)
            count = await session.QueryLongAsync($"select count(*) from vaults where {where}", cancellationToken);
        return new VaultPage(vaults, count);
    }

    /// <summary>Whether the project ever had this vault, deleted ones that wait for the end of their undo window included.</summary>
    public static async ValueTask<bool> WasThereAsync(DbSession session, string projectId, VaultId id, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select count(*) from vaults where id = {id} and project_id = {projectId}", cancellationToken) > 0;

    /// <summary>Vaults of the project whose backups take at least so many percent of their size.</summary>
    public static ValueTask<List<VaultId>> ListUsedAsync(DbSession session, string projectId, int percent, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select id from vaults
            where project_id = {projectId} and deleted_at_tick is null and used_bytes >= size_gb * {WireUnits.BytesPerGb / 100 * percent}
            """,
            row => new VaultId(row.GetString(0)),
            cancellationToken);

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
                product_id, created_at)
            values ({vault.Id}, {vault.ProjectId}, {vault.Name}, {vault.Description}, {vault.EnterpriseProjectId}, {vault.UserId},
                {vault.ObjectType}, {vault.ProtectType}, {vault.ConsistentLevel}, {vault.CloudType}, {vault.IsMultiAz}, {vault.Status},
                {vault.SizeGb}, {vault.UsedBytes}, {vault.BackupCount}, {vault.AutoBind}, {StoredRules(vault.BindRules)},
                {vault.AutoExpand}, {vault.IsAutoExpanded}, {vault.SmnNotify}, {(long)vault.Threshold}, {vault.IsLocked},
                {StoredTags(vault.Tags)}, {vault.BackupNamePrefix}, {vault.DemandBilling}, {vault.AvailabilityZone},
                {vault.SysLockSourceService}, {vault.Charging.Mode}, {vault.Charging.PeriodType}, {(long)vault.Charging.PeriodNum},
                {vault.Charging.IsAutoRenew}, {vault.Charging.OrderId}, {vault.Charging.ProductId}, {vault.CreatedAt.ToMicroseconds()})
            """,
            cancellationToken);
        foreach (VaultResource resource in vault.Resources)
            await InsertBindingAsync(session, vault.Id, resource, cancellationToken);
    }

    /// <summary>Stores what a client can change of a vault; not its resources, nor what backups amount to.</summary>
    public static async ValueTask UpdateAsync(DbSession session, Vault vault, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update vaults set name = {vault.Name}, consistent_level = {vault.ConsistentLevel}, status = {vault.Status},
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
        await session.ExecuteAsync($"update vaults set deleted_at_tick = null where id = {id}", cancellationToken);
        return tick;
    }

    /// <summary>Deleted vaults of a project that can be brought back, the latest deleted first, without their resources.</summary>
    public static ValueTask<List<TaggedVault>> ListDeletedAsync(DbSession session, string projectId, int limit, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select id, name, tags from vaults where project_id = {projectId} and deleted_at_tick is not null
            order by deleted_at_tick desc, id limit {limit}
            """,
            ReadTagged,
            cancellationToken);

    /// <summary>Drops the rows of vaults deleted before that moment; their backups are gone already.</summary>
    public static async ValueTask PurgeAsync(DbSession session, long deletedBeforeTick, CancellationToken cancellationToken)
    {
        Sql due = $"deleted_at_tick <= {deletedBeforeTick} and not exists (select 1 from backups b where b.vault_id = vaults.id)";
        await session.ExecuteAsync($"delete from vault_resources where vault_id in (select id from vaults where {due})", cancellationToken);
        await session.ExecuteAsync($"delete from vaults where {due}", cancellationToken);
    }

    public static async ValueTask SetStatusAsync(DbSession session, VaultId id, string status, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update vaults set status = {status} where id = {id}", cancellationToken);

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
            $"update vaults set used_bytes = used_bytes + {bytes}, backup_count = backup_count + {(long)backupCount} where id = {id}", cancellationToken);
        await session.ExecuteAsync(
            $"""
            update vault_resources set backup_bytes = backup_bytes + {bytes}, backup_count = backup_count + {(long)backupCount}
            where vault_id = {id} and resource_id = {resourceId}
            """,
            cancellationToken);
    }

    public static async ValueTask InsertBindingAsync(DbSession session, VaultId id, VaultResource resource, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into vault_resources (vault_id, resource_id, position, type, name, auto_protect, size_gb, backup_bytes,
                backup_count, protect_status, extra_info, added_at)
            values ({id}, {resource.Id}, {resource.Position}, {resource.Type}, {resource.Name}, {resource.AutoProtect},
                {resource.SizeGb}, {resource.BackupBytes}, {(long)resource.BackupCount}, {resource.Status},
                {StoredDisks(resource.Disks)}, {resource.AddedAt.ToMicroseconds()})
            """,
            cancellationToken);

    public static async ValueTask UpdateBindingAsync(DbSession session, VaultId id, VaultResource resource, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update vault_resources set auto_protect = {resource.AutoProtect}, size_gb = {resource.SizeGb},
                protect_status = {resource.Status}, extra_info = {StoredDisks(resource.Disks)}
            where vault_id = {id} and resource_id = {resource.Id}
            """,
            cancellationToken);

    /// <summary>One of <see cref="ProtectStatuses"/>. False: the resource is not in the vault, or shows as deleted and stays so.</summary>
    public static async ValueTask<bool> SetProtectStatusAsync(
        DbSession session, VaultId id, ResourceId resourceId, string status, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update vault_resources set protect_status = {status}
            where vault_id = {id} and resource_id = {resourceId} and protect_status <> {ProtectStatuses.Deleted}
            """,
            cancellationToken) > 0;

    /// <summary>The same in whatever vault that takes backups holds them; those no vault holds are passed over.</summary>
    public static async ValueTask SetProtectStatusAsync(
        DbSession session, IReadOnlyCollection<ResourceId> resourceIds, string status, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update vault_resources set protect_status = {status}
            where resource_id in {resourceIds} and protect_status <> {ProtectStatuses.Deleted}
                and vault_id in (select id from vaults where protect_type = {ProtectTypes.Backup} and deleted_at_tick is null)
            """,
            cancellationToken);

    /// <summary>Takes a resource out of the vault, and what its backups amount to out of the vault's figures.</summary>
    public static async ValueTask DeleteBindingAsync(DbSession session, VaultId id, VaultResource resource, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync($"delete from vault_resources where vault_id = {id} and resource_id = {resource.Id}", cancellationToken);
        await AddUsageAsync(session, id, resource.Id, -resource.BackupBytes, -resource.BackupCount, cancellationToken);
    }

    /// <summary>Bindings of these resources in vaults of one protect_type other than <paramref name="except"/>.</summary>
    public static async ValueTask<List<BindingHolder>> HoldersAsync(
        DbSession session, string protectType, VaultId except, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"""
            select r.resource_id, r.vault_id, r.protect_status, r.extra_info
            from vault_resources r join vaults v on v.id = r.vault_id
            where r.resource_id in {resourceIds} and v.protect_type = {protectType} and v.id <> {except} and v.deleted_at_tick is null
            """,
            ReadHolder,
            cancellationToken);

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
        DbSession session, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update vault_resources set protect_status = {ProtectStatuses.Deleted}
            where resource_id in {resourceIds} and protect_status <> {ProtectStatuses.Removing}
            """,
            cancellationToken);

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

    public static async ValueTask SetBindingSizeAsync(
        DbSession session, VaultId id, ResourceId resourceId, long sizeGb, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update vault_resources set size_gb = {sizeGb} where vault_id = {id} and resource_id = {resourceId}", cancellationToken);

    /// <summary>Moves a binding, with what its backups amount to. The backups themselves move in the same transaction (<c>BackupTable.MoveAsync</c>).</summary>
    public static async ValueTask MoveBindingAsync(
        DbSession session, VaultId from, VaultId to, VaultResource resource, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"update vault_resources set vault_id = {to}, position = {resource.Position} where vault_id = {from} and resource_id = {resource.Id}",
            cancellationToken);
        await AddUsageAsync(session, from, resource.Id, -resource.BackupBytes, -resource.BackupCount, cancellationToken);
        await session.ExecuteAsync(
            $"""
            update vaults set used_bytes = used_bytes + {resource.BackupBytes}, backup_count = backup_count + {(long)resource.BackupCount}
            where id = {to}
            """,
            cancellationToken);
    }

    /// <summary>Ids, names and tags of the vaults a condition on <c>vaults</c> holds for, newest first.</summary>
    public static ValueTask<List<TaggedVault>> ListTaggedAsync(DbSession session, Sql where, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select id, name, tags from vaults where {where} order by created_at desc, id desc",
            ReadTagged,
            cancellationToken);

    /// <summary>The vaults of a project that take changes, newest first.</summary>
    public static ValueTask<List<string>> ListWritableIdsAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select id from vaults where {Writable(projectId)} order by created_at desc, id desc", row => row.GetString(0), cancellationToken);

    public static async ValueTask UpdateNotificationsAsync(
        DbSession session, string projectId, bool? smnNotify, int? threshold, CancellationToken cancellationToken)
    {
        if (smnNotify is { } notify)
            await session.ExecuteAsync($"update vaults set smn_notify = {notify} where {Writable(projectId)}", cancellationToken);
        if (threshold is { } percent)
            await session.ExecuteAsync($"update vaults set threshold = {(long)percent} where {Writable(projectId)}", cancellationToken);
    }

    /// <summary>Size and use of all vaults of a project together.</summary>
    public static ValueTask<(long SizeGb, long UsedBytes)> SumAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"""
            select cast(coalesce(sum(size_gb), 0) as bigint), cast(coalesce(sum(used_bytes), 0) as bigint)
            from vaults where project_id = {projectId} and deleted_at_tick is null
            """,
            row => (row.GetInt64(0), row.GetInt64(1)),
            cancellationToken);

    /// <summary>What each resource's backups amount to over all vaults of a project; the latest bound first.</summary>
    public static async ValueTask<(List<StorageUsageShape> Page, long Count)> ListUsageAsync(
        DbSession session, string projectId, string? resourceId, string? resourceType, int limit, int offset, CancellationToken cancellationToken)
    {
        Sql where = $"v.project_id = {projectId} and v.deleted_at_tick is null";
        if (resourceId is not null)
            where = $"{where} and r.resource_id = {resourceId}";
        if (resourceType is not null)
            where = $"{where} and r.type = {resourceType}";
        long count = await session.QueryLongAsync(
            $"select count(distinct r.resource_id) from vault_resources r join vaults v on v.id = r.vault_id where {where}", cancellationToken);
        List<StorageUsageShape> page = await session.QueryAsync(
            $"""
            select r.resource_id, max(r.name), max(r.type), cast(sum(r.backup_count) as bigint), cast(sum(r.backup_bytes) as bigint),
                cast(sum(case when v.is_multi_az then r.backup_bytes else 0 end) as bigint)
            from vault_resources r join vaults v on v.id = r.vault_id
            where {where}
            group by r.resource_id order by max(r.added_at) desc, r.resource_id desc limit {limit} offset {offset}
            """,
            row => new StorageUsageShape(
                row.GetString(0),
                row.GetString(1),
                row.GetString(2),
                (int)row.GetInt64(3),
                WireUnits.UsedMb(row.GetInt64(4)),
                WireUnits.UsedMb(row.GetInt64(5))),
            cancellationToken);
        return (page, count);
    }

    private static Sql Writable(string projectId) =>
        $"project_id = {projectId} and deleted_at_tick is null and status in ({VaultStatuses.Available}, {VaultStatuses.Lock})";

    private static async ValueTask<List<Vault>> ReadAsync(
        DbSession session, Sql sql, CancellationToken cancellationToken, Action<DbDataReader>? onFirstRow = null)
    {
        var vaults = new List<Vault>();
        List<VaultResource> resources = [];
        await session.ForEachAsync(
            sql,
            row =>
            {
                if (vaults.Count == 0)
                    onFirstRow?.Invoke(row);
                if (vaults.Count == 0 || vaults[^1].Id.Value != row.GetString(0))
                {
                    resources = [];
                    vaults.Add(Read(row, resources));
                }

                if (!row.IsDBNull(BindingColumn))
                    resources.Add(ReadBinding(row));
            },
            cancellationToken);
        return vaults;
    }

    private static Vault Read(DbDataReader row, List<VaultResource> resources) => new()
    {
        Id = new VaultId(row.GetString(0)),
        ProjectId = row.GetString(1),
        Name = row.GetString(2),
        Description = row.GetTextOrNull(3),
        EnterpriseProjectId = row.GetString(4),
        UserId = row.GetString(5),
        ObjectType = row.GetString(6),
        ProtectType = row.GetString(7),
        ConsistentLevel = row.GetString(8),
        CloudType = row.GetString(9),
        IsMultiAz = row.GetBoolean(10),
        Status = row.GetString(11),
        SizeGb = row.GetInt64(12),
        UsedBytes = row.GetInt64(13),
        BackupCount = row.GetInt64(14),
        AutoBind = row.GetBoolean(15),
        BindRules = row.GetTextOrNull(16) is { } rules ? ReadTags(rules) : null,
        AutoExpand = row.GetBoolean(17),
        IsAutoExpanded = row.GetBoolean(18),
        SmnNotify = row.GetBoolean(19),
        Threshold = (int)row.GetInt64(20),
        IsLocked = row.GetBoolean(21),
        Tags = ReadTags(row.GetString(22)),
        BackupNamePrefix = row.GetTextOrNull(23),
        DemandBilling = row.GetBoolean(24),
        AvailabilityZone = row.GetString(25),
        SysLockSourceService = row.GetString(26),
        Charging = ReadCharging(row),
        CreatedAt = row.GetInstant(33),
        Resources = resources,
    };

    private static VaultCharging ReadCharging(DbDataReader row)
    {
        string mode = row.GetString(27);
        return mode == ChargingModes.PostPaid
            ? VaultCharging.PostPaid
            : new VaultCharging(
                mode, row.GetTextOrNull(28), (int)row.GetInt64(29), row.GetBoolean(30), row.GetTextOrNull(31), row.GetTextOrNull(32));
    }

    private static VaultResource ReadBinding(DbDataReader row) => new()
    {
        Id = new ResourceId(row.GetString(BindingColumn)),
        Type = row.GetString(BindingColumn + 1),
        Name = row.GetString(BindingColumn + 2),
        Position = row.GetInt64(BindingColumn + 3),
        AutoProtect = row.GetBoolean(BindingColumn + 4),
        SizeGb = row.GetInt64(BindingColumn + 5),
        BackupBytes = row.GetInt64(BindingColumn + 6),
        BackupCount = (int)row.GetInt64(BindingColumn + 7),
        Status = row.GetString(BindingColumn + 8),
        Disks = ReadDisks(row.GetString(BindingColumn + 9)),
        AddedAt = row.GetInstant(BindingColumn + 10),
    };

    private static TaggedVault ReadTagged(DbDataReader row) =>
        new(new VaultId(row.GetString(0)), row.GetString(1), ReadTags(row.GetString(2)));

    private static BindingHolder ReadHolder(DbDataReader row) =>
        new(new ResourceId(row.GetString(0)), new VaultId(row.GetString(1)), row.GetString(2), ReadDisks(row.GetString(3)));

    private static string StoredTags(IReadOnlyList<TagShape> tags) =>
        tags.Count == 0 ? "[]" : JsonSerializer.Serialize(tags, VaultJson.Default.IReadOnlyListTagShape);

    private static string? StoredRules(IReadOnlyList<TagShape>? rules) => rules is null ? null : StoredTags(rules);

    private static IReadOnlyList<TagShape> ReadTags(string stored) =>
        stored == "[]" ? [] : JsonSerializer.Deserialize(stored, VaultJson.Default.IReadOnlyListTagShape) ?? [];

    private static string StoredDisks(DiskSelection disks) =>
        disks == DiskSelection.All ? "{}" : JsonSerializer.Serialize(disks.ToShape(), VaultJson.Default.ResourceExtraInfoShape);

    private static DiskSelection ReadDisks(string stored) =>
        stored == "{}" ? DiskSelection.All : DiskSelection.Of(JsonSerializer.Deserialize(stored, VaultJson.Default.ResourceExtraInfoShape)!);
}

/// <param name="Count">Vaults matching, not only those of this page.</param>
internal sealed record VaultPage(IReadOnlyList<Vault> Vaults, long Count);
