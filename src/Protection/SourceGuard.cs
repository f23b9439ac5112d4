using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection;

/// <summary>
/// Refuses sources that look as if they had lost what they held: an unmounted directory, a truncated image. Such a backup
/// would be a success that keeps nothing, and retention would then drop the good ones.
/// </summary>
internal static class SourceGuard
{
    private const string HowToAccept = "if that is meant, back it up accepting the loss";

    /// <summary>A tree that is another file system than before must keep a tenth of so many files or more.</summary>
    private const long FilesOfNote = 20;

    /// <summary>Before anything is read.</summary>
    internal static void CheckBefore(ISource source, MemberRecord before)
    {
        if (source is IDiskSource { SizeBytes: 0 } && before.DataBytes > 0)
            throw Lost(source, $"it has no bytes any more, and had {before.DataBytes} of data in the backup before; {HowToAccept}");
        if (source is ITreeSource tree && HadEntries(before) && !tree.List(TreePath.Root, []).Any())
            throw Lost(source, $"it is empty, and held {before.Files} files in the backup before: is it mounted? Otherwise, {HowToAccept}");
    }

    /// <summary>When all is read, and not yet committed.</summary>
    internal static void CheckAfter(ITreeSource source, long files, MemberRecord before, StoredEntry rootBefore)
    {
        bool isOther = (rootBefore.Device, rootBefore.Inode) != (source.Root.Device, source.Root.Inode);
        if (isOther && before.Files >= FilesOfNote && files < before.Files / 10)
            throw Lost(
                source,
                $"it is another file system than in the backup before and holds {files} files instead of {before.Files}: "
                + $"is the right one mounted? Otherwise, {HowToAccept}");
    }

    private static bool HadEntries(MemberRecord before) => before.Files > 0 || before.Directories > 1;

    private static DriverException Lost(ISource source, string message) =>
        new(DriverFailure.Missing, source.Location, "check", message);
}
