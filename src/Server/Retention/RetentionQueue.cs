using Strongroom.Server.Database;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Retention;

/// <summary>The SQL of the table <c>retention_due</c>: of which resources it is to be decided what is kept.</summary>
internal static class RetentionQueue
{
    public static async ValueTask AddAsync(DbSession session, VaultId vaultId, ResourceId resourceId, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"insert into retention_due (vault_id, resource_id) values ({vaultId}, {resourceId}) on conflict do nothing", cancellationToken);

    /// <summary>
    /// Every resource with a scheduled or requested backup past its expiry, unless that is the newest good one, which stays
    /// whatever it was stamped with.
    /// </summary>
    public static async ValueTask AddExpiredAsync(DbSession session, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into retention_due (vault_id, resource_id)
            select distinct b.vault_id, b.resource_id from backups b
            where b.expired_at is not null and b.expired_at <= {now.ToMicroseconds()} and b.deleted_at_tick is null
                and b.parent_id is null and b.auto_trigger = true and b.status = 'available'
                and exists (
                    select 1 from backups n
                    where n.vault_id = b.vault_id and n.resource_id = b.resource_id and n.parent_id is null and n.deleted_at_tick is null
                        and n.status = 'available' and n.problem_count = 0 and n.created_at > b.created_at)
            on conflict do nothing
            """,
            cancellationToken);

    public static async ValueTask<bool> AnyAsync(DbSession session, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select case when exists (select 1 from retention_due) then 1 else 0 end", cancellationToken) == 1;

    /// <summary>Takes one out; others that ask meanwhile get another one.</summary>
    /// <param name="except">Vaults that are passed over.</param>
    public static async ValueTask<RetentionDue?> TakeAsync(
        DbSession session, IReadOnlyCollection<VaultId> except, CancellationToken cancellationToken)
    {
        Sql lockClause = Sql.Empty;
        lockClause.AppendLiteral(session.Dialect.ClaimLockClause);
        Sql others = except.Count == 0 ? Sql.Empty : $"where vault_id not in {except}";
        RetentionDue? due = await session.QueryFirstAsync(
            $"select vault_id, resource_id from retention_due {others} order by vault_id, resource_id limit 1 {lockClause}",
            row => (RetentionDue?)new RetentionDue(new VaultId(row.GetString(0)), new ResourceId(row.GetString(1))),
            cancellationToken);
        if (due is not null)
        {
            await session.ExecuteAsync(
                $"delete from retention_due where vault_id = {due.VaultId} and resource_id = {due.ResourceId}", cancellationToken);
        }

        return due;
    }
}

internal sealed record RetentionDue(VaultId VaultId, ResourceId ResourceId);
