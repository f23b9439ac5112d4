using System.Globalization;
using Strongroom.Contract;
using Strongroom.Contract.Notifications;
using Strongroom.Contract.Tasks;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Notifications;

/// <summary>
/// Writes what is to be told, in the transaction of the change that causes it: what is committed is told, however the
/// process ends, and what is rolled back is not. A vault whose <c>smn_notify</c> is off has nothing told of it.
/// </summary>
internal static class NotificationOutbox
{
    private const int ProblemCountMax = 10;

    /// <summary>A task ended, or was over before it began. Told when it failed, is partial or was skipped; not when somebody cancelled it.</summary>
    public static async ValueTask TaskEndedAsync(DbSession session, TaskRecord task, DateTimeOffset now, CancellationToken cancellationToken)
    {
        NotificationKind? kind = task.State switch
        {
            TaskState.Failed when task.ErrorCode == TaskFailure.Cancelled => null,
            TaskState.Failed when task.IsPartial => NotificationKind.TaskPartial,
            TaskState.Failed or TaskState.Timeout => NotificationKind.TaskFailed,
            TaskState.Skipped => NotificationKind.SlotSkipped,
            _ => null,
        };
        if (kind is not { } told)
            return;
        string what = told switch
        {
            NotificationKind.TaskPartial => "is partial",
            NotificationKind.SlotSkipped => "was skipped",
            _ => "failed",
        };
        NotificationShape shape = Notification.Shape(told, task.ProjectId, $"The {Describe(task)} {what}: {OneLine(task.ErrorMessage)}", now) with { Task = Told(task, null) };
        await NotificationTable.InsertAsync(session, Notification.Of(shape, now), task.VaultId?.Value, cancellationToken);
    }

    /// <summary>A task stands. Told once for each time it does, by whichever process sees it first.</summary>
    public static async ValueTask TaskStalledAsync(DbSession session, TaskRecord task, string cause, DateTimeOffset now, CancellationToken cancellationToken)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"The {Describe(task)} has stood at {task.Progress.Percent} % since {Notification.Instant(task.UpdatedAt)}: {OneLine(cause)}");
        NotificationShape shape = Notification.Shape(NotificationKind.TaskStalled, task.ProjectId, text, now) with { Task = Told(task, cause) };
        string key = string.Create(CultureInfo.InvariantCulture, $"stall/{task.Id}/{task.UpdatedAt.ToMicroseconds()}");
        await NotificationTable.InsertAsync(session, Notification.Of(shape, now, key), task.VaultId?.Value, cancellationToken);
    }

    /// <summary>Tells of a vault that has come above its threshold, or is full, since this was asked last. Belongs after whatever filled or emptied it.</summary>
    public static async ValueTask WatchVaultAsync(DbSession session, VaultId id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (await VaultTable.TakeFullnessAsync(session, id, cancellationToken) is not { } vault || !vault.HasRisen)
            return;
        bool isFull = vault.Level == VaultFullness.Full;
        NotificationKind kind = isFull ? NotificationKind.VaultFull : NotificationKind.VaultThreshold;
        int percent = vault.UsedPercent;
        string text = isFull
            ? $"Vault {OneLine(vault.Name)} ({id}) is full: its {vault.SizeGb} GB take no further backups. Enlarge it, switch auto_expand on, or let its policy keep less."
            : $"Vault {OneLine(vault.Name)} ({id}) is {percent} % full: its threshold is {vault.Threshold} %.";
        NotificationShape shape = Notification.Shape(kind, vault.ProjectId, text, now) with { Vault = Told(vault) };
        await NotificationTable.InsertAsync(session, Notification.Of(shape, now), id.Value, cancellationToken);
    }

    public static NotifiedTaskShape Told(TaskRecord task, string? cause) => new()
    {
        Id = task.Id.Value,
        ProjectId = task.ProjectId,
        Kind = WireWord.Of(task.Kind),
        Status = task.IsPartial ? "partial" : WireWord.Of(task.State),
        Error = new TaskErrorShape(task.ErrorCode, task.ErrorMessage),
        ProblemCount = task.ProblemCount,
        Problems = [.. task.Problems.Take(ProblemCountMax)],
        Resource = new TaskResourceShape(task.ResourceId, task.ResourceName, task.ResourceType),
        VaultId = task.VaultId?.Value,
        VaultName = task.VaultName,
        PolicyId = task.PolicyId,
        BackupId = task.BackupId?.Value,
        Cause = cause,
        Remedy = TaskRemedy.Of(task),
    };

    public static NotifiedVaultShape Told(VaultFullness vault) => new(
        vault.Id.Value, vault.ProjectId, vault.Name, vault.SizeGb * WireUnits.BytesPerGb, vault.UsedBytes, vault.UsedPercent, vault.Threshold);

    /// <summary>As in <c>backup of web-1 into vault nightly</c>.</summary>
    public static string Describe(TaskRecord task)
    {
        string noun = WireWord.Of(task.Kind).Replace('_', ' ');
        string vault = task.VaultName is { Length: > 0 } name && task.ResourceId != task.VaultId?.Value ? $" (vault {OneLine(name)})" : "";
        return $"{noun} of {OneLine(task.ResourceName.Length > 0 ? task.ResourceName : task.ResourceId)}{vault}";
    }

    // What a user named, and messages with file names in them, must not end a line of a mail or a subject.
    public static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
