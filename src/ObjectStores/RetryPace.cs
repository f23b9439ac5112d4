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

/// <summary>When a call that failed may be made again; the pace that the store asked for holds for all calls together. Thread-safe.</summary>
internal sealed class RetryPace
{
    private readonly RetryOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<double> _spread;
    private long _pausedUntil = long.MinValue;

    public RetryPace(RetryOptions options, TimeProvider time, Func<double>? spread = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.FirstDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LongestDelay, options.FirstDelay);
        (_options, _time, _spread) = (options, time, spread ?? Random.Shared.NextDouble);
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

    /// <summary>The attempts at one call. Costs nothing until one fails.</summary>
    /// <param name="pace">Held by all calls together.</param>
    /// <param name="operation">One of <see cref="StoreMeter.Operations"/>.</param>
    internal struct Attempts(RetryPace pace, string operation)
    {
        private int _failures;
        private long _firstFailureAt;
        private long _notBefore = long.MinValue;

        /// <summary>The wait before the next attempt.</summary>
        public TimeSpan Delay { get; private set; }

        /// <summary>Waits until the next attempt is due.</summary>
        public readonly ValueTask BeginAsync(CancellationToken cancellationToken)
        {
            long due = Math.Max(_notBefore, Volatile.Read(ref pace._pausedUntil));
            return due == long.MinValue ? ValueTask.CompletedTask : pace.WaitUntilAsync(due, cancellationToken);
        }

        /// <summary>Whether another attempt may follow this failure; if so, settles when.</summary>
        public bool MayFollow(ObjectStoreException failure)
        {
            if (failure.Failure != ObjectStoreFailure.Transient)
                return false;
            long now = pace._time.GetTimestamp();
            if (_failures == 0)
                _firstFailureAt = now;
            var options = pace._options;
            double doubled = options.FirstDelay.TotalMilliseconds * Math.Pow(2, Math.Min(_failures, 30));
            var delay = TimeSpan.FromMilliseconds(Math.Min(doubled, options.LongestDelay.TotalMilliseconds) * (0.5 + (pace._spread() / 2)));
            if (failure.RetryAfter is { } asked && asked > delay)
                delay = asked;
            if (pace._time.GetElapsedTime(_firstFailureAt, now) + delay > options.GiveUpAfter)
                return false;
            _failures++;
            StoreMeter.Retries.Add(1, StoreMeter.Operation(operation));
            Delay = delay;
            _notBefore = now + (long)(delay.TotalSeconds * pace._time.TimestampFrequency);
            if (failure.RetryAfter is not null)
                pace.PauseUntil(_notBefore);
            return true;
        }
    }
}
