using System.Collections.Concurrent;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>
/// Tells what a token stands for, without asking the database each time.
/// <para>
/// A token once read is remembered together with the identity revision that was read <em>before</em> it. It is honoured
/// only while (1) that revision is the newest this process knows of, and (2) the process began to read that newest revision
/// no longer than <see cref="IdentityOptions.RevocationDelayMax"/> ago, by a monotonic clock. Every change that can end a
/// token raises the revision in its own transaction. So a change committed at T is seen by every process for every request
/// that arrives after T + RevocationDelayMax, whatever the database or the processes do in between: when the revision cannot
/// be read, nothing remembered is honoured. The process that made the change learns the new revision when its transaction
/// returns, and honours nothing older from then on.
/// </para>
/// <para>
/// Why the revision is read before the token: should a change slip in between, the entry carries the older number and is
/// dropped, never the newer one with older content.
/// </para>
/// </summary>
internal sealed class TokenAuthenticator(MetadataDatabase database, TimeProvider time, IdentityOptions options)
{
    // About half a kilobyte each. Past this all are forgotten and read again as they come.
    private const int EntryCountMax = 20_000;

    private readonly ConcurrentDictionary<TokenHash, Entry> entries = new();
    private readonly Lock learning = new();
    private Known known = new(Revision: 0, ReadAt: long.MinValue);

    /// <summary>Null when the token is unknown, ended or expired.</summary>
    public ValueTask<Token?> FindAsync(string text, CancellationToken cancellationToken)
    {
        if (!TokenHash.TryOf(text, out TokenHash hash))
            return ValueTask.FromResult<Token?>(null);
        Known newest = Volatile.Read(ref known);
        return entries.TryGetValue(hash, out Entry? entry) && entry.Revision == newest.Revision && IsRecent(newest)
            ? ValueTask.FromResult(UnlessExpired(entry.Token))
            : LookUpAsync(hash, entry, cancellationToken);
    }

    /// <summary>To be called with what <see cref="IdentityRevision.RaiseAsync"/> returned, after its transaction has committed.</summary>
    public void Learn(long revision)
    {
        lock (learning)
        {
            if (revision > known.Revision)
                known = known with { Revision = revision };
        }
    }

    private async ValueTask<Token?> LookUpAsync(TokenHash hash, Entry? entry, CancellationToken cancellationToken)
    {
        long startedAt = time.GetTimestamp();
        (long revision, Token? token) = await database.ReadAsync(
            async session =>
            {
                long revision = await IdentityRevision.ReadAsync(session, cancellationToken);
                Token? token = entry?.Revision == revision ? entry.Token : await TokenTable.FindAsync(session, hash, cancellationToken);
                return (revision, token);
            },
            cancellationToken);

        LearnRead(revision, startedAt);
        if (token is null)
        {
            entries.TryRemove(hash, out _);
            return null;
        }

        if (entry?.Revision != revision)
        {
            if (entries.Count >= EntryCountMax)
                entries.Clear();
            entries[hash] = new Entry(token, revision);
        }

        return UnlessExpired(token);
    }

    private void LearnRead(long revision, long startedAt)
    {
        lock (learning)
        {
            // A slow read may come back after a newer one, or after a change of our own: it tells nothing then.
            if (revision > known.Revision || (revision == known.Revision && startedAt > known.ReadAt))
                known = new Known(revision, startedAt);
        }
    }

    private bool IsRecent(Known revision) =>
        revision.ReadAt != long.MinValue && time.GetElapsedTime(revision.ReadAt) <= options.RevocationDelayMax;

    private Token? UnlessExpired(Token token) => time.GetUtcNow() < token.ExpiresAt ? token : null;

    private sealed record Entry(Token Token, long Revision);

    private sealed record Known(long Revision, long ReadAt);
}
