using Strongroom.Contract;
using Strongroom.Drivers;
using Strongroom.ObjectStores;
using Strongroom.Repository;
using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>How a task ended, as its row says it.</summary>
internal sealed record TaskEnd
{
    public required TaskState State { get; init; }

    public string ErrorCode { get; init; } = "";

    public string ErrorMessage { get; init; } = "";

    public long ProblemCount { get; init; }

    public IReadOnlyList<string> Problems { get; init; } = [];

    public long BytesChanged { get; init; }

    public long BytesStored { get; init; }

    /// <summary>The run went to its end, whether or not something is missing.</summary>
    public bool IsComplete => State == TaskState.Success || ErrorCode == TaskFailure.Partial;

    /// <summary>The task as it is with this end, in what is told of it.</summary>
    public TaskRecord Of(TaskRecord task) => task with
    {
        State = State,
        ErrorCode = ErrorCode,
        ErrorMessage = ErrorMessage,
        ProblemCount = ProblemCount,
        Problems = Problems,
    };

    public static TaskEnd Success { get; } = new() { State = TaskState.Success };

    public static TaskEnd Failed(string code, string message) => new() { State = TaskState.Failed, ErrorCode = code, ErrorMessage = message };

    /// <summary>The processes running it died, once too often.</summary>
    public static TaskEnd Interrupted(string what, int attempts) => Failed(
        TaskFailure.Interrupted,
        $"The service ended {attempts} times while this {what} ran: look for the cause in its log before trying again.");

    /// <summary>A run that ended: success, or partial when it left something out.</summary>
    public static TaskEnd Ended(string what, long problemCount, IReadOnlyList<string> problems) =>
        problemCount == 0
            ? Success
            : new TaskEnd
            {
                State = TaskState.Failed,
                ErrorCode = TaskFailure.Partial,
                ErrorMessage = $"The {what} is partial: {problemCount} {(problemCount == 1 ? "entry is" : "entries are")} missing or differ: "
                    + string.Join("; ", problems.Take(TaskFailure.NamedProblemCount)) + (problemCount > TaskFailure.NamedProblemCount ? "; …" : ""),
                ProblemCount = problemCount,
                Problems = problems,
            };
}

/// <summary>
/// The codes a failed task carries: those of the wire where one fits, and a few of ours where it has none
/// (docs/api-compatibility.md, operation logs).
/// </summary>
internal static class TaskFailure
{
    /// <summary>It ended, but not everything that was asked for is there.</summary>
    public const string Partial = "Strongroom.0001";

    public const string Cancelled = "Strongroom.0002";

    /// <summary>The processes running it died, each time.</summary>
    public const string Interrupted = "Strongroom.0003";

    /// <summary>How the message begins when the object store was the cause: the code is that of everything unforeseen.</summary>
    public const string StoreFailed = "The object store failed: ";

    /// <summary>How many problems a message names; the task keeps the first hundred.</summary>
    public const int NamedProblemCount = 3;

    /// <param name="error">What a backup threw.</param>
    public static TaskEnd OfBackup(Exception error) => error switch
    {
        RefusedException refused => TaskEnd.Failed(refused.Error.Code, refused.Message),
        DriverException driver => TaskEnd.Failed(
            driver.Failure switch
            {
                DriverFailure.Missing => ErrorCodes.DiskMissing.Code,
                DriverFailure.InUse => ErrorCodes.DiskStateForbidsBackup.Code,
                _ => ErrorCodes.ResourceStateForbidsBackup.Code,
            },
            driver.Message),
        _ => OfAny(error),
    };

    /// <param name="error">What a restore threw.</param>
    public static TaskEnd OfRestore(Exception error) => error switch
    {
        RefusedException refused => TaskEnd.Failed(refused.Error.Code, refused.Message),
        DriverException driver => TaskEnd.Failed(
            driver.Failure switch
            {
                DriverFailure.Missing => ErrorCodes.DiskMissing.Code,
                DriverFailure.TooSmall or DriverFailure.Full => ErrorCodes.RestoreTargetTooSmall.Code,
                DriverFailure.InUse => ErrorCodes.DiskStateForbidsRestore.Code,
                _ => ErrorCodes.DisksNotRestorable.Code,
            },
            driver.Message),
        _ => OfAny(error),
    };

    private static TaskEnd OfAny(Exception error) => error switch
    {
        ObjectStoreException store => TaskEnd.Failed(ErrorCodes.Unknown.Code, StoreFailed + store.Message),
        RepositoryException { Failure: RepositoryFailure.Unreadable } unreadable => TaskEnd.Failed(
            ErrorCodes.Unknown.Code, $"{StoreFailed}{unreadable.Message} 'strongroom repo check' tells which backups are touched."),
        RepositoryException { Failure: RepositoryFailure.Damaged } damaged => TaskEnd.Failed(
            ErrorCodes.Unknown.Code, $"The repository is damaged: {damaged.Message} 'strongroom repo check' tells which backups are touched."),
        RepositoryException repository => TaskEnd.Failed(ErrorCodes.Unknown.Code, $"The repository refused: {repository.Message}"),
        _ => TaskEnd.Failed(
            ErrorCodes.Unknown.Code, $"{error.GetType().Name}: {error.Message} The service's log tells more under the task's id."),
    };
}

/// <summary>Thrown where a run finds that its task was given to another worker. It must change nothing any more.</summary>
internal sealed class LeaseLostException(TaskLease lease)
    : Exception($"Task {lease.TaskId} was given to another worker (token {lease.Token} is void).");

/// <summary>What one kind of task does.</summary>
internal interface ITaskWork
{
    TaskKind Kind { get; }

    /// <summary>In the transaction that claims the task: what it works on shows that it is being worked on.</summary>
    ValueTask BeginAsync(DbSession session, TaskRecord task, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Does it. May be called again for the same task after a process died, and then picks up what that one left.</summary>
    Task<TaskResult> RunAsync(TaskRecord task, TaskLease lease, IProgress<Protection.RunProgress> progress, CancellationToken cancellationToken);

    /// <summary>What there is to settle when it could not be done.</summary>
    /// <param name="task">As it was claimed.</param>
    /// <param name="error">What it threw.</param>
    /// <param name="hasWritten">A target may have been written to.</param>
    TaskResult Fail(TaskRecord task, Exception error, bool hasWritten);

    /// <summary>The same where the words are known.</summary>
    TaskResult Fail(TaskRecord task, TaskEnd end, bool hasWritten);
}

/// <summary>The end of a task, and the rows that change with it, in the same transaction.</summary>
internal sealed record TaskResult(TaskEnd End, Func<DbSession, DateTimeOffset, CancellationToken, ValueTask> SettleAsync);
