using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Indexes;

/// <summary>The opened runs of a domain. Runs are immutable, so all who work on the domain share them and their cached units.</summary>
internal sealed class RunCatalog(IObjectStore store, DomainNames names, DomainKeys keys, long cacheBytes) : IDisposable
{
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
                if (!vanished || attempt == 10)
                    return [.. current.Values];
                damages?.Clear();
            }
        }
        finally
        {
            gate.Release();
        }
    }

    public ValueTask<IndexRun> OpenAsync(ObjectId id, long sizeBytes, CancellationToken cancellationToken) =>
        IndexRun.OpenAsync(store, names, keys, cache, id, sizeBytes, cancellationToken);

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
/// they complete without waiting unless a unit has to be read.
/// </summary>
internal sealed class IndexSet
{
    private readonly Lock gate = new();
    private readonly IReadOnlySet<ObjectId>? existing;
    private Member[] members = [];

    /// <param name="existing">The only packs that count; null when all do until <see cref="MarkMissing"/> says otherwise.</param>
    public IndexSet(IEnumerable<IndexRun> runs, IReadOnlySet<ObjectId>? existing)
    {
        this.existing = existing;
        members = [.. runs.Select(run => new Member(run, existing))];
    }

    public IReadOnlyList<IndexRun> Runs => [.. members.Select(member => member.Run)];

    /// <summary>Adds a run whose packs all exist.</summary>
    public void Add(IndexRun run)
    {
        lock (gate)
            members = [.. members, new Member(run, null)];
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

    public bool IsUsable(ObjectId pack) => existing is null || existing.Contains(pack);

    public ValueTask<IndexHit?> FindAsync(ChunkPrefix prefix, CancellationToken cancellationToken)
    {
        var current = members;
        for (int i = 0; i < current.Length; i++)
        {
            long start = 0;
            if (current[i].TryFind(prefix, ref start, out var entry, out int missingUnit))
                return ValueTask.FromResult<IndexHit?>(new IndexHit(current[i].Run, entry, start - 1));
            if (missingUnit >= 0)
                return FindSlowAsync(current, i, prefix, cancellationToken);
        }

        return ValueTask.FromResult<IndexHit?>(null);
    }

    /// <summary>Every place of a chunk, in packs that count.</summary>
    /// <param name="hits">Receives them; cleared first.</param>
    public async ValueTask FindAllAsync(ChunkPrefix prefix, List<IndexHit> hits, CancellationToken cancellationToken)
    {
        hits.Clear();
        RepositoryException? damage = null;
        foreach (var member in members)
        {
            long start = 0;
            try
            {
                while (await member.FindAsync(prefix, start, cancellationToken) is { } hit)
                {
                    hits.Add(hit);
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

    /// <exception cref="RepositoryException">A run that might know the chunk is damaged, and no other knows it.</exception>
    private static async ValueTask<IndexHit?> FindSlowAsync(Member[] members, int from, ChunkPrefix prefix, CancellationToken cancellationToken)
    {
        RepositoryException? damage = null;
        for (int i = from; i < members.Length; i++)
        {
            try
            {
                if (await members[i].FindAsync(prefix, 0, cancellationToken) is { } hit)
                    return hit;
            }
            catch (RepositoryException e)
            {
                damage = e;
            }
        }

        return damage is null ? null : throw damage;
    }

    private sealed class Member(IndexRun run, IReadOnlySet<ObjectId>? existing)
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
