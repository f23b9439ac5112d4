using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Drivers;
using Strongroom.Protection;
using Strongroom.Server.Database;
using Strongroom.Server.Notifications;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Retention;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>
/// Makes the backup a task asks for: the row's id is the backup's id in the repository, those of the rows beneath it are
/// its members'. When a process died in between, the repository says whether the backup exists; then only the rows are left
/// to complete.
/// </summary>
internal sealed class BackupWork(MetadataDatabase database, IProtectionEngine engine, TaskOptions options, TimeProvider time) : ITaskWork
{
    public TaskKind Kind => TaskKind.Backup;

    public ValueTask BeginAsync(DbSession session, TaskRecord task, DateTimeOffset now, CancellationToken cancellationToken) =>
        BackupTable.MoveWithChildrenAsync(session, task.BackupId!.Value, BackupStatus.Protecting, now, cancellationToken);

    public async Task<TaskResult> RunAsync(
        TaskRecord task, TaskLease lease, IProgress<RunProgress> progress, CancellationToken cancellationToken)
    {
        string backupId = task.BackupId!.Value.Value;
        if (task.Attempts > 1)
        {
            if (await engine.FindBackupAsync(task.ProjectId, backupId, cancellationToken) is { } committed)
                return Complete(task, committed);
            if (task.Attempts > options.AttemptsMax)
                return Fail(task, TaskEnd.Interrupted("backup", options.AttemptsMax), hasWritten: false);
        }

        (BackupRequest request, VaultRoom room) = await BuildAsync(task, lease, cancellationToken);
        await using var watch = new RoomWatch(
            room, token => database.ReadAsync(session => RoomAsync(session, task, token), token), options.ProgressInterval, time, progress, cancellationToken);
        try
        {
            return Complete(task, await engine.BackupAsync(request, watch, watch.Token));
        }
        catch (OperationCanceledException) when (watch.IsOver && !cancellationToken.IsCancellationRequested)
        {
            throw room.Full();
        }
        catch (Exception error) when (error is not (OperationCanceledException or LeaseLostException or DriverException or RefusedException))
        {
            // A commit whose answer was lost, or made by a worker that was taken for dead: the root is there all the same.
            if (await engine.FindBackupAsync(task.ProjectId, backupId, cancellationToken) is { } committed)
                return Complete(task, committed);
            throw;
        }
    }

    public TaskResult Fail(TaskRecord task, Exception error, bool hasWritten)
    {
        TaskEnd end = TaskFailure.OfBackup(error);
        // A resource that is not there any more shows it in its vault; one that could not be read this time may be next time.
        bool isGone = error is DriverException { Failure: DriverFailure.Missing };
        return Fail(task, end, isGone ? ProtectStatuses.Error : ProtectStatuses.Available);
    }

    public TaskResult Fail(TaskRecord task, TaskEnd end, bool hasWritten) =>
        end.ErrorCode == TaskFailure.Cancelled ? Discard(task, end) : Fail(task, end, ProtectStatuses.Available);

    /// <summary>What was cancelled leaves nothing behind but its task. Should a process that died have got as far as the root, the purge drops it.</summary>
    private static TaskResult Discard(TaskRecord task, TaskEnd end) => new(end, async (session, _, cancellationToken) =>
    {
        await BackupTable.DiscardAsync(session, task.BackupId!.Value, await InstallationClock.ReadAsync(session, cancellationToken), cancellationToken);
        await VaultTable.SetProtectStatusAsync(session, [new ResourceId(task.ResourceId)], ProtectStatuses.Available, cancellationToken);
    });

    private static TaskResult Fail(TaskRecord task, TaskEnd end, string protectStatus) => new(end, async (session, now, cancellationToken) =>
    {
        await BackupTable.MoveWithChildrenAsync(session, task.BackupId!.Value, BackupStatus.Error, now, cancellationToken);
        await VaultTable.SetProtectStatusAsync(session, [new ResourceId(task.ResourceId)], protectStatus, cancellationToken);
        await RetentionQueue.AddAsync(session, task.VaultId!.Value, new ResourceId(task.ResourceId), cancellationToken);
    });

    private static TaskResult Complete(TaskRecord task, BackupOutcome outcome)
    {
        TaskEnd end = TaskEnd.Ended("backup", outcome.ProblemCount, outcome.Problems) with
        {
            BytesChanged = outcome.Members.Sum(member => member.ChangedBytes),
            BytesStored = outcome.Members.Sum(member => member.StoredBytes),
        };
        return new TaskResult(end, async (session, now, cancellationToken) =>
        {
            BackupId id = task.BackupId!.Value;
            var resourceId = new ResourceId(task.ResourceId);

            bool isFirst = await IsFirstAsync(session, task, cancellationToken);
            long Counted(MemberOutcome member) => CountedBytes(member, isFirst);
            foreach (MemberOutcome member in outcome.Members.Where(member => member.MemberId != id.Value))
            {
                var part = new BackupResult(member.SizeBytes, Counted(member), member.StoredBytes, 0, outcome.ProtectedAt);
                await BackupTable.CompleteAsync(session, new BackupId(member.MemberId), part, now, cancellationToken);
            }

            long countedBytes = outcome.Members.Sum(Counted);
            var whole = new BackupResult(
                outcome.Members.Sum(member => member.SizeBytes), countedBytes, end.BytesStored, outcome.ProblemCount, outcome.ProtectedAt);
            await BackupTable.CompleteAsync(session, id, whole, now, cancellationToken);
            await StampAsync(session, task, cancellationToken);

            // First of the two, since it locks the binding that the refresh then reads and writes.
            await VaultTable.AddUsageAsync(session, task.VaultId!.Value, resourceId, countedBytes, 1, cancellationToken);
            await VaultTable.ExpandAsync(session, task.VaultId.Value, cancellationToken);
            await NotificationOutbox.WatchVaultAsync(session, task.VaultId.Value, now, cancellationToken);
            await ResourceTable.KeepSizesAsync(session, id, cancellationToken);
            await VaultBinder.RefreshAsync(session, task.ProjectId, resourceId, cancellationToken);
            await VaultTable.SetProtectStatusAsync(session, [resourceId], ProtectStatuses.Available, cancellationToken);
            await RetentionQueue.AddAsync(session, task.VaultId.Value, resourceId, cancellationToken);
        });
    }

    /// <summary>When it expires, by the policy its vault has now: fixed from here on, whatever becomes of the policy.</summary>
    private static async ValueTask StampAsync(DbSession session, TaskRecord task, CancellationToken cancellationToken)
    {
        Backup backup = await BackupTable.FindAsync(session, task.ProjectId, task.BackupId!.Value, cancellationToken)
            ?? throw new InvalidOperationException($"Backup {task.BackupId} was completed and is not there.");
        RetentionRule rule = backup.AutoTrigger
            ? RetentionRule.Of(await PolicyTable.FindOfVaultAsync(session, backup.VaultId, cancellationToken))
            : RetentionRule.Permanent;
        long tick = await InstallationClock.ReadAsync(session, cancellationToken);
        await BackupTable.StampAsync(session, backup.Id, rule.ExpiryOf(backup.CreatedAt), tick, cancellationToken);
    }

    private async Task<(BackupRequest Request, VaultRoom Room)> BuildAsync(TaskRecord task, TaskLease lease, CancellationToken cancellationToken)
    {
        (Backup backup, List<BackupMember> members, VaultRoom room) = await database.ReadAsync(
            async session =>
            {
                BackupId id = task.BackupId!.Value;
                Backup backup = await BackupTable.FindAsync(session, task.ProjectId, id, cancellationToken)
                    ?? throw new RefusedException(ErrorCodes.BackupMissing, $"There is no backup {id} any more.");
                List<Backup> read = backup.IsServer ? await BackupTable.ListChildrenAsync(session, id, cancellationToken) : [backup];
                var members = new List<BackupMember>(read.Count);
                foreach (Backup part in read)
                    members.Add(await MemberAsync(session, part, cancellationToken));
                return (backup, members, await RoomAsync(session, task, cancellationToken));
            },
            cancellationToken);

        // It may have filled up while the task waited.
        if (room.FreeBytes <= 0)
            throw room.Full();
        var request = new BackupRequest
        {
            DomainId = task.ProjectId,
            BackupId = backup.Id.Value,
            ResourceId = backup.ResourceId.Value,
            ResourceName = backup.ResourceName,
            ResourceType = backup.ResourceType,
            Members = members,
            CreatedAt = backup.CreatedAt,
            Incremental = backup.Incremental,
            Attributes = new Dictionary<string, string>
            {
                ["name"] = backup.Name,
                ["description"] = backup.Description ?? "",
                ["vault_id"] = backup.VaultId.Value,
                ["vault_name"] = task.VaultName ?? "",
                ["checkpoint_id"] = backup.CheckpointId.Value,
                ["provider_id"] = backup.ProviderId,
                ["enterprise_project_id"] = backup.EnterpriseProjectId,
                ["auto_trigger"] = backup.AutoTrigger ? "true" : "false",
                ["incremental"] = backup.Incremental ? "true" : "false",
            },
            BeforeCommit = async (outcome, cancellationToken) =>
                await database.WriteRelaxedAsync(session => TakeRoomAsync(session, task, lease, outcome, cancellationToken), cancellationToken),
        };
        return (request, room);
    }

    /// <summary>
    /// The fence, and the room of the vault: what is committed after this is counted, however many are committed at once. All
    /// that takes room, uses it or changes its size writes the vault's row and so waits here; a serializable transaction, of
    /// which there is one per backup, would make those that start a run of many backups lose again and again.
    /// </summary>
    private static async ValueTask TakeRoomAsync(
        DbSession session, TaskRecord task, TaskLease lease, BackupOutcome outcome, CancellationToken cancellationToken)
    {
        await VaultTable.HoldAsync(session, task.VaultId!.Value, cancellationToken);
        bool isFirst = await IsFirstAsync(session, task, cancellationToken);
        long countedBytes = outcome.Members.Sum(member => CountedBytes(member, isFirst));
        VaultRoom room = await RoomAsync(session, task, cancellationToken);
        if (countedBytes > room.FreeBytes)
            throw room.Full();
        if (!await TaskTable.TakeRoomAsync(session, lease, countedBytes, cancellationToken))
            throw new LeaseLostException(lease);
    }

    private static async ValueTask<VaultRoom> RoomAsync(DbSession session, TaskRecord task, CancellationToken cancellationToken) => VaultRoom.Of(
        await VaultTable.FindAsync(session, task.ProjectId, task.VaultId!.Value, cancellationToken),
        await TaskTable.TakenRoomAsync(session, task.VaultId.Value, task.Id, cancellationToken));

    /// <summary>
    /// What the vault holds of the resource decides what is the first one: a deleted backup that the run still could compare with
    /// does not make the next one small.
    /// </summary>
    private static async ValueTask<bool> IsFirstAsync(DbSession session, TaskRecord task, CancellationToken cancellationToken) =>
        !await BackupTable.HasAvailableAsync(session, task.VaultId!.Value, new ResourceId(task.ResourceId), cancellationToken);

    private static long CountedBytes(MemberOutcome member, bool isFirst) => isFirst ? member.DataBytes : member.ChangedBytes;

    private static async ValueTask<BackupMember> MemberAsync(DbSession session, Backup part, CancellationToken cancellationToken)
    {
        Resource? resource = await ResourceTable.FindAsync(session, part.ProjectId, part.ResourceId, cancellationToken);
        if (resource?.Path is null)
        {
            ErrorCode code = part.ResourceType == ResourceTypes.Disk ? ErrorCodes.DiskMissing : ErrorCodes.ResourceMissing;
            throw new RefusedException(code, $"{part.ResourceName} ({part.ResourceId}) is not registered any more.");
        }

        return new BackupMember(part.Id.Value, part.ResourceId.Value, part.ResourceName, resource.Path, resource.Driver);
    }
}
