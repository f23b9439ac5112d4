using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository;

public sealed record CheckOptions
{
    /// <summary>Reads, opens and hashes every stored byte; without it only what leads to the bytes is checked.</summary>
    public bool ReadData { get; init; }

    /// <summary>With <see cref="ReadData"/>: the share of packs to read, chosen anew each time, above 0 up to 1.</summary>
    public double Share { get; init; } = 1;

    /// <summary>Read whatever the others say; null: none.</summary>
    internal IReadOnlySet<ObjectId>? PacksToRead { get; init; }

    /// <summary>Packs read side by side.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}

/// <param name="DoneBytes">Of packs, so far.</param>
/// <param name="TotalBytes">Of packs of the domain being checked.</param>
public readonly record struct CheckProgress(string Domain, long DoneBytes, long TotalBytes);

/// <summary>One thing that is not as it was written, or that the medium does not give up.</summary>
/// <param name="ObjectName">The stored object.</param>
/// <param name="Offset">In it, -1 when it is not about one place.</param>
/// <param name="Message">What is wrong, with the chunk where it is about one.</param>
/// <param name="Backups">Ids of the backups that cannot be restored in full because of it; empty when none needs it.</param>
public sealed record CheckDamage(string ObjectName, long Offset, string Message, IReadOnlyList<string> Backups);

public sealed record CheckReport
{
    /// <summary>Nothing is damaged.</summary>
    public bool IsSound => DamageCount == 0;

    public required long DamageCount { get; init; }

    /// <summary>The first ten thousand.</summary>
    public required IReadOnlyList<CheckDamage> Damages { get; init; }

    /// <summary>What is odd and harms nothing: leftovers of interrupted work, objects the format does not know.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public required long Backups { get; init; }

    public required long Packs { get; init; }

    public required long Chunks { get; init; }

    /// <summary>Bytes of segments read, opened and hashed.</summary>
    public required long ReadBytes { get; init; }
}

/// <summary>
/// Checks a repository without stopping at the first damage, from the store and not from any cache: every object's form and
/// seal, every backup's way to each of its chunks, and with <see cref="CheckOptions.ReadData"/> the chunks themselves.
/// May run beside backups, restores and deletions.
/// </summary>
public static class RepositoryCheck
{
    internal const int MaxDamages = 10_000;

    /// <param name="domains">What to check; the repository's own objects always are.</param>
    /// <exception cref="ObjectStoreException">
    /// The store itself failed, which says nothing about the repository; or the medium, where it lists objects: what is not seen cannot be judged.
    /// </exception>
    public static async Task<CheckReport> RunAsync(
        BackupRepository repository, IReadOnlyList<RepositoryDomain> domains, CheckOptions options, IProgress<CheckProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1);
        if (options.Share is not (> 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(options), options.Share, "A share is above 0 and up to 1.");
        var findings = new Maintenance.Findings();
        await findings.TryAsync(() => repository.CheckOwnObjectsAsync(findings, cancellationToken));
        foreach (var domain in domains)
            await new Maintenance.DomainCheck(domain, options, findings, progress).RunAsync(cancellationToken);
        return findings.ToReport();
    }
}
