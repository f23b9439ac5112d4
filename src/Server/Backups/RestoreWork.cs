using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Protection;
using Strongroom.Repository;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;
using Strongroom.Server.Shares;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>
/// Writes a backup, or some disks of it, back to where the task's plan says. Doing it again writes the same bytes again, so
/// a task whose process died is simply run once more.
/// </summary>
internal sealed class RestoreWork(MetadataDatabase database, IProtectionEngine engine, TaskOptions options) : ITaskWork
{
    public TaskKind Kind => TaskKind.Restore;

    public ValueTask BeginAsync(DbSession session, TaskRecord task, DateTimeOffset now, CancellationToken cancellationToken) =>
        BackupTable.MoveWithParentAsync(session, task.BackupId!.Value, BackupStatus.Restoring, now, cancellationToken);

    public async Task<TaskResult> RunAsync(
        TaskRecord task, TaskLease lease, IProgress<RunProgress> progress, CancellationToken cancellationToken)
    {
        if (task.Attempts > options.AttemptsMax)
            return Fail(task, TaskEnd.Interrupted("restore", options.AttemptsMax), hasWritten: true);
        RestoreRequest request = await BuildAsync(task, cancellationToken);
        RestoreOutcome outcome = await engine.RestoreAsync(request, progress, cancellationToken);
        return Settled(task, TaskEnd.Ended("restore", outcome.ProblemCount, outcome.Problems), ProtectStatuses.Available);
    }

    public TaskResult Fail(TaskRecord task, Exception error, bool hasWritten)
    {
        TaskEnd end = TaskFailure.OfRestore(error);
        // Which backup cannot be read stands beside what is damaged.
        return Fail(task, error is RepositoryException ? end with { ErrorMessage = $"Backup {task.BackupId}: {end.ErrorMessage}" } : end, hasWritten);
    }

    /// <summary>A target half overwritten shows it in its vault, until a later restore or backup of it succeeds.</summary>
    public TaskResult Fail(TaskRecord task, TaskEnd end, bool hasWritten) =>
        Settled(task, end, hasWritten ? ProtectStatuses.Error : ProtectStatuses.Available);

    private static TaskResult Settled(TaskRecord task, TaskEnd end, string protectStatus) => new(end, async (session, now, cancellationToken) =>
    {
        // Whatever became of the target, the backup is as good as before.
        await BackupTable.MoveWithParentAsync(session, task.BackupId!.Value, BackupStatus.Available, now, cancellationToken);
        await VaultTable.SetProtectStatusAsync(session, Touched(task), protectStatus, cancellationToken);
    });

    /// <summary>The target and, of a server, the disks that are written.</summary>
    public static List<ResourceId> Touched(TaskRecord task) =>
        task.Plan!.Mappings.Select(mapping => mapping.ResourceId).Append(task.TargetId!).Distinct().Select(id => new ResourceId(id)).ToList();

    private Task<RestoreRequest> BuildAsync(TaskRecord task, CancellationToken cancellationToken) => database.ReadAsync(
        async session =>
        {
            BackupId id = task.BackupId!.Value;
            // Of a shared backup it is the owner's repository that is read, and only while the share is accepted.
            SeenBackup seen = await BackupTable.FindSeenAsync(session, task.ProjectId, id, [ShareStatus.Accepted], cancellationToken)
                ?? throw new RefusedException(ErrorCodes.BackupMissing, $"There is no backup {id} any more.");
            Backup backup = seen.Backup;
            var members = new List<RestoreMember>();
            foreach (RestoreMapping mapping in task.Plan!.Mappings)
            {
                Resource? target = await ResourceTable.FindAsync(session, task.ProjectId, new ResourceId(mapping.ResourceId), cancellationToken);
                if (target?.Path is null)
                {
                    ErrorCode code = backup.ResourceType == ResourceTypes.FileSystem ? ErrorCodes.ResourceMissing : ErrorCodes.DiskMissing;
                    throw new RefusedException(code, $"{mapping.ResourceId} is not registered any more.");
                }

                // The target becomes what the backup holds, as a disk does. What a partial backup could not read must not be
                // removed for that.
                members.Add(new RestoreMember(mapping.MemberId, target.Path, target.Driver, RemoveOthers: backup.ProblemCount == 0));
            }

            return new RestoreRequest { DomainId = backup.ProjectId, BackupId = id.Value, Members = members };
        },
        cancellationToken);
}
