using Strongroom.Contract;
using Strongroom.Drivers;
using Strongroom.Protection;

namespace Strongroom.Server.Tasks;

internal sealed class ProtectionEngine : IProtectionEngine
{
    public Task<BackupOutcome> BackupAsync(BackupRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken) => throw Missing();

    public Task<RestoreOutcome> RestoreAsync(RestoreRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken) => throw Missing();

    public Task<BackupOutcome?> FindBackupAsync(string domainId, string backupId, CancellationToken cancellationToken) => throw Missing();

    public Task DropBackupAsync(string domainId, string backupId, CancellationToken cancellationToken) => throw Missing();

    public Task<ResourceState> InspectAsync(string location, string? driver, CancellationToken cancellationToken) => throw Missing();

    private static RefusedException Missing() => new(ErrorCodes.Unknown, "This build has no repository yet.");
}
