using System.Runtime.ExceptionServices;

namespace Strongroom.Protection;

/// <summary>
/// Work done side by side that succeeds or fails as one: the first failure stops the others and is what comes out, never the
/// cancellations it caused.
/// </summary>
internal sealed class WorkerGroup : IDisposable
{
    private readonly CancellationTokenSource stopping;
    private ExceptionDispatchInfo? failure;

    internal WorkerGroup(CancellationToken cancellationToken) =>
        stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    /// <summary>Cancelled from outside or by the first failure.</summary>
    internal CancellationToken Token => stopping.Token;

    /// <summary>Runs the work on a thread of its own. The task is awaited by the caller, whatever happens.</summary>
    internal Task<T> Start<T>(Func<Task<T>> work) => Task.Run(async () =>
    {
        try
        {
            return await work();
        }
        catch (Exception e)
        {
            Fail(e);
            throw;
        }
    });

    /// <summary>Runs the same loop in several workers and waits for all of them.</summary>
    internal static async Task RunAsync(int count, Func<CancellationToken, Task> loop, CancellationToken cancellationToken)
    {
        using var group = new WorkerGroup(cancellationToken);
        Task[] workers = [.. Enumerable.Range(0, count).Select(_ => group.Start(async () =>
        {
            await loop(group.Token);
            return true;
        }))];
        await Task.WhenAll(workers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        group.ThrowIfFailed();
    }

    internal void Fail(Exception exception)
    {
        Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
        stopping.Cancel();
    }

    internal void ThrowIfFailed() => failure?.Throw();

    public void Dispose() => stopping.Dispose();
}
