namespace Strongroom.ObjectStores;

/// <summary>Requests and bytes on the wire, counted below every retry and every part: what a provider's bill is made of.</summary>
public sealed class RequestCounter
{
    private long _puts, _gets, _heads, _lists, _posts, _deletes, _sentBytes, _receivedBytes;

    /// <summary>What was counted so far. Further requests may come while it is taken.</summary>
    public RequestCounts Counts => new(
        Volatile.Read(ref _puts),
        Volatile.Read(ref _gets),
        Volatile.Read(ref _heads),
        Volatile.Read(ref _lists),
        Volatile.Read(ref _posts),
        Volatile.Read(ref _deletes),
        Volatile.Read(ref _sentBytes),
        Volatile.Read(ref _receivedBytes));

    internal void Add(HttpMethod method, bool isListing, long sentBytes)
    {
        ref long count = ref _gets;
        if (method == HttpMethod.Put)
            count = ref _puts;
        else if (method == HttpMethod.Head)
            count = ref _heads;
        else if (method == HttpMethod.Post)
            count = ref _posts;
        else if (method == HttpMethod.Delete)
            count = ref _deletes;
        else if (isListing)
            count = ref _lists;
        Interlocked.Increment(ref count);
        Interlocked.Add(ref _sentBytes, sentBytes);
    }

    internal void AddReceived(long bytes) => Interlocked.Add(ref _receivedBytes, bytes);
}

/// <summary>Numbers of requests by kind, and bytes of their bodies. Providers bill puts, posts and lists alike, gets and heads at less.</summary>
public readonly record struct RequestCounts(
    long Puts, long Gets, long Heads, long Lists, long Posts, long Deletes, long SentBytes, long ReceivedBytes)
{
    public long Total => Puts + Gets + Heads + Lists + Posts + Deletes;
}
