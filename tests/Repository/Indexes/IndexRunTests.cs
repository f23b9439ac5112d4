using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Tests.Indexes;

public sealed class IndexRunTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(RunFormat.EntriesPerBlock)]
    [InlineData((RunFormat.EntriesPerBlock * RunFormat.BlocksPerFilterPage) + 1)]
    [InlineData(150_000)]
    public async Task Every_entry_is_found_and_no_other(int count)
    {
        await using var repository = await TestRepository.Create();
        var (packs, entries) = Make(count, count, 5);
        var set = new IndexSet([await Write(repository, entries, packs)], null, null);
        var random = new Random(1);

        for (int i = 0; i < Math.Min(count, 3000); i++)
        {
            var entry = entries[random.Next(count)];
            var hit = await set.FindAsync(entry.Prefix, default);

            Assert.Equal(entry, hit?.Entry);
            Assert.Equal(entry, entries[(int)hit!.Value.Position]);
            Assert.Equal(packs[(int)entry.Pack].Id, hit.Value.Pack);
            Assert.Equal(packs[(int)entry.Pack].Segments[entry.Segment], (await hit.Value.SegmentAsync(default)).Info);
        }

        for (int i = 0; i < 3000; i++)
            Assert.Null(await set.FindAsync(RandomPrefix(random), default));
    }

    [Fact]
    public async Task A_chunk_in_thousands_of_packs_is_found_in_each_over_the_ends_of_blocks()
    {
        await using var repository = await TestRepository.Create();
        var (packs, entries) = Make(2, 10_000, 6000);
        var prefix = entries[5000].Prefix;
        entries.RemoveAll(entry => entry.Prefix == prefix);
        for (uint pack = 0; pack < 6000; pack++)
            entries.Add(new IndexEntry(prefix, pack, 0, 0, 100));
        entries.Sort();
        var set = new IndexSet([await Write(repository, entries, packs)], packs.Skip(5990).Select(pack => pack.Id), null);
        var hits = new List<IndexHit>();

        await set.FindAllAsync(prefix, hits, default);
        set.MarkMissing(packs[5990].Id);
        var first = await set.FindAsync(prefix, default);

        Assert.Equal(Enumerable.Range(5990, 10), hits.Select(hit => (int)hit.Entry.Pack));
        Assert.Equal(5991u, first?.Entry.Pack);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Merged_runs_know_what_their_parts_knew(int seed)
    {
        await using var repository = await TestRepository.Create();
        var random = new Random(seed);
        var runs = new List<IndexRun>();
        var expected = new HashSet<(ChunkPrefix, ObjectId, int)>();
        var (shared, _) = Make(seed, 0, 3);
        for (int i = 0; i < 8; i++)
        {
            // Some packs and some chunks are in several runs.
            var (packs, entries) = Make((seed * 100) + i, random.Next(1, 9000), 4);
            packs = [.. packs, .. shared];
            entries = [.. entries, .. Make(seed, random.Next(3000), 3).Entries.Select(entry => entry with { Pack = (uint)(4 + entry.Pack) })];
            entries.Sort();
            runs.Add(await Write(repository, entries, packs));
            expected.UnionWith(entries.Select(entry => (entry.Prefix, packs[(int)entry.Pack].Id, entry.Offset)));
        }

        Assert.True(await RunMerger.TryMergeAsync(repository.Store, repository.Domain.Names, repository.Domain.Keys, runs, default));
        var merged = Assert.Single(await repository.Domain.Catalog.ListAsync(null, default));

        Assert.Equal(expected.Count, merged.EntryCount);
        var set = new IndexSet([merged], null, null);
        var hits = new List<IndexHit>();
        foreach (var (prefix, pack, offset) in expected.OrderBy(_ => random.Next()).Take(5000))
        {
            await set.FindAllAsync(prefix, hits, default);
            Assert.Contains(hits, hit => hit.Pack == pack && hit.Entry.Offset == offset);
        }

        Assert.False(await RunMerger.TryMergeAsync(repository.Store, repository.Domain.Names, repository.Domain.Keys, runs, default));
    }

    [Fact]
    public async Task Memory_for_units_stays_within_its_bound()
    {
        await using var repository = await TestRepository.Create();
        var (packs, entries) = Make(3, 200_000, 3);
        string name = (await Write(repository, entries, packs)).Name;
        var cache = new UnitCache(256 << 10);
        var run = await IndexRun.OpenAsync(
            repository.Store, repository.Domain.Names, repository.Domain.Keys, cache, DomainNames.IdOf(name)!.Value,
            ((InMemoryObjectStore)repository.Store).Peek(name)!.Length, default);
        var set = new IndexSet([run], null, null);
        var random = new Random(4);

        for (int i = 0; i < 2000; i++)
            Assert.NotNull(await set.FindAsync(entries[random.Next(entries.Count)].Prefix, default));

        Assert.InRange(cache.SizeBytes, 1, (256 << 10) + RunFormat.UnitBytes);
    }

    [Fact]
    public async Task Those_who_miss_the_same_unit_at_once_wait_for_one_read()
    {
        await using var repository = await TestRepository.Create();
        var (packs, entries) = Make(6, 1000, 3);
        var written = await Write(repository, entries, packs);
        var reads = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var store = new FaultyObjectStore(repository.Store);
        var run = await IndexRun.OpenAsync(
            store, repository.Domain.Names, repository.Domain.Keys, new UnitCache(1 << 20), written.Id, written.SizeBytes, default);
        long opening = store.CallsOf(StoreCall.Get);
        store.Plan = _ => new Fault.Wait(reads.Task);
        var set = new IndexSet([run], null, null);
        using var impatient = new CancellationTokenSource();

        var cancelled = set.FindAsync(entries[0].Prefix, impatient.Token).AsTask();
        var finds = Enumerable.Range(0, 10).Select(i => set.FindAsync(entries[i * 100].Prefix, default).AsTask()).ToList();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(TimeSpan.FromSeconds(30)));
        reads.SetResult();
        var hits = await Task.WhenAll(finds);

        Assert.All(hits.Index(), hit => Assert.Equal(entries[hit.Index * 100], hit.Item?.Entry));
        Assert.Equal(2, store.CallsOf(StoreCall.Get) - opening);
    }

    [Fact]
    public async Task A_unit_that_could_not_be_read_is_read_again_by_the_next()
    {
        await using var repository = await TestRepository.Create();
        var (packs, entries) = Make(7, 1000, 3);
        var written = await Write(repository, entries, packs);
        await using var store = new FaultyObjectStore(repository.Store);
        var run = await IndexRun.OpenAsync(
            store, repository.Domain.Names, repository.Domain.Keys, new UnitCache(1 << 20), written.Id, written.SizeBytes, default);
        var set = new IndexSet([run], null, null);

        store.Plan = _ => new Fault.FailBefore();
        await Assert.ThrowsAsync<ObjectStoreException>(async () => await set.FindAsync(entries[0].Prefix, default));
        store.Plan = null;

        Assert.Equal(entries[0], (await set.FindAsync(entries[0].Prefix, default))?.Entry);
    }

    [Fact]
    public async Task Entries_out_of_order_are_refused()
    {
        await using var repository = await TestRepository.Create();
        var (_, entries) = Make(5, 10, 1);
        await using var writer = await RunWriter.BeginAsync(repository.Store, repository.Domain.Names, repository.Domain.Keys, 0, default);
        await writer.AddAsync(entries[5], default);
        await writer.AddAsync(entries[5], default);

        await Assert.ThrowsAsync<ArgumentException>(async () => await writer.AddAsync(entries[4], default));
    }

    private static async Task<IndexRun> Write(TestRepository repository, List<IndexEntry> entries, IReadOnlyList<PackRecord> packs)
    {
        var (id, size) = await RunWriter.WriteAsync(
            repository.Store, repository.Domain.Names, repository.Domain.Keys, entries, [.. packs], default);
        return await repository.Domain.Catalog.OpenAsync(id, size, default);
    }

    private static (IReadOnlyList<PackRecord> Packs, List<IndexEntry> Entries) Make(int seed, int count, int packCount)
    {
        var random = new Random(seed);
        var packs = new List<PackRecord>();
        for (int i = 0; i < packCount; i++)
        {
            var id = new ObjectId(new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()));
            var segments = Enumerable.Range(0, 3).Select(s => new SegmentInfo(32 + (s * 500_000), 400_000, 1 << 20, (uint)s, 0, SegmentCodec.Zstd));
            packs.Add(new PackRecord(id, (PackKind)(1 + (i % 2)), 2_000_000, [id], [.. segments]));
        }

        var entries = new List<IndexEntry>();
        for (int i = 0; i < count; i++)
            entries.Add(new IndexEntry(RandomPrefix(random), (uint)random.Next(packCount), (ushort)random.Next(3), random.Next(1000), random.Next(1, 70_000)));
        entries.Sort();
        return (packs, entries);
    }

    private static ChunkPrefix RandomPrefix(Random random) => new(unchecked((ulong)random.NextInt64(long.MinValue, long.MaxValue)), unchecked((ulong)random.NextInt64(long.MinValue, long.MaxValue)));
}
