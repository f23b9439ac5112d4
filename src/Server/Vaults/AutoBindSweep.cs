using Microsoft.Extensions.Hosting;
using Strongroom.Drivers;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Vaults;

/// <summary>
/// Looks every so often what the rules of vaults ask for (<see cref="AutoBinder"/>), and whether what could not be backed up, or
/// was missing, is there. Several processes may do so at once.
/// </summary>
internal sealed partial class AutoBindSweep(
    MetadataDatabase database, AutoBinder binder, IProtectionEngine engine, VaultOptions options, TimeProvider time, ILogger<AutoBindSweep> logger)
    : BackgroundService
{
    // Sources looked at in one pass; the longest unseen of more have their turn when others are back or gone.
    private const int ProbeCountMax = 1000;

    /// <summary>One pass over all projects. What fails for one is logged, and the others go on.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (string projectId in await database.ReadAsync(session => VaultTable.ListAutoBindProjectsAsync(session, cancellationToken), cancellationToken))
        {
            try
            {
                await ProbeAsync(projectId, cancellationToken);
                AutoBindReport report = await binder.BindAsync(projectId, cancellationToken);
                if (report.Joined.Count + report.Left.Count > 0)
                    Log.Changed(logger, projectId, report.Joined.Count, report.Left.Count, report.Refused.Count);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error, projectId);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (options.BindInterval > TimeSpan.Zero || options.BindInterval == Timeout.InfiniteTimeSpan)
        {
            await Task.Delay(options.BindInterval, time, stoppingToken);
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error, "all");
            }
        }
    }

    private async Task ProbeAsync(string projectId, CancellationToken cancellationToken)
    {
        List<Resource> suspects = await database.ReadAsync(
            async session =>
            {
                List<ResourceId> ids = await VaultTable.ListSuspectsAsync(session, projectId, ProbeCountMax, cancellationToken);
                return ids.Count == 0 ? [] : await ResourceTable.FindWithDisksAsync(session, projectId, ids, cancellationToken);
            },
            cancellationToken);
        ILookup<ResourceId?, Resource> disks = suspects.Where(resource => resource.ServerId is not null).ToLookup(resource => resource.ServerId);
        foreach (Resource resource in suspects.DistinctBy(resource => resource.Id))
        {
            // Of a server one disk that is there is enough.
            bool? isThere = resource.Path is not null ? await IsThereAsync(resource, cancellationToken) : false;
            foreach (Resource disk in resource.Path is null ? disks[resource.Id] : [])
            {
                if (isThere == false)
                    isThere = await IsThereAsync(disk, cancellationToken);
            }

            if (isThere is { } known && known != (resource.MissingSinceTick is null))
            {
                await database.WriteRelaxedAsync(
                    async session => await ResourceTable.SetMissingAsync(
                        session, resource.Id, known ? null : await InstallationClock.ReadAsync(session, cancellationToken), cancellationToken),
                    cancellationToken);
            }
        }
    }

    /// <summary>Null: it cannot be told.</summary>
    private async Task<bool?> IsThereAsync(Resource resource, CancellationToken cancellationToken)
    {
        try
        {
            await engine.InspectAsync(resource.Path!, resource.Driver, cancellationToken);
            return true;
        }
        catch (DriverException error)
        {
            return error.Failure == DriverFailure.Missing ? false : null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "project {ProjectId}: {Joined} resources have joined vaults by their rules, {Left} have left, {Refused} do not fit")]
        public static partial void Changed(ILogger logger, string projectId, int joined, int left, int refused);

        [LoggerMessage(2, LogLevel.Error, "automatic association in project {ProjectId} failed; it is tried again")]
        public static partial void Failed(ILogger logger, Exception error, string projectId);
    }
}
