using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Audit;

internal static class AuditTable
{
    private static Sql Columns =>
        $"id, recorded_at, project_id, user_id, user_name, access_key, action, method, path, resource_id, address, status, error_code";

    /// <summary>Repeating it changes nothing.</summary>
    public static ValueTask<int> InsertAsync(DbSession session, AuditRecord record, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"insert into audit_records ({Columns}) values ({Values(record)}) on conflict (id) do nothing", cancellationToken);

    /// <summary>The record as it is now, whether it was inserted before or not.</summary>
    public static ValueTask<int> CompleteAsync(DbSession session, AuditRecord record, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into audit_records ({Columns}) values ({Values(record)})
            on conflict (id) do update set project_id = excluded.project_id, user_id = excluded.user_id, user_name = excluded.user_name,
                resource_id = excluded.resource_id, status = excluded.status, error_code = excluded.error_code
            """,
            cancellationToken);

    /// <summary>Newest first.</summary>
    public static ValueTask<List<AuditRecord>> ListAsync(DbSession session, AuditQuery query, CancellationToken cancellationToken)
    {
        Sql after = query.Marker is { } marker
            ? $"and (recorded_at, id) < (select recorded_at, id from audit_records where id = {marker})"
            : Sql.Empty;
        return session.QueryAsync(
            $"""
            select {Columns} from audit_records where {query.Filter()} {after}
            order by recorded_at desc, id desc limit {query.Limit} offset {query.Offset}
            """,
            Read,
            cancellationToken);
    }

    /// <summary>Of all projects and of none, newest first.</summary>
    public static ValueTask<List<AuditRecord>> ListAllAsync(DbSession session, int countMax, CancellationToken cancellationToken) =>
        session.QueryAsync($"select {Columns} from audit_records order by recorded_at desc, id desc limit {countMax}", Read, cancellationToken);

    public static ValueTask<long> CountAsync(DbSession session, AuditQuery query, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select count(*) from audit_records where {query.Filter()}", cancellationToken);

    /// <summary>Deletes the oldest, at most this many.</summary>
    public static ValueTask<int> DeleteBeforeAsync(DbSession session, DateTimeOffset before, int countMax, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            delete from audit_records where id in (
                select id from audit_records where recorded_at < {before.ToMicroseconds()} order by recorded_at limit {countMax})
            """,
            cancellationToken);

    private static Sql Values(AuditRecord record) =>
        $"""
        {record.Id}, {record.RecordedAt.ToMicroseconds()}, {record.ProjectId}, {record.UserId}, {record.UserName}, {record.AccessKey},
        {record.Action}, {record.Method}, {record.Path}, {record.ResourceId}, {record.Address}, {record.Status}, {record.ErrorCode}
        """;

    private static AuditRecord Read(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        RecordedAt = row.GetInstant(1),
        ProjectId = row.GetString(2),
        UserId = row.GetString(3),
        UserName = row.GetString(4),
        AccessKey = row.GetTextOrNull(5),
        Action = row.GetString(6),
        Method = row.GetString(7),
        Path = row.GetString(8),
        ResourceId = row.GetTextOrNull(9),
        Address = row.GetString(10),
        Status = row.IsDBNull(11) ? null : (int)row.GetInt64(11),
        ErrorCode = row.GetTextOrNull(12),
    };
}
