namespace Strongroom.Repository;

public sealed record CollectionOptions
{
    /// <summary>Looks and reports; changes nothing and waits for nobody.</summary>
    public bool DryRun { get; init; }

    /// <summary>
    /// A pack is rewritten when this share of it could be freed. Below it the bytes moved are not worth the bytes won: at a
    /// fifth, each byte freed costs four moved at most.
    /// </summary>
    public double RewriteAbove { get; init; } = 0.2;

    /// <summary>Goes on although backups are damaged: what only their lost pages lead to is dropped.</summary>
    public bool AcceptDamage { get; init; }

    /// <summary>
    /// How long a session must show no life, by this process's own clock, before it is taken for dead: ten of its beats
    /// (<see cref="RepositoryOptions.SessionHeartbeat"/>). A backup that was only slow then fails at its end; nothing else is lost.
    /// </summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromMinutes(20);

    /// <summary>How often sessions that are waited for are looked at.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);
}

public enum CollectionPhase
{
    /// <summary>For running backups to end; <c>Total</c> says how many.</summary>
    Waiting,

    /// <summary>What backups need; in backups.</summary>
    Marking,

    /// <summary>Out of sparse packs; in bytes of those packs.</summary>
    Moving,

    /// <summary>In packs.</summary>
    Deleting,
}

public readonly record struct CollectionProgress(string Domain, CollectionPhase Phase, long Done, long Total);

/// <summary>
/// What a collection found and did. When nothing else wrote meanwhile, <see cref="TotalBytesBefore"/> +
/// <see cref="WrittenBytes"/> − <see cref="FreedBytes"/> is <see cref="TotalBytesAfter"/>, and both reclaimable figures are
/// those of <see cref="RepositoryStatistics"/> at that time.
/// </summary>
public sealed record CollectionReport
{
    public required string Domain { get; init; }

    /// <summary>All objects of the domain, before anything was done.</summary>
    public required long TotalBytesBefore { get; init; }

    /// <summary>Needed by no backup.</summary>
    public required long ReclaimableBytesBefore { get; init; }

    /// <summary>Of what was removed: packs, replaced index runs, leftovers.</summary>
    public required long FreedBytes { get; init; }

    /// <summary>Of what was put in their place: packs that took over what lived in sparse ones, index runs.</summary>
    public required long WrittenBytes { get; init; }

    /// <summary>Still there and needed by no backup: the dead parts of packs that are not worth rewriting.</summary>
    public required long ReclaimableBytesAfter { get; init; }

    /// <summary>After a dry run: what it would be, but for the size of indexes.</summary>
    public required long TotalBytesAfter { get; init; }

    public required int Backups { get; init; }

    /// <summary>Deleted as a whole, since nothing in them lived.</summary>
    public required int DeadPacks { get; init; }

    /// <summary>Deleted after what lived in them was moved.</summary>
    public required int RewrittenPacks { get; init; }

    /// <summary>Kept at the last moment, since a backup that was running meanwhile needs them.</summary>
    public required int SparedPacks { get; init; }

    /// <summary>Backups that had died long ago without a trace but their session.</summary>
    public required int DeadSessions { get; init; }

    /// <summary>Chunks that backups need and no index knows: those backups are damaged, with or without this collection.</summary>
    public required long MissingChunks { get; init; }

    /// <summary>What is odd, for people: packs that cannot be read and so were left alone, backups whose damage was accepted.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>
/// Frees what no backup needs. May run beside backups, restores, checks and deletions, in this process and others; of two
/// collections of a domain the second is refused. Killed at any point it leaves nothing worse than bytes for the next one.
/// </summary>
public static class GarbageCollection
{
    /// <param name="progress">Called on the collection's own thread.</param>
    /// <exception cref="RepositoryException">
    /// Locked while another collection runs; Damaged when it cannot be told what a backup needs: then <c>repair</c>, or
    /// <see cref="CollectionOptions.AcceptDamage"/>. Nothing was deleted.
    /// </exception>
    public static Task<CollectionReport> RunAsync(
        RepositoryDomain domain, CollectionOptions options, IProgress<CollectionProgress>? progress, CancellationToken cancellationToken)
    {
        if (options.RewriteAbove is not (> 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(options), options.RewriteAbove, "A share is above 0 and up to 1.");
        return new Maintenance.DomainCollection(domain, options, progress).RunAsync(cancellationToken);
    }
}
