using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>
/// One number that every change raises which may end a token or alter what it stands for, in the transaction of that change.
/// Issuing a token does not raise it.
/// </summary>
internal static class IdentityRevision
{
    public static ValueTask<long> ReadAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select revision from identity_revision where id = 1", cancellationToken);

    /// <returns>The new revision.</returns>
    public static ValueTask<long> RaiseAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"update identity_revision set revision = revision + 1 where id = 1 returning revision", cancellationToken);
}
