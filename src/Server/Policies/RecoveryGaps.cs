using Strongroom.Contract.Policies;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Schedules;

namespace Strongroom.Server.Policies;

/// <summary>A protected resource whose newest complete backup is older than its policy's schedule allows.</summary>
/// <param name="SlotAt">The slot of which there should be a backup by now.</param>
/// <param name="LastGoodAt">Null: there is no complete backup.</param>
internal sealed record RecoveryGap(
    string VaultId, string ProjectId, string ResourceId, string Name, string Type, DateTimeOffset SlotAt, DateTimeOffset? LastGoodAt);

/// <summary>Finds resources that lack the backup a slot was to make.</summary>
internal static class RecoveryGaps
{
    /// <summary>What a run may take before its resource counts as behind.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    // A schedule has a slot in every 31 days; most have one in two.
    private static readonly TimeSpan LookBack = TimeSpan.FromDays(2);
    private static readonly TimeSpan LookBackMax = TimeSpan.FromDays(62);

    /// <param name="projectId">Null: of all projects.</param>
    /// <param name="countMax">Resources looked at; those longest without a backup first.</param>
    public static async ValueTask<List<RecoveryGap>> ReadAsync(
        DbSession session, string? projectId, DateTimeOffset now, int countMax, CancellationToken cancellationToken)
    {
        Sql ofProject = projectId is null ? Sql.Empty : $"and v.project_id = {projectId}";
        var rows = await session.QueryAsync(
            $"""
            select r.vault_id, v.project_id, r.resource_id, r.name, r.type, r.added_at, pv.policy_id, pv.bound_at, coalesce(max(b.created_at), 0)
            from vault_resources r
            join vaults v on v.id = r.vault_id and v.deleted_at_tick is null and v.protect_type = {ProtectTypes.Backup} {ofProject}
            join policy_vaults pv on pv.vault_id = r.vault_id and pv.operation_type = {PolicyTypes.Backup}
            join policies p on p.id = pv.policy_id and p.enabled = true
            left join backups b on b.vault_id = r.vault_id and b.resource_id = r.resource_id and b.parent_id is null
                and b.deleted_at_tick is null and b.problem_count = 0 and b.status in ('available', 'waiting_restore', 'restoring')
            where r.auto_protect = true
            group by r.vault_id, v.project_id, r.resource_id, r.name, r.type, r.added_at, pv.policy_id, pv.bound_at
            order by 9, 3 limit {countMax}
            """,
            row => (
                Gap: new RecoveryGap(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), default, row.GetInt64(8) == 0 ? null : row.GetInstant(8)),
                Since: row.GetInt64(5) > row.GetInt64(7) ? row.GetInstant(5) : row.GetInstant(7),
                Policy: new PolicyId(row.GetString(6))),
            cancellationToken);
        var slots = new Dictionary<PolicyId, DateTimeOffset?>();
        var gaps = new List<RecoveryGap>();
        foreach (var (gap, since, policyId) in rows)
        {
            if (!slots.TryGetValue(policyId, out DateTimeOffset? slot))
            {
                Policy policy = await PolicyTable.GetAsync(session, policyId, cancellationToken);
                slots[policyId] = slot = LatestSlot(policy.Schedule(), now - Grace);
            }

            if (slot is { } at && at > since && !(gap.LastGoodAt >= at))
                gaps.Add(gap with { SlotAt = at });
        }

        return gaps;
    }

    private static DateTimeOffset? LatestSlot(Schedule schedule, DateTimeOffset until) =>
        schedule.LatestBetween(until - LookBack, until) ?? schedule.LatestBetween(until - LookBackMax, until);
}
