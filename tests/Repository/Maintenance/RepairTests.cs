using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests.Maintenance;

public sealed class RepairTests
{
    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 3 * TestDisk.Chunk, PackBytes = 8 * TestDisk.Chunk };

    [Fact]
    public async Task What_is_sound_is_kept_what_is_not_is_named_and_the_next_backup_heals_it()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        byte[] disk = Bytes.Of(1, 20 * TestDisk.Chunk);
        byte[] other = Bytes.Of(2, 20 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "hit", workers: 1);
        string pack = repository.Names("packs").MaxBy(name => store.Peek(name)!.Length)!;
        await repository.BackUp(other, resource: "other", id: "sound");
        store.Peek(pack)![100] ^= 1;

        await using var again = await TestRepository.Open(store, Options);
        var repaired = await Repair(again);

        Assert.Equal([pack], repaired.ReplacedPacks);
        Assert.Equal((3, true), (repaired.DamagedChunks, repaired.SavedChunks > 0));
        Assert.Equal(["hit"], repaired.DamagedBackups);
        Assert.Equal(3, repaired.Remaining.DamageCount);
        Assert.Equal(other, await again.Restore((await again.Domain.FindBackupAsync("sound", default))!));

        var next = await again.BackUp(disk, id: "next");
        Assert.False(next.Members[0].Incremental);
        Assert.InRange(next.Members[0].StoredBytes, 3 * TestDisk.Chunk, 4 * TestDisk.Chunk);
        var second = await Repair(again);

        Assert.Equal((0, 0), (second.Remaining.DamageCount, second.DamagedBackups.Count));
        Assert.Equal(["hit"], second.HealedBackups);
        Assert.Empty(again.Names("damaged"));
        foreach (string id in new[] { "hit", "next" })
            Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync(id, default))!));
        Assert.True((await again.BackUp(disk, id: "later")).Members[0].Incremental);
    }

    [Fact]
    public async Task A_pack_without_its_directory_is_saved_whole_by_the_index()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        byte[] disk = Bytes.Of(3, 20 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "one");
        var packs = repository.Names("packs");
        foreach (string pack in packs)
            store.Peek(pack)![^40] ^= 1;

        await using var again = await TestRepository.Open(store, Options);
        var repaired = await Repair(again);

        Assert.Equal(packs, repaired.ReplacedPacks.Order(StringComparer.Ordinal));
        Assert.Equal((0, true), (repaired.DamagedChunks, repaired.Remaining.IsSound));
        Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync("one", default))!));
        Assert.Empty(again.Names("packs").Intersect(packs));
    }

    /// <summary>Any byte of any object: what the repair does not name comes back, and a backup of everything makes all whole that has its pages' content.</summary>
    [Theory]
    [InlineData(1, 40)]
    public Task Whatever_was_damaged_the_rest_is_sound_after_a_repair(int seed, int count) => Damage(seed, count);

    [Fact]
    [Trait("Category", "Slow")]
    public Task Whatever_was_damaged_very_often_the_rest_is_sound_after_a_repair() => Damage(2, 400);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_repair_that_dies_loses_nothing_sound(bool afterEffect)
    {
        var history = await History.Make();
        string pack = history.Store.Names.First(name => name.Contains("/packs/", StringComparison.Ordinal) && history.Store.Peek(name)![10] == 1);
        history.Store.Peek(pack)![100] ^= 1;
        var counting = new FaultyObjectStore(history.Store.Clone());
        var whole = await Repair(counting);
        Assert.NotEmpty(whole.ReplacedPacks);
        for (long call = 1 + Random.Shared.Next(5); call <= counting.Calls; call += 5)
        {
            var store = history.Store.Clone();
            try
            {
                await Repair(new FaultyObjectStore(store, FaultPlans.StopAt(call, afterEffect)));
            }
            catch (StoreStoppedException)
            {
            }

            await history.AssertSound(store, whole.DamagedBackups, $"died at call {call}");
            var next = await Repair(new FaultyObjectStore(store));
            Assert.Equal(whole.DamagedBackups, next.DamagedBackups);
            await history.AssertSound(store, whole.DamagedBackups, $"died at call {call}, repaired again");
        }
    }

    private static async Task Damage(int seed, int count)
    {
        var history = await History.Make();
        var random = new Random(seed);
        string[] names = [.. history.Store.Names.Where(name => name.StartsWith("domains/", StringComparison.Ordinal) && !name.EndsWith("/key", StringComparison.Ordinal))];
        for (int i = 0; i < count; i++)
        {
            var store = history.Store.Clone();
            string name = names[random.Next(names.Length)];
            byte[] content = [.. store.Peek(name)!];
            int at = random.Next(4) == 0 ? Math.Max(0, content.Length - 1 - random.Next(48)) : random.Next(content.Length);
            content[at] ^= (byte)(1 << random.Next(8));
            store.Poke(name, random.Next(5) switch { 0 => null, 1 => content[..at], _ => content });
            string context = $"seed {seed}, {i}: {name} at {at}";

            var report = await Repair(new FaultyObjectStore(store));

            bool isRoot = name.Contains("/backups/", StringComparison.Ordinal);
            await history.AssertSound(store, isRoot ? [.. report.DamagedBackups, name[(name.LastIndexOf('/') + 1)..]] : report.DamagedBackups, context);
            await using var repository = await TestRepository.Open(store, Options);
            await repository.BackUp(history.Disks["disk-2"], id: "again");
            Assert.Equal(history.Disks["disk-2"], await repository.Restore((await repository.Domain.FindBackupAsync("again", default))!));
        }
    }

    private static Task<RepairReport> Repair(TestRepository repository) =>
        RepositoryRepair.RunAsync(repository.Repository, repository.Domain, new CollectionOptions(), null, default);

    private static async Task<RepairReport> Repair(FaultyObjectStore store)
    {
        await using (store)
        {
            await using var repository = await BackupRepository.OpenAsync(store, TestRepository.Key, Options, new SkippingTime(), default);
            await using var domain = await repository.OpenDomainAsync(TestRepository.DomainId, false, default);
            return await RepositoryRepair.RunAsync(repository, domain, new CollectionOptions(), null, default);
        }
    }

    private sealed class History
    {
        public InMemoryObjectStore Store { get; } = new();

        public Dictionary<string, byte[]> Disks { get; } = [];

        public static async Task<History> Make()
        {
            var history = new History();
            await using var repository = await TestRepository.Create(history.Store, Options);
            byte[] disk = Bytes.Of(5, 10 * TestDisk.Chunk);
            for (int i = 0; i < 3; i++)
            {
                history.Disks[$"disk-{i}"] = disk;
                await repository.BackUp(disk, id: $"disk-{i}", workers: 1);
                disk = TestDisk.Edit(disk, i, 2);
            }

            return history;
        }

        public async Task AssertSound(InMemoryObjectStore store, IReadOnlyCollection<string> except, string context)
        {
            await using var repository = await TestRepository.Open(store, Options);
            foreach (var (id, content) in Disks.Where(disk => !except.Contains(disk.Key)))
            {
                var backup = await repository.Domain.FindBackupAsync(id, default);
                Assert.True(backup is not null, $"{context}: {id} is gone");
                byte[] restored = await repository.Restore(backup!, workers: 1);
                Assert.True(content.AsSpan().SequenceEqual(restored), $"{context}: {id}");
            }

            var report = await RepositoryCheck.RunAsync(
                repository.Repository, [repository.Domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
            Assert.True(report.Damages.All(damage => damage.Backups.All(except.Contains)), $"{context}: {string.Join('\n', report.Damages)}");
        }
    }
}
