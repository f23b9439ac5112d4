using Strongroom.Contract;
using Strongroom.Server.Database;

namespace Strongroom.Server.Vaults;

/// <summary>How full a vault is, and what people were told of it last.</summary>
/// <param name="ToldLevel">As it was.</param>
internal sealed record VaultFullness(VaultId Id, string ProjectId, string Name, long SizeGb, long UsedBytes, int Threshold, int ToldLevel)
{
    public const int AboveThreshold = 1;
    public const int Full = 2;

    private long SizeBytes => SizeGb * WireUnits.BytesPerGb;

    public int Level => UsedBytes >= SizeBytes ? Full : (Int128)UsedBytes * 100 >= (Int128)SizeBytes * Threshold ? AboveThreshold : 0;

    public bool HasRisen => Level > ToldLevel;

    public int UsedPercent => (int)Int128.Min(int.MaxValue, (Int128)UsedBytes * 100 / SizeBytes);
}

/// <summary>What people are told of how full vaults are.</summary>
internal static partial class VaultTable
{
    private static Sql FullnessColumns => $"id, project_id, name, size_gb, used_bytes, threshold, fullness";

    // The same as VaultFullness.Level.
    private static Sql FullnessLevel =>
        $"""
        case when used_bytes >= size_gb * {WireUnits.BytesPerGb} then 2
            when used_bytes * 100 >= size_gb * {WireUnits.BytesPerGb} * threshold then 1 else 0 end
        """;

    /// <summary>Notes how full the vault is now. Whoever asks next finds that as what was told.</summary>
    /// <returns>Null when nothing has changed, or there is no such vault.</returns>
    public static async ValueTask<VaultFullness?> TakeFullnessAsync(DbSession session, VaultId id, CancellationToken cancellationToken)
    {
        VaultFullness? vault = await session.QueryFirstAsync(
            $"select {FullnessColumns} from vaults where id = {id} and deleted_at_tick is null and fullness <> {FullnessLevel}",
            row => new VaultFullness(
                new VaultId(row.GetString(0)), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4), (int)row.GetInt64(5), (int)row.GetInt64(6)),
            cancellationToken);
        if (vault is null)
            return null;
        int changed = await session.ExecuteAsync(
            $"update vaults set fullness = {(long)vault.Level} where id = {id} and fullness = {(long)vault.ToldLevel}", cancellationToken);
        return changed == 1 ? vault : null;
    }

    /// <summary>Vaults whose fullness has changed and was not noted: resized, or with another threshold.</summary>
    public static ValueTask<List<VaultId>> ListFullnessChangedAsync(DbSession session, int countMax, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select id from vaults where deleted_at_tick is null and fullness <> {FullnessLevel} limit {countMax}",
            row => new VaultId(row.GetString(0)),
            cancellationToken);

    /// <summary>The fullest by share, of those that have something in them and may be told of; of one project, or of all when it is null.</summary>
    public static ValueTask<List<VaultFullness>> ListFullestAsync(DbSession session, string? projectId, int countMax, CancellationToken cancellationToken)
    {
        Sql ofProject = projectId is null ? Sql.Empty : $"and project_id = {projectId}";
        return session.QueryAsync(
            $"""
            select {FullnessColumns} from vaults where deleted_at_tick is null and used_bytes > 0 and smn_notify = true {ofProject}
            order by used_bytes / size_gb desc, id limit {countMax}
            """,
            row => new VaultFullness(
                new VaultId(row.GetString(0)), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4), (int)row.GetInt64(5), (int)row.GetInt64(6)),
            cancellationToken);
    }
}
