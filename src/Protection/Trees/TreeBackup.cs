using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>
/// Reads one tree into a <see cref="TreeWriter"/>, depth first. A strand goes through a directory and what is below it;
/// whenever another worker is free, it hands over the next subdirectory or the next batch of files. Entries are added in
/// their order, so those that come after something still being done wait, and only a bounded number of them.
/// </summary>
internal sealed class TreeBackup
{
    /// <summary>What the stored format can hold (docs/repository-format.md, section 8): one less, since the root counts.</summary>
    private const int DepthMax = 1022;
    private const int PathBytesMax = 4096;

    private readonly ITreeSource source;
    private readonly TreeWriter writer;
    private readonly Action<TreePath, string> report;
    private readonly MemberTracker tracker;
    private readonly FileBackup files;
    private readonly int workers;
    private readonly bool readsUnchanged;

    internal TreeBackup(
        ITreeSource source, TreeWriter writer, int workers, Action<TreePath, string> report, MemberTracker tracker, TimeProvider time,
        bool readsUnchanged)
    {
        this.source = source;
        this.writer = writer;
        this.report = report;
        this.tracker = tracker;
        this.workers = workers;
        this.readsUnchanged = readsUnchanged;
        files = new FileBackup(source, report, tracker, time);
    }

    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        using var group = new WorkerGroup(cancellationToken);
        await using var pool = new StrandPool(writer, workers);
        Task<StoredEntry> root = group.Start(() => RunStrandAsync(
            group, pool, pool.TryTake()!, TreePath.Root, 0, EntryShape.ToStored(source.Root, TreePath.Root, report), writer.ParentRoot));
        await ((Task)root).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        group.ThrowIfFailed();
        await pool.FinishAsync(cancellationToken);
        writer.Finish(await root);
        tracker.Finish();
    }

    /// <summary>Takes a directory and all below it on a strand of its own.</summary>
    /// <returns>The directory's entry with its content.</returns>
    private async Task<StoredEntry> RunStrandAsync(
        WorkerGroup group, StrandPool pool, TreeWorker worker, TreePath path, int level, StoredEntry entry, StoredEntry? before)
    {
        var strand = new Strand(pool, worker);
        try
        {
            return await new Walk(this, group, pool, strand).TakeAsync(path, level, entry, before);
        }
        finally
        {
            strand.End();
        }
    }

    /// <summary>One strand's way through its part of the tree.</summary>
    private sealed class Walk(TreeBackup tree, WorkerGroup group, StrandPool pool, Strand strand)
    {
        /// <summary>After so many levels the call stack is left, so that a deep tree cannot fill it.</summary>
        private const int LevelsPerStack = 24;

        internal async Task<StoredEntry> TakeAsync(TreePath path, int level, StoredEntry entry, StoredEntry? before)
        {
            if (level % LevelsPerStack == LevelsPerStack - 1)
                await Task.Yield();
            DirectoryWriter directory = tree.writer.OpenDirectory(before);
            var entries = new EntryQueue(directory, strand);
            var batch = new FileBatch();
            try
            {
                foreach ((TreeEntry child, TreePath childPath) in List(path))
                {
                    group.Token.ThrowIfCancellationRequested();
                    StoredEntry? childBefore = await directory.FindParentAsync(child.Name, group.Token);
                    switch (child.Type)
                    {
                        case TreeEntryType.File:
                            await TakeFileAsync(entries, batch, child, childPath, childBefore);
                            break;
                        case TreeEntryType.Directory:
                            await TakeDirectoryAsync(entries, child, childPath, level + 1, childBefore);
                            break;
                        default:
                            entries.Add(EntryShape.ToStored(child, childPath, tree.report));
                            break;
                    }

                    await entries.AddReadyAsync(group.Token);
                    if (!entries.IsFull)
                        continue;
                    await StoreAsync(batch);
                    await entries.AddSomeAsync(group.Token);
                }

                await StoreAsync(batch);
                await entries.AddAllAsync(group.Token);
                return entry with { Children = await directory.FinishAsync(group.Token) };
            }
            catch (Exception e)
            {
                group.Fail(e);
                await entries.AbandonAsync();
                throw;
            }
        }

        /// <summary>The directory's entries. What cannot be listed is reported; only the root must be readable.</summary>
        private IEnumerable<(TreeEntry Entry, TreePath Path)> List(TreePath path)
        {
            var problems = new List<TreeProblem>();
            using IEnumerator<TreeEntry>? entries = Begin(path, problems);
            while (entries is not null)
            {
                bool more = MoveNext(entries, path);
                foreach (TreeProblem problem in problems)
                    tree.report(problem.Path, problem.Message);
                problems.Clear();
                if (!more)
                    break;
                TreePath child = path.Append(entries.Current.Name);
                if (child.Bytes.Length > PathBytesMax)
                    tree.report(child, $"its path is longer than {PathBytesMax} bytes, more than a backup can hold; it is left out");
                else
                    yield return (entries.Current, child);
            }
        }

        private IEnumerator<TreeEntry>? Begin(TreePath path, List<TreeProblem> problems)
        {
            try
            {
                return tree.source.List(path, problems).GetEnumerator();
            }
            catch (DriverException e) when (!path.IsRoot)
            {
                tree.report(path, $"what is in it is not in the backup: {e.Message}");
                foreach (TreeProblem problem in problems)
                    tree.report(problem.Path, problem.Message);
                return null;
            }
        }

        private bool MoveNext(IEnumerator<TreeEntry> entries, TreePath path)
        {
            try
            {
                return entries.MoveNext();
            }
            catch (DriverException e) when (!path.IsRoot)
            {
                tree.report(path, $"not all that is in it is in the backup: {e.Message}");
                return false;
            }
        }

        private async ValueTask TakeFileAsync(
            EntryQueue entries, FileBatch batch, TreeEntry file, TreePath path, StoredEntry? before)
        {
            FileContent? content = tree.files.FindOtherName(file);
            if (content is null && !tree.readsUnchanged && FileBackup.IsUnchanged(file, before))
            {
                await strand.Worker.KeepAsync(before!, group.Token);
                content = before!.Content;
            }

            if (content is not null)
            {
                tree.tracker.Advance(file.SizeBytes);
                StoredEntry entry = EntryShape.ToStored(file, path, tree.report) with { Content = content };
                tree.files.Remember(entry);
                entries.Add(entry);
                return;
            }

            EntryPlace place = entries.AddPlace();
            if (file.LinkCount > 1)
            {
                // At once, so that its other names find the content.
                StoredEntry? entry = await tree.files.StoreAsync(strand.Worker, path, before, group.Token);
                await strand.Worker.CompleteAsync(group.Token);
                place.Settle(entry);
                tree.files.Remember(entry);
                return;
            }

            batch.Add(path, before, file.SizeBytes, place);
            if (batch.IsFull)
                await StoreAsync(batch);
        }

        private async ValueTask TakeDirectoryAsync(
            EntryQueue entries, TreeEntry child, TreePath path, int level, StoredEntry? before)
        {
            StoredEntry entry = EntryShape.ToStored(child, path, tree.report);
            if (level > DepthMax)
            {
                tree.report(path, $"it lies more than {DepthMax} directories deep, more than a backup can hold; what is in it is left out");
                entries.Add(entry with { Children = await tree.writer.OpenDirectory(null).FinishAsync(group.Token) });
            }
            else if (pool.TryTake() is { } other)
            {
                entries.AddPlace().Follow(group.Start(async () => (StoredEntry?[])
                    [await tree.RunStrandAsync(group, pool, other, path, level, entry, before)]), 0);
            }
            else
            {
                entries.Add(await TakeAsync(path, level, entry, before));
            }
        }

        /// <summary>
        /// Stores the batch here when it is small. Otherwise another worker does, or this strand's own; the strand then goes on with
        /// whichever is free first, so that one large file keeps nobody waiting.
        /// </summary>
        private async ValueTask StoreAsync(FileBatch batch)
        {
            if (batch.IsEmpty)
                return;
            List<FileJob> jobs = batch.Take(out bool isWorthAnother);
            if (!isWorthAnother)
            {
                foreach (FileJob job in jobs)
                    job.Place.Settle(await tree.files.StoreAsync(strand.Worker, job.Path, job.Before, group.Token));
                return;
            }

            TreeWorker storing = pool.TryTake() ?? await strand.LendAsync(group.Token);
            Task<StoredEntry?[]> all = group.Start(async () =>
            {
                try
                {
                    return await StoreAsync(storing, jobs);
                }
                finally
                {
                    pool.Give(storing);
                }
            });
            for (int i = 0; i < jobs.Count; i++)
                jobs[i].Place.Follow(all, i);
            await strand.ResumeAsync(group.Token);
        }

        private async Task<StoredEntry?[]> StoreAsync(TreeWorker worker, List<FileJob> jobs)
        {
            var stored = new StoredEntry?[jobs.Count];
            for (int i = 0; i < jobs.Count; i++)
                stored[i] = await tree.files.StoreAsync(worker, jobs[i].Path, jobs[i].Before, group.Token);
            await worker.CompleteAsync(group.Token);
            return stored;
        }
    }
}
