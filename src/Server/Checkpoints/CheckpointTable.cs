using System.Data.Common;
using Strongroom.Server.Database;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Checkpoints;

/// <summary>The SQL of the table <c>checkpoints</c>.</summary>
internal static class CheckpointTable
{
    public static async ValueTask InsertAsync(DbSession session, Checkpoint checkpoint, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into checkpoints (id, project_id, vault_id, name, description, skipped, retention_days, created_at)
            values ({checkpoint.Id}, {checkpoint.ProjectId}, {checkpoint.VaultId}, {checkpoint.Name}, {checkpoint.Description},
                {checkpoint.SkippedJson}, {(long)checkpoint.RetentionDays}, {checkpoint.CreatedAt.ToMicroseconds()})
            """,
            cancellationToken);

    /// <summary>Null when there is none, or when it is another project's. Whether anything of it is left is not asked here.</summary>
    public static async ValueTask<Checkpoint?> FindAsync(
        DbSession session, string projectId, CheckpointId id, CancellationToken cancellationToken) =>
        await session.QueryFirstAsync(
            $"""
            select id, project_id, vault_id, name, description, skipped, created_at, retention_days
            from checkpoints where id = {id} and project_id = {projectId}
            """,
            Read,
            cancellationToken);

    /// <summary>Drops a checkpoint whose last backup's row is gone.</summary>
    public static async ValueTask RemoveIfEmptyAsync(DbSession session, CheckpointId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"delete from checkpoints where id = {id} and not exists (select 1 from backups where checkpoint_id = {id})", cancellationToken);

    private static Checkpoint Read(DbDataReader row) => new()
    {
        Id = new CheckpointId(row.GetString(0)),
        ProjectId = row.GetString(1),
        VaultId = new VaultId(row.GetString(2)),
        Name = row.GetString(3),
        Description = row.GetTextOrNull(4),
        SkippedJson = row.GetString(5),
        CreatedAt = row.GetInstant(6),
        RetentionDays = (int)row.GetInt64(7),
    };
}
