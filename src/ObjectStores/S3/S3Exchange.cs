namespace Strongroom.ObjectStores.S3;

/// <summary>
/// One request and its answer: it fails when no byte moves for a while, however long the whole takes, and carries what the
/// transport saw past the SDK to whoever maps the failure.
/// </summary>
internal sealed class S3Exchange : IDisposable
{
    private static readonly AsyncLocal<S3Exchange?> _current = new();

    private readonly CancellationTokenSource _stall;
    private readonly CancellationTokenSource _either;
    private readonly TimeSpan _stallTimeout;
    private readonly TimeProvider _time;
    private long _armedAt;

    public S3Exchange(TimeSpan stallTimeout, TimeProvider time, CancellationToken cancellationToken)
    {
        (_stallTimeout, _time, _armedAt) = (stallTimeout, time, time.GetTimestamp());
        _stall = new CancellationTokenSource(stallTimeout, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_stall.Token, cancellationToken);
        _current.Value = this; // as long as the asynchronous method that made it
    }

    /// <summary>The exchange that the code running now belongs to, seen by the transport below the SDK.</summary>
    public static S3Exchange? Current => _current.Value;

    public CancellationToken Token => _either.Token;

    public bool HasStalled => _stall.IsCancellationRequested;

    /// <summary>How long the server asked us to wait; null when it did not.</summary>
    public TimeSpan? RetryAfter { get; set; }

    /// <summary>The server's clock when it answered; null when it did not say.</summary>
    public DateTimeOffset? ServerTime { get; set; }

    /// <summary>A byte moved. Cheap: the timer is set anew only when a tenth of its time has gone.</summary>
    public void Progress()
    {
        if (_time.GetElapsedTime(_armedAt) < _stallTimeout / 10)
            return;
        _armedAt = _time.GetTimestamp();
        _stall.CancelAfter(_stallTimeout);
    }

    public void Dispose()
    {
        _either.Dispose();
        _stall.Dispose();
    }
}
