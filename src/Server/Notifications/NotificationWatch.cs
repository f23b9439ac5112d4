using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Notifications;

/// <summary>
/// Finds what no single change causes: tasks that stand, vaults whose fullness changed without a backup, and what is old
/// enough to be forgotten. Any number of processes may look; each thing is told once.
/// </summary>
internal sealed partial class NotificationWatch(
    MetadataDatabase database, NotificationOptions options, TimeProvider time, ILogger<NotificationWatch> logger) : BackgroundService
{
    private const int BatchCount = 100;
    private const int PurgeBatchCount = 1000;

    /// <summary>Looks once.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await TellStalledAsync(cancellationToken);
        await WatchVaultsAsync(cancellationToken);
        await PurgeAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(options.WatchInterval, time, stoppingToken);
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error);
            }
        }
    }

    private async Task TellStalledAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetStoredNow();
        List<TaskRecord> standing = await database.ReadAsync(
            session => TaskTable.ListStandingAsync(session, now - options.StalledAfter, BatchCount, cancellationToken), cancellationToken);
        foreach (TaskRecord task in standing)
        {
            await database.WriteRelaxedAsync(
                session => NotificationOutbox.TaskStalledAsync(session, task, TaskStall.CauseOf(task), now, cancellationToken), cancellationToken);
        }
    }

    private async Task WatchVaultsAsync(CancellationToken cancellationToken)
    {
        List<VaultId> changed = await database.ReadAsync(
            session => VaultTable.ListFullnessChangedAsync(session, BatchCount, cancellationToken), cancellationToken);
        foreach (VaultId id in changed)
        {
            await database.WriteAsync(
                session => NotificationOutbox.WatchVaultAsync(session, id, time.GetStoredNow(), cancellationToken), cancellationToken);
        }
    }

    private async Task PurgeAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset before = time.GetUtcNow() - options.Retention;
        int removed;
        do
        {
            removed = await database.WriteRelaxedAsync(
                session => NotificationTable.DeleteBeforeAsync(session, before, PurgeBatchCount, cancellationToken), cancellationToken);
        }
        while (removed == PurgeBatchCount);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "looking for what is to be told failed; the next round tries again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
