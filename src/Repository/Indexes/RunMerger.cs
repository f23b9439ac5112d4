using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Indexes;

/// <summary>
/// Keeps runs few: eight of about one size become one of the next. Streams, holding a block of each run. The merged run is
/// durable before the ones it replaces are deleted; who crashes in between, or merges the same runs at the same time,
/// leaves duplicates, which every reader tolerates and the next merge drops.
/// </summary>
internal static class RunMerger
{
    /// <summary>Each run being merged holds a block in memory.</summary>
    public const int MaxMerged = 16;

    private const int MergeAt = 8;

    private const uint Dropped = uint.MaxValue;

    /// <summary>Runs of one tier differ by less than this factor, so an entry is rewritten once per tier it climbs.</summary>
    private const int TierFactor = 8;

    /// <summary>The runs worth merging now; empty when they are few enough.</summary>
    public static IReadOnlyList<IndexRun> Choose(IReadOnlyList<IndexRun> runs) =>
        runs.GroupBy(Tier)
            .OrderBy(tier => tier.Key)
            .Select(tier => tier.ToList())
            .FirstOrDefault(tier => tier.Count >= MergeAt) is { } tier ? [.. tier.Take(MaxMerged)] : [];

    /// <returns>False when someone else merged some of these runs meanwhile; then nothing was done.</returns>
    public static ValueTask<bool> TryMergeAsync(
        IObjectStore store, DomainNames names, DomainKeys keys, IReadOnlyList<IndexRun> runs, CancellationToken cancellationToken) =>
        TryMergeAsync(store, names, keys, runs, static _ => true, cancellationToken);

    /// <param name="keeps">The packs whose entries go on; those of others are left out.</param>
    public static async ValueTask<bool> TryMergeAsync(
        IObjectStore store, DomainNames names, DomainKeys keys, IReadOnlyList<IndexRun> runs, Predicate<ObjectId> keeps, CancellationToken cancellationToken)
    {
        try
        {
            await MergeAsync(store, names, keys, runs, keeps, cancellationToken);
            return true;
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            return false;
        }
    }

    private static async ValueTask MergeAsync(
        IObjectStore store, DomainNames names, DomainKeys keys, IReadOnlyList<IndexRun> runs, Predicate<ObjectId> keeps, CancellationToken cancellationToken)
    {
        // The same pack may be in several runs: one number for it in the new one.
        var numbers = new Dictionary<ObjectId, uint>();
        var packs = new List<(IndexRun Run, int Number)>();
        var cursors = new List<Cursor>(runs.Count);
        foreach (var run in runs)
        {
            uint[] renumbered = new uint[run.PackCount];
            for (int i = 0; i < renumbered.Length; i++)
            {
                var id = run.PackId(i);
                if (!keeps(id))
                    renumbered[i] = Dropped;
                else if (!numbers.TryGetValue(id, out renumbered[i]))
                {
                    renumbered[i] = (uint)packs.Count;
                    numbers.Add(id, renumbered[i]);
                    packs.Add((run, i));
                }
            }

            cursors.Add(new Cursor(run, renumbered));
        }

        if (packs.Count > 0)
            await WriteAsync(store, names, keys, runs, cursors, packs, cancellationToken);
        foreach (var run in runs)
            await store.DeleteAsync(run.Name, cancellationToken);
    }

    private static async ValueTask WriteAsync(
        IObjectStore store, DomainNames names, DomainKeys keys, IReadOnlyList<IndexRun> runs, List<Cursor> cursors,
        List<(IndexRun Run, int Number)> packs, CancellationToken cancellationToken)
    {
        await using var writer = await RunWriter.BeginAsync(store, names, keys, runs.Sum(run => run.EntryCount), cancellationToken);
        var queue = new PriorityQueue<Cursor, IndexEntry>();
        foreach (var cursor in cursors)
            await EnqueueAsync(queue, cursor, cancellationToken);
        while (queue.TryPeek(out var cursor, out var entry))
        {
            await writer.AddAsync(entry, cancellationToken);
            if (await cursor.NextAsync(cancellationToken) is { } next)
                queue.DequeueEnqueue(cursor, next);
            else
                queue.Dequeue();
        }

        foreach (var (run, number) in packs)
            await writer.AddPackAsync(await run.ReadPackAsync(number, cancellationToken), cancellationToken);
        await writer.FinishAsync(cancellationToken);
    }

    private static int Tier(IndexRun run) =>
        (int)Math.Log(Math.Max(1.0, run.EntryCount / (double)RunFormat.EntriesPerBlock), TierFactor);

    private static async ValueTask EnqueueAsync(PriorityQueue<Cursor, IndexEntry> queue, Cursor cursor, CancellationToken cancellationToken)
    {
        if (await cursor.NextAsync(cancellationToken) is { } entry)
            queue.Enqueue(cursor, entry);
    }

    /// <summary>
    /// A run's entries in order of (prefix, new pack number). Renumbering can swap the packs of one prefix, so entries of one
    /// prefix are gathered and put in order first; there are seldom two.
    /// </summary>
    /// <param name="numbers">The new numbers of the run's packs, or <see cref="Dropped"/>.</param>
    private sealed class Cursor(IndexRun run, uint[] numbers)
    {
        private readonly Queue<IndexEntry> ready = new();
        private byte[] block = [];
        private int nextBlock;
        private int position;
        private IndexEntry? ahead;

        public async ValueTask<IndexEntry?> NextAsync(CancellationToken cancellationToken)
        {
            if (ready.TryDequeue(out var entry))
                return entry;
            if ((ahead ?? await ReadAsync(cancellationToken)) is not { } first)
                return null;
            ahead = await ReadAsync(cancellationToken);
            if (ahead?.Prefix != first.Prefix)
                return first;

            var same = new List<IndexEntry> { first };
            while (ahead is { } next && next.Prefix == first.Prefix)
            {
                same.Add(next);
                ahead = await ReadAsync(cancellationToken);
            }

            same.Sort();
            same.ForEach(ready.Enqueue);
            return ready.Dequeue();
        }

        private async ValueTask<IndexEntry?> ReadAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                if (position == block.Length)
                {
                    if (nextBlock == run.BlockCount)
                        return null;
                    block = await run.ReadBlockAsync(nextBlock++, cancellationToken);
                    position = 0;
                }

                var entry = IndexEntry.Read(block.AsSpan(position));
                position += IndexEntry.Size;
                if (entry.Pack >= numbers.Length)
                    throw new RepositoryException(RepositoryFailure.Damaged, run.Name, $"{entry} names a pack that its run does not know.");
                if (numbers[entry.Pack] != Dropped)
                    return entry with { Pack = numbers[entry.Pack] };
            }
        }
    }
}
