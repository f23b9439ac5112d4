using System.Runtime.InteropServices;
using Strongroom.ObjectStores;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <param name="Packs">Packs whose directories were read.</param>
/// <param name="Chunks">Chunks indexed.</param>
/// <param name="Damages">Packs that cannot be read, and so are in no index now: the next backup stores anew what it needs of them.</param>
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
    public static async Task<RebuildReport> RunAsync(RepositoryDomain domain, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        // Runs first: whatever they name is among the packs listed after them.
        var old = await domain.Store.ListAsync(domain.Names.Indexes, cancellationToken).Select(stat => stat.Name).ToListAsync(cancellationToken);
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
            catch (RepositoryException e) when (e.Failure == RepositoryFailure.Damaged)
            {
                damages.Add(e);
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
        foreach (string name in old)
            await domain.Store.DeleteAsync(name, cancellationToken);
        while (RunMerger.Choose(await domain.Catalog.ListAsync(null, cancellationToken)) is { Count: > 0 } runs
            && await RunMerger.TryMergeAsync(domain.Store, domain.Names, domain.Keys, runs, cancellationToken))
        {
        }

        return new RebuildReport(packCount, chunkCount, damages);
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
