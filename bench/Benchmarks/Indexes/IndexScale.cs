using System.Diagnostics;
using System.Globalization;
using Strongroom.ObjectStores.Local;
using Strongroom.Repository;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Benchmarks.Indexes;

/// <summary>
/// An index of very many chunks, written by the real writer as eight runs, merged by the real merger, opened and asked by the real
/// set with its bounded cache. Keys are spread evenly, so that every entry can be named again by its number.
/// </summary>
internal static class IndexScale
{
    private const int RunCount = 8;
    private const int ChunksPerPack = 512;
    private const int SegmentsPerPack = 32;

    public static async Task RunAsync(string[] arguments)
    {
        long entries = arguments is ["--entries", var count, ..] ? long.Parse(count, CultureInfo.InvariantCulture) : 10_000_000;
        string root = arguments is [_, _, "--directory", var named] ? named : Directory.CreateTempSubdirectory("strongroom-index-").FullName;
        try
        {
            await using var store = LocalObjectStore.Open(Path.Combine(root, "store"), removeLitter: false);
            var key = RepositoryKey.FromKeyFile(new byte[32]);
            await using var repository = await BackupRepository.CreateAsync(store, key, new RepositoryOptions(), TimeProvider.System, default);
            await using (var domain = await repository.OpenDomainAsync("index", create: true, default))
            {
                await TimedAsync("write 8 runs", entries, () => WriteAsync(domain, entries));
                await AskAsync(domain, entries, "8 runs", threads: 1);
            }

            await using (var domain = await repository.OpenDomainAsync("index", create: false, default))
            {
                var runs = await domain.Catalog.ListAsync(null, default);
                await TimedAsync("merge them", entries, async () => await RunMerger.TryMergeAsync(domain.Store, domain.Names, domain.Keys, runs, default));
            }

            foreach (long cacheMib in new long[] { 64, 256 })
            {
                await using var tuned = await BackupRepository.OpenAsync(store, key, new RepositoryOptions { IndexCacheBytes = cacheMib << 20 }, TimeProvider.System, default);
                await using var domain = await tuned.OpenDomainAsync("index", create: false, default);
                await AskAsync(domain, entries, $"1 run, {cacheMib} MiB of cache", threads: 1);
                await AskAsync(domain, entries, $"1 run, {cacheMib} MiB of cache", threads: 2);
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        Say($"peak memory {PeakMib()} MiB");
    }

    private static async Task WriteAsync(RepositoryDomain domain, long entries)
    {
        for (int run = 0; run < RunCount; run++)
        {
            long packs = (entries / RunCount / ChunksPerPack) + 1;
            await using var writer = await RunWriter.BeginAsync(domain.Store, domain.Names, domain.Keys, entries / RunCount, default);
            for (long number = run; number < entries; number += RunCount)
            {
                // Chunks are in packs in the order of the disk, and in the index in that of their hashes.
                ulong spread = unchecked((ulong)number * 0x9E3779B97F4A7C15);
                await writer.AddAsync(
                    new IndexEntry(
                        PrefixOf(number, entries), (uint)(spread % (ulong)packs), (ushort)((spread >> 32) % SegmentsPerPack),
                        (int)((spread >> 40) % (ChunksPerPack / SegmentsPerPack)) * 65536, 65536),
                    default);
            }

            for (long pack = 0; pack < packs; pack++)
            {
                var id = ObjectId.NewRandom();
                var segments = Enumerable.Range(0, SegmentsPerPack)
                    .Select(i => new SegmentInfo(32 + (i * 600_000L), 600_000, 1 << 20, (uint)i, 0, SegmentCodec.Zstd)).ToArray();
                await writer.AddPackAsync(new PackRecord(id, PackKind.Data, 20 << 20, [id], segments), default);
            }

            await writer.FinishAsync(default);
        }
    }

    private static async Task AskAsync(RepositoryDomain domain, long entries, string what, int threads)
    {
        long bytesBefore = GC.GetTotalMemory(forceFullCollection: true);
        long start = Stopwatch.GetTimestamp();
        var runs = await domain.Catalog.ListAsync(null, default);
        var set = new IndexSet(runs, null, null);
        var opened = Stopwatch.GetElapsedTime(start);
        long openBytes = GC.GetTotalMemory(forceFullCollection: true) - bytesBefore;
        long diskBytes = runs.Sum(run => run.SizeBytes);
        Say($"{what}, {threads} threads: {diskBytes / (double)entries:0.00} bytes an entry on disk; opened in {opened.TotalMilliseconds:0} ms, "
            + $"{openBytes >> 20} MiB before the first look-up ({openBytes / (double)entries:0.000} bytes an entry)");

        foreach (bool present in new[] { false, true })
        {
            // The first rounds fill the cache.
            await LookUpAsync(set, entries, present, threads, TimeSpan.FromSeconds(3));
            double rate = await LookUpAsync(set, entries, present, threads, TimeSpan.FromSeconds(4));
            Say($"  {(present ? "present" : "absent")}: {rate:N0} look-ups/s");
        }

        Say($"  peak memory so far {PeakMib()} MiB");
    }

    private static async Task<double> LookUpAsync(IndexSet set, long entries, bool present, int threads, TimeSpan length)
    {
        long done = 0;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread + (int)(start & 0xFFFF));
            long own = 0;
            for (; (own & 63) != 0 || Stopwatch.GetElapsedTime(start) < length; own++)
            {
                var prefix = PrefixOf(random.NextInt64(entries), entries);
                if (!present)
                    prefix = prefix with { Low = ~prefix.Low };
                if (await set.FindAsync(prefix, default) is not null != present)
                    throw new InvalidOperationException($"{prefix} is {(present ? "missing" : "there")}.");
            }

            Interlocked.Add(ref done, own);
        })));
        return done / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Ascending with the number; the low half, which filters look at, is as good as random.</summary>
    private static ChunkPrefix PrefixOf(long number, long entries)
    {
        ulong low = unchecked((ulong)(number + 1) * 0xD6E8FEB86659FD93);
        low = unchecked((low ^ (low >> 32)) * 0xD6E8FEB86659FD93);
        return new ChunkPrefix((ulong)number * (ulong.MaxValue / (ulong)entries), low ^ (low >> 29));
    }

    private static async Task TimedAsync(string what, long entries, Func<Task> work)
    {
        long start = Stopwatch.GetTimestamp();
        await work();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Say($"{what}: {seconds:0.0} s, {entries / seconds / 1e6:0.0} million entries/s, peak memory so far {PeakMib()} MiB");
    }

    private static long PeakMib()
    {
        using var own = Process.GetCurrentProcess();
        return own.PeakWorkingSet64 >> 20;
    }

    private static void Say(string line) => Console.WriteLine(line);
}
