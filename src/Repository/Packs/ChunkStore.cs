using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;

namespace Strongroom.Repository.Packs;

/// <summary>
/// Where one backup puts its chunks: answers whether one is there already, and gives each worker a lane of its own. A chunk two workers find new at the same
/// moment is claimed by one of them; nothing is stored twice within a backup unless an index run is being written out.
/// </summary>
internal sealed class ChunkStore : IAsyncDisposable
{
    /// <summary>Pages are read singly and by many backups: small segments keep that cheap.</summary>
    private const int PageSegmentBytes = 256 << 10;

    private readonly IObjectStore store;
    private readonly DomainNames names;
    private readonly DomainKeys keys;
    private readonly RepositoryOptions options;
    private readonly RunCatalog catalog;
    private readonly IObjectStore immutable;
    private readonly Func<CancellationToken, ValueTask<IndexSet>> open;
    private readonly SemaphoreSlim openGate = new(1);
    private volatile IndexSet? stored;
    private readonly SessionIndex recent = new();
    private readonly PackLedger ledger = new();
    private readonly Lock lanesGate = new();
    private readonly List<PackLane> lanes = [];
    private readonly Stack<PackLane> idle = [];
    private readonly SemaphoreSlim pagesGate = new(1);
    private readonly PackLane pages;
    private int spilling;
    private volatile bool failed;

    /// <param name="open">What is stored already: asked for when the first chunk is, since a backup without a new one needs none of it.</param>
    public ChunkStore(RepositoryDomain domain, Func<CancellationToken, ValueTask<IndexSet>> open)
    {
        store = domain.Store;
        immutable = domain.Immutable;
        names = domain.Names;
        keys = domain.Keys;
        options = domain.Options;
        catalog = domain.Catalog;
        this.open = open;
        pages = NewLane(immutable, PackKind.Pages, PageSegmentBytes);
    }

    /// <summary>One that knows of nothing stored before.</summary>
    public ChunkStore(RepositoryDomain domain)
        : this(domain, static _ => ValueTask.FromResult(new IndexSet([], null, null)))
    {
    }

    /// <summary>Something could not be stored: chunks claimed since then may be nowhere, so the backup must not be committed.</summary>
    public bool HasFailed => failed;

    /// <summary>The runs in use, those of this backup too; none before it asked for the first chunk.</summary>
    public IReadOnlyList<IndexRun> Runs => stored?.Runs ?? [];

    /// <summary>Whether this backup added one.</summary>
    public bool HasWrittenRun { get; private set; }

    /// <summary>A lane for one worker, to be given back with <see cref="Return"/>; packs go on from worker to worker.</summary>
    public PackLane Rent(MemberCounters counters)
    {
        lock (lanesGate)
        {
            if (!idle.TryPop(out var lane))
            {
                lane = NewLane(store, PackKind.Data, options.EffectiveSegmentBytes);
                lanes.Add(lane);
            }

            lane.Counters = counters;
            return lane;
        }
    }

    public void Return(PackLane lane)
    {
        lock (lanesGate)
            idle.Push(lane);
    }

    /// <summary>Stores a data chunk unless it is known.</summary>
    /// <returns>True when it was new.</returns>
    public async ValueTask<bool> AddAsync(PackLane lane, ReadOnlyMemory<byte> id, ReadOnlyMemory<byte> plain, CancellationToken cancellationToken)
    {
        bool done = false;
        try
        {
            var prefix = ChunkPrefix.Of(id.Span);
            if (recent.Contains(prefix) || await FindStoredAsync(prefix, cancellationToken) is not null)
            {
                done = true;
                return false;
            }

            if (!lane.HasRoom(plain.Length))
            {
                await lane.MakeRoomAsync(plain.Length, cancellationToken);
                await SpillAsync(cancellationToken);
            }

            bool isNew = recent.TryAdd(lane.Place(prefix, plain.Length));
            if (isNew)
                lane.Add(id.Span, plain.Span);
            done = true;
            return isNew;
        }
        finally
        {
            failed |= !done;
        }
    }

    /// <summary>Stores a page unless it is known.</summary>
    /// <param name="id">Receives its id.</param>
    public async ValueTask AddPageAsync(ReadOnlyMemory<byte> page, Memory<byte> id, MemberCounters counters, CancellationToken cancellationToken)
    {
        keys.Pages.Hash(page.Span, id.Span);
        bool done = false;
        try
        {
            var prefix = ChunkPrefix.Of(id.Span);
            if (!recent.Contains(prefix) && await FindStoredAsync(prefix, cancellationToken) is null)
                await PlacePageAsync(prefix, page, id, counters, cancellationToken);
            done = true;
        }
        finally
        {
            failed |= !done;
        }
    }

    /// <summary>Makes everything durable: packs first, then an index run that names them. No lane may be rented.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        // Side by side, since each has a segment to compress and a pack to make durable.
        await Task.WhenAll(lanes.Append(pages).Select(lane => Task.Run(() => lane.FlushAsync(cancellationToken).AsTask(), CancellationToken.None)));
        await WriteRunAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var lane in lanes)
            await lane.DisposeAsync();
        await pages.DisposeAsync();
        pagesGate.Dispose();
        openGate.Dispose();
    }

    private ValueTask<IndexHit?> FindStoredAsync(ChunkPrefix prefix, CancellationToken cancellationToken) =>
        stored is { } opened ? opened.FindAsync(prefix, cancellationToken) : OpenAndFindAsync(prefix, cancellationToken);

    private async ValueTask<IndexHit?> OpenAndFindAsync(ChunkPrefix prefix, CancellationToken cancellationToken) =>
        await (await OpenStoredAsync(cancellationToken)).FindAsync(prefix, cancellationToken);

    private async ValueTask<IndexSet> OpenStoredAsync(CancellationToken cancellationToken)
    {
        await openGate.WaitAsync(cancellationToken);
        try
        {
            return stored ??= await open(cancellationToken);
        }
        finally
        {
            openGate.Release();
        }
    }

    private async ValueTask PlacePageAsync(
        ChunkPrefix prefix, ReadOnlyMemory<byte> page, ReadOnlyMemory<byte> id, MemberCounters counters, CancellationToken cancellationToken)
    {
        await pagesGate.WaitAsync(cancellationToken);
        try
        {
            if (!pages.HasRoom(page.Length))
                await pages.MakeRoomAsync(page.Length, cancellationToken);
            pages.Counters = counters;
            if (recent.TryAdd(pages.Place(prefix, page.Length)))
                pages.Add(id.Span, page.Span);
        }
        finally
        {
            pagesGate.Release();
        }
    }

    private PackLane NewLane(IObjectStore to, PackKind kind, int segmentBytes) =>
        new(to, names, keys, ledger, kind, segmentBytes, options.PackBytes, options.CompressionLevel);

    /// <summary>Keeps the table of recent chunks within its bound: those in durable packs move to an index run.</summary>
    private async ValueTask SpillAsync(CancellationToken cancellationToken)
    {
        if (recent.Count < options.SessionIndexEntries || Interlocked.Exchange(ref spilling, 1) != 0)
            return;
        try
        {
            await WriteRunAsync(cancellationToken);
        }
        finally
        {
            Volatile.Write(ref spilling, 0);
        }
    }

    private async ValueTask WriteRunAsync(CancellationToken cancellationToken)
    {
        var packs = ledger.TakeDurable();
        if (packs.Count == 0)
            return;
        var numbers = packs.Keys.Order().Select((pack, position) => (pack, position)).ToDictionary(p => p.pack, p => (uint)p.position);
        var entries = recent.Extract(packs.Keys.ToHashSet());
        var span = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries);
        for (int i = 0; i < span.Length; i++)
            span[i] = span[i] with { Pack = numbers[span[i].Pack] };
        span.Sort();

        var (id, sizeBytes) = await RunWriter.WriteAsync(
            immutable, names, keys, entries, [.. packs.OrderBy(pack => pack.Key).Select(pack => pack.Value)], cancellationToken);
        HasWrittenRun = true;
        var index = await OpenStoredAsync(cancellationToken);
        try
        {
            index.Add(await catalog.OpenAsync(id, sizeBytes, cancellationToken));
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            await index.AddMergedAsync(packs.Values.Select(pack => pack.Id), cancellationToken);
        }
    }
}
