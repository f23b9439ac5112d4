using Microsoft.Extensions.Hosting;

namespace Strongroom.Server.Database;

/// <summary>Rows of one table that are of no use any more after a time.</summary>
/// <param name="What">For the log, in the plural.</param>
/// <param name="DeleteAsync">Deletes at most so many of those whose time is over at an instant; gives how many it were.</param>
internal sealed record ExpiringRows(string What, Func<DbSession, DateTimeOffset, int, CancellationToken, ValueTask<int>> DeleteAsync);

/// <summary>Removes once an hour what has expired anyway, whatever nouns have registered; several processes may do so at once.</summary>
internal sealed partial class ExpirySweep(
    MetadataDatabase database, TimeProvider time, IEnumerable<ExpiringRows> tables, ILogger<ExpirySweep> logger) : BackgroundService
{
    // A transaction this long makes nobody wait.
    private const int BatchCount = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Until nothing is left; what fails is logged, and left to the next round.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (ExpiringRows rows in tables)
        {
            try
            {
                await SweepAsync(rows, cancellationToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error, rows.What);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            await SweepAsync(stoppingToken);
    }

    private async Task SweepAsync(ExpiringRows rows, CancellationToken cancellationToken)
    {
        int removed;
        do
        {
            removed = await database.WriteRelaxedAsync(
                session => rows.DeleteAsync(session, time.GetStoredNow(), BatchCount, cancellationToken), cancellationToken);
        }
        while (removed == BatchCount);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Expired {What} were not removed; the next round tries again")]
        public static partial void Failed(ILogger logger, Exception error, string what);
    }
}
