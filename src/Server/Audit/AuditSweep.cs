using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;

namespace Strongroom.Server.Audit;

/// <summary>Removes records past <see cref="AuditOptions.Retention"/>; several processes may do so at once.</summary>
internal sealed partial class AuditSweep(MetadataDatabase database, TimeProvider time, AuditOptions options, ILogger<AuditSweep> logger) : BackgroundService
{
    // A transaction this long makes nobody wait.
    private const int BatchCount = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Until none is left.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset before = time.GetUtcNow() - options.Retention;
        int removed;
        do
        {
            removed = await database.WriteRelaxedAsync(
                session => AuditTable.DeleteBeforeAsync(session, before, BatchCount, cancellationToken), cancellationToken);
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
        [LoggerMessage(1, LogLevel.Warning, "Old audit records were not removed; the next round tries again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
