using Strongroom.ObjectStores;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// One collection of one domain, step by step as docs/repository-format.md, section 10, has it. Each step may be the last one
/// this process does; what it leaves is finished by the next collection.
/// </summary>
internal sealed class DomainCollection(RepositoryDomain domain, CollectionOptions options, IProgress<CollectionProgress>? progress)
{
    private const int Attempts = 10;

    private readonly List<string> notes = [];
    private readonly Dictionary<ObjectId, long> parities = [];
    private Dictionary<ObjectId, long> packs = [];
    private IReadOnlyList<PublishedCollection> adopted = [];
    private HashSet<ObjectId> adoptedPacks = [];
    private Dictionary<string, string> roots = [];
    private long totalBytes;
    private long reclaimableBefore;
    private long reclaimableAfter;
    private long freedBytes;
    private long writtenBytes;
    private long missingChunks;
    private int deadSessions;
    private int sparedPacks;
    private bool isPublished;
    private bool isTakenOver;

    public async Task<CollectionReport> RunAsync(CancellationToken cancellationToken)
    {
        if (options.DryRun)
        {
            await ListAsync(cancellationToken);
            await AdoptAsync(cancellationToken);
            var planned = await PlanAsync(await MarkAsync(cancellationToken), cancellationToken);
            return Report(totalBytes - reclaimableBefore + reclaimableAfter, planned.Dead.Count, planned.Sparse.Count);
        }

        // From now on no other collection of this domain starts, and one that lives already makes this one stop.
        await using var beacon = await SessionBeacon.BeginAsync(domain, null, domain.Time, cancellationToken);
        try
        {
            return await RunAsync(beacon, cancellationToken);
        }
        catch (Exception e) when (e is RepositoryException { Failure: RepositoryFailure.Damaged } or ObjectStoreException { Failure: ObjectStoreFailure.NotFound })
        {
            // Another collection that took this one for dead deletes what it reads. Then nothing is lost, and nothing damaged.
            if (isTakenOver || (!isPublished && await domain.Store.StatAsync(domain.Names.Collection(beacon.Id), cancellationToken) is not null))
                throw TakenForDead(beacon.Id, e);
            throw;
        }
    }

    private async Task<CollectionReport> RunAsync(SessionBeacon beacon, CancellationToken cancellationToken)
    {
        var watch = new SessionWatch(domain, beacon.Id, options);
        await ListAsync(cancellationToken);
        deadSessions += await watch.WaitAsync(refuseCollections: true, ReportWaiting, cancellationToken);
        await AdoptAsync(cancellationToken);
        await IndexLeftoversAsync(cancellationToken);
        var marks = await MarkAsync(cancellationToken);
        var plan = await PlanAsync(marks, cancellationToken);
        var moved = await MoveAsync(marks, plan, cancellationToken);
        var condemned = new HashSet<ObjectId>([.. plan.Dead, .. moved]);

        // A pack of an earlier collection is deleted too, as soon as nothing lives in it but copies.
        var own = new PublishedCollection(beacon.Id, [.. condemned.Except(adoptedPacks)], roots.Values.ToHashSet(StringComparer.Ordinal));
        isPublished = own.Packs.Count > 0;
        if (isPublished)
            await PublishAsync(own, cancellationToken);
        try
        {
            if (condemned.Count > 0)
            {
                deadSessions += await watch.WaitAsync(refuseCollections: false, ReportWaiting, cancellationToken);
                await SpareAsync(condemned, cancellationToken);
            }

            await RewriteRunsAsync(condemned, cancellationToken);
            await DeleteAsync(condemned, cancellationToken);
            await DeleteLoneParitiesAsync(cancellationToken);
            foreach (var collection in adopted)
            {
                // While one of its packs is still there, its owner, who may only be slow, could come back and delete it.
                if (collection.Packs.All(pack => condemned.Contains(pack) || !packs.ContainsKey(pack)))
                    await FreeAsync(domain.Names.Collection(collection.Id), cancellationToken);
            }
        }
        finally
        {
            // Given up or done: what was not deleted until now will not be, so backups may refer to it again.
            if (isPublished)
                await WithdrawAsync(own);
        }

        await beacon.EndAsync(cancellationToken);
        reclaimableAfter += plan.Sparse.Where(pack => !condemned.Contains(pack.Key)).Sum(pack => pack.Value);
        writtenBytes += watch.WrittenBytes;
        long totalAfter = 0;
        await foreach (var stat in domain.Store.ListAsync(domain.Names.All, cancellationToken))
            totalAfter += IsSession(stat) ? 0 : stat.SizeBytes;
        return Report(totalAfter, plan.Dead.Count(condemned.Contains), moved.Count(condemned.Contains));
    }

    /// <summary>Packs before sessions: each pack listed here is of a backup that is over when the sessions seen after it are.</summary>
    private async ValueTask ListAsync(CancellationToken cancellationToken)
    {
        await foreach (var stat in domain.Store.ListAsync(domain.Names.All, cancellationToken))
        {
            if (domain.Names.PackOf(stat.Name) is { } id)
                packs[id] = stat.SizeBytes;
            else if (domain.Names.PackOfParity(stat.Name) is { } parityOf)
                parities[parityOf] = stat.SizeBytes;
            totalBytes += IsSession(stat) ? 0 : stat.SizeBytes;
        }
    }

    private IEnumerable<KeyValuePair<ObjectId, long>> LoneParities => parities.Where(parity => !packs.ContainsKey(parity.Key));

    /// <summary>Of a pack with its parity.</summary>
    private long SizeOf(ObjectId pack) => packs[pack] + parities.GetValueOrDefault(pack);

    /// <summary>They come and go, this collection's own as well.</summary>
    private bool IsSession(ObjectStat stat) => stat.Name.StartsWith(domain.Names.Sessions, StringComparison.Ordinal);

    /// <summary>What an earlier collection has published and not finished becomes part of this one.</summary>
    private async ValueTask AdoptAsync(CancellationToken cancellationToken)
    {
        adopted = await PublishedCollection.ListAsync(domain, cancellationToken);
        adoptedPacks = [.. adopted.SelectMany(collection => collection.Packs)];
        foreach (var pack in adoptedPacks)
        {
            if (await domain.Store.StatAsync(domain.Names.Pack(pack), cancellationToken) is { } stat)
                packs[pack] = stat.SizeBytes;
            else
                packs.Remove(pack);
        }
    }

    /// <summary>
    /// Packs that no index knows are mostly leftovers of backups that died; but an index may have been lost. Indexed anew they are
    /// judged like all others.
    /// </summary>
    private async ValueTask IndexLeftoversAsync(CancellationToken cancellationToken)
    {
        var indexed = new HashSet<ObjectId>();
        foreach (var run in await ListRunsAsync(cancellationToken))
        {
            for (int number = 0; number < run.PackCount; number++)
                indexed.Add(run.PackId(number));
        }

        var entries = new List<IndexEntry>();
        var records = new List<PackRecord>();
        var reader = domain.Source.Rent();
        foreach (var (pack, sizeBytes) in packs.Where(pack => !indexed.Contains(pack.Key)))
        {
            try
            {
                var directory = await reader.ReadDirectoryAsync(pack, sizeBytes, cancellationToken);
                IndexRebuild.AddEntries(directory, (uint)records.Count, entries);
                records.Add(directory.Record);
            }
            catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                notes.Add($"left alone: {e.Message}");
            }
        }

        domain.Source.Return(reader);
        if (records.Count > 0)
            writtenBytes += await IndexRebuild.WriteRunAsync(domain, entries, records, cancellationToken);
    }

    /// <summary>Marks what all backups need; again from the start when a run was merged away meanwhile.</summary>
    private async ValueTask<LiveMarks> MarkAsync(CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var runs = await ListRunsAsync(cancellationToken);
                var marks = await LiveMarks.BeginAsync(domain, runs, packs, adoptedPacks, options.AcceptDamage, cancellationToken);
                roots = new Dictionary<string, string>(StringComparer.Ordinal);
                await VisitRootsAsync(marks, cancellationToken);
                missingChunks = marks.MissingChunks;
                return marks;
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound && attempt < Attempts)
            {
            }
        }
    }

    /// <summary>Visits what every root reaches that is not among <see cref="roots"/>, and adds it there.</summary>
    private async ValueTask VisitRootsAsync(ReferenceVisitor visitor, CancellationToken cancellationToken)
    {
        var listed = new List<string>();
        await foreach (var stat in domain.Store.ListAsync(domain.Names.Backups, cancellationToken))
        {
            string backupId = stat.Name[domain.Names.Backups.Length..];
            if (ObjectNames.IsValidId(backupId) && !roots.ContainsKey(backupId))
                listed.Add(backupId);
        }

        var walker = new ManifestWalker(domain, visitor);
        int done = 0;
        foreach (string backupId in listed)
        {
            try
            {
                if (await domain.ReadRootAsync(backupId, cancellationToken) is { } backup)
                {
                    roots.Add(backupId, backup.RootSha256);
                    foreach (var member in backup.Members)
                        await walker.WalkAsync(backup, member, cancellationToken);
                }
            }
            catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                visitor.Accept(e);
            }

            progress?.Report(new CollectionProgress(domain.Id, CollectionPhase.Marking, ++done, listed.Count));
        }

        await visitor.FlushAsync(cancellationToken);
        notes.AddRange(visitor.Accepted.Select(damage => $"accepted: {damage}"));
    }

    /// <summary>What is to go: packs without anything alive, and those worth rewriting.</summary>
    private async ValueTask<CollectionPlan> PlanAsync(LiveMarks marks, CancellationToken cancellationToken)
    {
        var plan = new CollectionPlan([], []);
        reclaimableBefore = packs.Keys.Where(pack => !marks.Uses.ContainsKey(pack)).Sum(SizeOf) + LoneParities.Sum(parity => parity.Value);
        reclaimableAfter = reclaimableBefore;
        foreach (var (pack, use) in marks.Uses)
        {
            if (use.IsDead)
            {
                reclaimableBefore += SizeOf(pack);
                plan.Dead.Add(pack);
                continue;
            }

            var record = await marks.ReadRecordAsync(pack, cancellationToken);
            long reclaimable = use.ReclaimableBytes(record);
            long gain = 0;
            for (int i = 0; i < record.Segments.Length; i++)
            {
                if (PackRewriter.IsWorthOpening(record.Segments[i], use.LiveBytes[i]))
                    gain += PackUse.DeadBytes(record.Segments[i], use.LiveBytes[i]);
            }

            reclaimableBefore += reclaimable;
            reclaimableAfter += reclaimable;
            if (adoptedPacks.Contains(pack) || gain > packs[pack] * options.RewriteAbove)
            {
                plan.Sparse.Add(pack, gain);
                reclaimableAfter -= gain;
            }
        }

        return plan;
    }

    /// <returns>The packs of which everything that lives is elsewhere now.</returns>
    private async ValueTask<List<ObjectId>> MoveAsync(LiveMarks marks, CollectionPlan plan, CancellationToken cancellationToken)
    {
        var moved = new List<ObjectId>();
        if (plan.Sparse.Count == 0)
            return moved;
        long total = plan.Sparse.Keys.Sum(pack => packs[pack]);
        long done = 0;
        await using var rewriter = new PackRewriter(domain, marks);
        foreach (var pack in plan.Sparse.Keys.OrderBy(pack => packs[pack]))
        {
            progress?.Report(new CollectionProgress(domain.Id, CollectionPhase.Moving, done, total));
            try
            {
                await rewriter.RewriteAsync(pack, packs[pack], adoptedPacks.Contains(pack), cancellationToken);
                moved.Add(pack);
            }
            catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                notes.Add($"left alone: {e.Message}");
            }

            done += packs[pack];
        }

        await rewriter.FinishAsync(cancellationToken);
        writtenBytes += rewriter.WrittenBytes;
        return moved;
    }

    private async ValueTask PublishAsync(PublishedCollection own, CancellationToken cancellationToken)
    {
        string name = domain.Names.Collection(own.Id);
        try
        {
            await domain.Store.PutAsync(name, own.Write(domain.Keys), PutMode.CreateOnly, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.AlreadyExists)
        {
            throw TakenForDead(own.Id, e);
        }
    }

    private RepositoryException TakenForDead(ObjectId own, Exception e) => new(
        RepositoryFailure.Locked, domain.Names.Collection(own), "Another collection took this one for dead, since it did not move for long; it does the work.", e);

    /// <summary>Takes out of <paramref name="condemned"/> what backups need that ended since the marking.</summary>
    private async ValueTask SpareAsync(HashSet<ObjectId> condemned, CancellationToken cancellationToken)
    {
        var collections = await PublishedCollection.ListAsync(domain, cancellationToken);
        var staying = new HashSet<ObjectId>(await PublishedCollection.UsablePacksAsync(domain, collections, cancellationToken));
        staying.ExceptWith(condemned);
        int before = condemned.Count;
        var index = new IndexSet(await ListRunsAsync(cancellationToken), null, ListRunsAsync);
        var needs = new LastMinuteNeeds(index, staying, condemned, options.AcceptDamage);
        await VisitRootsAsync(needs, cancellationToken);
        missingChunks += needs.MissingChunks;
        sparedPacks = before - condemned.Count;
    }

    /// <summary>Writes the runs that name packs which are going, or are gone, anew without them, and keeps runs few.</summary>
    private async ValueTask RewriteRunsAsync(HashSet<ObjectId> condemned, CancellationToken cancellationToken)
    {
        for (int attempt = 1; attempt <= Attempts; attempt++)
        {
            // Runs first: whatever they name is among the packs listed after them.
            var runs = await ListRunsAsync(cancellationToken);
            var staying = new HashSet<ObjectId>();
            await foreach (var stat in domain.Store.ListAsync(domain.Names.Packs, cancellationToken))
            {
                if (DomainNames.IdOf(stat.Name) is { } id && !condemned.Contains(id))
                    staying.Add(id);
            }

            IReadOnlyList<IndexRun> chosen = [.. runs
                .Where(run => Enumerable.Range(0, run.PackCount).Any(number => !staying.Contains(run.PackId(number))))
                .OrderBy(run => run.EntryCount)
                .Take(RunMerger.MaxMerged)];
            if (chosen.Count == 0)
                chosen = RunMerger.Choose(runs);
            if (chosen.Count == 0)
                return;
            if (await RunMerger.TryMergeAsync(domain.Store, domain.Names, domain.Keys, chosen, staying.Contains, cancellationToken))
            {
                attempt = 0;
                freedBytes += chosen.Sum(run => run.SizeBytes);
                var before = runs.Select(run => run.Id).ToHashSet();
                writtenBytes += (await ListRunsAsync(cancellationToken)).Where(run => !before.Contains(run.Id)).Sum(run => run.SizeBytes);
            }
        }
    }

    private async ValueTask DeleteAsync(HashSet<ObjectId> condemned, CancellationToken cancellationToken)
    {
        long done = 0;
        foreach (var pack in condemned.Order())
        {
            await domain.Store.DeleteAsync(domain.Names.Pack(pack), cancellationToken);
            freedBytes += SizeOf(pack);
            progress?.Report(new CollectionProgress(domain.Id, CollectionPhase.Deleting, ++done, condemned.Count));
        }
    }

    /// <summary>A deletion was interrupted between a pack and its parity. Of a pack being written the pack is there first.</summary>
    private async ValueTask DeleteLoneParitiesAsync(CancellationToken cancellationToken)
    {
        foreach (var (pack, sizeBytes) in LoneParities)
        {
            if (await domain.Store.StatAsync(domain.Names.Pack(pack), cancellationToken) is not null)
                continue;
            await FreeAsync(domain.Names.Parity(pack), cancellationToken);
            reclaimableAfter -= sizeBytes;
        }
    }

    private async ValueTask FreeAsync(string name, CancellationToken cancellationToken)
    {
        freedBytes += (await domain.Store.StatAsync(name, cancellationToken))?.SizeBytes ?? 0;
        await domain.Store.DeleteAsync(name, cancellationToken);
    }

    /// <summary>Whoever took a collection for dead that was published finishes it and removes it; one that was not is made void.</summary>
    private async ValueTask WithdrawAsync(PublishedCollection own)
    {
        try
        {
            isTakenOver = await domain.Store.StatAsync(domain.Names.Collection(own.Id), CancellationToken.None) is null;
            await domain.Store.DeleteAsync(domain.Names.Collection(own.Id), CancellationToken.None);
        }
        catch (ObjectStoreException)
        {
            // The next collection takes it over.
        }
    }

    /// <summary>A run that cannot be opened is passed over: its packs count as in no index.</summary>
    private ValueTask<IndexRun[]> ListRunsAsync(CancellationToken cancellationToken) => domain.Catalog.ListSettledAsync([], cancellationToken);

    private void ReportWaiting(int sessions) => progress?.Report(new CollectionProgress(domain.Id, CollectionPhase.Waiting, 0, sessions));

    private CollectionReport Report(long totalAfter, int deadPacks, int rewrittenPacks) => new()
    {
        Domain = domain.Id,
        TotalBytesBefore = totalBytes,
        ReclaimableBytesBefore = reclaimableBefore,
        FreedBytes = freedBytes,
        WrittenBytes = writtenBytes,
        ReclaimableBytesAfter = reclaimableAfter,
        TotalBytesAfter = totalAfter,
        Backups = roots.Count,
        DeadPacks = deadPacks,
        RewrittenPacks = rewrittenPacks,
        SparedPacks = sparedPacks,
        DeadSessions = deadSessions,
        MissingChunks = missingChunks,
        Notes = notes,
    };

    /// <param name="Dead">Nothing in them lives.</param>
    /// <param name="Sparse">Worth rewriting, or of an earlier collection, with the bytes that would free.</param>
    private sealed record CollectionPlan(List<ObjectId> Dead, Dictionary<ObjectId, long> Sparse);
}
