using Strongroom.Server.Database;

namespace Strongroom.Server.Metrics;

/// <summary>Figures of the whole installation, as the database has them. Sums across nouns, so the statements are here and not in their tables.</summary>
internal sealed record MetricsFigures
{
    public required IReadOnlyList<(string Status, long Count, DateTimeOffset Oldest)> Tasks { get; init; }

    public required long SkippedCount { get; init; }

    /// <summary>The fullest first.</summary>
    public required IReadOnlyList<VaultFigures> Vaults { get; init; }

    public required long VaultCount { get; init; }

    /// <summary>The longest without a good backup first.</summary>
    public required IReadOnlyList<ResourceFigures> Resources { get; init; }

    public required long ResourceCount { get; init; }

    public static async ValueTask<MetricsFigures> ReadAsync(DbSession session, int seriesCountMax, CancellationToken cancellationToken) => new()
    {
        Tasks = await session.QueryAsync(
            $"select status, count(*), min(created_at) from tasks where status in ('waiting', 'running') group by status",
            row => (row.GetString(0), row.GetInt64(1), StoredInstant.FromMicroseconds(row.GetInt64(2))),
            cancellationToken),
        SkippedCount = await session.QueryLongAsync($"select count(*) from tasks where status = 'skipped'", cancellationToken),
        VaultCount = await session.QueryLongAsync($"select count(*) from vaults where deleted_at_tick is null", cancellationToken),
        Vaults = await session.QueryAsync(
            $"""
            select id, project_id, size_gb, used_bytes from vaults where deleted_at_tick is null
            order by used_bytes desc, id limit {seriesCountMax}
            """,
            row => new VaultFigures(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3)),
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

internal sealed record VaultFigures(string Id, string ProjectId, long SizeGb, long UsedBytes);

/// <param name="LastGoodSeconds">Since 1970; 0: there is none.</param>
internal sealed record ResourceFigures(string VaultId, string ProjectId, string ResourceId, long LastGoodSeconds);
