using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>
/// The entries of one directory on their way to its <see cref="DirectoryWriter"/>, which takes them in order: those behind
/// one that is still being stored wait here.
/// </summary>
internal sealed class EntryQueue(DirectoryWriter directory, Strand strand)
{
    /// <summary>Some 500 bytes each. Enough to keep several workers busy, and no matter how large the directory is.</summary>
    private const int WaitingMax = 1024;

    private readonly Queue<EntryPlace> waiting = new();

    internal bool IsFull => waiting.Count >= WaitingMax;

    internal void Add(StoredEntry entry) => AddPlace().Settle(entry);

    /// <summary>Keeps the next place for an entry that is still being made.</summary>
    internal EntryPlace AddPlace()
    {
        var place = new EntryPlace();
        waiting.Enqueue(place);
        return place;
    }

    /// <summary>Hands on what is ready, without waiting.</summary>
    internal async ValueTask AddReadyAsync(CancellationToken cancellationToken)
    {
        while (waiting.TryPeek(out EntryPlace? place) && place.IsReady)
            await AddNextAsync(cancellationToken);
    }

    /// <summary>Waits until half the room is free. Every place is settled or followed.</summary>
    internal async ValueTask AddSomeAsync(CancellationToken cancellationToken)
    {
        while (waiting.Count > WaitingMax / 2)
            await AddNextAsync(cancellationToken);
    }

    internal async ValueTask AddAllAsync(CancellationToken cancellationToken)
    {
        while (waiting.Count > 0)
            await AddNextAsync(cancellationToken);
    }

    /// <summary>Waits for everybody who still works for this directory, however that ends.</summary>
    internal async Task AbandonAsync()
    {
        foreach (EntryPlace place in waiting)
            if (place.Work is Task work)
                await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async ValueTask AddNextAsync(CancellationToken cancellationToken)
    {
        // It stays in the queue while it is waited for, so that a failure does not lose sight of it.
        EntryPlace place = waiting.Peek();
        if (place.Work is { } work)
            await strand.WaitAsync(work, cancellationToken);
        if (place.Entry is { Content.IsComplete: false })
            await strand.Worker.CompleteAsync(cancellationToken);
        waiting.Dequeue();
        if (place.Entry is { } entry)
            await directory.AddAsync(entry, cancellationToken);
    }
}

/// <summary>Where an entry will stand. Settled by who made it, or followed to the task that makes it.</summary>
internal sealed class EntryPlace
{
    private StoredEntry? entry;
    private int index;

    /// <summary>Who makes it, when that is another strand.</summary>
    internal Task<StoredEntry?[]>? Work { get; private set; }

    internal bool IsReady => Work?.IsCompleted ?? (IsSettled && entry is not { Content.IsComplete: false });

    /// <summary>Null when there is nothing to stand here after all. To be asked when the work is done.</summary>
    internal StoredEntry? Entry => Work is { IsCompletedSuccessfully: true } work ? Completed(work)[index] : entry;

    private bool IsSettled { get; set; }

    internal void Settle(StoredEntry? made)
    {
        entry = made;
        IsSettled = true;
    }

    internal void Follow(Task<StoredEntry?[]> work, int at)
    {
        Work = work;
        index = at;
    }

    private static StoredEntry?[] Completed(Task<StoredEntry?[]> work)
    {
#pragma warning disable RS0030 // Completed, so nothing blocks.
        return work.Result;
#pragma warning restore RS0030
    }
}
