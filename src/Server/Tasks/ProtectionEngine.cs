using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Strongroom.Drivers;
using Strongroom.ObjectStores;
using Strongroom.Protection;
using Strongroom.Repository;

namespace Strongroom.Server.Tasks;

/// <summary>The real data plane: the installation's repository, opened (and made, the first time) when the process starts.</summary>
/// <remarks>
/// A project's domain is opened for each operation and closed after it: what it remembers of the index takes some tens of
/// MiB, which must be bounded by the tasks that run and not by the projects there are.
/// </remarks>
internal sealed partial class ProtectionEngine(ServerOptions options, DriverCatalog drivers, StoreActivity activity, TimeProvider time, ILogger<ProtectionEngine> logger)
    : IProtectionEngine, IHostedService, IAsyncDisposable
{
    private InstallationRepository? installation;

    private BackupRepository Repository =>
        installation?.Repository ?? throw new InvalidOperationException("Only a process with the role worker opens the repository.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        options.ObjectStore.Activity = activity;
        options.ObjectStore.Waiting = (failure, delay) => Log.StoreIsAway(logger, failure.Message, delay);
        try
        {
            installation = await InstallationRepository.OpenOrCreateAsync(options, options.Repository, time, cancellationToken);
        }
        catch (Exception error) when (error is RepositoryException or ObjectStoreException or ArgumentException)
        {
            throw new StartRefusedException($"The repository cannot be opened: {error.Message}", error);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<BackupOutcome> BackupAsync(BackupRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken)
    {
        await using RepositoryDomain domain = await Repository.OpenDomainAsync(request.DomainId, create: true, cancellationToken);
        return await new BackupRun(domain, drivers, options.Protection, time).RunAsync(request, progress, cancellationToken);
    }

    public async Task<RestoreOutcome> RestoreAsync(RestoreRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken)
    {
        await using RepositoryDomain domain = await Repository.OpenDomainAsync(request.DomainId, create: false, cancellationToken);
        return await new RestoreRun(domain, drivers, options.Protection, time).RunAsync(request, progress, cancellationToken);
    }

    public async Task<BackupOutcome?> FindBackupAsync(string domainId, string backupId, CancellationToken cancellationToken)
    {
        try
        {
            await using RepositoryDomain domain = await Repository.OpenDomainAsync(domainId, create: false, cancellationToken);
            return await domain.FindBackupAsync(backupId, cancellationToken) is { } record && record.Id == backupId ? BackupOutcome.Of(record) : null;
        }
        catch (RepositoryException error) when (error.Failure == RepositoryFailure.NotFound)
        {
            return null;
        }
    }

    public async Task DropBackupAsync(string domainId, string backupId, CancellationToken cancellationToken)
    {
        try
        {
            await using RepositoryDomain domain = await Repository.OpenDomainAsync(domainId, create: false, cancellationToken);
            await domain.DeleteBackupAsync(backupId, cancellationToken);
        }
        catch (RepositoryException error) when (error.Failure == RepositoryFailure.NotFound)
        {
            // The project never got as far as a backup.
        }
    }

    public async Task<IReadOnlyList<string>> ListDomainsAsync(CancellationToken cancellationToken) =>
        await Repository.ListDomainsAsync(cancellationToken).ToListAsync(cancellationToken);

    public async Task<CollectionReport?> CollectAsync(string domainId, CancellationToken cancellationToken)
    {
        try
        {
            await using RepositoryDomain domain = await Repository.OpenDomainAsync(domainId, create: false, cancellationToken);
            return await GarbageCollection.RunAsync(domain, new CollectionOptions(), progress: null, cancellationToken);
        }
        catch (RepositoryException error) when (error.Failure == RepositoryFailure.NotFound)
        {
            return null;
        }
    }

    public async Task<ResourceState> InspectAsync(string location, string? driver, CancellationToken cancellationToken)
    {
        IResourceDriver chosen = driver is null
            ? drivers.ForSource(location)
            : drivers.Find(driver) ?? throw new DriverException(DriverFailure.WrongKind, location, "look", $"there is no driver named {driver}");
        return await chosen.InspectAsync(location, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (installation is not null)
            await installation.DisposeAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "the store cannot be opened yet, tried again in {Delay}: {Message}")]
        public static partial void StoreIsAway(ILogger logger, string message, TimeSpan delay);
    }
}
