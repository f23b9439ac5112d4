using Microsoft.Extensions.Hosting;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Shares;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Retention;

/// <summary>
/// Carries out what <see cref="RetentionDecision"/> says: of every resource after one of its backups has ended, and of those
/// with an expired backup. Each resource is one transaction, its deletions with their tasks included; what goes waits for the
/// end of the undo window like anything that is deleted. A changed policy deletes nothing by itself: its new numbers count
/// from the next backup on, as on the public clouds, so that a slip can be mended before it costs anything.
/// </summary>
internal sealed partial class RetentionSweep(
    MetadataDatabase database, RetentionOptions options, TimeProvider time, ILogger<RetentionSweep> logger) : BackgroundService
{
    /// <returns>How many backups were let go.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        await database.WriteRelaxedAsync(session => RetentionQueue.AddExpiredAsync(session, time.GetStoredNow(), cancellationToken), cancellationToken);
        int count = 0;
        var failed = new HashSet<VaultId>();
        while (await database.ReadAsync(session => RetentionQueue.AnyAsync(session, cancellationToken), cancellationToken))
        {
            RetentionDue? current = null;
            try
            {
                count += await database.WriteAsync(
                    async session =>
                    {
                        current = await RetentionQueue.TakeAsync(session, failed, cancellationToken);
                        return current is null ? 0 : await DecideAsync(session, current, cancellationToken);
                    },
                    cancellationToken);
                if (current is null)
                    break;
            }
            catch (Exception error) when (error is not OperationCanceledException && current is not null)
            {
                Log.DecisionFailed(logger, error, current.ResourceId.Value, current.VaultId);
                failed.Add(current.VaultId);
            }
        }

        return count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.SweepInterval, time, stoppingToken);
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error);
            }
        }
    }

    private async ValueTask<int> DecideAsync(DbSession session, RetentionDue due, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetStoredNow();
        Dictionary<string, Backup> backups = (await BackupTable.ListOfVaultAsync(session, due.VaultId, due.ResourceId, cancellationToken))
            .ToDictionary(backup => backup.Id.Value);
        if (backups.Count == 0)
            return 0;
        Backup any = backups.Values.First();
        // A deleted vault's backups are deleted too; those of one that moved away are not the vault's any more.
        if (await VaultTable.FindAsync(session, any.ProjectId, due.VaultId, cancellationToken) is not { } vault)
            return 0;
        Policy? policy = await PolicyTable.FindOfVaultAsync(session, due.VaultId, cancellationToken);
        HashSet<BackupId> shared = await ShareTable.ListSharedAsync(session, due.VaultId, due.ResourceId, cancellationToken);
        long tick = await InstallationClock.ReadAsync(session, cancellationToken);
        IEnumerable<RetainedBackup> retained = backups.Values.Select(
            backup => RetainedBackup.Of(backup, shared.Contains(backup.Id)) with { LockedUntil = vault.IsLocked ? LockTerm.Of(backup, now, tick) : null });

        int count = 0;
        foreach (RetentionVerdict verdict in RetentionDecision.Of(RetentionRule.Of(policy), retained, now, options))
        {
            Backup backup = backups[verdict.Backup.Id];
            // The base of a run stays until that has ended, which brings the resource here again.
            if (verdict.Keeps || await BackupTable.IsBaseOfRunAsync(session, backup, cancellationToken))
                continue;
            await BackupRemoval.ByRetentionAsync(session, backup, vault, policy?.Id, verdict.Reasons[0], now, cancellationToken);
            Log.LetGo(logger, backup.Id, backup.ResourceId.Value, verdict.Reasons[0]);
            count++;
        }

        return count;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "retention let backup {BackupId} of {ResourceId} go: {Reason}")]
        public static partial void LetGo(ILogger logger, BackupId backupId, string resourceId, string reason);

        [LoggerMessage(2, LogLevel.Error, "what is kept of {ResourceId} in vault {VaultId} could not be decided; it is tried again")]
        public static partial void DecisionFailed(ILogger logger, Exception error, string resourceId, VaultId vaultId);

        [LoggerMessage(3, LogLevel.Error, "a retention sweep failed; it is tried again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
