using Strongroom.Drivers;
using Strongroom.Protection;
using Strongroom.Repository;

namespace Strongroom.Server.Tasks;

/// <summary>
/// All the service asks of the data plane: the installation's repository, the drivers, and the runs that join them. Every
/// member may be called in parallel.
/// </summary>
internal interface IProtectionEngine
{
    /// <summary>Makes a backup; returns when it is durable.</summary>
    Task<BackupOutcome> BackupAsync(BackupRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken);

    Task<RestoreOutcome> RestoreAsync(RestoreRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken);

    /// <summary>What a backup that was committed earlier holds; null when there is none of this id.</summary>
    Task<BackupOutcome?> FindBackupAsync(string domainId, string backupId, CancellationToken cancellationToken);

    /// <summary>Drops a backup's root, for good; space is freed by a collection later. A root that is not there is no error.</summary>
    Task DropBackupAsync(string domainId, string backupId, CancellationToken cancellationToken);

    /// <summary>The projects that have ever backed something up.</summary>
    Task<IReadOnlyList<string>> ListDomainsAsync(CancellationToken cancellationToken);

    /// <summary>Frees what no backup of a project needs; null when the project is gone.</summary>
    /// <exception cref="RepositoryException">Locked while another process collects it.</exception>
    Task<CollectionReport?> CollectAsync(string domainId, CancellationToken cancellationToken);

    /// <summary>What is at a location now.</summary>
    /// <exception cref="DriverException">Nothing, or nothing the driver handles.</exception>
    Task<ResourceState> InspectAsync(string location, string? driver, CancellationToken cancellationToken);
}
