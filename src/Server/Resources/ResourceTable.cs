using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;

namespace Strongroom.Server.Resources;

/// <summary>The table <c>resources</c>. Unregistered ones are not there for any of these unless their name says so.</summary>
internal static class ResourceTable
{
    private static Sql Columns =>
        $"id, project_id, type, name, driver, path, server_id, position, size_bytes, tags, created_at, deleted_at";

    public static ValueTask<Resource?> FindAsync(DbSession session, string projectId, ResourceId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select {Columns} from resources where id = {id} and project_id = {projectId} and deleted_at is null", ReadOrNull, cancellationToken);

    /// <summary>Also one that was unregistered, as long as its row is kept: its backups can still be restored to its path.</summary>
    public static ValueTask<Resource?> FindEvenDeletedAsync(DbSession session, string projectId, ResourceId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from resources where id = {id} and project_id = {projectId}", ReadOrNull, cancellationToken);

    /// <summary>Those of <paramref name="ids"/> that exist, and all disks of the servers among them, disks in their servers' order.</summary>
    public static ValueTask<List<Resource>> FindWithDisksAsync(
        DbSession session, string projectId, IReadOnlyCollection<ResourceId> ids, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select {Columns} from resources
            where project_id = {projectId} and deleted_at is null and (id in {ids} or server_id in {ids})
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

    public static async ValueTask InsertAsync(DbSession session, Resource resource, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into resources (id, project_id, type, name, driver, path, server_id, position, size_bytes, tags, created_at)
            values ({resource.Id}, {resource.ProjectId}, {resource.Type}, {resource.Name}, {resource.Driver}, {resource.Path},
                {resource.ServerId}, {resource.Position}, {resource.SizeBytes},
                {(resource.Tags.Count == 0 ? "[]" : JsonSerializer.Serialize(resource.Tags, VaultJson.Default.IReadOnlyListTagShape))},
                {resource.CreatedAt.ToMicroseconds()})
            """,
            cancellationToken);

    /// <summary>Keeps what a resource was last measured to have.</summary>
    public static async ValueTask SetSizeAsync(DbSession session, ResourceId id, long sizeBytes, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update resources set size_bytes = {sizeBytes} where id = {id}", cancellationToken);

    /// <summary>Unregisters a resource and, if it is a server, its disks.</summary>
    public static async ValueTask MarkDeletedAsync(DbSession session, ResourceId id, DateTimeOffset when, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update resources set deleted_at = {when.ToMicroseconds()} where (id = {id} or server_id = {id}) and deleted_at is null", cancellationToken);

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
        DeletedAt = row.IsDBNull(11) ? null : row.GetInstant(11),
    };
}
