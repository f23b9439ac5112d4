using System.Data.Common;
using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Shares;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>Backups as one project sees them: its own, and those shared with it.</summary>
internal static partial class BackupTable
{
    /// <summary>Null when there is none, when the project may not see it, or when it is deleted.</summary>
    /// <param name="whenShared">What the project must have answered to see one of another.</param>
    public static ValueTask<SeenBackup?> FindSeenAsync(
        DbSession session, string projectId, BackupId id, IReadOnlyList<ShareStatus> whenShared, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select {Columns}, share_status, seen_vault_id from {Seen(projectId, own: true, whenShared)} where id = {id}",
            row => (SeenBackup?)ReadSeen(row),
            cancellationToken);

    /// <param name="seen">Of <see cref="Seen"/>.</param>
    public static ValueTask<long> CountSeenAsync(DbSession session, Sql seen, Sql filter, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select count(*) from {seen} where {filter}", cancellationToken);

    /// <param name="seen">Of <see cref="Seen"/>.</param>
    public static ValueTask<List<SeenBackup>> ListSeenAsync(
        DbSession session, Sql seen, Sql filter, Sql order, int limit, int offset, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select {Columns}, share_status, seen_vault_id from {seen} where {filter} order by {order} limit {limit} offset {offset}",
            ReadSeen,
            cancellationToken);

    /// <summary>
    /// What stands after <c>from</c>: the rows a project sees, with all columns of the table and two more,
    /// <c>share_status</c> (null on its own) and <c>seen_vault_id</c>, the vault they are in for it.
    /// </summary>
    /// <param name="own">The project's own backups.</param>
    /// <param name="whenShared">Those shared with it to which it gave one of these answers; empty: none.</param>
    public static Sql Seen(string projectId, bool own, IReadOnlyList<ShareStatus> whenShared)
    {
        Sql owned = $"""
            select b.*, cast(null as text) as share_status, b.vault_id as seen_vault_id from backups b
            where b.project_id = {projectId} and b.deleted_at_tick is null
            """;
        if (whenShared.Count == 0)
            return $"({owned}) seen";

        // A share is of a whole backup: the disks of a server's are seen with it.
        List<string> statuses = [.. whenShared.Select(status => WireWord.Of(status))];
        Sql shared = $"""
            select b.*, s.status as share_status, case when s.status = 'accepted' then s.vault_id end as seen_vault_id
            from backups b join backup_shares s on s.backup_id = coalesce(b.parent_id, b.id)
            where s.dest_project_id = {projectId} and s.status in {statuses} and b.deleted_at_tick is null
            """;
        if (!own)
            return $"({shared}) seen";
        return $"({owned} union all {shared}) seen";
    }

    private static SeenBackup ReadSeen(DbDataReader row)
    {
        Backup backup = Read(row);
        ShareStatus? share = row.GetTextOrNull(ColumnCount) is { } status ? WireWord.Parse<ShareStatus>(status) : null;
        return new SeenBackup(backup, share, row.GetTextOrNull(ColumnCount + 1) is { } vaultId ? new VaultId(vaultId) : null);
    }
}
