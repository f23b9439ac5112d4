using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;

namespace Strongroom.Server.Idempotency;

/// <summary>Removes keys that have expired; several processes may do so at once.</summary>
internal sealed partial class KeyedRequestSweep(MetadataDatabase database, TimeProvider time, ILogger<KeyedRequestSweep> logger) : BackgroundService
{
    // A transaction this long makes nobody wait.
    private const int BatchCount = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Until none is left.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        int removed;
        do
        {
            removed = await database.WriteRelaxedAsync(
                session => KeyedRequestTable.DeleteExpiredAsync(session, time.GetStoredNow(), BatchCount, cancellationToken), cancellationToken);
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
        [LoggerMessage(1, LogLevel.Warning, "Expired idempotency keys were not removed; the next round tries again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
