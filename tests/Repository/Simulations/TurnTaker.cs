using Strongroom.ObjectStores;

namespace Strongroom.Repository.Tests.Simulations;

/// <summary>
/// Lets the store's calls of several actors through one at a time, in an order drawn from a seed: the next is chosen only when
/// every actor waits for its turn or is done. What an actor does between two calls, and the order of calls that one actor
/// makes at once, is all that is left to chance.
/// </summary>
internal sealed class TurnTaker(Random random)
{
    private static readonly TimeSpan StandStill = TimeSpan.FromMinutes(2);
    private readonly Lock gate = new();
    private readonly SemaphoreSlim changed = new(0);
    private readonly SortedDictionary<int, List<(string Call, TaskCompletionSource Turn)>> actors = [];

    public long Calls { get; private set; }

    /// <summary>Runs all actors to their ends.</summary>
    public async Task Run(IReadOnlyList<Func<int, Task>> all)
    {
        for (int i = 0; i < all.Count; i++)
            actors.Add(i, []);
        var running = all.Select((actor, number) => Task.Run(async () =>
        {
            try
            {
                await actor(number);
            }
            finally
            {
                lock (gate)
                {
                    foreach (var (_, turn) in actors[number])
                        turn.SetResult();
                    actors.Remove(number);
                }

                changed.Release();
            }
        })).ToList();

        while (Next(out var turn))
        {
            if (turn is not null)
                turn.SetResult();
            else
                Assert.True(await changed.WaitAsync(StandStill), "The simulation stands still.");
        }

        await Task.WhenAll(running);
    }

    public Task Turn(int actor, string call)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            // Something an actor left running when it ended, such as a dead process's upload, needs no turn.
            if (!actors.TryGetValue(actor, out var waiting))
                return Task.CompletedTask;
            waiting.Add((call, turn));
        }

        changed.Release();
        return turn.Task;
    }

    /// <returns>False when all actors are done; true without a turn when one of them is still at work.</returns>
    private bool Next(out TaskCompletionSource? turn)
    {
        turn = null;
        lock (gate)
        {
            if (actors.Count == 0)
                return false;
            if (actors.Values.Any(waiting => waiting.Count == 0))
                return true;
            var chosen = actors.Values.ElementAt(random.Next(actors.Count));
            var first = chosen.MinBy(waiting => waiting.Call, StringComparer.Ordinal);
            chosen.Remove(first);
            turn = first.Turn;
            Calls++;
            return true;
        }
    }
}

/// <summary>A store whose calls wait for an actor's turn.</summary>
internal sealed class TurnStore(IObjectStore inner, TurnTaker turns, int actor) : IObjectStore
{
    public string Address => inner.Address;

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken) =>
        new Upload(await inner.PutAsync(name, mode, sizeHintBytes, cancellationToken), name, this);

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await turns.Turn(actor, $"get {name} {offset}");
        return await inner.GetAsync(name, offset, destination, cancellationToken);
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        await turns.Turn(actor, "stat " + name);
        return await inner.StatAsync(name, cancellationToken);
    }

    public async IAsyncEnumerable<ObjectStat> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await turns.Turn(actor, "list " + prefix);
        await foreach (var stat in inner.ListAsync(prefix, cancellationToken))
            yield return stat;
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await turns.Turn(actor, "delete " + name);
        await inner.DeleteAsync(name, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Upload(ObjectUpload upload, string name, TurnStore store) : ObjectUpload
    {
        public override bool CanRepeat => upload.CanRepeat;

        public override ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => upload.AppendAsync(bytes, cancellationToken);

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            await store.Wait("commit " + name);
            await upload.CommitAsync(cancellationToken);
        }

        public override ValueTask DisposeAsync() => upload.DisposeAsync();
    }

    private Task Wait(string call) => turns.Turn(actor, call);
}
