namespace Strongroom.Contract.Tasks;

public sealed record TaskReply(TaskShape Task);

/// <summary>
/// A task with everything known of it, under <c>/strongroom/v1/{project_id}/tasks/{id}</c>: an addition of this product;
/// CBR clients see <see cref="OperationLogShape"/>.
/// </summary>
public sealed record TaskShape
{
    public required string Id { get; init; }

    public required string Kind { get; init; }

    /// <summary>
    /// As in the operation log, and one more: <c>partial</c>, for a run that ended but left something out. Its operation
    /// log says <c>failed</c>.
    /// </summary>
    public required string Status { get; init; }

    /// <summary><c>waiting</c>, <c>opening</c>, <c>reading</c>, <c>committing</c>, <c>writing</c>, <c>checking</c>, <c>done</c>.</summary>
    public required string Phase { get; init; }

    /// <summary>0 to 100; never falls.</summary>
    public required int Progress { get; init; }

    public required long BytesDone { get; init; }

    public required long BytesTotal { get; init; }

    /// <summary>Bytes that were not in the backup before.</summary>
    public required long BytesChanged { get; init; }

    /// <summary>What the store grew by.</summary>
    public required long BytesStored { get; init; }

    /// <summary>How fast <see cref="BytesDone"/> has grown lately; 0 when it does not.</summary>
    public long BytesPerSecond { get; init; }

    public required TaskErrorShape Error { get; init; }

    /// <summary>What to do about the error; empty when there is none, or nothing to do.</summary>
    public string Remedy { get; init; } = "";

    /// <summary>Why it does not move; null while it does, or is not running.</summary>
    public TaskStallShape? Stall { get; init; }

    /// <summary>What is missing or differs: how many things, and the first few of them.</summary>
    public required long ProblemCount { get; init; }

    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>How often it was started; above 1 when the process running it died.</summary>
    public required int Attempts { get; init; }

    public required bool CancelRequested { get; init; }

    public required string? VaultId { get; init; }

    public required string? BackupId { get; init; }

    public required string? CheckpointId { get; init; }

    public required string? PolicyId { get; init; }

    /// <summary>The slot of the policy it was made at; null when somebody asked for it.</summary>
    public required string? SlotAt { get; init; }

    /// <summary>What is out of the ordinary and no error: slots it catches up for, or why retention let a backup go. Else null.</summary>
    public required string? Notice { get; init; }

    public required TaskResourceShape Resource { get; init; }

    public required string CreatedAt { get; init; }

    public required string? StartedAt { get; init; }

    public required string? EndedAt { get; init; }

    /// <summary>Tasks that will start before this one; null when it is not waiting.</summary>
    public required int? QueuePosition { get; init; }

    /// <summary>What it waits for: a limit of its vault, of the workers or of the service, or those before it; null when it is not waiting.</summary>
    public string? WaitsFor { get; init; }
}

/// <param name="Since">When it last moved.</param>
/// <param name="Cause">What it waits for.</param>
public sealed record TaskStallShape(string Since, string Cause);
