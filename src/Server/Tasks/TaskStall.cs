namespace Strongroom.Server.Tasks;

/// <summary>What a running task waits for when it does not move, by where it is. Pure.</summary>
internal static class TaskStall
{
    public static string CauseOf(TaskRecord task) => task.Progress.Phase switch
    {
        TaskPhase.Opening => "it waits for its source to open: is the device or file system there, and does it answer?",
        TaskPhase.Reading => "it waits for its source to be read, or for the store to take what was read.",
        TaskPhase.Committing => "it waits for the store to take the end of the backup.",
        TaskPhase.Writing => "it waits for its target to be written, or for the store to be read.",
        TaskPhase.Checking => "it waits for its target to be read back.",
        _ => "it waits for its worker.",
    };
}
