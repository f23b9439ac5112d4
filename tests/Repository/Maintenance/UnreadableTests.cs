using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests.Maintenance;

/// <summary>
/// A medium with bad sectors: a check names them as it names damage and goes on, a restore of what lies there fails once and names it, and
/// nothing is deleted that a later read might yet give up.
/// </summary>
public sealed class UnreadableTests
{
    private const int FirstSegment = 32;
    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 3 * TestDisk.Chunk, PackBytes = 8 * TestDisk.Chunk };

    [Fact]
    public async Task A_check_names_what_is_unreadable_and_what_is_damaged_elsewhere()
    {
        var sample = await Sample.Make();
        string other = sample.DataPacks.First(name => name != sample.Pack && sample.Inner.Peek(name)!.Length > 2 * TestDisk.Chunk);
        sample.Inner.Peek(other)![FirstSegment + 20] ^= 1;
        sample.Store.Plan = FaultPlans.Unreadable(sample.Pack, FirstSegment, 1);

        await using var repository = await TestRepository.Open(sample.Store, Options);
        var structure = await Check(repository, readData: false);
        var data = await Check(repository, readData: true);

        Assert.True(structure.IsSound);
        Assert.Equal(new[] { other, sample.Pack }.Order(StringComparer.Ordinal), data.Damages.Select(damage => damage.ObjectName).Order(StringComparer.Ordinal));
        var unreadable = data.Damages.Single(damage => damage.ObjectName == sample.Pack);
        Assert.Equal(FirstSegment, unreadable.Offset);
        Assert.Contains("a fault of the test's", unreadable.Message, StringComparison.Ordinal);
        Assert.Matches("It holds 3 chunks, from [0-9a-f]{16}… to [0-9a-f]{16}…", unreadable.Message);
        Assert.Equal(["hit"], unreadable.Backups);
    }

    [Fact]
    public async Task Whatever_object_is_unreadable_a_check_names_it_and_the_backups_that_fail()
    {
        var sample = await Sample.Make();
        foreach (string name in sample.Inner.Names.Where(name => name.StartsWith("domains/", StringComparison.Ordinal) && !name.EndsWith("/key", StringComparison.Ordinal)))
        {
            sample.Store.Plan = FaultPlans.Unreadable(name);
            await using var repository = await TestRepository.Open(sample.Store, Options);

            foreach (bool readData in new[] { false, true })
            {
                var report = await Check(repository, readData);

                Assert.Contains(report.Damages, damage => damage.ObjectName == name);
                var named = report.Damages.SelectMany(damage => damage.Backups).ToHashSet();
                foreach (string id in sample.Disks.Keys)
                    Assert.True(named.Contains(id) || await Restores(repository, id, sample.Disks[id]), $"{name}: {id} fails and is not named");
            }
        }
    }

    [Fact]
    public async Task A_restore_that_meets_it_fails_at_once_and_names_the_place()
    {
        var sample = await Sample.Make();
        await using var repository = await TestRepository.Open(sample.Store, Options);
        var backup = (await repository.Domain.FindBackupAsync("hit", default))!;
        long tries = 0;
        var plan = FaultPlans.Unreadable(sample.Pack, FirstSegment, 1);
        sample.Store.Plan = call =>
        {
            var fault = plan(call);
            Interlocked.Add(ref tries, fault is null ? 0 : 1);
            return fault;
        };

        var failure = await Assert.ThrowsAsync<RepositoryException>(async () => await repository.Restore(backup, workers: 1));

        Assert.Equal((RepositoryFailure.Unreadable, sample.Pack, FirstSegment), (failure.Failure, failure.ObjectName, failure.Offset));

        // Once in order, once for another copy of each chunk, of which the first has none.
        Assert.Equal(2, tries);
        Assert.True(await Restores(repository, "sound", sample.Disks["sound"]));
        sample.Store.Plan = null;
        Assert.True(await Restores(repository, "hit", sample.Disks["hit"]));
    }

    [Fact]
    public async Task A_restore_of_files_names_one_that_lies_there()
    {
        var inner = new InMemoryObjectStore();
        await using var store = new FaultyObjectStore(inner);
        await using var repository = await TestRepository.Create(store, Options);
        var tree = TestTree.Make(5, 30, 20_000);
        var backup = await tree.BackUp(repository);
        string pack = inner.Names.First(name => name.Contains("/packs/", StringComparison.Ordinal) && inner.Peek(name)![10] == 1);
        store.Plan = FaultPlans.Unreadable(pack, FirstSegment, 1);

        var failure = await Assert.ThrowsAsync<RepositoryException>(
            async () => await TestTree.Read(repository.Domain.OpenTree(backup, backup.Members[0].Id)));

        Assert.Equal((RepositoryFailure.Unreadable, pack), (failure.Failure, failure.ObjectName));
        Assert.Contains(tree.Nodes.Keys, path => path.Length > 0 && failure.Message.EndsWith($" It was read for {path}.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_repair_keeps_the_pack_and_backups_do_without_it_until_it_can_be_read()
    {
        var sample = await Sample.Make();
        sample.Store.Plan = FaultPlans.Unreadable(sample.Pack, FirstSegment, 1);
        string[] before = [.. sample.Inner.Names.Where(name => name.Contains("/packs/", StringComparison.Ordinal))];

        var first = await Repair(sample.Store);
        var again = await Repair(sample.Store);

        foreach (var report in new[] { first, again })
        {
            Assert.Equal([sample.Pack], report.UnreadablePacks);
            Assert.Equal((3, 0, 0), (report.UnreadableChunks, report.DamagedChunks, report.ReplacedPacks.Count));
            Assert.Equal(["hit"], report.DamagedBackups);
            Assert.Equal((sample.Pack, FirstSegment), (report.Remaining.Damages.Single().ObjectName, report.Remaining.Damages.Single().Offset));
        }

        Assert.Equal(before, sample.Inner.Names.Where(name => name.Contains("/packs/", StringComparison.Ordinal)));
        Assert.Single(sample.Inner.Names, name => name.Contains("/collections/", StringComparison.Ordinal));
        await using var repository = await TestRepository.Open(sample.Store, Options);
        var next = await repository.BackUp(sample.Disks["hit"], id: "next", workers: 1);
        Assert.False(next.Members[0].Incremental);
        foreach (string id in new[] { "next", "hit", "sound" })
            Assert.True(await Restores(repository, id, id == "next" ? sample.Disks["hit"] : sample.Disks[id]), id);
        var healed = await Repair(sample.Store);
        Assert.Equal((0, 1), (healed.DamagedBackups.Count, healed.UnreadablePacks.Count));
        Assert.Equal(["hit"], healed.HealedBackups);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Collections_bring_out_what_can_be_read_and_the_rest_when_it_can(bool damagedToo)
    {
        var sample = await Sample.Make();
        sample.Store.Plan = FaultPlans.Unreadable(sample.Pack, FirstSegment, 1);
        await Repair(sample.Store);
        if (damagedToo)
            sample.Store.Plan = FaultPlans.Any(sample.Store.Plan, FaultPlans.Unreadable(sample.Pack, sample.Inner.Peek(sample.Pack)!.Length - 60));

        var first = await Collect(sample.Store);
        long size = Size(sample.Inner);
        var second = await Collect(sample.Store);

        foreach (var report in new[] { first, second })
            Assert.Contains(report.Notes, note => note.StartsWith($"left alone: {sample.Pack}", StringComparison.Ordinal));
        Assert.NotNull(sample.Inner.Peek(sample.Pack));
        Assert.Equal(size, Size(sample.Inner));
        await using (var repository = await TestRepository.Open(sample.Store, Options))
            Assert.True(await Restores(repository, "sound", sample.Disks["sound"]));

        sample.Store.Plan = null;
        await Collect(sample.Store);

        Assert.Null(sample.Inner.Peek(sample.Pack));
        Assert.DoesNotContain(sample.Inner.Names, name => name.Contains("/collections/", StringComparison.Ordinal));
        await sample.AssertWhole("at the end");
    }

    /// <summary>Whatever was unreadable while a repair and a collection ran: when the disk gives it up again, all of it is there.</summary>
    [Theory]
    [InlineData(1)]
    public async Task Nothing_is_lost_that_was_unreadable_for_a_while(int seed)
    {
        var random = new Random(seed);
        var made = await Sample.Make();
        foreach (string name in made.Inner.Names.Where(name => name.StartsWith("domains/", StringComparison.Ordinal) && !name.EndsWith("/key", StringComparison.Ordinal)))
        {
            int length = made.Inner.Peek(name)!.Length;
            foreach (int at in new[] { 0, length - 1, random.Next(length), random.Next(length), -1 })
            {
                var sample = made.Clone();
                sample.Store.Plan = at < 0 ? FaultPlans.Unreadable(name) : FaultPlans.Unreadable(name, at, 1);
                string context = $"seed {seed}, {name} at {at}";

                await Repair(sample.Store);
                try
                {
                    await Collect(sample.Store, acceptDamage: true);
                }
                catch (RepositoryException e) when (e.Failure == RepositoryFailure.Unreadable)
                {
                    // A collection that does not know what backups need deletes nothing.
                }

                sample.Store.Plan = null;
                await IndexRebuildIn(sample.Store);
                await sample.AssertWhole(context);
                await Collect(sample.Store);
                await sample.AssertWhole(context + ", collected");
            }
        }
    }

    [Fact]
    public async Task A_rebuild_keeps_what_runs_know_of_packs_whose_directories_are_unreadable()
    {
        var sample = await Sample.Make();
        sample.Store.Plan = FaultPlans.Unreadable(sample.Pack, sample.Inner.Peek(sample.Pack)!.Length - 60);
        await using (var rebuilt = await TestRepository.Open(sample.Store, Options))
        {
            var report = await IndexRebuild.RunAsync(rebuilt.Domain, null, default);
            Assert.Equal((RepositoryFailure.Unreadable, sample.Pack), (report.Damages.Single().Failure, report.Damages.Single().ObjectName));
        }

        await using var repository = await TestRepository.Open(sample.Store, Options);
        foreach (var (id, disk) in sample.Disks)
            Assert.True(await Restores(repository, id, disk), id);
    }

    private static Task<CheckReport> Check(TestRepository repository, bool readData) => RepositoryCheck.RunAsync(
        repository.Repository, [repository.Domain], new CheckOptions { ReadData = readData, Workers = 1 }, null, default);

    private static async Task<RepairReport> Repair(IObjectStore store)
    {
        await using var repository = await BackupRepository.OpenAsync(store, TestRepository.Key, Options, new SkippingTime(), default);
        await using var domain = await repository.OpenDomainAsync(TestRepository.DomainId, false, default);
        return await RepositoryRepair.RunAsync(repository, domain, new CollectionOptions(), null, default);
    }

    private static async Task<CollectionReport> Collect(IObjectStore store, bool acceptDamage = false)
    {
        await using var repository = await BackupRepository.OpenAsync(store, TestRepository.Key, Options, new SkippingTime(), default);
        await using var domain = await repository.OpenDomainAsync(TestRepository.DomainId, false, default);
        return await GarbageCollection.RunAsync(domain, new CollectionOptions { AcceptDamage = acceptDamage }, null, default);
    }

    private static async Task IndexRebuildIn(IObjectStore store)
    {
        await using var repository = await TestRepository.Open(store, Options);
        await IndexRebuild.RunAsync(repository.Domain, null, default);
    }

    private static async Task<bool> Restores(TestRepository repository, string id, byte[] disk)
    {
        try
        {
            return await repository.Domain.FindBackupAsync(id, default) is { } backup
                && (await repository.Restore(backup, workers: 1)).AsSpan().SequenceEqual(disk);
        }
        catch (RepositoryException)
        {
            return false;
        }
    }

    private static long Size(InMemoryObjectStore store) => store.Names.Sum(name => (long)store.Peek(name)!.Length);

    /// <summary>Two disks of which one has all of its data in packs of its own.</summary>
    private sealed class Sample(InMemoryObjectStore inner)
    {
        public InMemoryObjectStore Inner => inner;

        public FaultyObjectStore Store { get; } = new(inner);

        public Dictionary<string, byte[]> Disks { get; private init; } = [];

        /// <summary>The largest pack of the backup <c>hit</c>.</summary>
        public string Pack { get; private set; } = "";

        public IEnumerable<string> DataPacks =>
            inner.Names.Where(name => name.Contains("/packs/", StringComparison.Ordinal) && inner.Peek(name)![10] == 1);

        public static async Task<Sample> Make()
        {
            var sample = new Sample(new InMemoryObjectStore())
            {
                Disks = new() { ["hit"] = Bytes.Of(1, 20 * TestDisk.Chunk), ["sound"] = Bytes.Of(2, 20 * TestDisk.Chunk) },
            };
            await using var repository = await TestRepository.Create(sample.Inner, Options);
            await repository.BackUp(sample.Disks["hit"], id: "hit", workers: 1);
            sample.Pack = sample.DataPacks.MaxBy(name => sample.Inner.Peek(name)!.Length)!;
            await repository.BackUp(sample.Disks["sound"], resource: "other", id: "sound", workers: 1);
            return sample;
        }

        public Sample Clone() => new(inner.Clone()) { Disks = Disks, Pack = Pack };

        public async Task AssertWhole(string context)
        {
            await using var repository = await TestRepository.Open(inner, Options);
            foreach (var (id, disk) in Disks)
                Assert.True(await Restores(repository, id, disk), $"{context}: {id}");
            var report = await Check(repository, readData: true);
            Assert.True(report.IsSound, $"{context}: {string.Join('\n', report.Damages)}");
        }
    }
}
