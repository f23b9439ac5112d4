using Strongroom.ObjectStores;

namespace Strongroom.Repository;

/// <summary>Objects of one kind.</summary>
/// <param name="Kind">The first part of their name within the domain, or of the repository: <c>packs</c>, <c>indexes</c>, <c>keys</c> …</param>
public sealed record ObjectKindStatistics(string Kind, long Objects, long Bytes);

/// <param name="LogicalBytes">What its members amount to when restored, holes included.</param>
/// <param name="DataBytes">Of those, bytes that are not zeros.</param>
/// <param name="OwnBytes">Stored bytes that no other backup needs, its root included: what deleting it alone would free.</param>
public sealed record BackupStatistics(string Domain, string BackupId, string ResourceId, long LogicalBytes, long DataBytes, long OwnBytes);

/// <summary>
/// Where the bytes in the store are: <see cref="BackupStatistics.OwnBytes"/> of all backups, <see cref="SharedBytes"/> and
/// <see cref="ReclaimableBytes"/> sum up to <see cref="TotalBytes"/> exactly.
/// </summary>
public sealed record RepositoryStatistics
{
    private const int Attempts = 5;

    /// <summary>All objects of the repository and of the domains asked for, as listed.</summary>
    public required long TotalBytes { get; init; }

    public required IReadOnlyList<ObjectKindStatistics> Kinds { get; init; }

    public required IReadOnlyList<BackupStatistics> Backups { get; init; }

    /// <summary>Needed by two backups or more, or by the repository as such: indexes, keys, running sessions.</summary>
    public required long SharedBytes { get; init; }

    /// <summary>Needed by none: what a collection could free.</summary>
    public required long ReclaimableBytes { get; init; }

    /// <summary>Sum over all backups.</summary>
    public required long LogicalBytes { get; init; }

    /// <summary>Sum over all backups.</summary>
    public required long DataBytes { get; init; }

    /// <summary>Different chunks and pages that backups need.</summary>
    public required long UniqueChunks { get; init; }

    /// <summary>Their plain bytes.</summary>
    public required long UniqueChunkBytes { get; init; }

    /// <summary>
    /// Marks from every root what it needs; 2 bytes of memory per chunk stored. Backups that are committed meanwhile may
    /// or may not be seen; their bytes are then reclaimable or not listed.
    /// </summary>
    /// <exception cref="RepositoryException">Damaged: run a check.</exception>
    public static async Task<RepositoryStatistics> CollectAsync(
        BackupRepository repository, IReadOnlyList<RepositoryDomain> domains, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            var tally = new Maintenance.StatisticsTally();
            try
            {
                await repository.CountOwnObjectsAsync(tally, cancellationToken);
                foreach (var domain in domains)
                    await new Maintenance.DomainStatistics(domain, tally).CollectAsync(cancellationToken);
                return tally.ToStatistics();
            }
            catch (Exception e) when (attempt < Attempts && e is RepositoryException or ObjectStoreException { Failure: ObjectStoreFailure.NotFound })
            {
                // Index runs were merged meanwhile: what was counted does not fit together.
            }
        }
    }
}
