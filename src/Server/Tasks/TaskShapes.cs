using Strongroom.Contract;
using Strongroom.Contract.Tasks;

namespace Strongroom.Server.Tasks;

/// <summary>A task on the wire, in CBR's form and in ours.</summary>
internal static class TaskShapes
{
    public static OperationLogShape ToOperationLog(this TaskRecord task) => new()
    {
        Id = task.Id.Value,
        ProjectId = task.ProjectId,
        OperationType = WireWord.Of(task.Kind),
        Status = WireWord.Of(task.State),
        CheckpointId = task.CheckpointId?.Value,
        VaultId = task.VaultId?.Value,
        VaultName = task.VaultName,
        PolicyId = task.PolicyId,
        ProviderId = task.ProviderId,
        CreatedAt = WireUnits.Instant(task.CreatedAt),
        StartedAt = WireUnits.Instant(task.StartedAt ?? task.CreatedAt),
        EndedAt = Instant(task.EndedAt),
        UpdatedAt = WireUnits.Instant(task.UpdatedAt),
        ErrorInfo = new TaskErrorShape(task.ErrorCode, task.ErrorMessage),
        ExtraInfo = ExtraInfo(task),
    };

    /// <param name="task">The task.</param>
    /// <param name="queuePosition">Of a waiting one.</param>
    /// <param name="waitsFor">Of a waiting one.</param>
    /// <param name="now">For how long it has stood.</param>
    public static TaskShape ToShape(this TaskRecord task, int? queuePosition, string? waitsFor, DateTimeOffset now) => new()
    {
        Id = task.Id.Value,
        Kind = WireWord.Of(task.Kind),
        Status = task.IsPartial ? "partial" : WireWord.Of(task.State),
        Phase = WireWord.Of(task.Progress.Phase),
        Progress = task.Progress.Percent,
        BytesDone = task.Progress.BytesDone,
        BytesTotal = task.Progress.BytesTotal,
        BytesChanged = task.Progress.BytesChanged,
        BytesStored = task.Progress.BytesStored,
        BytesPerSecond = task.Progress.BytesPerSecond,
        Error = new TaskErrorShape(task.ErrorCode, task.ErrorMessage),
        Remedy = TaskRemedy.Of(task),
        Stall = TaskStall.CauseOf(task, now) is { } cause ? new TaskStallShape(WireUnits.Instant(task.UpdatedAt), cause) : null,
        ProblemCount = task.ProblemCount,
        Problems = task.Problems,
        Attempts = task.Attempts,
        CancelRequested = task.CancelRequested,
        VaultId = task.VaultId?.Value,
        BackupId = task.BackupId?.Value,
        CheckpointId = task.CheckpointId?.Value,
        PolicyId = task.PolicyId,
        SlotAt = Instant(task.Plan?.Run?.SlotAt),
        Notice = task.Plan?.Run?.Notice(task.CreatedAt) ?? task.Plan?.Reason,
        Resource = Resource(task),
        CreatedAt = WireUnits.Instant(task.CreatedAt),
        StartedAt = Instant(task.StartedAt),
        EndedAt = Instant(task.EndedAt),
        QueuePosition = queuePosition,
        WaitsFor = waitsFor,
    };

    private static TaskExtraInfoShape ExtraInfo(TaskRecord task)
    {
        string backupId = task.BackupId?.Value ?? "";
        string backupName = task.BackupName ?? "";
        var extraInfo = new TaskExtraInfoShape
        {
            Common = new TaskCommonShape(task.Progress.Percent, "req-" + task.RequestId, task.Id.Value),
            Resource = Resource(task),
        };
        int count = task.Plan?.BackupCount ?? 0;
        return task.Kind switch
        {
            // A slot that was skipped, or whose vault was full, has no backup to name.
            TaskKind.Backup when task.BackupId is null => extraInfo,
            TaskKind.Backup => extraInfo with { Backup = new TaskBackupShape { BackupId = backupId, BackupName = backupName } },
            TaskKind.Restore => extraInfo with { Restore = new TaskRestoreShape(backupId, backupName, task.TargetId ?? "", task.TargetName ?? "") },
            TaskKind.Delete => extraInfo with { Delete = new TaskDeleteShape(backupId, backupName) },
            TaskKind.VaultDelete => extraInfo with { VaultDelete = new TaskVaultDeleteShape(0, count) },
            TaskKind.RemoveResource => extraInfo with
            {
                RemoveResources = new TaskRemoveResourcesShape(
                    0,
                    task.Plan?.Resources.Count ?? 0,
                    (task.Plan?.Resources ?? []).Select(resource => new TaskResourceShape(resource.Id, resource.Name, resource.Type)).ToList()),
            },
            _ => extraInfo,
        };
    }

    private static TaskResourceShape Resource(TaskRecord task) => new(task.ResourceId, task.ResourceName, task.ResourceType);

    private static string? Instant(DateTimeOffset? instant) => instant is { } at ? WireUnits.Instant(at) : null;
}
