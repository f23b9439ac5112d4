using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class UserTable
{
    private static Sql Columns => $"id, domain_id, name, enabled";

    public static ValueTask<int> InsertAsync(
        DbSession session,
        User user,
        string passwordHash,
        DateTimeOffset createdAt,
        CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into users (id, domain_id, name, password_hash, enabled, created_at)
            values ({user.Id}, {user.DomainId}, {user.Name}, {passwordHash}, {user.Enabled}, {createdAt.ToMicroseconds()})
            """,
            cancellationToken);

    public static ValueTask<User?> FindAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from users where id = {id}", Read, cancellationToken);

    public static ValueTask<User?> FindByNameAsync(DbSession session, string domainId, string name, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from users where domain_id = {domainId} and name = {name}", Read, cancellationToken);

    /// <summary>Null when there is no such user.</summary>
    public static ValueTask<string?> FindPasswordHashAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select password_hash from users where id = {id}", row => row.GetString(0), cancellationToken);

    public static ValueTask<List<User>> ListAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryAsync($"select {Columns} from users order by name, id", Read, cancellationToken);

    public static ValueTask<int> SetEnabledAsync(DbSession session, string id, bool enabled, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"update users set enabled = {enabled} where id = {id}", cancellationToken);

    public static ValueTask<int> SetPasswordHashAsync(DbSession session, string id, string passwordHash, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"update users set password_hash = {passwordHash} where id = {id}", cancellationToken);

    public static ValueTask<int> DeleteAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from users where id = {id}", cancellationToken);

    private static User Read(DbDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3));
}
