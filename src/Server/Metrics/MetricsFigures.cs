using Strongroom.Server.Database;
using Strongroom.Server.Policies;

namespace Strongroom.Server.Metrics;

/// <summary>Figures of the whole installation, as the database has them. Sums across nouns, so the statements are here and not in their tables.</summary>
internal sealed record MetricsFigures
{
    public required IReadOnlyList<(string Status, long Count, DateTimeOffset Oldest)> Tasks { get; init; }

    /// <summary>When the running task that has not moved for longest last did; null when none runs.</summary>
    public required DateTimeOffset? StandingSince { get; init; }

    public required IReadOnlyList<(string State, long Count)> Deliveries { get; init; }

    /// <summary>What the complete backups amount to when restored, and what the store grew by for them.</summary>
    public required (long LogicalBytes, long StoredBytes) Backups { get; init; }

    /// <summary>Of <see cref="Resources"/>: vault and resource of those that lack the backup a slot was to make.</summary>
    public required IReadOnlySet<(string VaultId, string ResourceId)> Behind { get; init; }

    public required int BehindCount { get; init; }

    /// <summary>Of resources a backup of which was restored, when that last ended well; the latest first.</summary>
    public required IReadOnlyList<(string ProjectId, string ResourceId, long AtSeconds)> Proven { get; init; }

    /// <summary>The fullest first.</summary>
    public required IReadOnlyList<VaultFigures> Vaults { get; init; }

    public required long VaultCount { get; init; }

    /// <summary>The longest without a good backup first.</summary>
    public required IReadOnlyList<ResourceFigures> Resources { get; init; }

    public required long ResourceCount { get; init; }

    /// <param name="now">For what there should be by now.</param>
    public static async ValueTask<MetricsFigures> ReadAsync(DbSession session, int seriesCountMax, DateTimeOffset now, CancellationToken cancellationToken)
    {
        List<RecoveryGap> gaps = await RecoveryGaps.ReadAsync(session, null, now, Math.Max(seriesCountMax, 10_000), cancellationToken);
        return await ReadAsync(session, seriesCountMax, cancellationToken) with
        {
            Behind = gaps.Select(gap => (gap.VaultId, gap.ResourceId)).ToHashSet(),
            BehindCount = gaps.Count,
        };
    }

    private static async ValueTask<MetricsFigures> ReadAsync(DbSession session, int seriesCountMax, CancellationToken cancellationToken) => new()
    {
        Behind = new HashSet<(string, string)>(),
        BehindCount = 0,
        StandingSince = await session.QueryFirstAsync(
            $"select min(updated_at) from tasks where status = 'running'", row => row.GetInstantOrNull(0), cancellationToken),
        Deliveries = await session.QueryAsync(
            $"select state, count(*) from notification_deliveries where state in ('waiting', 'failed') group by state",
            row => (row.GetString(0), row.GetInt64(1)),
            cancellationToken),
        Backups = await session.QueryFirstAsync(
            $"""
            select cast(coalesce(sum(size_bytes), 0) as bigint), cast(coalesce(sum(stored_bytes), 0) as bigint) from backups
            where parent_id is null and deleted_at_tick is null and status in ('available', 'waiting_restore', 'restoring')
            """,
            row => (row.GetInt64(0), row.GetInt64(1)),
            cancellationToken),
        Proven = await session.QueryAsync(
            $"""
            select project_id, resource_id, max(ended_at) from tasks where kind = 'restore' and status = 'success'
            group by project_id, resource_id order by 3 desc, 2 limit {seriesCountMax}
            """,
            row => (row.GetString(0), row.GetString(1), row.GetInt64(2) / 1_000_000),
            cancellationToken),
        Tasks = await session.QueryAsync(
            $"select status, count(*), min(created_at) from tasks where status in ('waiting', 'running') group by status",
            row => (row.GetString(0), row.GetInt64(1), StoredInstant.FromMicroseconds(row.GetInt64(2))),
            cancellationToken),
        VaultCount = await session.QueryLongAsync($"select count(*) from vaults where deleted_at_tick is null", cancellationToken),
        Vaults = await session.QueryAsync(
            $"""
            select v.id, v.project_id, v.size_gb, v.used_bytes, v.threshold, (
                select cast(coalesce(sum(b.stored_bytes), 0) as bigint) from backups b
                where b.vault_id = v.id and b.parent_id is null and b.deleted_at_tick is null)
            from vaults v where v.deleted_at_tick is null
            order by v.used_bytes desc, v.id limit {seriesCountMax}
            """,
            row => new VaultFigures(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5)),
            cancellationToken),
        ResourceCount = await session.QueryLongAsync(
            $"""
            select count(*) from vault_resources r join vaults v on v.id = r.vault_id
            where v.deleted_at_tick is null and r.auto_protect = true
            """,
            cancellationToken),
        Resources = await session.QueryAsync(
            $"""
            select r.vault_id, v.project_id, r.resource_id, coalesce(max(b.created_at), 0)
            from vault_resources r
            join vaults v on v.id = r.vault_id
            left join backups b on b.vault_id = r.vault_id and b.resource_id = r.resource_id and b.parent_id is null
                and b.deleted_at_tick is null and b.problem_count = 0 and b.status in ('available', 'waiting_restore', 'restoring')
            where v.deleted_at_tick is null and r.auto_protect = true
            group by r.vault_id, v.project_id, r.resource_id
            order by 4, 3 limit {seriesCountMax}
            """,
            row => new ResourceFigures(row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt64(3) / 1_000_000),
            cancellationToken),
    };
}

internal sealed record VaultFigures(string Id, string ProjectId, long SizeGb, long UsedBytes, long Threshold, long StoredBytes);

/// <param name="LastGoodSeconds">Since 1970; 0: there is none.</param>
internal sealed record ResourceFigures(string VaultId, string ProjectId, string ResourceId, long LastGoodSeconds);
