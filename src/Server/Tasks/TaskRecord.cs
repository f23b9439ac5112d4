using System.Globalization;
using Strongroom.Server.Backups;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Tasks;

public readonly record struct TaskId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static TaskId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}

/// <summary>What a task does; its word on the wire is <c>operation_type</c>.</summary>
public enum TaskKind
{
    Backup,
    Restore,
    Delete,
    VaultDelete,
    RemoveResource,

    // Kinds clients may ask for in lists; nothing makes them yet.
    Copy,
    Replication,
    Sync,
}

public enum TaskState
{
    Waiting,
    Running,
    Success,
    Failed,
    Timeout,
    Skipped,
}

/// <summary>Where a running task is; the first and the last are the runner's, those between the run's.</summary>
public enum TaskPhase
{
    Waiting,
    Opening,
    Reading,
    Committing,
    Writing,
    Checking,
    Done,
}

/// <summary>The record of an operation a user can watch: <c>operation_log</c> on the wire.</summary>
public sealed record TaskRecord
{
    public required TaskId Id { get; init; }

    public required string ProjectId { get; init; }

    public required TaskKind Kind { get; init; }

    public TaskState State { get; init; } = TaskState.Waiting;

    public CheckpointId? CheckpointId { get; init; }

    public VaultId? VaultId { get; init; }

    public string? VaultName { get; init; }

    public string? PolicyId { get; init; }

    public required string ProviderId { get; init; }

    public required string EnterpriseProjectId { get; init; }

    /// <summary>What it is about: a resource's id, or the vault's own.</summary>
    public required string ResourceId { get; init; }

    public required string ResourceName { get; init; }

    public required string ResourceType { get; init; }

    public BackupId? BackupId { get; init; }

    public string? BackupName { get; init; }

    /// <summary>Of a restore: the server, disk or file system written to.</summary>
    public string? TargetId { get; init; }

    public string? TargetName { get; init; }

    /// <summary>JSON of <see cref="TaskPlan"/>; null when the columns say it all.</summary>
    public TaskPlan? Plan { get; init; }

    public required string RequestId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    public string ErrorCode { get; init; } = "";

    public string ErrorMessage { get; init; } = "";

    /// <summary>How much is missing or differs, and the first few of it.</summary>
    public long ProblemCount { get; init; }

    public IReadOnlyList<string> Problems { get; init; } = [];

    public TaskProgress Progress { get; init; } = TaskProgress.None;

    /// <summary>Of a running one that stands: what it waits for, as its worker said when it last looked.</summary>
    public string? Stall { get; init; }

    public bool CancelRequested { get; init; }

    /// <summary>The worker running it; null when none does.</summary>
    public string? WorkerId { get; init; }

    /// <summary>The fencing token: grows with every claim and every take-over.</summary>
    public long Token { get; init; }

    /// <summary>How often it was started.</summary>
    public int Attempts { get; init; }

    public bool IsPartial => State == TaskState.Failed && ErrorCode == TaskFailure.Partial;
}

/// <param name="Percent">0 to 100.</param>
/// <param name="BytesPerSecond">How fast <paramref name="BytesDone"/> has grown lately.</param>
public sealed record TaskProgress(
    TaskPhase Phase, int Percent, long BytesDone, long BytesTotal, long BytesChanged, long BytesStored, long BytesPerSecond = 0)
{
    public static TaskProgress None { get; } = new(TaskPhase.Waiting, 0, 0, 0, 0, 0);

    /// <summary>Of a task that was done within the request that asked for it.</summary>
    public static TaskProgress Complete { get; } = new(TaskPhase.Done, 100, 0, 0, 0, 0);
}

/// <summary>The right to run one task: void as soon as the row's token is another.</summary>
public readonly record struct TaskLease(TaskId TaskId, string WorkerId, long Token);

/// <summary>What is to be done, or was done, beyond the columns. Kept as JSON in the task's row, so members are only ever added.</summary>
public sealed record TaskPlan
{
    /// <summary>Restore: which member goes where.</summary>
    public IReadOnlyList<RestoreMapping> Mappings { get; init; } = [];

    /// <summary>Removal: which resources left the vault.</summary>
    public IReadOnlyList<PlannedResource> Resources { get; init; } = [];

    /// <summary>Removal: backups that went with them.</summary>
    public int BackupCount { get; init; }

    /// <summary>Removal: why retention let the backup go; null when somebody asked for it.</summary>
    public string? Reason { get; init; }

    /// <summary>Backup: the slot of a policy it was made at; null when somebody asked for it.</summary>
    public ScheduledRun? Run { get; init; }
}

/// <summary>A run of a policy.</summary>
/// <param name="SlotAt">When it was to be.</param>
/// <param name="MissedCount">Earlier slots at which nothing ran, which this run stands for as well.</param>
/// <param name="FirstMissedAt">The first of them; null when there are none.</param>
public sealed record ScheduledRun(DateTimeOffset SlotAt, int MissedCount, DateTimeOffset? FirstMissedAt)
{
    // A slot is looked for every few seconds; what is so much later was not there in time.
    private static readonly TimeSpan LateFrom = TimeSpan.FromMinutes(5);

    /// <summary>What a user should know of a run that is not the ordinary one; null when it is.</summary>
    public string? Notice(DateTimeOffset startedAt) => MissedCount > 0
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"Nothing ran at {MissedCount} earlier slots since {FirstMissedAt:yyyy-MM-dd HH:mm} UTC: this run of {SlotAt:yyyy-MM-dd HH:mm} UTC catches up for them all.")
        : startedAt - SlotAt >= LateFrom
            ? string.Create(CultureInfo.InvariantCulture, $"The slot was {SlotAt:yyyy-MM-dd HH:mm} UTC; nothing ran then, so it is caught up with now.")
            : null;
}

/// <param name="MemberId">The member backup that is read.</param>
/// <param name="ResourceId">The disk or file system that is written.</param>
public sealed record RestoreMapping(string MemberId, string ResourceId);

public sealed record PlannedResource(string Id, string Name, string Type);
