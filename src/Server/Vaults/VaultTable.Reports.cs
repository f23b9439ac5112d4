using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>Parts and sums of many vaults.</summary>
internal static partial class VaultTable
{
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

    /// <summary>Deleted vaults of a project that can be brought back, the latest deleted first, without their resources.</summary>
    public static ValueTask<List<TaggedVault>> ListDeletedAsync(DbSession session, string projectId, int limit, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select id, name, tags from vaults where project_id = {projectId} and deleted_at_tick is not null
            order by deleted_at_tick desc, id limit {limit}
            """,
            ReadTagged,
            cancellationToken);

    /// <summary>Vaults of the project whose backups take at least so many percent of their size.</summary>
    public static ValueTask<List<VaultId>> ListUsedAsync(DbSession session, string projectId, int percent, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select id from vaults
            where project_id = {projectId} and deleted_at_tick is null and used_bytes >= size_gb * {WireUnits.BytesPerGb / 100 * percent}
            """,
            row => new VaultId(row.GetString(0)),
            cancellationToken);

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
}
