using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Indexes;

/// <summary>The opened runs of a domain. Runs are immutable, so all who work on the domain share them and their cached units.</summary>
internal sealed class RunCatalog(IObjectStore store, DomainNames names, DomainKeys keys, long cacheBytes) : IDisposable
{
    private const int Attempts = 10;
    private readonly SemaphoreSlim gate = new(1);
    private readonly UnitCache cache = new(cacheBytes);
    private Dictionary<ObjectId, IndexRun> opened = [];

    /// <summary>Every run there is now. One that vanishes while it is opened was merged into another, which the next listing has.</summary>
    /// <param name="damages">Receives the runs that cannot be opened; null throws at the first.</param>
    public async ValueTask<IndexRun[]> ListAsync(ICollection<RepositoryException>? damages, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            for (int attempt = 0; ; attempt++)
            {
                var current = new Dictionary<ObjectId, IndexRun>();
                bool vanished = false;
                await foreach (var stat in store.ListAsync(names.Indexes, cancellationToken))
                {
                    if (DomainNames.IdOf(stat.Name) is not { } id)
                        continue;
                    try
                    {
                        current[id] = opened.TryGetValue(id, out var run) && run.SizeBytes == stat.SizeBytes
                            ? run
                            : await IndexRun.OpenAsync(store, names, keys, cache, id, stat.SizeBytes, cancellationToken);
                    }
                    catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
                    {
                        vanished = true;
                    }
                    catch (RepositoryException e) when (damages is not null)
                    {
                        damages.Add(e);
                    }
                }

                opened = current;
                if (!vanished || attempt == Attempts)
                    return [.. current.Values];
                damages?.Clear();
            }
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>
    /// As <see cref="ListAsync"/>, for those to whom a run too few is damage: a merge that ran beside a listing can have hidden runs from
    /// it, the old ones gone already and the new one not yet there. So it lists until two listings in a row agree.
    /// </summary>
    public async ValueTask<IndexRun[]> ListSettledAsync(ICollection<RepositoryException>? damages, CancellationToken cancellationToken)
    {
        var last = await ListAsync(damages, cancellationToken);
        for (int attempt = 1; attempt < Attempts; attempt++)
        {
            damages?.Clear();
            var next = await ListAsync(damages, cancellationToken);
            if (next.Select(run => run.Id).SequenceEqual(last.Select(run => run.Id)))
                return next;
            last = next;
        }

        return last;
    }

    /// <summary>One run; the next listing finds it open.</summary>
    /// <exception cref="RepositoryException">It cannot be opened.</exception>
    /// <exception cref="ObjectStoreException">NotFound: it was merged away since it was listed.</exception>
    public async ValueTask<IndexRun> OpenAsync(ObjectId id, long sizeBytes, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (!opened.TryGetValue(id, out var run) || run.SizeBytes != sizeBytes)
                opened[id] = run = await IndexRun.OpenAsync(store, names, keys, cache, id, sizeBytes, cancellationToken);
            return run;
        }
        finally
        {
            gate.Release();
        }
    }

    public void Dispose() => gate.Dispose();
}

/// <summary>Where a chunk was found.</summary>
/// <param name="Position">Number of the entry in its run, from 0.</param>
internal readonly record struct IndexHit(IndexRun Run, IndexEntry Entry, long Position)
{
    public ObjectId Pack => Run.PackId((int)Entry.Pack);

    public ValueTask<SegmentLocation> SegmentAsync(CancellationToken cancellationToken) => Run.LocateSegmentAsync(Entry, cancellationToken);
}

/// <summary>
/// A set of runs as one user sees them, with the packs that do not exist for that user left out. Look-ups run in parallel;
/// they complete without waiting unless a unit has to be read. A run that was merged away meanwhile makes the set list anew.
/// </summary>
internal sealed class IndexSet
{
    private const int Attempts = 10;
    private readonly Lock gate = new();
    private readonly HashSet<ObjectId>? existing;
    private readonly Func<CancellationToken, ValueTask<IndexRun[]>>? list;
    private Member[] members;

    /// <param name="existing">The only packs that count; null when all do until <see cref="MarkMissing"/> says otherwise.</param>
    /// <param name="list">Lists the runs there are by now; null when a vanished run is the caller's to deal with.</param>
    public IndexSet(IEnumerable<IndexRun> runs, IEnumerable<ObjectId>? existing, Func<CancellationToken, ValueTask<IndexRun[]>>? list)
    {
        this.existing = existing?.ToHashSet();
        this.list = list;
        members = [.. runs.Select(NewMember)];
    }

    public IReadOnlyList<IndexRun> Runs => [.. members.Select(member => member.Run)];

    /// <summary>Adds a run whose packs all exist.</summary>
    public void Add(IndexRun run)
    {
        lock (gate)
        {
            for (int i = 0; i < run.PackCount; i++)
                existing?.Add(run.PackId(i));
            members = [.. members, NewMember(run)];
        }
    }

    /// <summary>Adds what was in a run that somebody merged into another before it could be opened: lists anew. Its packs all exist.</summary>
    public async ValueTask AddMergedAsync(IEnumerable<ObjectId> packs, CancellationToken cancellationToken)
    {
        lock (gate)
            existing?.UnionWith(packs);
        if (list is not null)
            await ReloadAsync(members, cancellationToken);
    }

    /// <summary>A pack turned out to be gone: its entries are passed over from now on.</summary>
    public void MarkMissing(ObjectId pack)
    {
        foreach (var member in members)
        {
            for (int i = 0; i < member.Usable.Length; i++)
            {
                if (member.Run.PackId(i) == pack)
                    member.Usable[i] = false;
            }
        }
    }

    public ValueTask<IndexHit?> FindAsync(ChunkPrefix prefix, CancellationToken cancellationToken)
    {
        foreach (var member in members)
        {
            long start = 0;
            if (member.TryFind(prefix, ref start, out var entry, out int missingUnit))
                return ValueTask.FromResult<IndexHit?>(new IndexHit(member.Run, entry, start - 1));
            if (missingUnit >= 0)
                return FindSlowAsync(prefix, cancellationToken);
        }

        return ValueTask.FromResult<IndexHit?>(null);
    }

    /// <summary>Every place of a chunk, in packs that count.</summary>
    /// <param name="hits">Receives them; cleared first.</param>
    /// <exception cref="RepositoryException">None was found, and a run that might know one is damaged.</exception>
    public async ValueTask FindAllAsync(ChunkPrefix prefix, List<IndexHit> hits, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            hits.Clear();
            var current = members;
            try
            {
                await FindAllAsync(current, prefix, hits, stopAtFirst: false, cancellationToken);
                return;
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound && list is not null && attempt < Attempts)
            {
                await ReloadAsync(current, cancellationToken);
            }
        }
    }

    private async ValueTask<IndexHit?> FindSlowAsync(ChunkPrefix prefix, CancellationToken cancellationToken)
    {
        var hits = new List<IndexHit>(1);
        for (int attempt = 1; ; attempt++)
        {
            var current = members;
            try
            {
                await FindAllAsync(current, prefix, hits, stopAtFirst: true, cancellationToken);
                return hits.Count == 0 ? null : hits[0];
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound && list is not null && attempt < Attempts)
            {
                await ReloadAsync(current, cancellationToken);
            }
        }
    }

    private static async ValueTask FindAllAsync(
        Member[] members, ChunkPrefix prefix, List<IndexHit> hits, bool stopAtFirst, CancellationToken cancellationToken)
    {
        RepositoryException? damage = null;
        foreach (var member in members)
        {
            long start = 0;
            try
            {
                while (await member.FindAsync(prefix, start, cancellationToken) is { } hit)
                {
                    hits.Add(hit);
                    if (stopAtFirst)
                        return;
                    start = hit.Position + 1;
                }
            }
            catch (RepositoryException e)
            {
                damage = e;
            }
        }

        if (hits.Count == 0 && damage is not null)
            throw damage;
    }

    private async ValueTask ReloadAsync(Member[] seen, CancellationToken cancellationToken)
    {
        if (members != seen)
            return;
        var runs = await list!(cancellationToken);
        lock (gate)
        {
            if (members == seen)
                members = [.. runs.Select(NewMember)];
        }
    }

    private Member NewMember(IndexRun run) => new(run, existing);

    private sealed class Member(IndexRun run, HashSet<ObjectId>? existing)
    {
        public IndexRun Run => run;

        public bool[] Usable { get; } = [.. Enumerable.Range(0, run.PackCount).Select(i => existing is null || existing.Contains(run.PackId(i)))];

        public async ValueTask<IndexHit?> FindAsync(ChunkPrefix prefix, long start, CancellationToken cancellationToken)
        {
            while (true)
            {
                long from = start;
                if (TryFind(prefix, ref from, out var entry, out int missingUnit))
                    return new IndexHit(run, entry, from - 1);
                if (missingUnit < 0)
                    return null;
                await run.LoadAsync(missingUnit, cancellationToken);
            }
        }

        public bool TryFind(ChunkPrefix prefix, ref long start, out IndexEntry entry, out int missingUnit)
        {
            while (run.TryFind(prefix, ref start, out entry, out missingUnit))
            {
                if (entry.Pack >= (uint)Usable.Length)
                    throw new RepositoryException(RepositoryFailure.Damaged, run.Name, $"{entry} names a pack that its run does not know.");
                if (Usable[entry.Pack])
                    return true;
            }

            return false;
        }
    }
}
