using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>Files of one directory to be stored together, so that handing them to another worker is worth the trouble.</summary>
internal sealed class FileBatch
{
    private const int FilesMax = 64;
    private const long BytesMax = 1 << 20;
    private const int FilesWorthAnother = 16;
    private const long BytesWorthAnother = 256 << 10;

    private List<FileJob> jobs = [];
    private long bytes;

    internal bool IsEmpty => jobs.Count == 0;

    internal bool IsFull => jobs.Count >= FilesMax || bytes >= BytesMax;

    internal void Add(TreePath path, StoredEntry? before, long sizeBytes, EntryPlace place)
    {
        jobs.Add(new FileJob(path, before, place));
        bytes += Math.Min(sizeBytes, BytesMax);
    }

    internal List<FileJob> Take(out bool isWorthAnother)
    {
        isWorthAnother = jobs.Count >= FilesWorthAnother || bytes >= BytesWorthAnother;
        List<FileJob> taken = jobs;
        jobs = [];
        bytes = 0;
        return taken;
    }
}

/// <param name="Path">Of the file.</param>
/// <param name="Before">The same file in the backup before, or null.</param>
/// <param name="Place">Where its entry will stand.</param>
internal readonly record struct FileJob(TreePath Path, StoredEntry? Before, EntryPlace Place);
