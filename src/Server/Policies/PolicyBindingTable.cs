using System.Data.Common;
using Strongroom.Server.Database;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>The SQL of the table <c>policy_vaults</c>: which policies vaults have. Those of deleted vaults are not there for any of these.</summary>
internal static class PolicyBindingTable
{
    private static Sql Columns => $"b.policy_id, b.vault_id, b.operation_type, b.destination_vault_id";

    /// <summary>In the order they were made.</summary>
    public static ValueTask<List<PolicyBinding>> ListOfPoliciesAsync(
        DbSession session, IReadOnlyCollection<PolicyId> ids, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select {Columns} from policy_vaults b join vaults v on v.id = b.vault_id and v.deleted_at_tick is null
            where b.policy_id in {ids} order by b.bound_at, b.vault_id
            """,
            Read,
            cancellationToken);

    public static ValueTask<List<PolicyBinding>> ListOfVaultAsync(DbSession session, VaultId id, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select {Columns} from policy_vaults b join vaults v on v.id = b.vault_id and v.deleted_at_tick is null
            where b.vault_id = {id} order by b.bound_at, b.policy_id
            """,
            Read,
            cancellationToken);

    /// <summary>Binds, in place of the vault's policy of that type.</summary>
    /// <param name="nextAt">The first slot; null when the policy does not run.</param>
    public static async ValueTask PutAsync(
        DbSession session, PolicyBinding binding, DateTimeOffset? nextAt, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into policy_vaults (vault_id, operation_type, policy_id, destination_vault_id, bound_at, next_at, planned_at)
            values ({binding.VaultId}, {binding.OperationType}, {binding.PolicyId}, {binding.DestinationVaultId}, {now.ToMicroseconds()},
                {nextAt?.ToMicroseconds()}, {now.ToMicroseconds()})
            on conflict (vault_id, operation_type) do update set
                policy_id = excluded.policy_id, destination_vault_id = excluded.destination_vault_id, bound_at = excluded.bound_at,
                next_at = excluded.next_at, planned_at = excluded.planned_at
            """,
            cancellationToken);

    public static async ValueTask DeleteAsync(DbSession session, PolicyBinding binding, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"delete from policy_vaults where vault_id = {binding.VaultId} and operation_type = {binding.OperationType}", cancellationToken);

    /// <summary>A locked vault that has the policy; also one that could be brought back.</summary>
    public static ValueTask<VaultId?> FindLockedVaultAsync(DbSession session, PolicyId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select b.vault_id from policy_vaults b join vaults v on v.id = b.vault_id where b.policy_id = {id} and v.locked limit 1",
            row => (VaultId?)new VaultId(row.GetString(0)),
            cancellationToken);

    /// <summary>Whether any vault has it, those that could be brought back included.</summary>
    public static async ValueTask<bool> IsBoundAsync(DbSession session, PolicyId id, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select case when exists (select 1 from policy_vaults where policy_id = {id}) then 1 else 0 end", cancellationToken) == 1;

    /// <summary>All of a policy, those to deleted vaults included.</summary>
    public static async ValueTask DeleteOfPolicyAsync(DbSession session, PolicyId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from policy_vaults where policy_id = {id}", cancellationToken);

    /// <summary>Those of vaults deleted before that moment, which are about to be dropped.</summary>
    public static async ValueTask PurgeAsync(DbSession session, long deletedBeforeTick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"delete from policy_vaults where vault_id in (select id from vaults where deleted_at_tick <= {deletedBeforeTick})", cancellationToken);

    /// <summary>After a change of the policy: the next slot of all its vaults. A slot that is due already stays due.</summary>
    /// <param name="nextAt">Null when the policy does not run any more.</param>
    public static async ValueTask ReplanAsync(
        DbSession session, PolicyId id, DateTimeOffset? nextAt, DateTimeOffset now, CancellationToken cancellationToken)
    {
        Sql notDue = nextAt is null ? Sql.Empty : $"and (next_at is null or next_at > {now.ToMicroseconds()})";
        await session.ExecuteAsync(
            $"""
            update policy_vaults set next_at = {nextAt?.ToMicroseconds()}, planned_at = {now.ToMicroseconds()}
            where policy_id = {id} {notDue}
            """,
            cancellationToken);
    }

    /// <summary>Whether any slot is due, or the clock was turned back since one was planned.</summary>
    public static async ValueTask<bool> AnyDueAsync(DbSession session, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"select case when exists (select 1 from policy_vaults b where {Due(now)}) then 1 else 0 end", cancellationToken) == 1;

    /// <summary>The vault whose slot is due longest. Others that ask meanwhile get another one.</summary>
    /// <param name="except">Vaults that are passed over.</param>
    public static ValueTask<DueSlot?> TakeDueAsync(
        DbSession session, IReadOnlyCollection<VaultId> except, DateTimeOffset now, CancellationToken cancellationToken)
    {
        Sql lockClause = Sql.Empty;
        lockClause.AppendLiteral(session.Dialect.ClaimLockClause);
        Sql others = except.Count == 0 ? Sql.Empty : $"and b.vault_id not in {except}";
        return session.QueryFirstAsync(
            $"""
            select b.policy_id, b.vault_id, b.next_at from policy_vaults b
            where {Due(now)} {others} order by b.next_at, b.vault_id limit 1 {lockClause}
            """,
            row => (DueSlot?)new DueSlot(new PolicyId(row.GetString(0)), new VaultId(row.GetString(1)), row.GetInstant(2)),
            cancellationToken);
    }

    public static async ValueTask PlanAsync(
        DbSession session, DueSlot slot, DateTimeOffset? nextAt, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update policy_vaults set next_at = {nextAt?.ToMicroseconds()}, planned_at = {now.ToMicroseconds()}
            where vault_id = {slot.VaultId} and policy_id = {slot.PolicyId}
            """,
            cancellationToken);

    private static Sql Due(DateTimeOffset now) =>
        $"""
        b.next_at is not null and (b.next_at <= {now.ToMicroseconds()} or b.planned_at > {now.ToMicroseconds()})
            and exists (select 1 from vaults v where v.id = b.vault_id and v.deleted_at_tick is null)
        """;

    private static PolicyBinding Read(DbDataReader row) => new(
        new PolicyId(row.GetString(0)),
        new VaultId(row.GetString(1)),
        row.GetString(2),
        row.GetTextOrNull(3) is { } destination ? new VaultId(destination) : null);
}

/// <summary>A policy on a vault, and the slot it was planned to run at next.</summary>
internal sealed record DueSlot(PolicyId PolicyId, VaultId VaultId, DateTimeOffset NextAt);
