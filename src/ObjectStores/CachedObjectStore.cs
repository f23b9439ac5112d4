namespace Strongroom.ObjectStores;

/// <summary>
/// Any store, for objects that are put once and never replaced: what is read or put is kept in an <see cref="ObjectCache"/>, and the
/// store is asked only for what is not there. Listings and stats are the store's own. An object that was deleted in the store may
/// still be read here; one that is not as it should be is to be dropped (<see cref="CacheExtensions.Forget"/>) and read again.
/// </summary>
/// <param name="inner">Not owned: the caller uses it for objects that do change.</param>
public sealed class CachedObjectStore(IObjectStore inner, ObjectCache cache) : IObjectStore
{
    /// <summary>What one request brings at a price not worth saving.</summary>
    private const int FetchBytesMax = 16 << 20;

    public string Address => inner.Address;

    public ObjectCache Cache => cache;

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        if (mode != PutMode.CreateOnly)
            throw new ArgumentException("What is replaced cannot be cached.", nameof(mode));
        var upload = await inner.PutAsync(name, mode, sizeHintBytes, cancellationToken);
        return cache.BeginWhole(name) is { } copy ? new Upload(upload, copy) : upload;
    }

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (destination.Length > 0 && cache.TryRead(name, offset, destination.Span))
            return destination.Length;
        int read = await inner.GetAsync(name, offset, destination, cancellationToken);
        if (read == destination.Length && read > 0)
            cache.Keep(name, offset, destination.Span);
        return read;
    }

    /// <summary>Brings an object of this size here with one request, unless it is here, or so large that its parts are better read as needed.</summary>
    public async ValueTask FetchAsync(string name, long sizeBytes, CancellationToken cancellationToken)
    {
        if (sizeBytes > Math.Min(FetchBytesMax, cache.WholeBytesMax) || cache.TryRead(name, 0, new byte[1]))
            return;
        byte[] content = new byte[sizeBytes];
        try
        {
            if (await inner.GetAsync(name, 0, content, cancellationToken) != sizeBytes)
                return;
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.Unreadable)
        {
            // One bad sector: the parts that are needed may lie elsewhere.
            return;
        }

        using var copy = cache.BeginWhole(name);
        copy?.Append(content);
        copy?.Complete();
    }

    public ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken) => inner.StatAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await inner.DeleteAsync(name, cancellationToken);
        cache.Forget(name);
    }

    /// <summary>Brings the cache within its bound.</summary>
    public ValueTask DisposeAsync()
    {
        cache.Trim();
        return ValueTask.CompletedTask;
    }

    private sealed class Upload(ObjectUpload inner, ObjectCache.Copy copy) : ObjectUpload
    {
        public override bool CanRepeat => false;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await inner.AppendAsync(bytes, cancellationToken);
            copy.Append(bytes.Span);
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            await inner.CommitAsync(cancellationToken);
            copy.Complete();
        }

        public override ValueTask DisposeAsync()
        {
            copy.Dispose();
            return inner.DisposeAsync();
        }
    }
}

/// <summary>For those who read objects that never change, from a store that may or may not have a cache.</summary>
public static class CacheExtensions
{
    /// <summary><see cref="CachedObjectStore.FetchAsync"/> where there is a cache; else nothing.</summary>
    public static ValueTask FetchAsync(this IObjectStore store, string name, long sizeBytes, CancellationToken cancellationToken) =>
        store is CachedObjectStore cached ? cached.FetchAsync(name, sizeBytes, cancellationToken) : ValueTask.CompletedTask;

    /// <summary>Drops what is kept of an object that turned out not to be as it should.</summary>
    /// <returns>True when there was something: reading once more asks the store.</returns>
    public static bool Forget(this IObjectStore store, string name) => store is CachedObjectStore cached && cached.Cache.Forget(name);
}
