using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class UsedSignatureTable
{
    /// <returns>0 when it is there already.</returns>
    public static ValueTask<int> InsertAsync(DbSession session, string signature, DateTimeOffset expiresAt, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"insert into used_signatures (signature, expires_at) values ({signature}, {expiresAt.ToMicroseconds()}) on conflict do nothing",
            cancellationToken);

    public static ValueTask<int> DeleteExpiredAsync(DbSession session, DateTimeOffset now, int countMax, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"delete from used_signatures where signature in (select signature from used_signatures where expires_at <= {now.ToMicroseconds()} limit {countMax})", cancellationToken);
}
