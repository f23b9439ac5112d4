using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>Forgets tasks that ended longer ago than <see cref="TaskOptions.HistoryRetention"/>; several processes may do so at once.</summary>
internal sealed partial class TaskHistory(MetadataDatabase database, TaskOptions options, TimeProvider time, ILogger<TaskHistory> logger) : BackgroundService
{
    // A transaction this long makes nobody wait.
    private const int BatchCount = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Until none is left.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset before = time.GetUtcNow() - options.HistoryRetention;
        int removed;
        do
        {
            removed = await database.WriteRelaxedAsync(
                session => TaskTable.DeleteEndedBeforeAsync(session, before, BatchCount, cancellationToken), cancellationToken);
        }
        while (removed == BatchCount);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
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

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Old tasks were not removed; the next round tries again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
