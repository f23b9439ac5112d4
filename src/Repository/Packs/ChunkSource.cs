using System.Collections.Concurrent;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository.Packs;

/// <summary>
/// Reads chunks and pages of a domain by id: finds them in the index, opens segments, checks every id. Keeps decoded
/// segments within a bound. Safe for any number of threads.
/// </summary>
/// <param name="healer">Asked for segments that are damaged or unreadable; null: they are told of.</param>
/// <param name="immutable">The same store, perhaps with a cache: for pages. Data, which a restore reads once, would only push them out.</param>
internal sealed class ChunkSource(
    IObjectStore store, IObjectStore immutable, DomainNames names, DomainKeys keys, RunCatalog catalog, PackHealer? healer, long segmentCacheBytes) : IAsyncDisposable
{
    private const int Attempts = 4;
    private readonly SemaphoreSlim reloadGate = new(1);
    private readonly SegmentCache segments = new(segmentCacheBytes);
    private readonly ConcurrentBag<PackReader> readers = [];
    private readonly ConcurrentBag<PackReader> pageReaders = [];
    private volatile IndexSet? index;

    public DomainKeys Keys => keys;

    /// <summary>As <see cref="IObjectStore.ReadAheadBytes"/>, of the store that has the data.</summary>
    public int ReadAheadBytes => store.ReadAheadBytes;

    /// <summary>A reader for one worker, to be given back with <see cref="Return"/>: its buffers are as large as the largest segment.</summary>
    public PackReader Rent() => readers.TryTake(out var reader) ? reader : new PackReader(store, names, keys, healer);

    public void Return(PackReader reader) => readers.Add(reader);

    /// <summary>The place of a chunk.</summary>
    /// <exception cref="RepositoryException">Damaged: no run knows it.</exception>
    public async ValueTask<IndexHit> FindAsync(ReadOnlyMemory<byte> id, CancellationToken cancellationToken)
    {
        var prefix = ChunkPrefix.Of(id.Span);
        var seen = index;
        if (seen is not null && await seen.FindAsync(prefix, cancellationToken) is { } hit)
            return hit;

        // Another process may have committed, merged or collected since the runs were listed.
        var damages = new List<RepositoryException>();
        var current = await ReloadAsync(seen, damages, isSettled: false, cancellationToken);
        if (await current.FindAsync(prefix, cancellationToken) is { } found)
            return found;
        current = await ReloadAsync(current, damages, isSettled: true, cancellationToken);
        if (await current.FindAsync(prefix, cancellationToken) is { } hidden)
            return hidden;
        throw damages.Count > 0
            ? damages[0]
            : new RepositoryException(RepositoryFailure.Damaged, names.Indexes, $"No index knows chunk {Show(id.Span)}.");
    }

    /// <summary>Reads a map, directory or content page.</summary>
    /// <returns>Its bytes, verified; not to be changed.</returns>
    public ValueTask<ReadOnlyMemory<byte>> ReadPageAsync(ReadOnlyMemory<byte> id, CancellationToken cancellationToken) =>
        ReadAsync(id, keys.Pages, cancellationToken);

    /// <summary>Reads a single data chunk; for whole backups segments are read in pack order instead.</summary>
    public ValueTask<ReadOnlyMemory<byte>> ReadChunkAsync(ReadOnlyMemory<byte> id, CancellationToken cancellationToken) =>
        ReadAsync(id, keys.Chunks, cancellationToken);

    /// <summary>Checks a chunk cut out of its segment.</summary>
    /// <exception cref="RepositoryException">Damaged, naming pack, segment and chunk.</exception>
    public void Verify(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> id, ChunkHasher hasher, in SegmentLocation segment, int offset)
    {
        Span<byte> actual = stackalloc byte[ChunkHasher.IdBytes];
        hasher.Hash(plain, actual);
        if (!actual.SequenceEqual(id))
        {
            throw new RepositoryException(
                RepositoryFailure.Damaged, names.Pack(segment.Pack), segment.Info.Offset,
                $"Segment {segment.Ordinal} holds other bytes at {offset} than chunk {Show(id)}.");
        }
    }

    public static string Show(ReadOnlySpan<byte> id) => Convert.ToHexStringLower(id[..8]) + "…";

    public async ValueTask DisposeAsync()
    {
        reloadGate.Dispose();
        foreach (var reader in readers.Concat(pageReaders))
            reader.Dispose();
        await ValueTask.CompletedTask;
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(ReadOnlyMemory<byte> id, ChunkHasher hasher, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            var hit = await FindAsync(id, cancellationToken);
            try
            {
                return await ReadCopyAsync(hit, id, hasher, cancellationToken);
            }
            catch (RepositoryException damage) when (damage.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                return await ReadOtherCopyAsync(hit, id, hasher, damage, cancellationToken);
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
            {
                // Its pack was collected, or the run that names it merged, since the runs were listed.
                if (attempt == Attempts)
                    throw new RepositoryException(RepositoryFailure.Damaged, names.Pack(hit.Pack), $"The pack with chunk {Show(id.Span)} is gone.", e);
                await ReloadAsync(index, [], isSettled: false, cancellationToken);
                if (await store.StatAsync(names.Pack(hit.Pack), cancellationToken) is null)
                    index?.MarkMissing(hit.Pack);
            }
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadCopyAsync(
        IndexHit hit, ReadOnlyMemory<byte> id, ChunkHasher hasher, CancellationToken cancellationToken)
    {
        var segment = await hit.SegmentAsync(cancellationToken);
        byte[] plain = await segments.GetAsync(segment, hasher == keys.Pages ? LoadPagesAsync : LoadAsync, cancellationToken);
        Verify(plain.AsSpan(hit.Entry.Offset, hit.Entry.Length), id.Span, hasher, segment, hit.Entry.Offset);
        return plain.AsMemory(hit.Entry.Offset, hit.Entry.Length);
    }

    /// <summary>Any one sound copy of a chunk will do; without one it is told what is wrong with the first.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> ReadOtherCopyAsync(
        IndexHit damaged, ReadOnlyMemory<byte> id, ChunkHasher hasher, RepositoryException damage, CancellationToken cancellationToken)
    {
        var copies = new List<IndexHit>();
        if (index is { } current)
            await current.FindAllAsync(ChunkPrefix.Of(id.Span), copies, cancellationToken);
        foreach (var copy in copies.Where(copy => copy != damaged))
        {
            try
            {
                return await ReadCopyAsync(copy, id, hasher, cancellationToken);
            }
            catch (Exception e) when (e is RepositoryException { Failure: RepositoryFailure.Damaged or RepositoryFailure.Unreadable } or ObjectStoreException { Failure: ObjectStoreFailure.NotFound })
            {
                // No better than the first.
            }
        }

        throw damage;
    }

    private async Task<byte[]> LoadAsync(SegmentLocation segment)
    {
        var reader = Rent();
        try
        {
            // Several may wait for this load: none of them may cancel it for the others.
            return (await reader.ReadSegmentAsync(segment, CancellationToken.None)).ToArray();
        }
        finally
        {
            Return(reader);
        }
    }

    private async Task<byte[]> LoadPagesAsync(SegmentLocation segment)
    {
        var reader = pageReaders.TryTake(out var idle) ? idle : new PackReader(immutable, names, keys, healer);
        try
        {
            return (await reader.ReadSegmentAsync(segment, CancellationToken.None)).ToArray();
        }
        finally
        {
            pageReaders.Add(reader);
        }
    }

    private async ValueTask<IndexSet> ReloadAsync(
        IndexSet? seen, List<RepositoryException> damages, bool isSettled, CancellationToken cancellationToken)
    {
        await reloadGate.WaitAsync(cancellationToken);
        try
        {
            if (index is { } other && other != seen)
                return other;
            damages.Clear();
            var runs = isSettled ? await catalog.ListSettledAsync(damages, cancellationToken) : await catalog.ListAsync(damages, cancellationToken);
            var loaded = new IndexSet(runs, null, token => catalog.ListAsync([], token));
            index = loaded;
            return loaded;
        }
        finally
        {
            reloadGate.Release();
        }
    }
}

/// <summary>Decoded segments, least recently used out first; two who want the same one wait for one load.</summary>
internal sealed class SegmentCache(long maxBytes)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(ObjectId Pack, int Ordinal), LinkedListNode<Item>> items = [];
    private readonly LinkedList<Item> order = new();
    private long bytes;

    public async ValueTask<byte[]> GetAsync(SegmentLocation segment, Func<SegmentLocation, Task<byte[]>> load, CancellationToken cancellationToken)
    {
        var key = (segment.Pack, segment.Ordinal);
        Lazy<Task<byte[]>> loading;
        lock (gate)
        {
            if (items.TryGetValue(key, out var node) && !(node.Value.Loading.IsValueCreated && node.Value.Loading.Value.IsFaulted))
            {
                order.Remove(node);
                order.AddLast(node);
                loading = node.Value.Loading;
            }
            else
            {
                if (node is not null)
                    Remove(node);
                loading = new Lazy<Task<byte[]>>(() => load(segment));
                bytes += segment.Info.PlainLength;
                items[key] = order.AddLast(new Item(key, segment.Info.PlainLength, loading));
                while (bytes > maxBytes && order.First is { } oldest && oldest.Value.Key != key)
                    Remove(oldest);
            }
        }

        return await loading.Value.WaitAsync(cancellationToken);
    }

    private void Remove(LinkedListNode<Item> node)
    {
        order.Remove(node);
        items.Remove(node.Value.Key);
        bytes -= node.Value.LengthBytes;
    }

    private sealed record Item((ObjectId Pack, int Ordinal) Key, int LengthBytes, Lazy<Task<byte[]>> Loading);
}
