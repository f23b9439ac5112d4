using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>Removes tokens, temporary access keys and used signatures that have expired anyway; several processes may do so at once.</summary>
internal sealed partial class ExpiredIdentitySweep(MetadataDatabase database, TimeProvider time, ILogger<ExpiredIdentitySweep> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await database.WriteRelaxedAsync(
                    async session =>
                    {
                        await TokenTable.DeleteExpiredAsync(session, time.GetUtcNow(), stoppingToken);
                        await CredentialTable.DeleteExpiredAsync(session, time.GetUtcNow(), stoppingToken);
                        await UsedSignatureTable.DeleteExpiredAsync(session, time.GetUtcNow(), stoppingToken);
                    },
                    stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Expired tokens and signatures were not removed; the next round tries again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
