using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// The object that tells collections that a backup, or another collection, is running (docs/repository-format.md, section
/// 10): put before anything else, replaced with the next number as time passes, removed at the end.
/// </summary>
internal sealed class SessionBeacon : IAsyncDisposable
{
    private readonly RepositoryDomain domain;
    private readonly ObjectId id;
    private readonly string? backupId;
    private readonly CancellationTokenSource stopping = new();
    private Task beating = Task.CompletedTask;
    private bool ended;

    /// <param name="backupId">Null for a collection.</param>
    private SessionBeacon(RepositoryDomain domain, string? backupId)
    {
        this.domain = domain;
        this.backupId = backupId;
        id = ObjectId.NewRandom();
    }

    /// <summary>A collection is published under the id of its session.</summary>
    public ObjectId Id => id;

    /// <summary>Set while a commit's outcome is open: then a collection has to settle it, and must find the object.</summary>
    public bool KeepOnDispose { get; set; }

    private string Name => domain.Names.Session(id);

    public static async ValueTask<SessionBeacon> BeginAsync(
        RepositoryDomain domain, string? backupId, TimeProvider time, CancellationToken cancellationToken)
    {
        var beacon = new SessionBeacon(domain, backupId);
        await beacon.PutAsync(0, cancellationToken);
        beacon.beating = beacon.BeatAsync(time, beacon.stopping.Token);
        return beacon;
    }

    /// <summary>Notes the session; one that stays was left by a backup that did not finish.</summary>
    /// <exception cref="RepositoryException">The object is damaged.</exception>
    public static async ValueTask CheckAsync(RepositoryDomain domain, ObjectId session, Findings findings, CancellationToken cancellationToken)
    {
        if (await ReadAsync(domain, session, cancellationToken) is { } text)
            findings.Note($"{domain.Names.Session(session)}: {(text.Collection == true ? "a collection runs" : $"backup {text.Backup} is being written")}, or was interrupted.");
    }

    /// <returns>Null when it has ended.</returns>
    /// <exception cref="RepositoryException">The object is damaged.</exception>
    public static async ValueTask<SessionText?> ReadAsync(RepositoryDomain domain, ObjectId session, CancellationToken cancellationToken)
    {
        string name = domain.Names.Session(session);
        CheckedLine? line;
        try
        {
            line = await CheckedText.ReadAsync(domain.Store, name, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }

        if (line is null)
            return null;
        if (!line.Matches(SHA256.HashData(line.Line)))
            throw new RepositoryException(RepositoryFailure.Damaged, name, "Its check does not match.");
        var text = line.Parse(FormatJson.Default.SessionText);
        if (text.Session != session.ToString())
            throw new RepositoryException(RepositoryFailure.Damaged, name, $"It is session '{text.Session}'.");
        return text.Collection == true || ObjectNames.IsValidId(text.Backup)
            ? text
            : throw new RepositoryException(RepositoryFailure.Damaged, name, "It names no backup.");
    }

    /// <summary>The backup is committed: nothing needs it any more. What the store does not remove now, a collection will.</summary>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        try
        {
            await domain.Store.DeleteAsync(Name, cancellationToken);
        }
        catch (Exception e) when (e is ObjectStoreException or OperationCanceledException)
        {
        }
    }

    /// <summary>Without a commit, nothing refers to what was stored, so the object may go as well.</summary>
    public async ValueTask DisposeAsync()
    {
        if (KeepOnDispose)
            await StopAsync();
        else if (!ended)
            await EndAsync(CancellationToken.None);
        stopping.Dispose();
    }

    private async Task StopAsync()
    {
        ended = true;
        await stopping.CancelAsync();
        await beating.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task BeatAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(domain.Options.SessionHeartbeat, time);
        for (long sequence = 1; await timer.WaitForNextTickAsync(cancellationToken); sequence++)
        {
            try
            {
                await PutAsync(sequence, cancellationToken);
            }
            catch (ObjectStoreException)
            {
                // A missed beat is made good by the next; a collection waits for many.
            }
        }
    }

    private ValueTask PutAsync(long sequence, CancellationToken cancellationToken)
    {
        var text = new SessionText(FormatVersion.Current, id.ToString(), backupId ?? "", sequence, backupId is null ? true : null);
        byte[] content = CheckedText.Write(text, FormatJson.Default.SessionText, SHA256.HashData);
        return domain.Store.PutAsync(Name, content, sequence == 0 ? PutMode.CreateOnly : PutMode.Replace, cancellationToken);
    }
}
