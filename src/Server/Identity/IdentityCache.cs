using System.Collections.Concurrent;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>
/// Remembers what the database says about who may call, without asking it each time.
/// <para>
/// What was read is remembered together with the identity revision that was read <em>before</em> it. It is honoured only
/// while (1) that revision is the newest this process knows of, and (2) the process began to read that newest revision no
/// longer than <see cref="IdentityOptions.RevocationDelayMax"/> ago, by a monotonic clock. Every change that can end a token
/// or an access key raises the revision in its own transaction. So a change committed at T is seen by every process for
/// every request that arrives after T + RevocationDelayMax, whatever the database or the processes do in between: when the
/// revision cannot be read, nothing remembered is honoured. The process that made the change learns the new revision when
/// its transaction returns, and honours nothing older from then on.
/// </para>
/// <para>
/// Why the revision is read before the rest: should a change slip in between, the entry carries the older number and is
/// dropped, never the newer one with older content.
/// </para>
/// </summary>
internal sealed class IdentityCache<TKey, TValue>(MetadataDatabase database, TimeProvider time, KnownRevision known)
    where TKey : notnull
    where TValue : class
{
    // About half a kilobyte each. Past this all are forgotten and read again as they come.
    private const int EntryCountMax = 20_000;

    private readonly ConcurrentDictionary<TKey, Entry> entries = new();

    /// <summary>Null when <paramref name="read"/> finds nothing; that is not remembered.</summary>
    public ValueTask<TValue?> FindAsync(
        TKey key, Func<DbSession, TKey, CancellationToken, ValueTask<TValue?>> read, CancellationToken cancellationToken) =>
        entries.TryGetValue(key, out Entry? entry) && known.Vouches(entry.Revision)
            ? ValueTask.FromResult<TValue?>(entry.Value)
            : ReadAsync(key, entry, read, cancellationToken);

    private async ValueTask<TValue?> ReadAsync(
        TKey key, Entry? entry, Func<DbSession, TKey, CancellationToken, ValueTask<TValue?>> read, CancellationToken cancellationToken)
    {
        long startedAt = time.GetTimestamp();
        (long revision, TValue? value) = await database.ReadAsync(
            async session =>
            {
                long revision = await IdentityRevision.ReadAsync(session, cancellationToken);
                TValue? value = entry?.Revision == revision ? entry.Value : await read(session, key, cancellationToken);
                return (revision, value);
            },
            cancellationToken);

        known.LearnRead(revision, startedAt);
        if (value is null)
        {
            entries.TryRemove(key, out _);
            return null;
        }

        if (entry?.Revision != revision)
        {
            if (entries.Count >= EntryCountMax)
                entries.Clear();
            entries[key] = new Entry(value, revision);
        }

        return value;
    }

    private sealed record Entry(TValue Value, long Revision);
}

/// <summary>The newest identity revision this process knows of, and since when (<see cref="IdentityCache{TKey,TValue}"/>).</summary>
internal sealed class KnownRevision(TimeProvider time, IdentityOptions options)
{
    private readonly Lock learning = new();
    private Reading newest = new(Revision: 0, ReadAt: long.MinValue);

    /// <summary>Whether what was read at this revision still holds, without asking the database.</summary>
    public bool Vouches(long revision)
    {
        Reading reading = Volatile.Read(ref newest);
        return revision == reading.Revision
            && reading.ReadAt != long.MinValue
            && time.GetElapsedTime(reading.ReadAt) <= options.RevocationDelayMax;
    }

    /// <summary>To be called with what <see cref="IdentityRevision.RaiseAsync"/> returned, after its transaction has committed.</summary>
    public void Learn(long revision)
    {
        lock (learning)
        {
            if (revision > newest.Revision)
                newest = newest with { Revision = revision };
        }
    }

    public void LearnRead(long revision, long startedAt)
    {
        lock (learning)
        {
            // A slow read may come back after a newer one, or after a change of our own: it tells nothing then.
            if (revision > newest.Revision || (revision == newest.Revision && startedAt > newest.ReadAt))
                newest = new Reading(revision, startedAt);
        }
    }

    private sealed record Reading(long Revision, long ReadAt);
}
