using System.Globalization;

namespace Strongroom.ObjectStores;

/// <summary>
/// What one process's calls to a store are doing, for whoever has to say why nothing moves: which call has been under way for
/// longest, and since when all of them fail. Members may be called from any thread.
/// </summary>
public sealed class StoreActivity(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly LinkedList<Call> calls = [];
    private (Call Since, string Message)? failing;

    /// <summary>
    /// What the store does that has kept callers waiting for at least <paramref name="atLeast"/>, as in <c>has not answered since …</c>;
    /// null when nothing has. The same words as long as it is the same trouble.
    /// </summary>
    public string? Trouble(TimeSpan atLeast)
    {
        lock (gate)
        {
            if (failing is var (since, message) && time.GetElapsedTime(since.Began) >= atLeast)
                return $"has failed since {Instant(since.BeganAt)} and is tried again: {message}";
            if (calls.First?.Value is { } oldest && time.GetElapsedTime(oldest.Began) >= atLeast)
                return $"has not answered since {Instant(oldest.BeganAt)} ({oldest.Operation} of {oldest.Name}).";
            return null;
        }
    }

    /// <summary>A call begins; the caller hands what it got to <see cref="End"/>, however the call ends.</summary>
    internal LinkedListNode<Call> Begin(string operation, string name)
    {
        var call = new LinkedListNode<Call>(new Call(operation, name, time.GetTimestamp(), time.GetUtcNow()));
        lock (gate)
            calls.AddLast(call);
        return call;
    }

    /// <param name="call">Of <see cref="Begin"/>.</param>
    /// <param name="failure">What will be tried again; null for any answer.</param>
    internal void End(LinkedListNode<Call> call, ObjectStoreException? failure)
    {
        lock (gate)
        {
            calls.Remove(call);
            failing = failure is null ? null : (failing?.Since ?? call.Value, failure.Message);
        }
    }

    private static string Instant(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    internal sealed record Call(string Operation, string Name, long Began, DateTimeOffset BeganAt);
}
