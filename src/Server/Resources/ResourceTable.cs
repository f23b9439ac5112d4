using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;

namespace Strongroom.Server.Resources;

/// <summary>The table <c>resources</c>. Unregistered ones are not there for any of these unless their name says so.</summary>
internal static class ResourceTable
{
    private static Sql Columns =>
        $"""
        id, project_id, type, name, driver, path, server_id, position, size_bytes, tags, created_at, deleted_at_tick,
        auto_bind, missing_since_tick
        """;

    public static ValueTask<Resource?> FindAsync(DbSession session, string projectId, ResourceId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select {Columns} from resources where id = {id} and project_id = {projectId} and deleted_at_tick is null", ReadOrNull, cancellationToken);

    /// <summary>Also one that was unregistered, as long as its row is kept: its backups can still be restored to its path.</summary>
    public static ValueTask<Resource?> FindEvenDeletedAsync(DbSession session, string projectId, ResourceId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from resources where id = {id} and project_id = {projectId}", ReadOrNull, cancellationToken);

    /// <summary>Those of <paramref name="ids"/> that exist, and all disks of the servers among them, disks in their servers' order.</summary>
    public static ValueTask<List<Resource>> FindWithDisksAsync(
        DbSession session, string projectId, IReadOnlyCollection<ResourceId> ids, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select {Columns} from resources
            where project_id = {projectId} and deleted_at_tick is null and (id in {ids} or server_id in {ids})
            order by position, id
            """,
            Read,
            cancellationToken);

    /// <summary>Resources of a project, newest first, and how many match.</summary>
    public static async ValueTask<(List<Resource> Page, long Count)> ListAsync(
        DbSession session, string projectId, ResourceFilter filter, CancellationToken cancellationToken)
    {
        Sql where = filter.Where(projectId);
        Sql afterMarker = filter.Marker is { } marker
            ? $"""
              and (created_at < (select created_at from resources where id = {marker})
              or (created_at = (select created_at from resources where id = {marker}) and id < {marker}))
              """
            : Sql.Empty;
        long count = await session.QueryLongAsync($"select count(*) from resources where {where}", cancellationToken);
        List<Resource> page = await session.QueryAsync(
            $"select {Columns} from resources where {where} {afterMarker} order by created_at desc, id desc limit {filter.Limit} offset {filter.Offset}",
            Read,
            cancellationToken);
        return (page, count);
    }

    /// <summary>
    /// Resources of these types that no vault takes backups of, that rules may bring in and that are there, the oldest first.
    /// </summary>
    /// <param name="after">The last one of the page before; null begins.</param>
    public static ValueTask<List<Resource>> ListUnboundAsync(
        DbSession session, string projectId, IReadOnlyCollection<string> types, Resource? after, int limit, CancellationToken cancellationToken)
    {
        Sql next = after is null
            ? Sql.Empty
            : $"and (r.created_at > {after.CreatedAt.ToMicroseconds()} or (r.created_at = {after.CreatedAt.ToMicroseconds()} and r.id > {after.Id}))";
        return session.QueryAsync(
            $"""
            select {Columns} from resources r
            where r.project_id = {projectId} and r.deleted_at_tick is null and r.auto_bind = true and r.missing_since_tick is null
                and r.type in {types} {next}
                and not exists (
                    select 1 from vault_resources b join vaults v on v.id = b.vault_id
                    where b.resource_id = r.id and v.protect_type = {ProtectTypes.Backup} and v.deleted_at_tick is null)
            order by r.created_at, r.id limit {limit}
            """,
            Read,
            cancellationToken);
    }

    public static ValueTask<long> CountAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select count(*) from resources where project_id = {projectId} and deleted_at_tick is null", cancellationToken);

    public static async ValueTask InsertAsync(DbSession session, Resource resource, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into resources (id, project_id, type, name, driver, path, server_id, position, size_bytes, tags, created_at,
                auto_bind)
            values ({resource.Id}, {resource.ProjectId}, {resource.Type}, {resource.Name}, {resource.Driver}, {resource.Path},
                {resource.ServerId}, {resource.Position}, {resource.SizeBytes},
                {StoredTags(resource.Tags)}, {resource.CreatedAt.ToMicroseconds()}, {resource.AutoBind})
            """,
            cancellationToken);

    /// <summary>Stores what can be changed of a resource.</summary>
    public static async ValueTask UpdateAsync(DbSession session, Resource resource, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update resources set name = {resource.Name}, tags = {StoredTags(resource.Tags)}, auto_bind = {resource.AutoBind}
            where id = {resource.Id}
            """,
            cancellationToken);

    /// <summary>Whether the rules of a vault may bring them in.</summary>
    public static async ValueTask SetAutoBindAsync(
        DbSession session, IReadOnlyCollection<ResourceId> ids, bool autoBind, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update resources set auto_bind = {autoBind} where id in {ids} and auto_bind <> {autoBind}", cancellationToken);

    /// <param name="tick">The installation clock when it was found missing; null: it is there.</param>
    public static async ValueTask SetMissingAsync(DbSession session, ResourceId id, long? tick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update resources set missing_since_tick = {tick} where id = {id}", cancellationToken);

    /// <summary>Keeps what a backup found a resource to have, of a server each of its disks.</summary>
    public static async ValueTask KeepSizesAsync(DbSession session, BackupId backupId, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update resources set size_bytes = (
                select max(b.size_bytes) from backups b
                where b.resource_id = resources.id and (b.id = {backupId} or b.parent_id = {backupId}))
            where type <> {ResourceTypes.Server}
                and id in (select b.resource_id from backups b where b.id = {backupId} or b.parent_id = {backupId})
            """,
            cancellationToken);

    /// <summary>Unregisters a resource and, if it is a server, its disks.</summary>
    /// <param name="tick">The installation clock.</param>
    public static async ValueTask MarkDeletedAsync(DbSession session, ResourceId id, long tick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update resources set deleted_at_tick = {tick} where (id = {id} or server_id = {id}) and deleted_at_tick is null", cancellationToken);

    /// <summary>Drops the rows of resources unregistered before that moment and without any backup that could be restored to them.</summary>
    public static async ValueTask PurgeAsync(DbSession session, long deletedBeforeTick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            delete from resources where deleted_at_tick <= {deletedBeforeTick}
                and not exists (select 1 from backups b where b.resource_id = resources.id)
                and not exists (select 1 from resources disk where disk.server_id = resources.id
                    and exists (select 1 from backups b where b.resource_id = disk.id))
            """,
            cancellationToken);

    private static Resource? ReadOrNull(DbDataReader row) => Read(row);

    private static Resource Read(DbDataReader row) => new()
    {
        Id = new ResourceId(row.GetString(0)),
        ProjectId = row.GetString(1),
        Type = row.GetString(2),
        Name = row.GetString(3),
        Driver = row.GetTextOrNull(4),
        Path = row.GetTextOrNull(5),
        ServerId = row.GetTextOrNull(6) is { } server ? new ResourceId(server) : null,
        Position = row.GetInt64(7),
        SizeBytes = row.GetInt64(8),
        Tags = row.GetString(9) is "[]" ? [] : JsonSerializer.Deserialize(row.GetString(9), VaultJson.Default.IReadOnlyListTagShape) ?? [],
        CreatedAt = row.GetInstant(10),
        IsDeleted = !row.IsDBNull(11),
        AutoBind = row.GetBoolean(12),
        MissingSinceTick = row.IsDBNull(13) ? null : row.GetInt64(13),
    };

    private static string StoredTags(IReadOnlyList<TagShape> tags) =>
        tags.Count == 0 ? "[]" : JsonSerializer.Serialize(tags, VaultJson.Default.IReadOnlyListTagShape);
}
