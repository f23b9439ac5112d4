using System.Data.Common;
using Strongroom.Contract;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Shares;

/// <summary>The SQL of the table <c>backup_shares</c>. Shares of deleted backups are not there for any of these.</summary>
internal static class ShareTable
{
    private static Sql Columns => $"id, backup_id, dest_project_id, status, vault_id, created_at, updated_at";

    private static Sql OfLivingBackup =>
        $"exists (select 1 from backups b where b.id = backup_shares.backup_id and b.deleted_at_tick is null)";

    public static async ValueTask InsertAsync(DbSession session, Share share, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into backup_shares (id, backup_id, dest_project_id, status, vault_id, created_at, updated_at)
            values ({share.Id}, {share.BackupId}, {share.ProjectId}, {WireWord.Of(share.Status)}, {share.VaultId?.Value},
                {share.CreatedAt.ToMicroseconds()}, {share.UpdatedAt?.ToMicroseconds()})
            """,
            cancellationToken);

    /// <summary>The share of one backup with one project, whatever that answered.</summary>
    public static ValueTask<Share?> FindAsync(DbSession session, BackupId backupId, string projectId, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select {Columns} from backup_shares where backup_id = {backupId} and dest_project_id = {projectId} and {OfLivingBackup}",
            row => (Share?)Read(row),
            cancellationToken);

    /// <summary>The projects a backup is shared with, whatever they answered.</summary>
    public static ValueTask<List<string>> ListRecipientsAsync(DbSession session, BackupId backupId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select dest_project_id from backup_shares where backup_id = {backupId}", row => row.GetString(0), cancellationToken);

    /// <summary>The backups of a vault, or of one resource in it, that are shared with anybody who has not turned them down.</summary>
    public static async ValueTask<HashSet<BackupId>> ListSharedAsync(
        DbSession session, VaultId vaultId, ResourceId? resourceId, CancellationToken cancellationToken)
    {
        Sql ofResource = resourceId is null ? Sql.Empty : $"and b.resource_id = {resourceId}";
        return
        [
            .. await session.QueryAsync(
                $"""
                select distinct s.backup_id from backup_shares s join backups b on b.id = s.backup_id
                where b.vault_id = {vaultId} and b.deleted_at_tick is null and s.status <> {WireWord.Of(ShareStatus.Rejected)} {ofResource}
                """,
                row => new BackupId(row.GetString(0)),
                cancellationToken),
        ];
    }

    public static ValueTask<long> CountAsync(DbSession session, Sql filter, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select count(*) from backup_shares where {filter} and {OfLivingBackup}", cancellationToken);

    public static ValueTask<List<Share>> ListAsync(
        DbSession session, Sql filter, Sql order, int limit, int offset, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select {Columns} from backup_shares where {filter} and {OfLivingBackup} order by {order} limit {limit} offset {offset}",
            Read,
            cancellationToken);

    /// <summary>Whether any backup of one project is shared with another, whatever that answered.</summary>
    public static async ValueTask<bool> IsAnySharedAsync(
        DbSession session, string ownerId, string recipientId, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"""
            select case when exists (
                select 1 from backup_shares s join backups b on b.id = s.backup_id
                where s.dest_project_id = {recipientId} and b.project_id = {ownerId} and b.deleted_at_tick is null) then 1 else 0 end
            """,
            cancellationToken) == 1;

    /// <summary>Keeps what the recipient answered.</summary>
    public static async ValueTask AnswerAsync(
        DbSession session, ShareId id, ShareStatus status, VaultId? vaultId, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update backup_shares set status = {WireWord.Of(status)}, vault_id = {vaultId?.Value}, updated_at = {now.ToMicroseconds()}
            where id = {id}
            """,
            cancellationToken);

    public static async ValueTask DeleteAsync(DbSession session, ShareId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from backup_shares where id = {id}", cancellationToken);

    /// <summary>What was accepted into a vault that is being deleted counts as rejected; it remembers the vault.</summary>
    public static async ValueTask LeaveVaultAsync(DbSession session, VaultId vaultId, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update backup_shares set status = 'rejected', updated_at = {now.ToMicroseconds()}
            where vault_id = {vaultId} and status = 'accepted'
            """,
            cancellationToken);

    /// <summary>The vault was brought back: what left with it is accepted again, unless the recipient answered anew meanwhile.</summary>
    public static async ValueTask ReturnToVaultAsync(DbSession session, VaultId vaultId, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update backup_shares set status = 'accepted', updated_at = {now.ToMicroseconds()}
            where vault_id = {vaultId} and status = 'rejected'
            """,
            cancellationToken);

    public static async ValueTask DeleteOfRecipientAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from backup_shares where dest_project_id = {projectId}", cancellationToken);

    private static Share Read(DbDataReader row) => new()
    {
        Id = new ShareId(row.GetString(0)),
        BackupId = new BackupId(row.GetString(1)),
        ProjectId = row.GetString(2),
        Status = WireWord.Parse<ShareStatus>(row.GetString(3)),
        VaultId = row.GetTextOrNull(4) is { } vaultId ? new VaultId(vaultId) : null,
        CreatedAt = row.GetInstant(5),
        UpdatedAt = row.GetInstantOrNull(6),
    };
}
