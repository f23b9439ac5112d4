using Strongroom.ObjectStores;
using Strongroom.Repository.Format;
using Strongroom.Repository.Manifests;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// A collection's view of who else is at work. No clocks are compared: a session is dead when its number stood still for the
/// whole of the collector's own set time. Since it may only be slow, what it could still do is first made impossible: its
/// backup gets a void root, its collection a void object, and of two who put under one name only the first wins.
/// </summary>
internal sealed class SessionWatch(RepositoryDomain domain, ObjectId own, CollectionOptions options)
{
    private readonly Dictionary<ObjectId, Seen> watched = [];

    /// <summary>Of void objects.</summary>
    public long WrittenBytes { get; private set; }

    /// <summary>Waits until every session that is listed now has ended, or was given up for dead.</summary>
    /// <param name="refuseCollections">Another collection that lives is refused; without it, collections are passed over.</param>
    /// <param name="waiting">Told how many are waited for.</param>
    /// <returns>How many were dead.</returns>
    /// <exception cref="RepositoryException">Locked when another collection is running; Damaged when a session object is.</exception>
    public async Task<int> WaitAsync(bool refuseCollections, Action<int> waiting, CancellationToken cancellationToken)
    {
        watched.Clear();
        await WatchAsync(_ => true, refuseCollections, cancellationToken);
        int dead = 0;
        while (watched.Count > 0)
        {
            waiting(watched.Count);
            await Task.Delay(options.PollInterval, domain.Time, cancellationToken);
            foreach (var (session, seen) in watched.ToList())
            {
                if (await SessionBeacon.ReadAsync(domain, session, cancellationToken) is not { } text)
                    watched.Remove(session);
                else if (text.Sequence == seen.Text.Sequence)
                    dead += await TryEndAsync(session, seen, refuseCollections, cancellationToken) ? 1 : 0;
                else if (text.Collection == true)
                    throw new RepositoryException(RepositoryFailure.Locked, domain.Names.Session(session), "Another collection is running; try again when it is done.");
                else
                    watched[session] = new Seen(text, domain.Time.GetTimestamp());
            }
        }

        return dead;
    }

    private async ValueTask WatchAsync(Predicate<SessionText> wanted, bool withCollections, CancellationToken cancellationToken)
    {
        await foreach (var stat in domain.Store.ListAsync(domain.Names.Sessions, cancellationToken))
        {
            if (DomainNames.IdOf(stat.Name) is { } id && id != own && !watched.ContainsKey(id)
                && await SessionBeacon.ReadAsync(domain, id, cancellationToken) is { } text
                && (withCollections || text.Collection != true) && wanted(text))
                watched.Add(id, new Seen(text, domain.Time.GetTimestamp()));
        }
    }

    private async ValueTask<bool> TryEndAsync(ObjectId session, Seen seen, bool withCollections, CancellationToken cancellationToken)
    {
        if (!IsStill(seen))
            return false;
        if (seen.Text.Collection == true)
        {
            await PutVoidAsync(domain.Names.Collection(session), PublishedCollection.WriteVoid(session), cancellationToken);
        }
        else
        {
            // A task that was taken over writes the same backup under a session of its own: that one must not be made void.
            await WatchAsync(text => text.Backup == seen.Text.Backup, withCollections, cancellationToken);
            if (watched.Values.Any(other => other.Text.Backup == seen.Text.Backup && !IsStill(other)))
                return false;
            await PutVoidAsync(domain.Names.Backup(seen.Text.Backup), RootFormat.WriteVoid(seen.Text.Backup, domain.Keys), cancellationToken);
        }

        await domain.Store.DeleteAsync(domain.Names.Session(session), cancellationToken);
        watched.Remove(session);
        return true;
    }

    private bool IsStill(Seen seen) => domain.Time.GetElapsedTime(seen.At) >= options.SessionTimeout;

    private async ValueTask PutVoidAsync(string name, byte[] content, CancellationToken cancellationToken)
    {
        try
        {
            await domain.Store.PutAsync(name, content, PutMode.CreateOnly, cancellationToken);
            WrittenBytes += content.Length;
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.AlreadyExists)
        {
            // It had been committed, or was void already.
        }
    }

    private readonly record struct Seen(SessionText Text, long At);
}
