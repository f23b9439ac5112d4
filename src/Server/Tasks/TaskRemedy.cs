using Strongroom.Contract;

namespace Strongroom.Server.Tasks;

/// <summary>What to do about a task that did not succeed, by its code. Pure; the message of the task says what happened.</summary>
internal static class TaskRemedy
{
    private static readonly Dictionary<string, string> ByCode = new(StringComparer.Ordinal)
    {
        [TaskFailure.Partial] = "Make what is named readable, or leave it out, and back up again: what is there can be restored.",
        [TaskFailure.Cancelled] = "",
        [TaskFailure.Interrupted] = "Look in the service's log for what ended it (out of memory, power, an update), then ask for it again.",
        [ErrorCodes.VaultFull.Code] = "Enlarge the vault (strongroom vault update --size), switch auto_expand on, or let its policy keep less.",
        [ErrorCodes.DiskMissing.Code] = "Attach or mount the source again, or take the resource out of the vault: its backups stay.",
        [ErrorCodes.ResourceMissing.Code] = "Register the resource again, or take it out of the vault: its backups stay.",
        [ErrorCodes.ServerMissing.Code] = "Register the server again, or take it out of the vault: its backups stay.",
        [ErrorCodes.ServerHasNoDisk.Code] = "Give the server a disk, or include one of those it has.",
        [ErrorCodes.DiskStateForbidsBackup.Code] = "Wait until nothing else holds the disk, then back up again.",
        [ErrorCodes.ResourceStateForbidsBackup.Code] = "Repair what the message names: rights, the mount, the device (its kernel log tells). The next backup reads it all again.",
        [ErrorCodes.BackupTaskRunning.Code] = "Nothing, if it was once. If it is every time, runs take longer than the policy's slots are apart: fewer slots, or more workers.",
        [ErrorCodes.RestoreRunning.Code] = "Nothing: the next slot runs when the restore is done.",
        [ErrorCodes.ResourceBeingRemoved.Code] = "Nothing: the resource is leaving its vault.",
        [ErrorCodes.RestoreTargetTooSmall.Code] = "Restore to a target at least as large as the backup.",
        [ErrorCodes.DiskStateForbidsRestore.Code] = "Unmount or detach the target, then restore again.",
        [ErrorCodes.DisksNotRestorable.Code] = "Repair what the message names on the target, then restore again: a restore can be repeated.",
        [ErrorCodes.DestinationUnsupported.Code] = "Disable the replication policy, or take it off the vault.",
        [TaskFailure.StoreFailed] = "Make room in the store, or repair it or the way to it; what was stored before is whole. Deleted backups give room back after "
            + "their undo window, when space is freed.",
        [ErrorCodes.Unknown.Code] = "See what the message names; the service's log tells more under the task's id. Nothing that was stored before is harmed by a failed run.",
    };

    /// <returns>Empty when there is nothing to do.</returns>
    public static string Of(TaskRecord task) => task.ErrorCode.Length == 0
        ? ""
        : ByCode.GetValueOrDefault(task.ErrorMessage.StartsWith(TaskFailure.StoreFailed, StringComparison.Ordinal) ? TaskFailure.StoreFailed : task.ErrorCode, "Change what the message names, then try again.");
}
