using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Maintenance;

/// <summary>How much of a pack lives.</summary>
internal sealed class PackUse(int segmentCount)
{
    /// <summary>Plain bytes of the live chunks of each segment.</summary>
    public int[] LiveBytes { get; } = new int[segmentCount];

    public bool IsDead { get; private set; } = true;

    public void Add(IndexEntry entry)
    {
        LiveBytes[entry.Segment] += entry.Length;
        IsDead = false;
    }

    /// <summary>Stored bytes of a live pack that no backup needs: of each segment the dead chunks' share.</summary>
    public long ReclaimableBytes(PackRecord record)
    {
        long bytes = 0;
        for (int i = 0; i < LiveBytes.Length; i++)
            bytes += DeadBytes(record.Segments[i], LiveBytes[i]);
        return bytes;
    }

    public static long DeadBytes(in SegmentInfo segment, int liveBytes) =>
        (long)segment.StoredLength * Math.Max(0, segment.PlainLength - liveBytes) / segment.PlainLength;
}

/// <summary>
/// What backups need: for every chunk one of its copies, marked by a bit per index entry and summed up per segment. That is
/// all the memory it takes: 16 million chunks are 2 MiB.
/// </summary>
internal sealed class LiveMarks : ReferenceVisitor
{
    private readonly RepositoryDomain domain;
    private readonly IReadOnlyDictionary<ObjectId, long> packs;
    private readonly IReadOnlySet<ObjectId> condemned;
    private readonly Dictionary<IndexRun, ulong[]> bits = [];
    private readonly Dictionary<ObjectId, bool> others = [];
    private readonly List<IndexHit> hits = [];
    private readonly IndexSet index;

    private LiveMarks(
        RepositoryDomain domain, IndexRun[] runs, IReadOnlyDictionary<ObjectId, long> packs, IReadOnlySet<ObjectId> condemned, bool acceptDamage)
        : base(acceptDamage)
    {
        this.domain = domain;
        this.packs = packs;
        this.condemned = condemned;
        Runs = runs;
        index = new IndexSet(runs, null, null);
        foreach (var run in runs)
            bits.Add(run, new ulong[(run.EntryCount + 63) / 64]);
    }

    public IReadOnlyList<IndexRun> Runs { get; }

    /// <summary>Of every indexed pack that exists.</summary>
    public Dictionary<ObjectId, PackUse> Uses { get; } = [];

    /// <summary>Where each of these packs' records are.</summary>
    public Dictionary<ObjectId, (IndexRun Run, int Number)> Records { get; } = [];

    public long MissingChunks { get; private set; }

    /// <param name="packs">The packs that exist, with their sizes; those that come later are nobody's to collect.</param>
    /// <param name="condemned">Packs that must go: a copy elsewhere is preferred.</param>
    public static async ValueTask<LiveMarks> BeginAsync(
        RepositoryDomain domain, IndexRun[] runs, IReadOnlyDictionary<ObjectId, long> packs, IReadOnlySet<ObjectId> condemned, bool acceptDamage,
        CancellationToken cancellationToken)
    {
        var marks = new LiveMarks(domain, runs, packs, condemned, acceptDamage);
        foreach (var run in runs)
        {
            for (int number = 0; number < run.PackCount; number++)
            {
                var pack = run.PackId(number);
                if (!packs.ContainsKey(pack) || marks.Uses.ContainsKey(pack))
                    continue;
                marks.Uses.Add(pack, new PackUse((await run.ReadPackAsync(number, cancellationToken)).Segments.Length));
                marks.Records.Add(pack, (run, number));
            }
        }

        return marks;
    }

    public ValueTask<PackRecord> ReadRecordAsync(ObjectId pack, CancellationToken cancellationToken)
    {
        var (run, number) = Records[pack];
        return run.ReadPackAsync(number, cancellationToken);
    }

    /// <summary>Whether this pack's copy of a chunk is the one that is kept.</summary>
    public async ValueTask<bool> IsLiveAsync(ChunkPrefix prefix, ObjectId pack, CancellationToken cancellationToken)
    {
        await index.FindAllAsync(prefix, hits, cancellationToken);
        return hits.Exists(hit => hit.Pack == pack && IsMarked(hit));
    }

    protected override async ValueTask<bool> MeetAsync(ChunkPrefix prefix, CancellationToken cancellationToken)
    {
        await index.FindAllAsync(prefix, hits, cancellationToken);
        int best = -1;
        int bestRank = 0;
        for (int i = 0; i < hits.Count; i++)
        {
            if (IsMarked(hits[i]))
                return false;
            int rank = await RankAsync(hits[i].Pack, cancellationToken);
            if (rank > bestRank || (rank == bestRank && rank > 0 && hits[i].Pack.CompareTo(hits[best].Pack) < 0))
                (best, bestRank) = (i, rank);
        }

        if (bestRank == 0)
            MissingChunks++;
        if (bestRank is Condemned or Usable)
        {
            var hit = hits[best];
            bits[hit.Run][hit.Position >> 6] |= 1UL << (int)(hit.Position & 63);
            var use = Uses[hit.Pack];
            if (hit.Entry.Segment >= use.LiveBytes.Length)
                throw new RepositoryException(RepositoryFailure.Damaged, hit.Run.Name, $"{hit.Entry} names a segment that its pack does not have.");
            use.Add(hit.Entry);
        }

        return true;
    }

    private const int Condemned = 1;
    private const int New = 2;
    private const int Usable = 3;

    /// <summary>0 when the pack is gone.</summary>
    private async ValueTask<int> RankAsync(ObjectId pack, CancellationToken cancellationToken)
    {
        if (packs.ContainsKey(pack))
            return condemned.Contains(pack) ? Condemned : Usable;
        if (!others.TryGetValue(pack, out bool exists))
            others[pack] = exists = await domain.Store.StatAsync(domain.Names.Pack(pack), cancellationToken) is not null;
        return exists ? New : 0;
    }

    private bool IsMarked(in IndexHit hit) => (bits[hit.Run][hit.Position >> 6] >> (int)(hit.Position & 63) & 1) != 0;
}
