using Strongroom.ObjectStores;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Maintenance;

/// <summary>The figures of a repository as they come together.</summary>
internal sealed class StatisticsTally
{
    private readonly SortedDictionary<string, (long Objects, long Bytes)> kinds = new(StringComparer.Ordinal);

    public List<BackupStatistics> Backups { get; } = [];

    public long SharedBytes { get; set; }

    public long ReclaimableBytes { get; set; }

    public long UniqueChunks { get; set; }

    public long UniqueChunkBytes { get; set; }

    public void CountObject(string kind, long bytes)
    {
        var (objects, sum) = kinds.GetValueOrDefault(kind);
        kinds[kind] = (objects + 1, sum + bytes);
    }

    public RepositoryStatistics ToStatistics() => new()
    {
        TotalBytes = kinds.Values.Sum(kind => kind.Bytes),
        Kinds = [.. kinds.Select(kind => new ObjectKindStatistics(kind.Key, kind.Value.Objects, kind.Value.Bytes))],
        Backups = Backups,
        SharedBytes = SharedBytes,
        ReclaimableBytes = ReclaimableBytes,
        LogicalBytes = Backups.Sum(backup => backup.LogicalBytes),
        DataBytes = Backups.Sum(backup => backup.DataBytes),
        UniqueChunks = UniqueChunks,
        UniqueChunkBytes = UniqueChunkBytes,
    };
}

/// <summary>
/// Attributes every byte of a domain. Each chunk has an owner: nobody, one backup, or several. A segment's stored bytes go
/// to the owners of its chunks in proportion to their plain length, what nobody owns of it as one sum; what is left of a
/// pack (header, directory, rounding) goes where its chunks go.
/// </summary>
internal sealed class DomainStatistics(RepositoryDomain domain, StatisticsTally tally)
{
    private const ushort Nobody = 0;
    private const ushort Several = ushort.MaxValue;

    /// <summary>Owner of each entry of each run, by its position: number of the backup, from 1.</summary>
    private readonly Dictionary<IndexRun, ushort[]> owners = [];
    private readonly List<BackupRecord> backups = [];
    private readonly List<long> ownBytes = [0];
    private IndexSet index = new([], null, null);

    private DomainNames Names => domain.Names;

    public async Task CollectAsync(CancellationToken cancellationToken)
    {
        var packs = new Dictionary<ObjectId, long>();
        var parities = new Dictionary<ObjectId, long>();
        long otherBytes = 0;
        var rootBytes = new Dictionary<string, long>(StringComparer.Ordinal);
        await foreach (var stat in domain.Store.ListAsync(domain.Names.All, cancellationToken))
        {
            string kind = stat.Name[domain.Names.All.Length..].Split('/')[0];
            tally.CountObject(kind == "key" ? "domain keys" : kind, stat.SizeBytes);
            if (domain.Names.PackOf(stat.Name) is { } id)
                packs[id] = stat.SizeBytes;
            else if (domain.Names.PackOfParity(stat.Name) is { } parityOf)
                parities.Add(parityOf, stat.SizeBytes);
            else if (stat.Name.StartsWith(domain.Names.Backups, StringComparison.Ordinal))
                rootBytes[stat.Name[domain.Names.Backups.Length..]] = stat.SizeBytes;
            else
                otherBytes += stat.SizeBytes;
        }

        // A parity is part of its pack; one without is what an interrupted deletion left.
        foreach (var (pack, bytes) in parities)
        {
            if (packs.ContainsKey(pack))
                packs[pack] += bytes;
            else
                tally.ReclaimableBytes += bytes;
        }

        var runs = await domain.Catalog.ListAsync(null, cancellationToken);
        index = new IndexSet(runs, packs.Keys, null);
        foreach (var run in runs)
            owners[run] = new ushort[run.EntryCount];
        foreach (var (backupId, bytes) in rootBytes)
            otherBytes += await MarkAsync(backupId, bytes, cancellationToken);

        tally.SharedBytes += otherBytes;
        await AttributePacksAsync(runs, packs, cancellationToken);
        for (int i = 0; i < backups.Count; i++)
        {
            tally.Backups.Add(new BackupStatistics(
                domain.Id, backups[i].Id, backups[i].ResourceId, backups[i].Members.Sum(member => member.SizeBytes),
                backups[i].Members.Sum(member => member.DataBytes), ownBytes[i + 1]));
        }
    }

    /// <returns>The root's bytes when they are no backup's: it is void, or was deleted a moment ago.</returns>
    private async ValueTask<long> MarkAsync(string backupId, long bytes, CancellationToken cancellationToken)
    {
        if (await domain.ReadRootAsync(backupId, cancellationToken) is not { } backup)
            return bytes;
        if (backups.Count == Several - 1)
            throw new NotSupportedException($"More than {Several - 1} backups of a domain cannot be told apart.");
        backups.Add(backup);
        ownBytes.Add(bytes);
        var visitor = new Marker(this, (ushort)backups.Count);
        foreach (var member in backup.Members)
            await new ManifestWalker(domain, visitor).WalkAsync(backup, member, cancellationToken);
        return 0;
    }

    private async ValueTask AttributePacksAsync(IndexRun[] runs, Dictionary<ObjectId, long> packs, CancellationToken cancellationToken)
    {
        foreach (var run in runs)
        {
            // A pack counts in the first run that names it, which is also where its chunks were found.
            var shares = new PackShare?[run.PackCount];
            for (int number = 0; number < shares.Length; number++)
            {
                if (packs.Remove(run.PackId(number), out long bytes))
                    shares[number] = new PackShare(await run.ReadPackAsync(number, cancellationToken), bytes);
            }

            ushort[] owner = owners[run];
            long position = 0;
            for (int block = 0; block < run.BlockCount; block++)
            {
                byte[] entries = await run.ReadBlockAsync(block, cancellationToken);
                for (int at = 0; at < entries.Length; at += IndexEntry.Size, position++)
                    Attribute(IndexEntry.Read(entries.AsSpan(at)), owner[position], shares);
            }

            foreach (var share in shares)
            {
                if (share is null)
                    continue;
                long reclaimable = share.Owner == Nobody ? share.LeftBytes : share.Use.ReclaimableBytes(share.Record);
                tally.ReclaimableBytes += reclaimable;
                AddBytes(share.Owner, share.LeftBytes - reclaimable);
            }
        }

        // In no index: left by a backup that did not finish.
        tally.ReclaimableBytes += packs.Values.Sum();
    }

    private void Attribute(IndexEntry entry, ushort owner, PackShare?[] shares)
    {
        if (owner == Nobody || shares[entry.Pack] is not { } share)
            return;
        var segment = share.Record.Segments[entry.Segment];
        long bytes = (long)segment.StoredLength * entry.Length / segment.PlainLength;
        share.LeftBytes -= bytes;
        share.Add(entry, owner);
        AddBytes(owner, bytes);
        tally.UniqueChunks++;
        tally.UniqueChunkBytes += entry.Length;
    }

    private void AddBytes(ushort owner, long bytes)
    {
        switch (owner)
        {
            case Nobody:
                break;
            case Several:
                tally.SharedBytes += bytes;
                break;
            default:
                ownBytes[owner] += bytes;
                break;
        }
    }

    private sealed class PackShare(PackRecord record, long bytes)
    {
        public PackRecord Record => record;

        public long LeftBytes { get; set; } = bytes;

        public PackUse Use { get; } = new(record.Segments.Length);

        public ushort Owner { get; private set; }

        /// <summary>Dead chunks beside live ones do not change whose the pack is.</summary>
        public void Add(IndexEntry entry, ushort owner)
        {
            Use.Add(entry);
            Owner = owner == Owner ? Owner : Owner == Nobody ? owner : Several;
        }
    }

    private sealed class Marker(DomainStatistics statistics, ushort backup) : IManifestVisitor
    {
        private readonly List<IndexHit> hits = [];

        public async ValueTask<bool> EnterAsync(ReadOnlyMemory<byte> pageId, CancellationToken cancellationToken) =>
            await MarkAsync(pageId, cancellationToken);

        public void Leave(ReadOnlyMemory<byte> pageId)
        {
        }

        public void Broken(ReadOnlyMemory<byte> pageId, RepositoryException damage) => throw damage;

        public async ValueTask ChunkAsync(ReadOnlyMemory<byte> chunkId, long lengthBytes, CancellationToken cancellationToken) =>
            await MarkAsync(chunkId, cancellationToken);

        /// <returns>False when nothing changed, so that what is below a page is marked as well already.</returns>
        private async ValueTask<bool> MarkAsync(ReadOnlyMemory<byte> id, CancellationToken cancellationToken)
        {
            await statistics.index.FindAllAsync(ChunkPrefix.Of(id.Span), hits, cancellationToken);
            if (hits.Count == 0)
            {
                throw new RepositoryException(
                    RepositoryFailure.Damaged, statistics.Names.Indexes, $"No index knows chunk {ChunkSource.Show(id.Span)}; run a check.");
            }

            // Of several copies the one that a collection would keep.
            var hit = hits[0];
            foreach (var other in hits)
                hit = other.Pack.CompareTo(hit.Pack) < 0 ? other : hit;
            ref ushort owner = ref statistics.owners[hit.Run][hit.Position];
            if (owner == backup || owner == Several)
                return false;
            owner = owner == Nobody ? backup : Several;
            return true;
        }
    }
}
