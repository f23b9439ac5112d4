using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Strongroom.ObjectStores;

/// <summary>How long, and how patiently, <see cref="RetryingObjectStore"/> tries again.</summary>
public sealed class RetryOptions
{
    /// <summary>About the wait before the second attempt; each further one doubles it.</summary>
    public TimeSpan FirstDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>No wait of our own choosing is longer.</summary>
    public TimeSpan LongestDelay { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Counted from the first failure in a row. Outlasts the restart of a gateway and a fail-over of its database.</summary>
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromMinutes(5);
}

/// <summary>
/// Any store with calls that failed as <see cref="ObjectStoreFailure.Transient"/> made again: after a wait that doubles and is
/// spread at random, never sooner than the store asked (<see cref="ObjectStoreException.RetryAfter"/>, which holds up
/// everybody's calls), until <see cref="RetryOptions.GiveUpAfter"/>. Other failures pass through at once, and so does
/// that of an upload which cannot repeat (<see cref="ObjectUpload.CanRepeat"/>).
/// </summary>
public sealed class RetryingObjectStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly RetryOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<double> _spread;
    private long _pausedUntil = long.MinValue;

    /// <param name="inner">Owned: disposed with this store.</param>
    /// <param name="spread">Gives random numbers from 0 to 1, on any thread; null: the platform's.</param>
    public RetryingObjectStore(IObjectStore inner, RetryOptions options, TimeProvider time, Func<double>? spread = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.FirstDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LongestDelay, options.FirstDelay);
        (_inner, _options, _time, _spread) = (inner, options, time, spread ?? Random.Shared.NextDouble);
    }

    public string Address => _inner.Address;

    public int CommitsAtOnce => _inner.CommitsAtOnce;

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        for (var attempts = new Attempts(this); ;)
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
        for (var attempts = new Attempts(this); ;)
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
        for (var attempts = new Attempts(this); ;)
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
        for (var attempts = new Attempts(this); ;)
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
        var attempts = new Attempts(this);
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
                attempts = new Attempts(this);
                yield return objects.Current;
            }
        }
    }

    private sealed class Upload(RetryingObjectStore store, ObjectUpload inner) : ObjectUpload
    {
        public override bool CanRepeat => inner.CanRepeat;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            for (var attempts = new Attempts(store); ;)
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
            for (var attempts = new Attempts(store); ;)
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

    /// <summary>The attempts at one call. Costs nothing until one fails.</summary>
    private struct Attempts(RetryingObjectStore store)
    {
        private int _failures;
        private long _firstFailureAt;
        private long _notBefore = long.MinValue;

        /// <summary>Waits until the next attempt is due.</summary>
        public readonly ValueTask BeginAsync(CancellationToken cancellationToken)
        {
            long due = Math.Max(_notBefore, Volatile.Read(ref store._pausedUntil));
            return due == long.MinValue ? ValueTask.CompletedTask : store.WaitUntilAsync(due, cancellationToken);
        }

        /// <summary>Whether another attempt may follow this failure; if so, settles when.</summary>
        public bool MayFollow(ObjectStoreException failure)
        {
            if (failure.Failure != ObjectStoreFailure.Transient)
                return false;
            long now = store._time.GetTimestamp();
            if (_failures == 0)
                _firstFailureAt = now;
            var options = store._options;
            double doubled = options.FirstDelay.TotalMilliseconds * Math.Pow(2, Math.Min(_failures, 30));
            var delay = TimeSpan.FromMilliseconds(Math.Min(doubled, options.LongestDelay.TotalMilliseconds) * (0.5 + (store._spread() / 2)));
            if (failure.RetryAfter is { } pace && pace > delay)
                delay = pace;
            if (store._time.GetElapsedTime(_firstFailureAt, now) + delay > options.GiveUpAfter)
                return false;
            _failures++;
            _notBefore = now + (long)(delay.TotalSeconds * store._time.TimestampFrequency);
            if (failure.RetryAfter is not null)
                store.PauseUntil(_notBefore);
            return true;
        }
    }

    private void PauseUntil(long due)
    {
        for (long seen = Volatile.Read(ref _pausedUntil); seen < due;)
        {
            long before = Interlocked.CompareExchange(ref _pausedUntil, due, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }

    private async ValueTask WaitUntilAsync(long due, CancellationToken cancellationToken)
    {
        long now = _time.GetTimestamp();
        if (due > now)
            await Task.Delay(_time.GetElapsedTime(now, due), _time, cancellationToken);
    }
}
