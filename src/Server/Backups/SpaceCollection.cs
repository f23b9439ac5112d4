using Microsoft.Extensions.Hosting;
using Strongroom.Repository;
using Strongroom.Server.Database;
using Strongroom.Server.Metrics;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Backups;

/// <summary>
/// Frees the bytes of dropped backups, project after project, one at a time: one pass per interval, by whichever process has the turn.
/// That no two processes collect one project at once is kept by the repository itself: a collection shows that it lives like a
/// backup does, a second one is refused, and one that is taken for dead can delete nothing any more. A process that is refused
/// leaves the project to the other.
/// </summary>
internal sealed partial class SpaceCollection(
    MetadataDatabase database, IProtectionEngine engine, TaskOptions options, TimeProvider time, ILogger<SpaceCollection> logger) : BackgroundService
{
    private const string Turn = "space-collection";

    /// <summary>One pass, unless another process has made one within the interval.</summary>
    /// <returns>Bytes by which the store shrank; null when it was not this process's turn.</returns>
    public async Task<long?> CollectInTurnAsync(CancellationToken cancellationToken) =>
        await database.WriteRelaxedAsync(
            session => UpkeepTurn.TakeAsync(session, Turn, options.CollectionInterval, cancellationToken), cancellationToken)
            ? await CollectAsync(cancellationToken)
            : null;

    /// <summary>One pass over all projects. What fails for one is logged, and the others go on.</summary>
    /// <returns>Bytes by which the store shrank.</returns>
    public async Task<long> CollectAsync(CancellationToken cancellationToken)
    {
        long freed = 0;
        long reclaimable = 0;
        long total = 0;
        foreach (string domainId in await engine.ListDomainsAsync(cancellationToken))
        {
            try
            {
                if (await engine.CollectAsync(domainId, cancellationToken) is not { } report)
                    continue;
                freed += report.FreedBytes - report.WrittenBytes;
                reclaimable += report.ReclaimableBytesAfter;
                total += report.TotalBytesAfter;
                if (report.FreedBytes > 0)
                    Log.Freed(logger, domainId, report.FreedBytes - report.WrittenBytes, report.ReclaimableBytesAfter, report.TotalBytesAfter);
                foreach (string note in report.Notes)
                    Log.Noted(logger, domainId, note);
                if (report.MissingChunks > 0)
                    Log.Missing(logger, domainId, report.MissingChunks);
            }
            catch (RepositoryException error) when (error.Failure == RepositoryFailure.Locked)
            {
                Log.Elsewhere(logger, domainId);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error, domainId);
            }
        }

        TaskMeter.Collected(reclaimable, total);
        return freed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (options.CollectionInterval > TimeSpan.Zero)
        {
            await Task.Delay(options.CollectionInterval, time, stoppingToken);
            try
            {
                await CollectInTurnAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error, "all");
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "project {ProjectId}: {FreedBytes} bytes freed; {ReclaimableBytes} of {TotalBytes} bytes left are needed by no backup")]
        public static partial void Freed(ILogger logger, string projectId, long freedBytes, long reclaimableBytes, long totalBytes);

        [LoggerMessage(2, LogLevel.Information, "project {ProjectId} is being collected by another process")]
        public static partial void Elsewhere(ILogger logger, string projectId);

        [LoggerMessage(3, LogLevel.Warning, "collecting project {ProjectId}: {Note}")]
        public static partial void Noted(ILogger logger, string projectId, string note);

        [LoggerMessage(4, LogLevel.Error, "project {ProjectId}: {Count} chunks that backups need are missing; run 'strongroom repo check'")]
        public static partial void Missing(ILogger logger, string projectId, long count);

        [LoggerMessage(5, LogLevel.Error, "freeing space of project {ProjectId} failed; it is tried again")]
        public static partial void Failed(ILogger logger, Exception error, string projectId);
    }
}
