using Strongroom.Contract.Policies;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>What automatic association asks of vaults and their bindings.</summary>
internal static partial class VaultTable
{
    public static ValueTask<List<string>> ListAutoBindProjectsAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select distinct project_id from vaults v where {AutoBinds} order by project_id", row => row.GetString(0), cancellationToken);

    /// <summary>The vaults whose rules bring resources in: those that take changes and have a backup policy, with their resources.</summary>
    public static async ValueTask<List<AutoBindVault>> ListAutoBindAsync(DbSession session, string projectId, CancellationToken cancellationToken)
    {
        List<(VaultId Id, DateTimeOffset? NextRunAt)> policies = await session.QueryAsync(
            $"""
            select v.id, p.next_at from vaults v join policy_vaults p on p.vault_id = v.id and p.operation_type = {PolicyTypes.Backup}
            where v.project_id = {projectId} and {AutoBinds} and v.status in ({VaultStatuses.Available}, {VaultStatuses.Lock})
            """,
            row => (new VaultId(row.GetString(0)), row.GetInstantOrNull(1)),
            cancellationToken);
        if (policies.Count == 0)
            return [];
        Dictionary<VaultId, DateTimeOffset?> nextRuns = policies.ToDictionary(policy => policy.Id, policy => policy.NextRunAt);
        List<Vault> vaults = await ReadAsync(
            session,
            $"""
            select {Columns} from vaults v left join vault_resources r on r.vault_id = v.id
            where v.project_id = {projectId} and {AutoBinds} order by v.id, r.position
            """,
            cancellationToken);
        return [.. vaults.Where(vault => nextRuns.ContainsKey(vault.Id)).Select(vault => new AutoBindVault(vault, nextRuns[vault.Id]))];
    }

    /// <summary>Resources in such vaults that are not registered any more, or were found missing before that tick.</summary>
    public static ValueTask<List<ResourceId>> ListVanishedAsync(
        DbSession session, string projectId, long missingBeforeTick, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select b.resource_id from vault_resources b join vaults v on v.id = b.vault_id
                left join resources r on r.id = b.resource_id and r.deleted_at_tick is null
            where v.project_id = {projectId} and {AutoBinds} and (r.id is null or r.missing_since_tick <= {missingBeforeTick})
            order by b.resource_id
            """,
            row => new ResourceId(row.GetString(0)),
            cancellationToken);

    /// <summary>
    /// Resources to be looked at: those in such vaults that could not be backed up, and all that were missing when they were looked
    /// at before.
    /// </summary>
    public static ValueTask<List<ResourceId>> ListSuspectsAsync(DbSession session, string projectId, int limit, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select r.id from resources r
            where r.project_id = {projectId} and r.deleted_at_tick is null and (r.missing_since_tick is not null or exists (
                select 1 from vault_resources b join vaults v on v.id = b.vault_id
                where b.resource_id = r.id and b.protect_status = {ProtectStatuses.Error} and {AutoBinds}))
            order by r.missing_since_tick, r.id limit {limit}
            """,
            row => new ResourceId(row.GetString(0)),
            cancellationToken);

    private static Sql AutoBinds => $"v.auto_bind = true and v.protect_type = {ProtectTypes.Backup} and v.deleted_at_tick is null";
}
