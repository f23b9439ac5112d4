using System.Runtime.InteropServices;
using Strongroom.ObjectStores;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <param name="Packs">Packs whose directories were read.</param>
/// <param name="Chunks">Chunks indexed.</param>
/// <param name="Damages">
/// Packs whose directories cannot be read. The damaged are in no index now: the next backup stores anew what it needs of them. Of the
/// unreadable, runs that knew them were kept.
/// </param>
public sealed record RebuildReport(long Packs, long Chunks, IReadOnlyList<RepositoryException> Damages);

/// <summary>
/// Writes the indexes of a domain anew from its packs' directories. May run beside backups and restores: the new runs are
/// durable before the old ones go, and packs are durable before a run names them, so nothing is ever without an entry.
/// </summary>
public static class IndexRebuild
{
    /// <summary>Entries sorted at once: 32 bytes each. Runs of this size are merged at the end.</summary>
    private const int EntriesPerRun = 1 << 20;

    /// <param name="progress">Packs read so far.</param>
    public static Task<RebuildReport> RunAsync(RepositoryDomain domain, IProgress<long>? progress, CancellationToken cancellationToken) =>
        RunAsync(domain, new HashSet<ObjectId>(), progress, cancellationToken);

    /// <param name="staying">Packs that stay in the index even if their directories are damaged, where a run knows them.</param>
    internal static async Task<RebuildReport> RunAsync(
        RepositoryDomain domain, IReadOnlySet<ObjectId> staying, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        // Runs first: whatever they name is among the packs listed after them.
        var old = await domain.Store.ListAsync(domain.Names.Indexes, cancellationToken).ToListAsync(cancellationToken);
        var onlyInOld = new HashSet<ObjectId>();
        var damages = new List<RepositoryException>();
        var packs = new List<PackRecord>();
        var entries = new List<IndexEntry>();
        long packCount = 0;
        long chunkCount = 0;
        var reader = domain.Source.Rent();
        await foreach (var stat in domain.Store.ListAsync(domain.Names.Packs, cancellationToken))
        {
            if (DomainNames.IdOf(stat.Name) is not { } id)
                continue;
            try
            {
                var directory = await reader.ReadDirectoryAsync(id, stat.SizeBytes, cancellationToken);
                AddEntries(directory, (uint)packs.Count, entries);
                packs.Add(directory.Record);
                packCount++;
                chunkCount += directory.ChunkCount;
            }
            catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                damages.Add(e);
                if (e.Failure == RepositoryFailure.Unreadable || staying.Contains(id))
                    onlyInOld.Add(id);
            }
            catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
            {
                // Collected since the listing.
            }

            if (entries.Count >= EntriesPerRun)
                await WriteRunAsync(domain, entries, packs, cancellationToken);
            progress?.Report(packCount);
        }

        domain.Source.Return(reader);
        if (packs.Count > 0)
            await WriteRunAsync(domain, entries, packs, cancellationToken);
        foreach (var run in old)
        {
            if (onlyInOld.Count == 0 || !await NamesAnyAsync(domain, run, onlyInOld, cancellationToken))
                await domain.Store.DeleteAsync(run.Name, cancellationToken);
        }

        while (RunMerger.Choose(await domain.Catalog.ListAsync(null, cancellationToken)) is { Count: > 0 } runs
            && await RunMerger.TryMergeAsync(domain.Store, domain.Names, domain.Keys, runs, cancellationToken))
        {
        }

        return new RebuildReport(packCount, chunkCount, damages);
    }

    /// <summary>A run that cannot be read itself counts as naming none: it would stop every backup, and the packs still have what was in it.</summary>
    private static async ValueTask<bool> NamesAnyAsync(
        RepositoryDomain domain, ObjectStat stat, HashSet<ObjectId> packs, CancellationToken cancellationToken)
    {
        try
        {
            return DomainNames.IdOf(stat.Name) is { } id && await domain.Catalog.OpenAsync(id, stat.SizeBytes, cancellationToken) is var run
                && Enumerable.Range(0, run.PackCount).Any(number => packs.Contains(run.PackId(number)));
        }
        catch (Exception e) when (e is RepositoryException or ObjectStoreException { Failure: ObjectStoreFailure.NotFound })
        {
            return false;
        }
    }

    internal static void AddEntries(PackDirectory directory, uint pack, List<IndexEntry> entries)
    {
        int chunk = 0;
        for (int segment = 0; segment < directory.Record.Segments.Length; segment++)
        {
            int offset = 0;
            for (int end = chunk + directory.ChunksIn(segment); chunk < end; chunk++)
            {
                int length = directory.ChunkLength(chunk);
                entries.Add(new IndexEntry(ChunkPrefix.Of(directory.ChunkId(chunk)), pack, (ushort)segment, offset, length));
                offset += length;
            }
        }
    }

    /// <returns>The run's size.</returns>
    internal static async ValueTask<long> WriteRunAsync(
        RepositoryDomain domain, List<IndexEntry> entries, List<PackRecord> packs, CancellationToken cancellationToken)
    {
        CollectionsMarshal.AsSpan(entries).Sort();
        var (_, sizeBytes) = await RunWriter.WriteAsync(domain.Store, domain.Names, domain.Keys, entries, packs, cancellationToken);
        entries.Clear();
        packs.Clear();
        return sizeBytes;
    }
}
