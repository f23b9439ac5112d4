using Strongroom.ObjectStores;

namespace Strongroom.Server.Tasks;

/// <summary>What a running task waits for when it does not move. Pure.</summary>
internal static class TaskStall
{
    /// <summary>A run that has told nothing new for so long stands: its worker then writes why into the task.</summary>
    public static readonly TimeSpan StandsAfter = TimeSpan.FromSeconds(30);

    // Several times what a call takes that is slow and nothing else.
    private static readonly TimeSpan StoreHoldsUpAfter = TimeSpan.FromSeconds(10);

    // Within this a worker that lives has written why a run of it stands.
    private static readonly TimeSpan WorkerTellsWithin = 3 * StandsAfter;

    /// <summary>In the words of its worker: what the store makes it wait for, or by where the run is.</summary>
    public static string CauseOf(TaskPhase phase, StoreActivity store) => store.Trouble(StoreHoldsUpAfter) is { } trouble
        ? $"it waits for the store, which {trouble}"
        : phase switch
        {
            TaskPhase.Opening => "it waits for its source to open: is the device or file system there, and does it answer?",
            TaskPhase.Reading => "it waits for its source to be read: the store has kept up.",
            TaskPhase.Committing => "it waits for the end of the backup to be put together: the store has kept up.",
            TaskPhase.Writing => "it waits for its target to be written: the store has kept up.",
            TaskPhase.Checking => "it waits for its target to be read back: the store has kept up.",
            _ => "it waits for its worker.",
        };

    /// <summary>Why a task stands, from its row; null when it moves, as far as anybody can tell.</summary>
    public static string? CauseOf(TaskRecord task, DateTimeOffset now) => task.State != TaskState.Running
        ? null
        : task.Stall ?? (now - task.UpdatedAt >= WorkerTellsWithin
            ? "its worker tells nothing of it any more: does a process of the role worker run, and does it reach the database?"
            : null);
}
