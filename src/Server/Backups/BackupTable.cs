using System.Data.Common;
using Strongroom.Contract;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>
/// The SQL of the table <c>backups</c>. A deleted row stays, marked, until its repository root is dropped for good; every
/// member but those that say so sees only rows that are not marked.
/// </summary>
internal static partial class BackupTable
{
    /// <summary>Ids per statement; a vault may hold many thousand backups.</summary>
    public const int IdCountMax = 200;

    private const int ColumnCount = 29;

    private static Sql Columns =>
        $"""
        id, project_id, checkpoint_id, vault_id, parent_id, position, provider_id, enterprise_project_id, name, description,
        resource_id, resource_name, resource_type, size_gb, size_bytes, status, auto_trigger, incremental, system_disk,
        changed_bytes, stored_bytes, problem_count, metadata, created_at, protected_at, updated_at, expired_at, policy_id, completed_at_tick
        """;

    public static async ValueTask InsertAsync(DbSession session, Backup backup, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into backups (
                id, project_id, checkpoint_id, vault_id, parent_id, position, provider_id, enterprise_project_id, name, description,
                resource_id, resource_name, resource_type, size_gb, size_bytes, status, auto_trigger, incremental, system_disk,
                changed_bytes, stored_bytes, problem_count, metadata, created_at, protected_at, updated_at, expired_at,
                policy_id, completed_at_tick, deleted_at_tick, purging)
            values (
                {backup.Id}, {backup.ProjectId}, {backup.CheckpointId}, {backup.VaultId}, {backup.ParentId?.Value}, {backup.Position},
                {backup.ProviderId}, {backup.EnterpriseProjectId}, {backup.Name}, {backup.Description},
                {backup.ResourceId}, {backup.ResourceName}, {backup.ResourceType}, {backup.SizeGb}, {backup.SizeBytes}, {WireWord.Of(backup.Status)},
                {backup.AutoTrigger}, {backup.Incremental}, {backup.SystemDisk}, {backup.ChangedBytes}, {backup.StoredBytes},
                {backup.ProblemCount}, {backup.Metadata}, {backup.CreatedAt.ToMicroseconds()}, {backup.ProtectedAt?.ToMicroseconds()},
                {backup.UpdatedAt.ToMicroseconds()}, {backup.ExpiredAt?.ToMicroseconds()}, {backup.PolicyId}, {backup.CompletedAtTick},
                {(long?)null}, {false})
            """,
            cancellationToken);

    /// <summary>Null when there is none, when it is another project's, or when it is deleted.</summary>
    public static async ValueTask<Backup?> FindAsync(DbSession session, string projectId, BackupId id, CancellationToken cancellationToken) =>
        await session.QueryFirstAsync(
            $"select {Columns} from backups where id = {id} and project_id = {projectId} and deleted_at_tick is null",
            Read,
            cancellationToken);

    /// <summary>Whether the project ever saw this backup, deleted ones within their undo window and rejected ones included.</summary>
    public static async ValueTask<bool> WasThereAsync(DbSession session, string projectId, BackupId id, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"""
            select count(*) from backups b where b.id = {id} and (b.project_id = {projectId} or exists (
                select 1 from backup_shares s where s.backup_id = coalesce(b.parent_id, b.id) and s.dest_project_id = {projectId}))
            """,
            cancellationToken) > 0;

    /// <summary>The disks of a server's backup, in the order they were registered; empty for others.</summary>
    public static async ValueTask<List<Backup>> ListChildrenAsync(DbSession session, BackupId parentId, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"select {Columns} from backups where parent_id = {parentId} and deleted_at_tick is null order by position, id",
            Read,
            cancellationToken);

    /// <summary>What a checkpoint still has, servers' disks left out.</summary>
    public static async ValueTask<List<Backup>> ListOfCheckpointAsync(
        DbSession session, string projectId, CheckpointId checkpointId, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"""
            select {Columns} from backups
            where checkpoint_id = {checkpointId} and project_id = {projectId} and parent_id is null and deleted_at_tick is null
            order by position, id
            """,
            Read,
            cancellationToken);

    /// <summary>Which of these resources a run is backing up or will: servers, disks (of servers too) and file systems.</summary>
    public static async ValueTask<List<ResourceId>> ListInTheMakingAsync(
        DbSession session, string projectId, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"""
            select distinct resource_id from backups
            where project_id = {projectId} and resource_id in {resourceIds}
                and status in ('waiting_protect', 'protecting') and deleted_at_tick is null
            """,
            row => new ResourceId(row.GetString(0)),
            cancellationToken);

    /// <summary>By resource of a vault: when the last backup was made that was asked to be full, and how many since.</summary>
    public static async ValueTask<Dictionary<ResourceId, FullHistory>> FullHistoryAsync(
        DbSession session, VaultId vaultId, CancellationToken cancellationToken)
    {
        List<(ResourceId Id, FullHistory History)> rows = await session.QueryAsync(
            $"""
            select resource_id, max(full_at), sum(case when full_at is null or created_at > full_at then 1 else 0 end) from (
                select resource_id, created_at, max(case when incremental = false then created_at end) over (partition by resource_id) as full_at
                from backups
                where vault_id = {vaultId} and parent_id is null and deleted_at_tick is null
                    and status in ('available', 'waiting_restore', 'restoring')) made
            group by resource_id
            """,
            row => (new ResourceId(row.GetString(0)), new FullHistory(row.GetInstantOrNull(1), row.GetInt64(2))),
            cancellationToken);
        return rows.ToDictionary(row => row.Id, row => row.History);
    }

    /// <summary>Whether the vault holds a backup of the resource that counts in it.</summary>
    public static async ValueTask<bool> HasAvailableAsync(
        DbSession session, VaultId vaultId, ResourceId resourceId, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"""
            select case when exists (
                select 1 from backups where vault_id = {vaultId} and resource_id = {resourceId} and parent_id is null
                    and status in ('available', 'waiting_restore', 'restoring') and deleted_at_tick is null) then 1 else 0 end
            """,
            cancellationToken) == 1;

    /// <summary>Whether a run is making the next backup of the resource, and this is the newest one there is to compare with.</summary>
    public static async ValueTask<bool> IsBaseOfRunAsync(DbSession session, Backup backup, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"""
            select case when
                exists (
                    select 1 from backups where vault_id = {backup.VaultId} and resource_id = {backup.ResourceId} and parent_id is null
                        and status in ('waiting_protect', 'protecting') and deleted_at_tick is null)
                and not exists (
                    select 1 from backups where vault_id = {backup.VaultId} and resource_id = {backup.ResourceId} and parent_id is null
                        and status = 'available' and deleted_at_tick is null and created_at > {backup.CreatedAt.ToMicroseconds()})
                then 1 else 0 end
            """,
            cancellationToken) == 1;

    public static async ValueTask RenameAsync(
        DbSession session, BackupId id, string name, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update backups set name = {name}, updated_at = {now.ToMicroseconds()} where id = {id}", cancellationToken);

    /// <summary>Moves a backup, and a server's disks with it, to another state.</summary>
    public static async ValueTask MoveWithChildrenAsync(
        DbSession session, BackupId id, BackupStatus to, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update backups set status = {WireWord.Of(to)}, updated_at = {now.ToMicroseconds()} where id = {id} or parent_id = {id}",
            cancellationToken);

    /// <summary>Moves a backup to another state; of one disk of a server, the server's backup too, so that neither is deleted beneath it.</summary>
    public static async ValueTask MoveWithParentAsync(
        DbSession session, BackupId id, BackupStatus to, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update backups set status = {WireWord.Of(to)}, updated_at = {now.ToMicroseconds()}
            where id = {id} or id = (select parent_id from backups where id = {id})
            """,
            cancellationToken);

    /// <summary>The data is safe: the row becomes available and says what it holds.</summary>
    public static async ValueTask CompleteAsync(
        DbSession session, BackupId id, BackupResult result, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update backups set
                status = 'available', size_bytes = {result.SizeBytes}, changed_bytes = {result.ChangedBytes}, stored_bytes = {result.StoredBytes},
                problem_count = {result.ProblemCount}, protected_at = {result.ProtectedAt.ToMicroseconds()},
                updated_at = {now.ToMicroseconds()}
            where id = {id}
            """,
            cancellationToken);

    /// <summary>Of one that has become available, with the disks beneath it: when it expires (null: never), and the installation clock.</summary>
    public static async ValueTask StampAsync(
        DbSession session, BackupId id, DateTimeOffset? expiredAt, long tick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update backups set expired_at = {expiredAt?.ToMicroseconds()}, completed_at_tick = {tick}
            where id = {id} or parent_id = {id}
            """,
            cancellationToken);

    /// <summary>Takes one that was never made out of sight for good; the purge drops what there may be of it.</summary>
    /// <param name="tick">The installation clock.</param>
    public static async ValueTask DiscardAsync(DbSession session, BackupId id, long tick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update backups set status = 'error', deleted_at_tick = {tick}, purging = true where id = {id} or parent_id = {id}", cancellationToken);

    /// <summary>One that was brought back by hand is kept by hand: retention lets it be.</summary>
    public static async ValueTask LeaveToHandsAsync(DbSession session, BackupId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update backups set auto_trigger = false, expired_at = null where id = {id} or parent_id = {id}", cancellationToken);

    /// <summary>Hides backups, and the disks beneath them, from every API at this moment.</summary>
    /// <param name="tick">The installation clock.</param>
    public static async ValueTask MarkDeletedAsync(
        DbSession session, IReadOnlyCollection<BackupId> ids, long tick, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update backups set deleted_at_tick = {tick} where deleted_at_tick is null and (id in {ids} or parent_id in {ids})",
            cancellationToken);

    /// <summary>Moves all backups of these resources, and of their disks with them, into another vault.</summary>
    public static async ValueTask MoveAsync(
        DbSession session, VaultId from, VaultId to, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update backups set vault_id = {to}
            where vault_id = {from} and (resource_id in {resourceIds}
                or parent_id in (select id from backups where vault_id = {from} and resource_id in {resourceIds}))
            """,
            cancellationToken);

    /// <summary>Everything top-level that a vault holds; of one resource when given.</summary>
    public static async ValueTask<List<Backup>> ListOfVaultAsync(
        DbSession session, VaultId vaultId, ResourceId? resourceId, CancellationToken cancellationToken)
    {
        Sql ofResource = resourceId is null ? Sql.Empty : $"and resource_id = {resourceId}";
        return await session.QueryAsync(
            $"""
            select {Columns} from backups
            where vault_id = {vaultId} and parent_id is null and deleted_at_tick is null {ofResource}
            """,
            Read,
            cancellationToken);
    }

    /// <summary>Scheduled and requested backups of a project in locked vaults, deleted ones that are still stored included.</summary>
    public static ValueTask<List<Backup>> ListLockedAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select {Columns} from backups
            where project_id = {projectId} and parent_id is null and auto_trigger = true and purging = false
                and vault_id in (select id from vaults where project_id = {projectId} and locked = true)
            """,
            Read,
            cancellationToken);

    /// <summary>What the backups of these resources in a vault amount to; those without any are not in it.</summary>
    public static async ValueTask<Dictionary<ResourceId, (long Bytes, int Count)>> UsageAsync(
        DbSession session, VaultId vaultId, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken)
    {
        List<(ResourceId Id, long Bytes, int Count)> rows = await session.QueryAsync(
            $"""
            select resource_id, cast(sum(changed_bytes) as bigint), count(*) from backups
            where vault_id = {vaultId} and resource_id in {resourceIds} and parent_id is null and deleted_at_tick is null
                and status in ('available', 'waiting_restore', 'restoring')
            group by resource_id
            """,
            row => (new ResourceId(row.GetString(0)), row.GetInt64(1), (int)row.GetInt64(2)),
            cancellationToken);
        return rows.ToDictionary(row => row.Id, row => (row.Bytes, row.Count));
    }

    /// <summary>Deleted backups of a project that can be brought back, the latest deleted first.</summary>
    public static ValueTask<List<Backup>> ListDeletedAsync(DbSession session, string projectId, int limit, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select {Columns} from backups
            where project_id = {projectId} and parent_id is null and deleted_at_tick is not null and purging = false
            order by deleted_at_tick desc, id limit {limit}
            """,
            Read,
            cancellationToken);

    /// <summary>A deleted backup that can be brought back.</summary>
    public static ValueTask<Backup?> FindDeletedAsync(DbSession session, string projectId, BackupId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"""
            select {Columns} from backups
            where id = {id} and project_id = {projectId} and parent_id is null and deleted_at_tick is not null and purging = false
            """,
            row => (Backup?)Read(row),
            cancellationToken);

    /// <summary>Brings deleted backups back, with the disks beneath them; what is being purged stays deleted.</summary>
    public static async ValueTask UndeleteAsync(DbSession session, IReadOnlyCollection<BackupId> ids, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update backups set deleted_at_tick = null where purging = false and (id in {ids} or parent_id in {ids})", cancellationToken);

    /// <summary>The backups that were deleted in one go with their vault and can be brought back.</summary>
    public static ValueTask<List<BackupId>> ListDeletedWithVaultAsync(DbSession session, VaultId vaultId, long tick, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select id from backups
            where vault_id = {vaultId} and parent_id is null and deleted_at_tick = {tick} and purging = false
            """,
            row => new BackupId(row.GetString(0)),
            cancellationToken);

    /// <summary>Takes backups past the undo window: from here on there is no way back. Deleted rows only.</summary>
    public static async ValueTask<List<PurgedBackup>> BeginPurgeAsync(
        DbSession session, long deletedBeforeTick, int limit, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"""
            update backups set purging = true
            where id in (
                select id from backups
                where parent_id is null and deleted_at_tick is not null and (purging = true or deleted_at_tick <= {deletedBeforeTick})
                order by deleted_at_tick, id limit {limit})
            returning project_id, checkpoint_id, id
            """,
            row => new PurgedBackup(row.GetString(0), new CheckpointId(row.GetString(1)), new BackupId(row.GetString(2))),
            cancellationToken);

    /// <summary>Ends a purge: the repository root is gone, so the row goes too.</summary>
    public static async ValueTask EndPurgeAsync(DbSession session, BackupId id, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync($"delete from backups where parent_id = {id}", cancellationToken);
        await session.ExecuteAsync($"delete from backups where id = {id} and purging = true", cancellationToken);
    }

    private static Backup Read(DbDataReader row) => new()
    {
        Id = new BackupId(row.GetString(0)),
        ProjectId = row.GetString(1),
        CheckpointId = new CheckpointId(row.GetString(2)),
        VaultId = new VaultId(row.GetString(3)),
        ParentId = row.GetTextOrNull(4) is { } parentId ? new BackupId(parentId) : null,
        Position = (int)row.GetInt64(5),
        ProviderId = row.GetString(6),
        EnterpriseProjectId = row.GetString(7),
        Name = row.GetString(8),
        Description = row.GetTextOrNull(9),
        ResourceId = new ResourceId(row.GetString(10)),
        ResourceName = row.GetString(11),
        ResourceType = row.GetString(12),
        SizeGb = (int)row.GetInt64(13),
        SizeBytes = row.GetInt64(14),
        Status = WireWord.Parse<BackupStatus>(row.GetString(15)),
        AutoTrigger = row.GetBoolean(16),
        Incremental = row.GetBoolean(17),
        SystemDisk = row.GetBoolean(18),
        ChangedBytes = row.GetInt64(19),
        StoredBytes = row.GetInt64(20),
        ProblemCount = row.GetInt64(21),
        Metadata = row.GetTextOrNull(22),
        CreatedAt = row.GetInstant(23),
        ProtectedAt = row.GetInstantOrNull(24),
        UpdatedAt = row.GetInstant(25),
        ExpiredAt = row.GetInstantOrNull(26),
        PolicyId = row.GetTextOrNull(27) is { } policyId ? new PolicyId(policyId) : null,
        CompletedAtTick = row.IsDBNull(28) ? null : row.GetInt64(28),
    };
}

/// <summary>What a finished run says of one row.</summary>
internal readonly record struct BackupResult(long SizeBytes, long ChangedBytes, long StoredBytes, long ProblemCount, DateTimeOffset ProtectedAt);
