using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>The SQL of the table <c>policy_runs</c>: the slots that were run, one row each.</summary>
internal static class PolicyRunTable
{
    /// <summary>Takes a slot, for good: belongs in the transaction that starts its run.</summary>
    /// <returns>False when it was run already.</returns>
    public static async ValueTask<bool> TakeAsync(
        DbSession session, DueSlot due, DateTimeOffset slotAt, int missedCount, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into policy_runs (policy_id, vault_id, slot_at, started_at, missed)
            values ({due.PolicyId}, {due.VaultId}, {slotAt.ToMicroseconds()}, {now.ToMicroseconds()}, {(long)missedCount})
            on conflict (policy_id, vault_id, slot_at) do nothing
            """,
            cancellationToken) == 1;

    public static async ValueTask<bool> WasRunAsync(DbSession session, DueSlot due, DateTimeOffset slotAt, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"""
            select count(*) from policy_runs
            where policy_id = {due.PolicyId} and vault_id = {due.VaultId} and slot_at = {slotAt.ToMicroseconds()}
            """,
            cancellationToken) == 1;

    /// <summary>Of a slot taken in this transaction: what it started.</summary>
    public static async ValueTask SetCheckpointAsync(
        DbSession session, DueSlot due, DateTimeOffset slotAt, CheckpointId checkpointId, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update policy_runs set checkpoint_id = {checkpointId}
            where policy_id = {due.PolicyId} and vault_id = {due.VaultId} and slot_at = {slotAt.ToMicroseconds()}
            """,
            cancellationToken);

    public static async ValueTask DeleteOfPolicyAsync(DbSession session, PolicyId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from policy_runs where policy_id = {id}", cancellationToken);

    /// <summary>Drops rows so old that no clock is turned back behind them; both instants, so that a clock far ahead does not matter.</summary>
    public static async ValueTask PurgeAsync(DbSession session, DateTimeOffset before, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"delete from policy_runs where started_at < {before.ToMicroseconds()} and slot_at < {before.ToMicroseconds()}", cancellationToken);
}
