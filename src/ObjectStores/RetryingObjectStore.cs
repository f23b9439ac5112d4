using System.Runtime.CompilerServices;

namespace Strongroom.ObjectStores;

/// <summary>
/// Any store with calls that failed as <see cref="ObjectStoreFailure.Transient"/> made again: after a wait that doubles and is
/// spread at random, never sooner than the store asked (<see cref="ObjectStoreException.RetryAfter"/>, which holds up
/// everybody's calls), until <see cref="RetryOptions.GiveUpAfter"/>. Other failures pass through at once, and so does
/// that of an upload which cannot repeat (<see cref="ObjectUpload.CanRepeat"/>).
/// </summary>
public sealed class RetryingObjectStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly RetryPace _pace;

    /// <param name="inner">Owned: disposed with this store.</param>
    /// <param name="spread">Gives random numbers from 0 to 1, on any thread; null: the platform's.</param>
    public RetryingObjectStore(IObjectStore inner, RetryOptions options, TimeProvider time, Func<double>? spread = null)
        : this(inner, new RetryPace(options, time, spread))
    {
    }

    private RetryingObjectStore(IObjectStore inner, RetryPace pace) => (_inner, _pace) = (inner, pace);

    /// <summary>Opens a store with the same patience.</summary>
    /// <param name="waiting">Told of each failure that another attempt follows, and after which wait; null: nobody.</param>
    public static async ValueTask<RetryingObjectStore> OpenAsync(
        Func<CancellationToken, ValueTask<IObjectStore>> open, RetryOptions options, TimeProvider time,
        Action<ObjectStoreException, TimeSpan>? waiting, CancellationToken cancellationToken)
    {
        var pace = new RetryPace(options, time);
        for (var attempts = new RetryPace.Attempts(pace, "open"); ;)
        {
            try
            {
                await attempts.BeginAsync(cancellationToken);
                return new RetryingObjectStore(await open(cancellationToken), pace);
            }
            catch (ObjectStoreException failure) when (attempts.MayFollow(failure))
            {
                waiting?.Invoke(failure, attempts.Delay);
            }
        }
    }

    public string Address => _inner.Address;

    public int CommitsAtOnce => _inner.CommitsAtOnce;

    public int ReadAheadBytes => _inner.ReadAheadBytes;

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        for (var attempts = new RetryPace.Attempts(_pace, "put"); ;)
        {
            try
            {
                await attempts.BeginAsync(cancellationToken);
                return new Upload(this, await _inner.PutAsync(name, mode, sizeHintBytes, cancellationToken));
            }
            catch (ObjectStoreException failure) when (attempts.MayFollow(failure))
            {
            }
        }
    }

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        for (var attempts = new RetryPace.Attempts(_pace, "get"); ;)
        {
            try
            {
                await attempts.BeginAsync(cancellationToken);
                return await _inner.GetAsync(name, offset, destination, cancellationToken);
            }
            catch (ObjectStoreException failure) when (attempts.MayFollow(failure))
            {
            }
        }
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        for (var attempts = new RetryPace.Attempts(_pace, "stat"); ;)
        {
            try
            {
                await attempts.BeginAsync(cancellationToken);
                return await _inner.StatAsync(name, cancellationToken);
            }
            catch (ObjectStoreException failure) when (attempts.MayFollow(failure))
            {
            }
        }
    }

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectName.CheckPrefix(prefix);
        return EnumerateAsync(prefix, cancellationToken);
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        for (var attempts = new RetryPace.Attempts(_pace, "delete"); ;)
        {
            try
            {
                await attempts.BeginAsync(cancellationToken);
                await _inner.DeleteAsync(name, cancellationToken);
                return;
            }
            catch (ObjectStoreException failure) when (attempts.MayFollow(failure))
            {
            }
        }
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    /// <summary>A listing that broke off is begun again, and what was yielded already is skipped: order makes that exact.</summary>
    private async IAsyncEnumerable<ObjectStat> EnumerateAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string last = "";
        var attempts = new RetryPace.Attempts(_pace, "list");
        for (bool ended = false; !ended;)
        {
            await attempts.BeginAsync(cancellationToken);
            await using var objects = _inner.ListAsync(prefix, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                try
                {
                    ended = !await objects.MoveNextAsync();
                    if (ended)
                        break;
                }
                catch (ObjectStoreException failure) when (attempts.MayFollow(failure))
                {
                    break;
                }

                if (string.CompareOrdinal(objects.Current.Name, last) <= 0)
                    continue;
                last = objects.Current.Name;
                attempts = new RetryPace.Attempts(_pace, "list");
                yield return objects.Current;
            }
        }
    }

    private sealed class Upload(RetryingObjectStore store, ObjectUpload inner) : ObjectUpload
    {
        public override bool CanRepeat => inner.CanRepeat;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            for (var attempts = new RetryPace.Attempts(store._pace, "append"); ;)
            {
                try
                {
                    await attempts.BeginAsync(cancellationToken);
                    await inner.AppendAsync(bytes, cancellationToken);
                    return;
                }
                catch (ObjectStoreException failure) when (inner.CanRepeat && attempts.MayFollow(failure))
                {
                }
            }
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            for (var attempts = new RetryPace.Attempts(store._pace, "commit"); ;)
            {
                try
                {
                    await attempts.BeginAsync(cancellationToken);
                    await inner.CommitAsync(cancellationToken);
                    return;
                }
                catch (ObjectStoreException failure) when (inner.CanRepeat && attempts.MayFollow(failure))
                {
                }
            }
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
