using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>
/// Writes one tree back, in three ways through it: directories, special files and contents first, contents in the order
/// they are stored; then the further names of files; then, deepest first, what the directories themselves are. Walking again
/// costs a look at cached pages; remembering would cost memory for every directory.
/// </summary>
internal sealed class TreeRestore(
    TreeReader reader, ITreeTarget target, bool removeOthers, ProblemList problems, MemberTracker tracker)
{
    /// <summary>After so many levels the call stack is left, so that a deep tree cannot fill it.</summary>
    private const int LevelsPerStack = 24;

    /// <summary>Where the first name of a file with several names went. As large as the tree has such files; there is no way without.</summary>
    private readonly Dictionary<(ulong Device, ulong Inode), TreePath> firstNames = [];
    private readonly HashSet<TreePath> refused = [];
    private readonly ConcurrentDictionary<TreePath, bool> failedFirstNames = new();
    private long writtenBytes;

    internal MemberTracker Tracker => tracker;

    internal long WrittenBytes => Volatile.Read(ref writtenBytes);

    internal async Task RunAsync(int workers, CancellationToken cancellationToken)
    {
        target.CreateDirectory(TreePath.Root, EntryShape.ToTree(reader.Root));
        await reader.RestoreFilesAsync(CreateAsync(cancellationToken), workers, cancellationToken);
        if (firstNames.Count > 0)
            await LinkAsync(cancellationToken);
        await FinishAsync(TreePath.Root, reader.Root, 0, cancellationToken);
        problems.Add(target.ProblemCount, target.Problems.Select(problem => Show(problem.Path, problem.Message)));
        tracker.Finish();
    }

    private void Report(TreePath path, string problem) => problems.Add(Show(path, problem));

    internal void ReportFile(TreePath path, TreeEntry file, string problem)
    {
        if (file.LinkCount > 1)
            failedFirstNames.TryAdd(path, true);
        Report(path, problem);
    }

    internal void CountWritten(long bytes) => Interlocked.Add(ref writtenBytes, bytes);

    private string Show(TreePath path, string problem) => ProblemText.Of(target.Location, path, problem);

    /// <summary>Makes directories and special files on the way, and hands out the files.</summary>
    private async IAsyncEnumerable<FileToRestore> CreateAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach ((TreePath path, StoredEntry entry) in WalkAsync(cancellationToken))
        {
            if (entry.Type == StoredEntryType.File)
            {
                if (entry.LinkCount < 2 || firstNames.TryAdd((entry.Device, entry.Inode), path))
                    yield return new FileToRestore(entry, () => new FileTargetSink(this, target, path, entry), () => path.ToString());
            }
            else if (!Try(path, () => Create(path, entry)) && entry.Type == StoredEntryType.Directory)
            {
                refused.Add(path);
            }
        }
    }

    private void Create(TreePath path, StoredEntry entry)
    {
        if (entry.Type == StoredEntryType.Directory)
            target.CreateDirectory(path, EntryShape.ToTree(entry));
        else
            target.CreateSpecial(path, EntryShape.ToTree(entry));
    }

    private async Task LinkAsync(CancellationToken cancellationToken)
    {
        await foreach ((TreePath path, StoredEntry entry) in WalkAsync(cancellationToken))
        {
            if (entry.Type != StoredEntryType.File || entry.LinkCount < 2)
                continue;
            TreePath first = firstNames[(entry.Device, entry.Inode)];
            if (first == path)
                continue;
            if (TryLink(path, first, out string? obstacle))
            {
                tracker.Advance(entry.Content!.LengthBytes);
                continue;
            }

            await CopyAsync(path, entry, cancellationToken);
            Report(path, $"it is a copy and no further name of {first}: {obstacle}");
        }
    }

    private bool TryLink(TreePath path, TreePath first, out string? obstacle)
    {
        // What stands under the first name may still be the old file.
        obstacle = failedFirstNames.ContainsKey(first) ? "that was not restored" : null;
        if (obstacle is not null)
            return false;
        try
        {
            target.CreateHardLink(path, first);
            return true;
        }
        catch (DriverException e) when (e.Failure != DriverFailure.Full)
        {
            obstacle = e.Message;
            return false;
        }
    }

    private async Task CopyAsync(TreePath path, StoredEntry entry, CancellationToken cancellationToken) =>
        await reader.RestoreFilesAsync(
            new[] { new FileToRestore(entry, () => new FileTargetSink(this, target, path, entry), () => path.ToString()) }.ToAsyncEnumerable(), 1, cancellationToken);

    /// <summary>Every entry below the root, a directory before what is in it; nothing below directories that could not be made.</summary>
    private async IAsyncEnumerable<(TreePath Path, StoredEntry Entry)> WalkAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var levels = new Stack<(TreePath Path, IAsyncEnumerator<StoredEntry> Entries)>();
        levels.Push((TreePath.Root, List(reader.Root, cancellationToken)));
        try
        {
            while (levels.TryPeek(out var level))
            {
                if (!await level.Entries.MoveNextAsync())
                {
                    await levels.Pop().Entries.DisposeAsync();
                    continue;
                }

                StoredEntry entry = level.Entries.Current;
                TreePath path = level.Path.Append(entry.Name);
                yield return (path, entry);
                if (entry.Type == StoredEntryType.Directory && !refused.Contains(path))
                    levels.Push((path, List(entry, cancellationToken)));
            }
        }
        finally
        {
            foreach (var level in levels)
                await level.Entries.DisposeAsync();
        }
    }

    private async Task FinishAsync(TreePath path, StoredEntry directory, int level, CancellationToken cancellationToken)
    {
        if (level % LevelsPerStack == LevelsPerStack - 1)
            await Task.Yield();
        var names = new List<byte[]>();
        await foreach (StoredEntry entry in reader.ListAsync(directory, cancellationToken))
        {
            if (removeOthers)
                names.Add(entry.Name);
            if (entry.Type == StoredEntryType.Directory && path.Append(entry.Name) is var child && !refused.Contains(child))
                await FinishAsync(child, entry, level + 1, cancellationToken);
        }

        if (removeOthers)
            Try(path, () => target.RemoveOthers(path, names));
        Try(path, () => target.FinishDirectory(path, EntryShape.ToTree(directory)));
    }

    private IAsyncEnumerator<StoredEntry> List(StoredEntry directory, CancellationToken cancellationToken) =>
        reader.ListAsync(directory, cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>One entry that fails is a problem; a target without room is the end.</summary>
    private bool Try(TreePath path, Action step)
    {
        try
        {
            step();
            return true;
        }
        catch (DriverException e) when (e.Failure != DriverFailure.Full)
        {
            Report(path, $"it is not restored as it was: {e.Message}");
            return false;
        }
    }
}
