using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Strongroom.ObjectStores;

/// <summary>Measurements of every store of the process; anything that listens to .NET meters can read them.</summary>
public static class StoreMeter
{
    public const string Name = "Strongroom.ObjectStores";

    /// <summary>The values of the label <c>op</c>.</summary>
    public static IReadOnlyList<string> Operations { get; } = ["append", "commit", "delete", "get", "list", "open", "put", "stat"];

    /// <summary>The values of the label <c>code</c>. That something is not there, or there already, is an answer and no error.</summary>
    public static IReadOnlyList<string> Codes { get; } = ["denied", "full", "invalid", "transient", "unreadable"];

    private static readonly Meter Meter = new(Name);

    internal static Histogram<double> Duration { get; } = Meter.CreateHistogram<double>("cbr_store_request_duration_seconds", "s");

    internal static Counter<long> Errors { get; } = Meter.CreateCounter<long>("cbr_store_errors_total");

    internal static Counter<long> Retries { get; } = Meter.CreateCounter<long>("cbr_store_retries_total");

    internal static KeyValuePair<string, object?> Operation(string word) => new("op", word);

    internal static string? CodeOf(ObjectStoreException failure) => failure.Failure switch
    {
        ObjectStoreFailure.Denied => "denied",
        ObjectStoreFailure.Full => "full",
        ObjectStoreFailure.Invalid => "invalid",
        ObjectStoreFailure.Transient => "transient",
        ObjectStoreFailure.Unreadable => "unreadable",
        _ => null,
    };
}

/// <summary>Any store with every attempt at a call measured (<see cref="StoreMeter"/>) and known while it is under way.</summary>
/// <param name="inner">Owned: disposed with this store.</param>
/// <param name="activity">Told of every call.</param>
public sealed class ObservedObjectStore(IObjectStore inner, StoreActivity activity) : IObjectStore
{
    public string Address => inner.Address;

    public int CommitsAtOnce => inner.CommitsAtOnce;

    public int ReadAheadBytes => inner.ReadAheadBytes;

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        using var call = new Call(activity, "put", name);
        try
        {
            return new Upload(activity, name, await inner.PutAsync(name, mode, sizeHintBytes, cancellationToken));
        }
        catch (ObjectStoreException failure) when (call.Failed(failure))
        {
            throw;
        }
    }

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        using var call = new Call(activity, "get", name);
        try
        {
            return await inner.GetAsync(name, offset, destination, cancellationToken);
        }
        catch (ObjectStoreException failure) when (call.Failed(failure))
        {
            throw;
        }
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        using var call = new Call(activity, "stat", name);
        try
        {
            return await inner.StatAsync(name, cancellationToken);
        }
        catch (ObjectStoreException failure) when (call.Failed(failure))
        {
            throw;
        }
    }

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectName.CheckPrefix(prefix);
        return EnumerateAsync(prefix, cancellationToken);
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        using var call = new Call(activity, "delete", name);
        try
        {
            await inner.DeleteAsync(name, cancellationToken);
        }
        catch (ObjectStoreException failure) when (call.Failed(failure))
        {
            throw;
        }
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async IAsyncEnumerable<ObjectStat> EnumerateAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var objects = inner.ListAsync(prefix, cancellationToken).GetAsyncEnumerator(cancellationToken);
        for (bool isFirst = true; ; isFirst = false)
        {
            // What a listing waits for is its pages: steps within one are no requests, and there may be millions.
            ValueTask<bool> next = objects.MoveNextAsync();
            if (isFirst || !next.IsCompletedSuccessfully)
            {
                using var call = new Call(activity, "list", prefix);
                try
                {
                    if (!await next)
                        yield break;
                }
                catch (ObjectStoreException failure) when (call.Failed(failure))
                {
                    throw;
                }
            }
            else if (!await next)
            {
                yield break;
            }

            yield return objects.Current;
        }
    }

    private sealed class Upload(StoreActivity activity, string name, ObjectUpload inner) : ObjectUpload
    {
        public override bool CanRepeat => inner.CanRepeat;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            using var call = new Call(activity, "append", name);
            try
            {
                await inner.AppendAsync(bytes, cancellationToken);
            }
            catch (ObjectStoreException failure) when (call.Failed(failure))
            {
                throw;
            }
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            using var call = new Call(activity, "commit", name);
            try
            {
                await inner.CommitAsync(cancellationToken);
            }
            catch (ObjectStoreException failure) when (call.Failed(failure))
            {
                throw;
            }
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    /// <summary>One attempt, from its making to its disposal.</summary>
    private sealed class Call(StoreActivity activity, string operation, string name) : IDisposable
    {
        private readonly LinkedListNode<StoreActivity.Call> known = activity.Begin(operation, name);
        private readonly long beganAt = Stopwatch.GetTimestamp();
        private ObjectStoreException? failure;

        /// <summary>A filter that notes what passes and catches nothing.</summary>
        public bool Failed(ObjectStoreException error)
        {
            if (StoreMeter.CodeOf(error) is { } code)
                StoreMeter.Errors.Add(1, StoreMeter.Operation(operation), new KeyValuePair<string, object?>("code", code));
            failure = error.Failure == ObjectStoreFailure.Transient ? error : null;
            return false;
        }

        public void Dispose()
        {
            activity.End(known, failure);
            StoreMeter.Duration.Record(Stopwatch.GetElapsedTime(beganAt).TotalSeconds, StoreMeter.Operation(operation));
        }
    }
}
