using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// Checks one domain whose key was checked: every run in full, every pack's directory against the runs (and every chunk against its id),
/// then what each root reaches. What is bad is known before the roots are walked, so that each damage finds its backups.
/// </summary>
internal sealed class DomainCheck
{
    private const int MaxListings = 3;

    // In place of a damage's number.
    private const int Sound = -1;
    private const int Gone = -2;
    private const int OtherLength = -3;

    private readonly RepositoryDomain domain;
    private readonly CheckOptions options;
    private readonly Findings findings;
    private readonly IProgress<CheckProgress>? progress;
    private readonly Dictionary<ObjectId, long> packs = [];
    private readonly HashSet<ObjectId> parities = [];
    private readonly Dictionary<ObjectId, List<(IndexRun Run, int Number, long Entries)>> indexed = [];
    private readonly Dictionary<string, int> badRuns = [];
    private readonly ConcurrentDictionary<ObjectId, int> badPacks = [];
    private readonly ConcurrentDictionary<(ObjectId Pack, int Segment), int> badSegments = [];
    private readonly ConcurrentDictionary<(ObjectId Pack, int Segment, int Offset), int> badChunks = [];
    private readonly Dictionary<ObjectId, bool> unlisted = [];
    private IndexSet index = new([], null, null);
    private long doneBytes;
    private int listings;

    public DomainCheck(RepositoryDomain opened, CheckOptions options, Findings findings, IProgress<CheckProgress>? progress)
    {
        this.options = options;
        this.findings = findings;
        this.progress = progress;

        // A domain of its own, since caches would hide what has rotted since they were filled.
        domain = opened.WithoutCaches();
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using (domain)
        {
            var runs = new List<ObjectStat>();
            var roots = new List<string>();
            await foreach (var stat in domain.Store.ListAsync(domain.Names.All, cancellationToken))
                await ClassifyAsync(stat, runs, roots, cancellationToken);

            await CheckRunsAsync(runs, cancellationToken);
            await CheckPacksAsync(cancellationToken);
            foreach (var pack in parities.Where(pack => !packs.ContainsKey(pack)))
                findings.Note($"{domain.Names.Parity(pack)} is of a pack that does not exist: the next collection removes it.");
            var visitor = new Visitor(this);
            foreach (string root in roots)
                await CheckRootAsync(root, visitor, cancellationToken);
        }
    }

    private async ValueTask ClassifyAsync(ObjectStat stat, List<ObjectStat> runs, List<string> roots, CancellationToken cancellationToken)
    {
        var id = DomainNames.IdOf(stat.Name);
        if (domain.Names.PackOf(stat.Name) is { } pack)
            packs[pack] = stat.SizeBytes;
        else if (domain.Names.PackOfParity(stat.Name) is { } parityOf)
            parities.Add(parityOf);
        else if (id is { } run && stat.Name == domain.Names.Index(run))
            runs.Add(stat);
        else if (id is { } collection && stat.Name == domain.Names.Collection(collection))
            await findings.TryAsync(() => PublishedCollection.CheckAsync(domain, collection, cancellationToken));
        else if (id is { } session && stat.Name == domain.Names.Session(session))
            await findings.TryAsync(() => SessionBeacon.CheckAsync(domain, session, findings, cancellationToken));
        else if (stat.Name.StartsWith(domain.Names.Damaged, StringComparison.Ordinal) && ObjectNames.IsValidId(stat.Name[domain.Names.Damaged.Length..]))
            await CheckMarkAsync(stat.Name[domain.Names.Damaged.Length..], cancellationToken);
        else if (stat.Name.StartsWith(domain.Names.Backups, StringComparison.Ordinal) && ObjectNames.IsValidId(stat.Name[domain.Names.Backups.Length..]))
            roots.Add(stat.Name[domain.Names.Backups.Length..]);
        else if (stat.Name != domain.Names.Key)
            findings.Note($"{stat.Name} is no object of this format.");
    }

    private async ValueTask CheckMarkAsync(string backupId, CancellationToken cancellationToken)
    {
        if (await findings.TryAsync(() => DamagedBackup.CheckAsync(domain, backupId, cancellationToken)))
            findings.Note($"Backup {backupId} was found damaged; a repair tells whether it has been healed since.");
    }

    private async ValueTask CheckRunsAsync(List<ObjectStat> stats, CancellationToken cancellationToken)
    {
        var opened = new List<IndexRun>();
        foreach (var stat in stats)
        {
            try
            {
                var run = await domain.Catalog.OpenAsync(DomainNames.IdOf(stat.Name)!.Value, stat.SizeBytes, cancellationToken);
                opened.Add(run);
                await CheckRunAsync(run, cancellationToken);
            }
            catch (RepositoryException e)
            {
                badRuns[stat.Name] = findings.Add(e);
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
            {
                // It was merged away since the listing.
            }
        }

        // Runs merged away meanwhile are in others by now; what is wrong with those the next check will tell.
        index = new IndexSet(opened, null, token => domain.Catalog.ListAsync([], token));
        foreach (var (pack, places) in indexed)
        {
            if (!packs.ContainsKey(pack))
                findings.Note($"{places[0].Run.Name} names pack {pack}, which does not exist.");
        }
    }

    /// <summary>Reads every unit of a run, and counts what it says of each pack.</summary>
    private async ValueTask CheckRunAsync(IndexRun run, CancellationToken cancellationToken)
    {
        long[] counts = new long[run.PackCount];
        var last = default(IndexEntry);
        for (int block = 0; block < run.BlockCount; block++)
        {
            byte[] bytes = await run.ReadBlockAsync(block, cancellationToken);
            for (int at = 0; at < bytes.Length; at += IndexEntry.Size)
            {
                var entry = IndexEntry.Read(bytes.AsSpan(at));
                if (entry.Pack >= counts.Length || entry.CompareTo(last) < 0)
                    throw new RepositoryException(RepositoryFailure.Damaged, run.Name, $"{entry} is out of order or names no pack.");
                last = entry;
                counts[entry.Pack]++;
            }
        }

        await run.CheckFiltersAsync(cancellationToken);
        for (int number = 0; number < counts.Length; number++)
        {
            await run.ReadPackAsync(number, cancellationToken);
            ref var places = ref CollectionsMarshal.GetValueRefOrAddDefault(indexed, run.PackId(number), out _);
            (places ??= []).Add((run, number, counts[number]));
        }
    }

    private async Task CheckPacksAsync(CancellationToken cancellationToken)
    {
        long total = packs.Values.Sum();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(packs, parallel, async (pack, token) =>
        {
            var reader = domain.Source.Rent();
            bool isRead = options.PacksToRead?.Contains(pack.Key) == true || (options.ReadData && Random.Shared.NextDouble() < options.Share);
            bool isSound = await CheckPackAsync(reader, pack.Key, pack.Value, isRead, token);
            if (domain.Healer is { } healer)
                await CheckParityAsync(healer, pack.Key, pack.Value, isSound, isRead, token);
            domain.Source.Return(reader);
            progress?.Report(new CheckProgress(domain.Id, Interlocked.Add(ref doneBytes, pack.Value), total));
        });
    }

    /// <returns>False when the pack, as far as it was read, is damaged or unreadable.</returns>
    private async ValueTask<bool> CheckPackAsync(PackReader reader, ObjectId id, long sizeBytes, bool isRead, CancellationToken cancellationToken)
    {
        PackDirectory directory;
        try
        {
            directory = await reader.ReadDirectoryAsync(id, sizeBytes, cancellationToken);
        }
        catch (RepositoryException e)
        {
            badPacks[id] = findings.Add(e);
            return false;
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            // Collected since the listing.
            return true;
        }

        findings.CountPack(directory.ChunkCount);
        if (indexed.TryGetValue(id, out var places))
        {
            foreach (var (run, number, entries) in places)
            {
                try
                {
                    await findings.TryAsync(() => ComparePackAsync(directory, run, number, entries, cancellationToken));
                }
                catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
                {
                    findings.Note($"{run.Name} was merged into another run meanwhile.");
                }
            }
        }
        else
        {
            findings.Note($"{domain.Names.Pack(id)} is in no index: a backup is being written, or was interrupted.");
        }

        return !isRead || await ReadPackAsync(reader, directory, cancellationToken);
    }

    private async ValueTask CheckParityAsync(
        PackHealer healer, ObjectId id, long sizeBytes, bool isSound, bool isRead, CancellationToken cancellationToken)
    {
        if (!isSound)
        {
            bool canHeal = await healer.ExamineAsync(id, cancellationToken) is { IsWhole: false, CanBeMadeWhole: true };
            findings.Note(canHeal
                ? $"{domain.Names.Pack(id)} can be made whole from its parity: a repair does, and restores read it so already."
                : $"{domain.Names.Pack(id)} has more damage than its parity can mend.");
            return;
        }

        try
        {
            // A backup being written has its packs in no index yet, and their parities perhaps neither.
            await findings.TryAsync(async () =>
            {
                if (!await healer.CheckAsync(id, sizeBytes, isRead, cancellationToken) && indexed.ContainsKey(id))
                    findings.Note($"{domain.Names.Pack(id)} has no parity: a repair writes it.");
            });
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            // Collected since the listing.
        }
    }

    /// <summary>A run has exactly the pack's chunks, at their places.</summary>
    private static async ValueTask ComparePackAsync(PackDirectory directory, IndexRun run, int number, long entries, CancellationToken cancellationToken)
    {
        var record = await run.ReadPackAsync(number, cancellationToken);
        if (record.SizeBytes != directory.Record.SizeBytes || record.Kind != directory.Record.Kind
            || !record.Origins.AsSpan().SequenceEqual(directory.Record.Origins) || !record.Segments.AsSpan().SequenceEqual(directory.Record.Segments))
            throw new RepositoryException(RepositoryFailure.Damaged, run.Name, $"It describes pack {record.Id} otherwise than the pack itself.");

        var only = new IndexSet([run], null, null);
        var hits = new List<IndexHit>();
        var distinct = new HashSet<ChunkPrefix>(directory.ChunkCount);
        int chunk = 0;
        for (int segment = 0; segment < directory.Record.Segments.Length; segment++)
        {
            int offset = 0;
            for (int end = chunk + directory.ChunksIn(segment); chunk < end; chunk++)
            {
                var prefix = ChunkPrefix.Of(directory.ChunkId(chunk));
                int length = directory.ChunkLength(chunk);
                await only.FindAllAsync(prefix, hits, cancellationToken);
                bool isKnown = hits.Exists(hit => hit.Entry.Pack == number && hit.Entry.Length == length
                    && hit.Entry.Segment == segment && hit.Entry.Offset == offset);
                if (!isKnown)
                    throw new RepositoryException(RepositoryFailure.Damaged, run.Name, $"It does not know chunk {ChunkSource.Show(directory.ChunkId(chunk))} of pack {record.Id}.");
                distinct.Add(prefix);
                offset += length;
            }
        }

        if (distinct.Count != entries)
            throw new RepositoryException(RepositoryFailure.Damaged, run.Name, $"It has {entries} entries for the {distinct.Count} chunks of pack {record.Id}.");
    }

    private async ValueTask<bool> ReadPackAsync(PackReader reader, PackDirectory directory, CancellationToken cancellationToken)
    {
        var record = directory.Record;
        var hasher = record.Kind == PackKind.Data ? domain.Keys.Chunks : domain.Keys.Pages;
        var wanted = Enumerable.Range(0, record.Segments.Length).Select(record.LocationOf).ToList();
        bool isSound = true;
        int chunk = 0;
        for (int segment = 0; segment < record.Segments.Length; segment++)
        {
            var location = wanted[segment];
            int count = directory.ChunksIn(segment);
            try
            {
                await reader.ReadAheadAsync(wanted, segment, cancellationToken);
                var plain = await reader.ReadSegmentAsync(location, cancellationToken);
                HashSegment(directory, location, chunk, count, plain.Span, hasher);
                findings.CountRead(location.Info.StoredLength);
            }
            catch (RepositoryException e)
            {
                isSound = false;
                badSegments[(record.Id, segment)] = findings.Add(
                    e.ObjectName, e.Offset, $"{e.Message} It holds {count} chunks, from {ChunkSource.Show(directory.ChunkId(chunk))} to {ChunkSource.Show(directory.ChunkId(chunk + count - 1))}.");
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
            {
                return isSound;
            }

            chunk += count;
        }

        return isSound;
    }

    private void HashSegment(PackDirectory directory, in SegmentLocation location, int first, int count, ReadOnlySpan<byte> plain, ChunkHasher hasher)
    {
        int[] lengths = new int[count];
        for (int i = 0; i < count; i++)
            lengths[i] = directory.ChunkLength(first + i);
        byte[] ids = new byte[count * ChunkHasher.IdBytes];
        hasher.HashMany(plain, lengths, ids);
        int offset = 0;
        for (int i = 0; i < count; offset += lengths[i++])
        {
            if (ids.AsSpan(i * ChunkHasher.IdBytes, ChunkHasher.IdBytes).SequenceEqual(directory.ChunkId(first + i)))
                continue;
            badChunks[(location.Pack, location.Ordinal, offset)] = findings.Add(
                domain.Names.Pack(location.Pack), location.Info.Offset,
                $"Segment {location.Ordinal} holds other bytes at {offset} than chunk {ChunkSource.Show(directory.ChunkId(first + i))}.");
        }
    }

    private async ValueTask CheckRootAsync(string backupId, Visitor visitor, CancellationToken cancellationToken)
    {
        BackupRecord? backup;
        try
        {
            backup = await domain.ReadRootAsync(backupId, cancellationToken);
        }
        catch (RepositoryException e)
        {
            findings.Affects(findings.Add(e), backupId);
            return;
        }

        if (backup is null)
            return;
        findings.CountBackup();
        foreach (var member in backup.Members)
        {
            visitor.Begin();
            try
            {
                await new ManifestWalker(domain, visitor).WalkAsync(backup, member, cancellationToken);
            }
            catch (RepositoryException e)
            {
                findings.Affects(findings.Add(e), backupId);
            }

            foreach (int damage in visitor.End())
                findings.Affects(damage, backupId);
        }
    }

    /// <summary>
    /// A merge that ran beside the listing can have hidden a run from it: its old ones were gone already, its new one not yet
    /// there. Before a chunk is called unknown, runs are listed anew, but not for every one of many.
    /// </summary>
    private async ValueTask<bool> ListRunsAgainAsync(CancellationToken cancellationToken)
    {
        if (++listings > MaxListings)
            return false;
        index = new IndexSet(await domain.Catalog.ListSettledAsync([], cancellationToken), null, token => domain.Catalog.ListAsync([], token));
        return true;
    }

    /// <summary>What keeps a chunk from being read at one of its places; <see cref="Sound"/> or <see cref="Gone"/>.</summary>
    private async ValueTask<int> DamageOfAsync(IndexHit hit, CancellationToken cancellationToken)
    {
        var pack = hit.Pack;
        if (badRuns.TryGetValue(hit.Run.Name, out int badRun) && !await LeadsToSegmentAsync(hit, cancellationToken))
            return badRun;
        if (!packs.ContainsKey(pack))
            return await IsThereByNowAsync(pack, cancellationToken) ? Sound : Gone;
        return badPacks.TryGetValue(pack, out int damage)
            || badSegments.TryGetValue((pack, hit.Entry.Segment), out damage)
            || badChunks.TryGetValue((pack, hit.Entry.Segment, hit.Entry.Offset), out damage) ? damage : Sound;
    }

    /// <summary>A collection beside the check puts into new packs what lived in those that were listed; the next check reads them.</summary>
    private async ValueTask<bool> IsThereByNowAsync(ObjectId pack, CancellationToken cancellationToken)
    {
        if (!unlisted.TryGetValue(pack, out bool isThere))
            unlisted[pack] = isThere = await domain.Store.StatAsync(domain.Names.Pack(pack), cancellationToken) is not null;
        return isThere;
    }

    private int AddGone(ObjectId pack) =>
        badPacks.GetOrAdd(pack, static (id, check) => check.findings.Add(check.domain.Names.Pack(id), -1, "The pack is gone."), this);

    private static async ValueTask<bool> LeadsToSegmentAsync(IndexHit hit, CancellationToken cancellationToken)
    {
        try
        {
            await hit.SegmentAsync(cancellationToken);
            return true;
        }
        catch (RepositoryException)
        {
            return false;
        }
    }

    /// <summary>Collects the damages below each page once, however many backups share it: they are few, and mostly none.</summary>
    private sealed class Visitor(DomainCheck check) : IManifestVisitor
    {
        private readonly Dictionary<ChunkPrefix, int[]> known = [];
        private readonly Dictionary<ChunkPrefix, int> unknownChunks = [];
        private readonly Stack<HashSet<int>> path = new();
        private readonly List<IndexHit> hits = [];

        public void Begin()
        {
            path.Clear();
            path.Push([]);
        }

        public HashSet<int> End() => path.Pop();

        public async ValueTask<bool> EnterAsync(ReadOnlyMemory<byte> pageId, CancellationToken cancellationToken)
        {
            if (known.TryGetValue(ChunkPrefix.Of(pageId.Span), out int[]? damages))
            {
                path.Peek().UnionWith(damages);
                return false;
            }

            path.Push([]);
            await ChunkAsync(pageId, -1, cancellationToken);
            return true;
        }

        public void Leave(ReadOnlyMemory<byte> pageId)
        {
            var damages = path.Pop();
            known[ChunkPrefix.Of(pageId.Span)] = damages.Count == 0 ? [] : [.. damages];
            path.Peek().UnionWith(damages);
        }

        public void Broken(ReadOnlyMemory<byte> pageId, RepositoryException damage)
        {
            // What makes it unreadable is mostly known already: its pack, its segment, or that no index has it.
            if (path.Peek().Count == 0)
                path.Peek().Add(check.findings.Add(damage));
        }

        public async ValueTask ChunkAsync(ReadOnlyMemory<byte> chunkId, long lengthBytes, CancellationToken cancellationToken)
        {
            var prefix = ChunkPrefix.Of(chunkId.Span);
            string problem = await FindAsync(prefix, chunkId, cancellationToken);
            if (hits.Count == 0 && !unknownChunks.ContainsKey(prefix) && await check.ListRunsAgainAsync(cancellationToken))
                problem = await FindAsync(prefix, chunkId, cancellationToken);

            int damage = await DamageOfAsync(lengthBytes, cancellationToken);
            if (damage == Gone && await check.ListRunsAgainAsync(cancellationToken))
            {
                problem = await FindAsync(prefix, chunkId, cancellationToken);
                damage = await DamageOfAsync(lengthBytes, cancellationToken);
            }

            if (hits.Count == 0 && !unknownChunks.TryGetValue(prefix, out damage))
                unknownChunks[prefix] = damage = check.findings.Add(check.domain.Names.Indexes, -1, problem);
            if (damage == Gone)
                damage = check.AddGone(hits[^1].Pack);
            if (damage == OtherLength)
            {
                var other = hits.Find(hit => hit.Entry.Length != lengthBytes);
                damage = check.findings.Add(
                    other.Run.Name, -1, $"Chunk {ChunkSource.Show(chunkId.Span)} has {other.Entry.Length} bytes where {lengthBytes} are expected.");
            }

            if (damage != Sound)
                path.Peek().Add(damage);
        }

        /// <summary>The best place counts: an entry of a pack that was collected is void, and a damaged copy harmless, where another is sound.</summary>
        private async ValueTask<int> DamageOfAsync(long lengthBytes, CancellationToken cancellationToken)
        {
            int worst = Sound;
            foreach (var hit in hits)
            {
                int damage = lengthBytes >= 0 && hit.Entry.Length != lengthBytes ? OtherLength : await check.DamageOfAsync(hit, cancellationToken);
                if (damage == Sound)
                    return Sound;
                worst = damage == Gone && worst != Sound ? worst : damage;
            }

            return worst;
        }

        /// <returns>Why nothing was found.</returns>
        private async ValueTask<string> FindAsync(ChunkPrefix prefix, ReadOnlyMemory<byte> chunkId, CancellationToken cancellationToken)
        {
            try
            {
                await check.index.FindAllAsync(prefix, hits, cancellationToken);
                return $"No index knows chunk {ChunkSource.Show(chunkId.Span)}.";
            }
            catch (RepositoryException e)
            {
                hits.Clear();
                return $"Chunk {ChunkSource.Show(chunkId.Span)} cannot be looked up: {e.Message}";
            }
        }
    }
}
