using Strongroom.Repository.Maintenance;

namespace Strongroom.Repository;

/// <param name="DoneBytes">Of packs read so far.</param>
public readonly record struct RepairProgress(string Domain, long DoneBytes, long TotalBytes);

public sealed record RepairReport
{
    public required string Domain { get; init; }

    /// <summary>Packs that had damage, or parts that could not be read, and are as they were again: their parity told.</summary>
    public required IReadOnlyList<string> HealedPacks { get; init; }

    /// <summary>Parities that sound packs had not, or that were damaged.</summary>
    public required IReadOnlyList<string> RewrittenParities { get; init; }

    /// <summary>Packs that had damage no parity could mend: what was sound in them is elsewhere now, they are gone.</summary>
    public required IReadOnlyList<string> ReplacedPacks { get; init; }

    /// <summary>Stored bytes read, all of them opened and hashed.</summary>
    public required long ReadBytes { get; init; }

    public required long SavedChunks { get; init; }

    /// <summary>Chunks whose copy was damaged; those that have no other copy are in <see cref="Remaining"/>.</summary>
    public required long DamagedChunks { get; init; }

    /// <summary>
    /// Packs that the medium did not give up in full, now: kept as they are, since a later read may succeed. Backups from now on do
    /// without them. Where, and whom it touches, is in <see cref="Remaining"/>.
    /// </summary>
    public required IReadOnlyList<string> UnreadablePacks { get; init; }

    /// <summary>Chunks in unreadable parts of those packs; of a pack whose directory is unreadable nobody knows how many.</summary>
    public required long UnreadableChunks { get; init; }

    /// <summary>Small objects that could not be read and that nobody needs: removed.</summary>
    public required IReadOnlyList<string> RemovedObjects { get; init; }

    /// <summary>
    /// What is still damaged, with the backups it affects. Those are marked: no backup is compared with them, so that the next
    /// one of their resource reads everything and stores anew what is missing, which heals them too as far as the source still has it.
    /// </summary>
    public required CheckReport Remaining { get; init; }

    public required IReadOnlyList<string> DamagedBackups { get; init; }

    /// <summary>Marked before, and whole now.</summary>
    public required IReadOnlyList<string> HealedBackups { get; init; }
}

/// <summary>
/// Keeps all that is sound, and marks what is not. Reads every stored byte of a domain; packs with damage are replaced by ones that hold
/// what could be read; indexes are written anew. May run beside backups and restores and waits for backups like a
/// collection does, of which it is one to others. What is damaged is removed for good: where a second copy of the
/// store exists, bring objects back from there before. What is only unreadable is not removed.
/// </summary>
public static class RepositoryRepair
{
    /// <exception cref="RepositoryException">Locked while a collection or another repair runs.</exception>
    public static async Task<RepairReport> RunAsync(
        BackupRepository repository, RepositoryDomain domain, CollectionOptions options, IProgress<RepairProgress>? progress, CancellationToken cancellationToken)
    {
        // What counts is what is in the store.
        await using var fresh = domain.WithoutCaches();
        return await new DomainRepair(repository, fresh, options, progress).RunAsync(cancellationToken);
    }
}
