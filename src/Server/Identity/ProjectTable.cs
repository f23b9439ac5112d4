using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class ProjectTable
{
    private static Sql Columns => $"id, domain_id, name, description, enabled";

    public static ValueTask<int> InsertAsync(DbSession session, Project project, DateTimeOffset createdAt, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into projects (id, domain_id, name, description, enabled, created_at)
            values ({project.Id}, {project.DomainId}, {project.Name}, {project.Description}, {project.Enabled}, {createdAt.ToMicroseconds()})
            """,
            cancellationToken);

    public static ValueTask<Project?> FindAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from projects where id = {id}", Read, cancellationToken);

    public static ValueTask<Project?> FindByNameAsync(DbSession session, string domainId, string name, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from projects where domain_id = {domainId} and name = {name}", Read, cancellationToken);

    public static ValueTask<List<Project>> ListAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryAsync($"select {Columns} from projects order by name, id", Read, cancellationToken);

    public static async ValueTask<bool> WasAnyBeforeAsync(DbSession session, DateTimeOffset at, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select count(*) from projects where created_at < {at.ToMicroseconds()}", cancellationToken) > 0;

    public static ValueTask<int> SetEnabledAsync(DbSession session, string id, bool enabled, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"update projects set enabled = {enabled} where id = {id}", cancellationToken);

    public static ValueTask<int> DeleteAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from projects where id = {id}", cancellationToken);

    private static Project Read(DbDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4));
}
