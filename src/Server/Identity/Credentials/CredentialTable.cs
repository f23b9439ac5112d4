using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class CredentialTable
{
    private static Sql Columns =>
        $"access_key, user_id, project_id, description, created_at, expires_at, security_token_hash, sealed_secret, sealing_key";

    public static ValueTask<int> InsertAsync(DbSession session, StoredCredential stored, CancellationToken cancellationToken)
    {
        Credential credential = stored.Credential;
        return session.ExecuteAsync(
            $"""
            insert into credentials ({Columns})
            values ({credential.AccessKey}, {credential.UserId}, {credential.ProjectId}, {credential.Description},
                {credential.CreatedAt.ToMicroseconds()}, {credential.ExpiresAt?.ToMicroseconds()},
                {stored.SecurityTokenHash}, {stored.Secret.Text}, {stored.Secret.SealingKey})
            """,
            cancellationToken);
    }

    /// <summary>It may have expired.</summary>
    public static ValueTask<StoredCredential?> FindAsync(DbSession session, string accessKey, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from credentials where access_key = {accessKey}", Read, cancellationToken);

    /// <summary>All, or those of one user, oldest first.</summary>
    public static async ValueTask<List<Credential>> ListAsync(DbSession session, string? userId, CancellationToken cancellationToken)
    {
        Sql ofUser = userId is null ? Sql.Empty : $"where user_id = {userId}";
        List<StoredCredential> all = await session.QueryAsync(
            $"select {Columns} from credentials {ofUser} order by created_at, access_key", Read, cancellationToken);
        return [.. all.Select(stored => stored.Credential)];
    }

    /// <summary>The keys that secrets are sealed with, here and of notification targets; more than one after a mistake only.</summary>
    public static ValueTask<List<string>> ListSealingKeysAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select sealing_key from credentials union select sealing_key from notification_targets where sealing_key is not null
            order by sealing_key
            """,
            row => row.GetString(0),
            cancellationToken);

    public static ValueTask<long> CountAsync(DbSession session, string userId, bool isTemporary, CancellationToken cancellationToken) =>
        session.QueryLongAsync(
            $"select count(*) from credentials where user_id = {userId} and (security_token_hash is not null) = {isTemporary}", cancellationToken);

    public static ValueTask<int> DeleteAsync(DbSession session, string accessKey, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from credentials where access_key = {accessKey}", cancellationToken);

    public static ValueTask<int> DeleteOfUserAsync(DbSession session, string userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from credentials where user_id = {userId}", cancellationToken);

    /// <summary>Those that grew from a token or password, which is no longer good.</summary>
    public static ValueTask<int> DeleteTemporaryOfUserAsync(DbSession session, string userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from credentials where user_id = {userId} and security_token_hash is not null", cancellationToken);

    public static ValueTask<int> DeleteOfProjectAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from credentials where project_id = {projectId}", cancellationToken);

    public static ValueTask<int> DeleteExpiredAsync(DbSession session, DateTimeOffset now, int countMax, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"delete from credentials where access_key in (select access_key from credentials where expires_at <= {now.ToMicroseconds()} limit {countMax})", cancellationToken);

    private static StoredCredential Read(DbDataReader row)
    {
        string? securityTokenHash = row.GetTextOrNull(6);
        var credential = new Credential(
            row.GetString(0),
            row.GetString(1),
            row.GetTextOrNull(2),
            row.GetString(3),
            row.GetInstant(4),
            row.GetInstantOrNull(5),
            IsTemporary: securityTokenHash is not null);
        return new StoredCredential(credential, new SealedSecret(row.GetString(7), row.GetString(8)), securityTokenHash);
    }
}
