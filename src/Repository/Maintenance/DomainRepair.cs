using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Maintenance;

/// <summary>One repair of one domain. Killed at any point it leaves what the next repair or collection finishes.</summary>
internal sealed class DomainRepair(
    BackupRepository repository, RepositoryDomain domain, CollectionOptions options, IProgress<RepairProgress>? progress)
{
    private readonly List<string> removed = [];
    private readonly List<string> rewrittenParities = [];
    private readonly List<ObjectId> healedPacks = [];
    private readonly List<ObjectId> damagedPacks = [];

    /// <summary>Packs that the medium did not give up in full: what a later read may bring is not to be lost, so nothing is done to them.</summary>
    private readonly HashSet<ObjectId> unreadablePacks = [];
    private long readBytes;
    private long savedChunks;
    private long damagedChunks;
    private long unreadableChunks;

    public async Task<RepairReport> RunAsync(CancellationToken cancellationToken)
    {
        await using var beacon = await SessionBeacon.BeginAsync(domain, null, domain.Time, cancellationToken);
        await RemoveUnreadableAsync(cancellationToken);
        var watch = new SessionWatch(domain, beacon.Id, options);
        await watch.WaitAsync(refuseCollections: true, _ => { }, cancellationToken);
        await SaveAsync(cancellationToken);
        await CondemnAsync(beacon.Id, watch, cancellationToken);
        await IndexRebuild.RunAsync(domain, unreadablePacks, null, cancellationToken);
        await beacon.EndAsync(cancellationToken);

        // Packs were read in full just now; what is left to find out is whom the losses touch. Those of packs that stay only a read shows.
        var remaining = await RepositoryCheck.RunAsync(
            repository, [domain], new CheckOptions { PacksToRead = unreadablePacks }, null, cancellationToken);
        var damaged = remaining.Damages.SelectMany(damage => damage.Backups).ToHashSet(StringComparer.Ordinal);
        var before = await DamagedBackup.ListAsync(domain, cancellationToken);
        foreach (string backupId in damaged)
            await DamagedBackup.MarkAsync(domain, backupId, cancellationToken);
        var healed = before.Where(backupId => !damaged.Contains(backupId)).ToList();
        foreach (string backupId in healed)
            await DamagedBackup.ClearAsync(domain, backupId, cancellationToken);
        return new RepairReport
        {
            Domain = domain.Id,
            HealedPacks = [.. healedPacks.Select(domain.Names.Pack)],
            RewrittenParities = rewrittenParities,
            ReplacedPacks = [.. damagedPacks.Select(domain.Names.Pack)],
            ReadBytes = readBytes,
            SavedChunks = savedChunks,
            DamagedChunks = damagedChunks,
            UnreadablePacks = [.. unreadablePacks.Order().Select(domain.Names.Pack)],
            UnreadableChunks = unreadableChunks,
            RemovedObjects = removed,
            Remaining = remaining,
            DamagedBackups = [.. damaged.Order(StringComparer.Ordinal)],
            HealedBackups = healed,
        };
    }

    /// <summary>
    /// Sessions and collections that cannot be read would stop every backup. One whose owner lives is put again with its next beat; a
    /// collection that loses its object stays dead, as its session has ended or will be waited for.
    /// </summary>
    private async ValueTask RemoveUnreadableAsync(CancellationToken cancellationToken)
    {
        foreach (string folder in new[] { domain.Names.Sessions, domain.Names.Collections, domain.Names.Damaged })
        {
            foreach (var stat in await domain.Store.ListAsync(folder, cancellationToken).ToListAsync(cancellationToken))
            {
                try
                {
                    string last = stat.Name[folder.Length..];
                    if (folder == domain.Names.Damaged && ObjectNames.IsValidId(last))
                        await DamagedBackup.CheckAsync(domain, last, cancellationToken);
                    else if (folder == domain.Names.Sessions && DomainNames.IdOf(stat.Name) is { } session)
                        await SessionBeacon.ReadAsync(domain, session, cancellationToken);
                    else if (DomainNames.IdOf(stat.Name) is { } collection)
                        await PublishedCollection.CheckAsync(domain, collection, cancellationToken);
                }
                catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
                {
                    await domain.Store.DeleteAsync(stat.Name, cancellationToken);
                    removed.Add(stat.Name);
                }
            }
        }
    }

    /// <summary>Reads all packs, and writes what is sound in those that have damage once more.</summary>
    private async ValueTask SaveAsync(CancellationToken cancellationToken)
    {
        var packs = await domain.Store.ListAsync(domain.Names.Packs, cancellationToken).ToListAsync(cancellationToken);
        long total = packs.Sum(stat => stat.SizeBytes);
        long done = 0;
        await using var data = new PackMover(domain, PackKind.Data);
        await using var pages = new PackMover(domain, PackKind.Pages);
        await using var gathered = new ChunkStore(domain);
        var reader = domain.Source.Rent();
        foreach (var stat in packs)
        {
            if (domain.Names.PackOf(stat.Name) is not { } id)
                continue;
            try
            {
                var found = await ExamineAsync(reader, id, stat.SizeBytes, cancellationToken);
                if (!found.IsSound && domain.Healer is { } healer && await healer.HealAsync(id, cancellationToken))
                {
                    long sizeBytes = (await domain.Store.StatAsync(stat.Name, cancellationToken))?.SizeBytes ?? 0;
                    found = await ExamineAsync(reader, id, sizeBytes, cancellationToken);
                    if (found.IsSound)
                        healedPacks.Add(id);
                }

                await SettleAsync(reader, found, data, pages, gathered, cancellationToken);
            }
            catch (RepositoryException e) when (e.Failure == RepositoryFailure.Unreadable)
            {
                unreadablePacks.Add(id);
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
            {
                // Collected since the listing.
            }

            done += stat.SizeBytes;
            progress?.Report(new RepairProgress(domain.Id, done, total));
        }

        domain.Source.Return(reader);
        await data.FlushAsync(cancellationToken);
        await pages.FlushAsync(cancellationToken);
        await gathered.FlushAsync(cancellationToken);
    }

    /// <summary>Reads all of a pack.</summary>
    private async ValueTask<Examination> ExamineAsync(PackReader reader, ObjectId id, long sizeBytes, CancellationToken cancellationToken)
    {
        PackDirectory directory;
        try
        {
            directory = await reader.ReadDirectoryAsync(id, sizeBytes, cancellationToken);
        }
        catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
        {
            return new Examination(id, null, [], e.Failure == RepositoryFailure.Unreadable, 0, 0);
        }

        var record = directory.Record;
        bool[]?[] verdicts = new bool[]?[record.Segments.Length];
        var wanted = Enumerable.Range(0, verdicts.Length).Select(record.LocationOf).ToList();
        bool isUnreadable = false;
        long damaged = 0;
        long unreadable = 0;
        int chunk = 0;
        for (int segment = 0; segment < verdicts.Length; segment++)
        {
            await reader.ReadAheadAsync(wanted, segment, cancellationToken);
            int[] lengths = [.. Enumerable.Range(chunk, directory.ChunksIn(segment)).Select(directory.ChunkLength)];
            try
            {
                if (await TryReadAsync(reader, record, segment, cancellationToken) is { } plain)
                    verdicts[segment] = Verify(plain.Span, lengths, directory, chunk);
                damaged += verdicts[segment]?.Count(sound => !sound) ?? lengths.Length;
            }
            catch (RepositoryException e) when (e.Failure == RepositoryFailure.Unreadable)
            {
                isUnreadable = true;
                unreadable += lengths.Length;
            }

            chunk += lengths.Length;
        }

        return new Examination(id, directory, verdicts, isUnreadable, damaged, unreadable);
    }

    /// <summary>Does what is to be done about a pack.</summary>
    private async ValueTask SettleAsync(
        PackReader reader, Examination found, PackMover data, PackMover pages, ChunkStore gathered, CancellationToken cancellationToken)
    {
        damagedChunks += found.DamagedChunks;
        unreadableChunks += found.UnreadableChunks;
        if (found.IsUnreadable)
        {
            unreadablePacks.Add(found.Pack);
            return;
        }

        if (found.IsSound)
        {
            if (domain.Healer is { } healer && await healer.EnsureAsync(found.Pack, found.Directory!.Record.SizeBytes, cancellationToken))
                rewrittenParities.Add(domain.Names.Parity(found.Pack));
            return;
        }

        if (found.Directory is null)
            await SaveByIndexAsync(reader, found.Pack, gathered, cancellationToken);
        else
            await SaveAsync(reader, found.Directory, found.Verdicts, found.Directory.Record.Kind == PackKind.Data ? data : pages, gathered, cancellationToken);
        damagedPacks.Add(found.Pack);
    }

    private async ValueTask SaveAsync(
        PackReader reader, PackDirectory directory, bool[]?[] verdicts, PackMover mover, ChunkStore gathered, CancellationToken cancellationToken)
    {
        int chunk = 0;
        for (int segment = 0; segment < verdicts.Length; segment++)
        {
            if (verdicts[segment] is { } verdict)
            {
                if (verdict.All(sound => sound))
                    await mover.MoveAsync(reader, directory, segment, chunk, cancellationToken);
                else
                    await GatherAsync(reader, directory, segment, chunk, verdict, gathered, cancellationToken);
                savedChunks += verdict.Count(sound => sound);
            }

            chunk += directory.ChunksIn(segment);
        }
    }

    private bool[] Verify(ReadOnlySpan<byte> plain, int[] lengths, PackDirectory directory, int firstChunk)
    {
        byte[] ids = new byte[lengths.Length * ChunkHasher.IdBytes];
        HasherOf(directory.Record).HashMany(plain, lengths, ids);
        bool[] sound = new bool[lengths.Length];
        for (int i = 0; i < sound.Length; i++)
            sound[i] = ids.AsSpan(i * ChunkHasher.IdBytes, ChunkHasher.IdBytes).SequenceEqual(directory.ChunkId(firstChunk + i));
        return sound;
    }

    private async ValueTask GatherAsync(
        PackReader reader, PackDirectory directory, int segment, int firstChunk, bool[] sound, ChunkStore gathered, CancellationToken cancellationToken)
    {
        if (await TryReadAsync(reader, directory.Record, segment, cancellationToken) is not { } plain)
            return;
        int offset = 0;
        for (int i = 0; i < sound.Length; i++)
        {
            int length = directory.ChunkLength(firstChunk + i);
            if (sound[i])
                await AddAsync(gathered, directory.Record, plain.Slice(offset, length), ChunkPrefix.Of(directory.ChunkId(firstChunk + i)), cancellationToken);
            offset += length;
        }
    }

    /// <summary>The pack's own directory is lost: an index run still says where its chunks are, and their hashes whether they are those.</summary>
    private async ValueTask SaveByIndexAsync(PackReader reader, ObjectId pack, ChunkStore gathered, CancellationToken cancellationToken)
    {
        var places = new Dictionary<(int Segment, int Offset), IndexEntry>();
        PackRecord? record = null;
        foreach (var run in await domain.Catalog.ListAsync([], cancellationToken))
        {
            int number = Enumerable.Range(0, run.PackCount).FirstOrDefault(number => run.PackId(number) == pack, -1);
            if (number < 0)
                continue;
            for (int block = 0; block < run.BlockCount; block++)
            {
                try
                {
                    record ??= await run.ReadPackAsync(number, cancellationToken);
                    byte[] bytes = await run.ReadBlockAsync(block, cancellationToken);
                    for (int at = 0; at < bytes.Length; at += IndexEntry.Size)
                    {
                        var entry = IndexEntry.Read(bytes.AsSpan(at));
                        if (entry.Pack == number)
                            places[(entry.Segment, entry.Offset)] = entry;
                    }
                }
                catch (RepositoryException e) when (e.Failure == RepositoryFailure.Damaged)
                {
                    // Other blocks may be sound.
                }
            }
        }

        foreach (var group in places.Values.GroupBy(entry => entry.Segment).OrderBy(group => group.Key))
        {
            var plain = group.Key < record!.Segments.Length ? await TryReadAsync(reader, record, group.Key, cancellationToken) : null;
            foreach (var entry in group)
            {
                bool fits = plain is { } bytes && entry.Offset + (long)entry.Length <= bytes.Length;
                if (fits && await AddAsync(gathered, record!, plain!.Value.Slice(entry.Offset, entry.Length), entry.Prefix, cancellationToken))
                    savedChunks++;
                else
                    damagedChunks++;
            }
        }
    }

    /// <returns>False when the bytes are not those of the chunk.</returns>
    private async ValueTask<bool> AddAsync(
        ChunkStore gathered, PackRecord record, ReadOnlyMemory<byte> plain, ChunkPrefix expected, CancellationToken cancellationToken)
    {
        byte[] id = new byte[ChunkHasher.IdBytes];
        HasherOf(record).Hash(plain.Span, id);
        if (ChunkPrefix.Of(id) != expected)
            return false;
        var uncounted = new MemberCounters();
        if (record.Kind == PackKind.Pages)
        {
            await gathered.AddPageAsync(plain, id, uncounted, cancellationToken);
            return true;
        }

        var lane = gathered.Rent(uncounted);
        await gathered.AddAsync(lane, id, plain, cancellationToken);
        gathered.Return(lane);
        return true;
    }

    private async ValueTask<ReadOnlyMemory<byte>?> TryReadAsync(PackReader reader, PackRecord record, int segment, CancellationToken cancellationToken)
    {
        try
        {
            var plain = await reader.ReadSegmentAsync(record.LocationOf(segment), cancellationToken);
            readBytes += record.Segments[segment].StoredLength;
            return plain;
        }
        catch (RepositoryException e) when (e.Failure == RepositoryFailure.Damaged)
        {
            return null;
        }
    }

    private ChunkHasher HasherOf(PackRecord record) => record.Kind == PackKind.Data ? domain.Keys.Chunks : domain.Keys.Pages;

    /// <summary>
    /// As a collection removes packs: from now on nobody new refers to them, and no backup is compared with one that may be
    /// damaged; who began before is waited for. What is unreadable only stays condemned: the next backups store anew what they
    /// need of it, and every collection tries to bring out what backups still need.
    /// </summary>
    private async ValueTask CondemnAsync(ObjectId id, SessionWatch watch, CancellationToken cancellationToken)
    {
        var condemned = (await PublishedCollection.ListAsync(domain, cancellationToken)).SelectMany(collection => collection.Packs);
        List<ObjectId> staying = [.. unreadablePacks.Except(condemned)];
        if (damagedPacks.Count + staying.Count == 0)
            return;
        string name = domain.Names.Collection(id);
        try
        {
            var collection = new PublishedCollection(id, [.. damagedPacks, .. staying], new HashSet<string>());
            await domain.Store.PutAsync(name, collection.Write(domain.Keys), PutMode.CreateOnly, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.AlreadyExists)
        {
            throw new RepositoryException(RepositoryFailure.Locked, name, "A collection took this repair for dead, since it did not move for long; nothing was deleted.", e);
        }

        await watch.WaitAsync(refuseCollections: false, _ => { }, cancellationToken);
        foreach (var pack in damagedPacks)
            await domain.Store.DeleteAsync(domain.Names.Pack(pack), cancellationToken);
        if (staying.Count == 0)
            await domain.Store.DeleteAsync(name, cancellationToken);
    }

    /// <param name="Directory">Null when it is damaged or unreadable.</param>
    /// <param name="Verdicts">Of each segment's chunks, whether they are sound; null of a segment that cannot be opened.</param>
    private sealed record Examination(
        ObjectId Pack, PackDirectory? Directory, bool[]?[] Verdicts, bool IsUnreadable, long DamagedChunks, long UnreadableChunks)
    {
        public bool IsSound => Directory is not null && !IsUnreadable && Verdicts.All(verdict => verdict is not null && verdict.All(sound => sound));
    }
}
