using System.Collections.Concurrent;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>The workers of a tree's backup. Whoever has one runs; there are never more than the setting allows.</summary>
internal sealed class StrandPool(TreeWriter tree, int count) : IAsyncDisposable
{
    private readonly SemaphoreSlim free = new(count, count);
    private readonly ConcurrentBag<TreeWorker> workers = [];

    /// <summary>A free worker, or null when all are busy.</summary>
    internal TreeWorker? TryTake() => free.Wait(0, CancellationToken.None) ? Get() : null;

    internal async ValueTask<TreeWorker> TakeAsync(CancellationToken cancellationToken)
    {
        await free.WaitAsync(cancellationToken);
        return Get();
    }

    internal void Give(TreeWorker worker)
    {
        workers.Add(worker);
        free.Release();
    }

    /// <summary>Ends what the workers still hold. All have been given back.</summary>
    internal async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (TreeWorker worker in workers)
            await worker.FinishAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TreeWorker worker in workers)
            await worker.DisposeAsync();
        free.Dispose();
    }

    private TreeWorker Get() => workers.TryTake(out TreeWorker? worker) ? worker : tree.CreateWorker();
}

/// <summary>
/// One line of execution and the worker it has. While it waits for others it gives the worker away, so that none idles.
/// </summary>
internal sealed class Strand(StrandPool pool, TreeWorker worker)
{
    private TreeWorker? held = worker;

    internal TreeWorker Worker => held ?? throw new InvalidOperationException("A waiting strand has no worker.");

    internal async Task WaitAsync(Task others, CancellationToken cancellationToken)
    {
        if (!others.IsCompleted)
        {
            // Nobody else can complete the contents this worker gathers.
            await Worker.CompleteAsync(cancellationToken);
            End();
            await others.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ResumeAsync(cancellationToken);
        }

        await others;
    }

    /// <summary>Gives the worker to work that goes on by itself, and will give it back to the pool.</summary>
    internal async ValueTask<TreeWorker> LendAsync(CancellationToken cancellationToken)
    {
        TreeWorker lent = Worker;
        await lent.CompleteAsync(cancellationToken);
        held = null;
        return lent;
    }

    /// <summary>Waits for a worker if it has none.</summary>
    internal async ValueTask ResumeAsync(CancellationToken cancellationToken) => held ??= await pool.TakeAsync(cancellationToken);

    internal void End()
    {
        if (held is { } given)
            pool.Give(given);
        held = null;
    }
}
