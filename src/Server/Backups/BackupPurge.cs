using Microsoft.Extensions.Hosting;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>
/// Drops for good what was deleted longer ago than the undo window: first the rows are taken past the point of no return,
/// then the repository roots go, then the rows, then those of vaults and resources that nothing is left of. Killed anywhere in between it goes on where it was; run by several
/// processes at once it does the same thing twice, which does no harm.
/// </summary>
internal sealed partial class BackupPurge(
    MetadataDatabase database, IProtectionEngine engine, TaskOptions options, TimeProvider time, ILogger<BackupPurge> logger) : BackgroundService
{
    // Per statement, so that no transaction gets long.
    private const int BatchCount = 50;

    /// <summary>One pass over everything that is due.</summary>
    /// <returns>How many backups were dropped.</returns>
    public async Task<int> PurgeAsync(CancellationToken cancellationToken)
    {
        int count = 0;
        while (true)
        {
            List<PurgedBackup> due = await database.WriteAsync(
                async session =>
                {
                    long before = await InstallationClock.ReadAsync(session, cancellationToken) - (long)options.UndoWindow.TotalMicroseconds;
                    return await BackupTable.BeginPurgeAsync(session, before, BatchCount, cancellationToken);
                },
                cancellationToken);
            foreach (PurgedBackup backup in due)
            {
                await engine.DropBackupAsync(backup.ProjectId, backup.Id.Value, cancellationToken);
                await database.WriteAsync(
                    async session =>
                    {
                        await BackupTable.EndPurgeAsync(session, backup.Id, cancellationToken);
                        await CheckpointTable.RemoveIfEmptyAsync(session, backup.CheckpointId, cancellationToken);
                    },
                    cancellationToken);
                Log.Dropped(logger, backup.Id, backup.ProjectId);
                count++;
            }

            if (due.Count < BatchCount)
                break;
        }

        await database.WriteAsync(
            async session =>
            {
                long before = await InstallationClock.ReadAsync(session, cancellationToken) - (long)options.UndoWindow.TotalMicroseconds;
                await PolicyBindingTable.PurgeAsync(session, before, cancellationToken);
                await VaultTable.PurgeAsync(session, before, cancellationToken);
                await ResourceTable.PurgeAsync(session, before, cancellationToken);
            },
            cancellationToken);
        return count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.PurgeInterval, time, stoppingToken);
            try
            {
                await PurgeAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "backup {BackupId} of project {ProjectId} is past its undo window and dropped for good")]
        public static partial void Dropped(ILogger logger, BackupId backupId, string projectId);

        [LoggerMessage(2, LogLevel.Error, "dropping deleted backups failed; it is tried again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}

internal readonly record struct PurgedBackup(string ProjectId, CheckpointId CheckpointId, BackupId Id);
