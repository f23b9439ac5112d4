using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;
using Strongroom.Server.Identity;
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

    // What this process has seen to; the outbox itself tells what others have.
    private DateTimeOffset? summarisedAt;

    /// <summary>Looks once.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await TellStalledAsync(cancellationToken);
        await WatchVaultsAsync(cancellationToken);
        await TellSummariesAsync(cancellationToken);
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
                session => NotificationOutbox.TaskStalledAsync(session, task, TaskStall.CauseOf(task, now) ?? "it waits for its worker.", now, cancellationToken), cancellationToken);
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

    /// <summary>
    /// One per day to each project with a target, and one of the installation. After a time when nothing ran only the latest is
    /// written; none of a day before the installation was there.
    /// </summary>
    private async Task TellSummariesAsync(CancellationToken cancellationToken)
    {
        if (DailySummary.Due(options, time.GetStoredNow()) is not var (from, until) || until == summarisedAt)
            return;
        List<string> projects = await database.ReadAsync(
            async session => await ProjectTable.WasAnyBeforeAsync(session, until, cancellationToken)
                ? await NotificationTargetTable.ListProjectsAsync(session, cancellationToken)
                : [],
            cancellationToken);
        if (options.WebhookUrl.Length + options.MailTo.Length > 0)
            projects.Add("");
        foreach (string project in projects)
            await database.WriteRelaxedAsync(session => DailySummary.TellAsync(session, project, from, until, cancellationToken), cancellationToken);
        summarisedAt = until;
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
