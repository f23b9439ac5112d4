namespace Strongroom.ObjectStores.Testing;

/// <summary>The kinds of calls that <see cref="FaultyObjectStore"/> counts and breaks.</summary>
public enum StoreCall
{
    Put,
    Append,
    Commit,
    Get,
    Stat,
    List,
    Delete,
}

/// <summary>One call as a plan sees it.</summary>
/// <param name="Number">From 1, over all calls of the store.</param>
/// <param name="Name">The object's name, or the prefix of a listing.</param>
/// <param name="Bytes">Appended, or asked for; 0 for the others.</param>
/// <param name="Offset">Of a get; 0 for the others.</param>
public readonly record struct StoreCallInfo(long Number, StoreCall Call, string Name, long Bytes, long Offset = 0);

/// <summary>What goes wrong with a call; null from a plan: nothing. Called on any thread.</summary>
public delegate Fault? FaultPlan(StoreCallInfo call);

/// <summary>What goes wrong with one call.</summary>
public abstract record Fault
{
    private Fault()
    {
    }

    /// <summary>Fails before it has any effect.</summary>
    public sealed record FailBefore(ObjectStoreFailure Failure = ObjectStoreFailure.Transient, TimeSpan? RetryAfter = null) : Fault;

    /// <summary>Takes full effect, and then fails: the answer was lost. A listing fails after its last object.</summary>
    public sealed record FailAfter(ObjectStoreFailure Failure = ObjectStoreFailure.Transient) : Fault;

    /// <summary>Goes on only when the test lets it; then whatever <paramref name="Then"/> says.</summary>
    public sealed record Wait(Task Until, Fault? Then = null) : Fault;

    /// <summary>
    /// Does part of it. A get answers with only the first <paramref name="Count"/> bytes; an append adds them and fails, and so ends
    /// the upload; a listing fails after so many objects; a commit makes an object of so many bytes visible and dies
    /// (<see cref="StoreStoppedException"/>), which no good store would.
    /// </summary>
    public sealed record Tear(int Count) : Fault;

    /// <summary>Is carried out twice, as when a request is repeated on the way.</summary>
    public sealed record Repeat : Fault;

    /// <summary>A get answers with one bit changed.</summary>
    public sealed record Flip(long Bit) : Fault;

    /// <summary>A listing leaves out the objects that the test names: it is stale.</summary>
    public sealed record Hide(Predicate<string> Names) : Fault;

    /// <summary>The process dies before this call: it and every later call throw <see cref="StoreStoppedException"/>.</summary>
    public sealed record Stop : Fault;

    /// <summary>The process dies when this call has taken effect and before it learns so.</summary>
    public sealed record StopAfter : Fault;
}

/// <summary>The process that used the store is dead, as far as the test goes. Not a failure of the store: nothing retries it.</summary>
public sealed class StoreStoppedException() : Exception("The store was stopped by the test.");

/// <summary>Plans that many tests want.</summary>
public static class FaultPlans
{
    /// <summary>Dies at call <paramref name="number"/> (from 1), before or after it takes effect.</summary>
    public static FaultPlan StopAt(long number, bool afterEffect) => call =>
        call.Number < number ? null : call.Number == number && afterEffect ? new Fault.StopAfter() : new Fault.Stop();

    /// <summary>
    /// Transient failures at random, before and after the effect, and short listings: everything a retry can put right.
    /// The same seed gives the same faults for the same order of calls.
    /// </summary>
    /// <param name="share">From 0 to 1: how many of the calls fail.</param>
    public static FaultPlan Transient(int seed, double share)
    {
        var random = new Random(seed);
        var turn = new Lock();
        return call =>
        {
            lock (turn)
            {
                if (random.NextDouble() >= share)
                    return null;
                return random.Next(3) switch
                {
                    0 => new Fault.FailAfter(),
                    1 when call.Call == StoreCall.List => new Fault.Tear(random.Next(20)),
                    _ => new Fault.FailBefore(),
                };
            }
        };
    }

    /// <summary>A bad sector: gets that touch these bytes of the object fail for good, others of it do not.</summary>
    public static FaultPlan Unreadable(string name, long offset = 0, long length = long.MaxValue) => call =>
        call.Call == StoreCall.Get && call.Name == name && call.Offset - offset < length && call.Offset + call.Bytes > offset
            ? new Fault.FailBefore(ObjectStoreFailure.Unreadable)
            : null;

    /// <summary>The first fault that one of the plans has for the call.</summary>
    public static FaultPlan Any(params FaultPlan[] plans) => call =>
    {
        Fault? found = null;
        foreach (var plan in plans)
            found ??= plan(call);
        return found;
    };
}
