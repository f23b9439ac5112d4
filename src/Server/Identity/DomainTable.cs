using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class DomainTable
{
    public static ValueTask<int> InsertAsync(DbSession session, Domain domain, DateTimeOffset createdAt, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"insert into domains (id, name, enabled, created_at) values ({domain.Id}, {domain.Name}, {domain.Enabled}, {createdAt.ToMicroseconds()})",
            cancellationToken);

    public static ValueTask<Domain?> FindAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select id, name, enabled from domains where id = {id}", Read, cancellationToken);

    /// <summary>Without regard to case: half of all OpenStack clients are set to <c>Default</c>, the others to <c>default</c>.</summary>
    public static ValueTask<Domain?> FindByNameAsync(DbSession session, string name, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select id, name, enabled from domains where lower(name) = {name.ToLowerInvariant()}", Read, cancellationToken);

    public static ValueTask<List<Domain>> ListAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryAsync($"select id, name, enabled from domains order by name", Read, cancellationToken);

    private static Domain Read(DbDataReader row) => new(row.GetString(0), row.GetString(1), row.GetBoolean(2));
}
