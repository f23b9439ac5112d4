using System.Runtime.CompilerServices;

namespace Strongroom.ObjectStores;

/// <summary>
/// Any store with at most so many calls under way at once; further ones wait their turn. An upload holds a place only while it
/// appends or commits, so callers that keep uploads open cannot block each other; a listing only while it fetches.
/// </summary>
public sealed class LimitedObjectStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly SemaphoreSlim _places;

    /// <param name="inner">Owned: disposed with this store.</param>
    /// <param name="callsMax">From 1.</param>
    public LimitedObjectStore(IObjectStore inner, int callsMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(callsMax, 1);
        _inner = inner;
        _places = new SemaphoreSlim(callsMax, callsMax);
    }

    public string Address => _inner.Address;

    public int CommitsAtOnce => _inner.CommitsAtOnce;

    public int ReadAheadBytes => _inner.ReadAheadBytes;

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        using (await EnterAsync(cancellationToken))
            return new Upload(this, await _inner.PutAsync(name, mode, sizeHintBytes, cancellationToken));
    }

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        using (await EnterAsync(cancellationToken))
            return await _inner.GetAsync(name, offset, destination, cancellationToken);
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        using (await EnterAsync(cancellationToken))
            return await _inner.StatAsync(name, cancellationToken);
    }

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectName.CheckPrefix(prefix);
        return EnumerateAsync(prefix, cancellationToken);
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        using (await EnterAsync(cancellationToken))
            await _inner.DeleteAsync(name, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        _places.Dispose();
    }

    private async IAsyncEnumerable<ObjectStat> EnumerateAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var objects = _inner.ListAsync(prefix, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            using (await EnterAsync(cancellationToken))
            {
                if (!await objects.MoveNextAsync())
                    yield break;
            }

            yield return objects.Current;
        }
    }

    private async ValueTask<Place> EnterAsync(CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        return new Place(_places);
    }

    private readonly struct Place(SemaphoreSlim places) : IDisposable
    {
        public void Dispose() => places.Release();
    }

    private sealed class Upload(LimitedObjectStore store, ObjectUpload inner) : ObjectUpload
    {
        public override bool CanRepeat => inner.CanRepeat;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            using (await store.EnterAsync(cancellationToken))
                await inner.AppendAsync(bytes, cancellationToken);
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            using (await store.EnterAsync(cancellationToken))
                await inner.CommitAsync(cancellationToken);
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
