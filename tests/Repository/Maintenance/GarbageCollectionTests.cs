using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Format;
using Strongroom.Repository.Maintenance;

namespace Strongroom.Repository.Tests.Maintenance;

public sealed class GarbageCollectionTests
{
    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 128 << 10, PackBytes = 300 << 10 };

    /// <summary>The oracle is the content of every backup, kept beside: after each collection each one left is read whole.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public async Task Deleting_any_backups_in_any_order_leaves_the_others_bit_exact_and_frees_the_rest(int seed, bool parity)
    {
        var random = new Random(seed);
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options with { Parity = parity });
        var disks = new Dictionary<string, byte[]>();
        var trees = new Dictionary<string, TestTree>();
        byte[] disk = TestDisk.Make(seed, 50 * TestDisk.Chunk);
        for (int i = 0; i < 8; i++)
        {
            disks[$"disk-{i}"] = disk;
            await repository.BackUp(disk, id: $"disk-{i}");
            disk = TestDisk.Edit(disk, random.Next(), 4);
            if (i % 3 != 0)
                continue;
            trees[$"tree-{i}"] = TestTree.Make(seed + i, 60, 60_000);
            await trees[$"tree-{i}"].BackUp(repository, $"tree-{i % 2}", id: $"tree-{i}");
        }

        foreach (string victim in disks.Keys.Concat(trees.Keys).OrderBy(_ => random.Next()).ToList())
        {
            await repository.Domain.DeleteBackupAsync(victim, default);
            disks.Remove(victim);
            trees.Remove(victim);
            if (random.Next(3) == 0)
                continue;
            await CollectAndCheck(repository, store, random.Next(4) == 0 ? 1 : 0.2);
            foreach (var (id, content) in disks)
                Assert.Equal(content, await repository.Restore((await repository.Domain.FindBackupAsync(id, default))!));
            foreach (var (id, content) in trees)
                content.AssertEquals(await TestTree.Read(repository.Domain.OpenTree((await repository.Domain.FindBackupAsync(id, default))!, id)));
        }

        await CollectAndCheck(repository, store, 0.2);
        Assert.All(store.Names, name => Assert.True(name is "config" || name.StartsWith("keys/", StringComparison.Ordinal) || name.EndsWith("/key", StringComparison.Ordinal), name));
    }

    [Fact]
    public async Task A_dry_run_changes_nothing_and_tells_what_a_run_then_does()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        byte[] disk = Bytes.Of(1, 60 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "old");
        await repository.BackUp([.. disk[..(20 * TestDisk.Chunk)], .. Bytes.Of(2, 20 * TestDisk.Chunk)], id: "new", incremental: false);
        await repository.Domain.DeleteBackupAsync("old", default);
        var before = store.Names.ToDictionary(name => name, name => store.Peek(name)!);

        var dry = await GarbageCollection.RunAsync(repository.Domain, new CollectionOptions { DryRun = true }, null, default);

        Assert.Equal(before, store.Names.ToDictionary(name => name, name => store.Peek(name)!));
        var done = await GarbageCollection.RunAsync(repository.Domain, new CollectionOptions(), null, default);
        Assert.Equal((dry.ReclaimableBytesBefore, dry.ReclaimableBytesAfter), (done.ReclaimableBytesBefore, done.ReclaimableBytesAfter));
        Assert.Equal((dry.DeadPacks, dry.RewrittenPacks), (done.DeadPacks, done.RewrittenPacks));
        Assert.True(done.DeadPacks > 5 && done.ReclaimableBytesBefore > 38 * TestDisk.Chunk);
    }

    [Fact]
    public async Task Segments_are_moved_as_they_are_sealed_and_mostly_dead_ones_are_gathered()
    {
        var store = new InMemoryObjectStore();
        var options = TestRepository.SmallOptions with { SegmentBytes = 4 * TestDisk.Chunk, PackBytes = 16 * TestDisk.Chunk };
        await using var repository = await TestRepository.Create(store, options);
        byte[] disk = Bytes.Of(3, 32 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "old", workers: 1);

        // Of the first pack: one segment stays whole, of the second one chunk lives, the other two die.
        byte[] kept = [.. disk];
        kept.AsSpan(5 * TestDisk.Chunk, 11 * TestDisk.Chunk).Clear();
        await repository.BackUp(kept, id: "new", workers: 1);
        await repository.Domain.DeleteBackupAsync("old", default);
        var whole = store.Names.Select(name => store.Peek(name)!).First(content => content.AsSpan().StartsWith("STRGPACK"u8) && content[10] == 1);

        var report = await CollectAndCheck(repository, store, 0.2);

        Assert.Equal(kept, await repository.Restore((await repository.Domain.FindBackupAsync("new", default))!));
        Assert.InRange(report.RewrittenPacks, 1, 2);
        Assert.Equal(0, report.ReclaimableBytesAfter);
        Assert.InRange(store.Names.Sum(name => store.Peek(name)!.Length), 21 * TestDisk.Chunk, 22 * TestDisk.Chunk);
    }

    [Fact]
    public async Task A_pack_whose_index_was_lost_is_not_taken_for_garbage()
    {
        var store = new InMemoryObjectStore();
        byte[] disk = TestDisk.Make(4, 40 * TestDisk.Chunk);
        await using (var repository = await TestRepository.Create(store, Options))
            await repository.BackUp(disk, id: "kept");
        foreach (string name in store.Names.Where(name => name.Contains("/indexes/", StringComparison.Ordinal)).ToList())
            store.Poke(name, null);

        await using var again = await TestRepository.Open(store, Options);
        await GarbageCollection.RunAsync(again.Domain, new CollectionOptions(), null, default);

        Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync("kept", default))!));
        await CollectAndCheck(again, store, 0.2);
    }

    [Fact]
    public async Task A_backup_whose_pages_are_lost_stops_a_collection_unless_that_is_accepted()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        await repository.BackUp(TestDisk.Make(5, 40 * TestDisk.Chunk), id: "damaged");
        byte[] sound = TestDisk.Make(6, 40 * TestDisk.Chunk);
        var before = repository.Names("packs").ToHashSet();
        await repository.BackUp(sound, resource: "other", id: "sound");
        store.Poke(before.First(name => store.Peek(name)![10] == 2), null);
        await using var again = await TestRepository.Open(store, Options);
        var names = store.Names;

        var refused = await Assert.ThrowsAsync<RepositoryException>(() => GarbageCollection.RunAsync(again.Domain, new CollectionOptions(), null, default));
        Assert.Equal(RepositoryFailure.Damaged, refused.Failure);
        Assert.Equal(names, store.Names);

        var accepted = await GarbageCollection.RunAsync(again.Domain, new CollectionOptions { AcceptDamage = true }, null, default);
        Assert.NotEmpty(accepted.Notes);
        Assert.True(accepted.DeadPacks > 0);
        Assert.Equal(sound, await again.Restore((await again.Domain.FindBackupAsync("sound", default))!));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task A_collection_that_dies_loses_nothing_and_the_next_one_finishes_it(bool afterEffect) => Die(afterEffect, 11);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Category", "Slow")]
    public Task A_collection_that_dies_at_any_call_loses_nothing_and_the_next_one_finishes_it(bool afterEffect) => Die(afterEffect, 1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_collection_in_which_a_call_fails_loses_nothing(bool afterEffect)
    {
        var history = await History.Make();
        long calls = await history.CountCalls();
        for (long call = 1; call <= calls; call += 9)
        {
            long failing = call;
            var store = history.Store.Clone();
            try
            {
                await History.Collect(new FaultyObjectStore(store, info => info.Number == failing ? afterEffect ? new Fault.FailAfter() : new Fault.FailBefore() : null));
            }
            catch (ObjectStoreException)
            {
            }

            await history.AssertFinishes(store, $"call {call} of {calls} failed");
        }
    }

    /// <summary>At each call of a collection in turn a whole backup runs that wants what the collection is about to delete.</summary>
    [Theory]
    [InlineData(15)]
    public Task A_backup_beside_a_collection_loses_nothing(int stride) => Beside(stride);

    [Fact]
    [Trait("Category", "Slow")]
    public Task A_backup_beside_any_call_of_a_collection_loses_nothing() => Beside(1);

    /// <summary>A backup begins, and refers to what the collection is about to delete, before or while it is marked; it ends later.</summary>
    [Fact]
    public async Task A_collection_waits_for_the_backups_that_may_refer_to_its_packs()
    {
        var history = await History.Make();
        var store = history.Store.Clone();
        await using var repository = await TestRepository.Open(store, Options);
        BackupSession? session = null;
        DiskWriter? writer = null;
        bool waited = false;
        var time = new SkippingTime();
        var faulty = new FaultyObjectStore(store);

        // Begins when the collection has listed sessions the first time: it deduplicates against packs nobody needs.
        faulty.Plan = call =>
        {
            if (call.Call == StoreCall.List && call.Name.EndsWith("/backups/", StringComparison.Ordinal) && session is null)
                Task.Run(Begin).GetAwaiter().GetResult();
            if (call.Call == StoreCall.Get && call.Name.Contains("/sessions/", StringComparison.Ordinal) && !waited)
            {
                waited = true;
                Task.Run(End).GetAwaiter().GetResult();
            }

            return null;
        };

        var report = await History.Collect(faulty, time);

        Assert.True(waited);
        Assert.True(report.SparedPacks > 0);
        byte[] restored = await repository.Restore((await repository.Domain.FindBackupAsync("beside", default))!);
        Assert.Equal(history.Deleted, restored);
        await history.AssertFinishes(store, "beside");

        async Task Begin()
        {
            session = await repository.Domain.BeginBackupAsync(await repository.Describe("beside", "another"), default);
            writer = session.OpenDisk(new MemberDescription("beside", "another", "disk", "/d"), history.Deleted.Length, null);
            await TestRepository.Write(writer, history.Deleted, 1);
            Assert.Equal(0, writer.StoredBytes);
            await writer.FinishAsync(default);
        }

        async Task End()
        {
            await session!.CommitAsync(null, default);
            await session.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_backup_is_not_compared_with_one_that_a_running_collection_has_not_marked()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        byte[] disk = TestDisk.Make(7, 20 * TestDisk.Chunk);
        var first = await repository.BackUp(disk, id: "first");
        var collection = ObjectId.NewRandom();
        string name = repository.Domain.Names.Collection(collection);
        byte[] Publish(params string[] roots) => new PublishedCollection(collection, [ObjectId.NewRandom()], roots.ToHashSet()).Write(repository.Domain.Keys);

        store.Poke(name, Publish());
        await using (var unmarked = await repository.Domain.BeginBackupAsync(await repository.Describe("a"), default))
            Assert.Null(unmarked.Previous);
        var second = await repository.BackUp(disk, id: "second");
        store.Poke(name, Publish(first.RootSha256, second.RootSha256));
        await using (var marked = await repository.Domain.BeginBackupAsync(await repository.Describe("b"), default))
            Assert.Equal("second", marked.Previous?.Id);

        Assert.Equal((2, "first"), (second.Sequence, second.Previous?.BackupId));
    }

    [Fact]
    public async Task Entries_of_packs_that_were_collected_are_no_damage_while_another_copy_is_there()
    {
        string[] old;
        InMemoryObjectStore store;
        TestRepository repository;
        do
        {
            // The check asks runs in the order of their names: those that name the packs which are gone first.
            store = new InMemoryObjectStore();
            repository = await TestRepository.Create(store, Options);
            old = await MoveAll(repository, store);
        }
        while (!repository.Names("indexes").Take(old.Length).Order().SequenceEqual(old.Order()));

        var sound = await Check(repository);
        Assert.True(sound.IsSound, string.Join('\n', sound.Damages));

        // The same entries are damage when theirs was the last copy.
        foreach (string run in repository.Names("indexes").Except(old))
            store.Poke(run, null);
        Assert.Contains((await Check(repository)).Damages, damage => damage.Message.Contains("The pack is gone", StringComparison.Ordinal));
        await repository.DisposeAsync();
    }

    [Fact]
    public async Task A_check_beside_a_collection_finds_no_damage()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        await BackUpSparse(repository);
        Task? collection = null;
        await using var beside = await TestRepository.Open(
            new FaultyObjectStore(store, call => call.Call == StoreCall.Get && call.Name.Contains("/indexes/", StringComparison.Ordinal)
                ? new Fault.Wait(collection ??= CollectAll(repository)) : null),
            Options);

        var report = await Check(beside);

        Assert.True(collection!.IsCompletedSuccessfully);
        Assert.True(report.IsSound, string.Join('\n', report.Damages));
    }

    private static Task<CheckReport> Check(TestRepository repository) =>
        RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);

    /// <summary>Packs of which half lives.</summary>
    private static async Task BackUpSparse(TestRepository repository)
    {
        byte[] disk = Bytes.Of(9, 20 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "first");
        for (int chunk = 0; chunk < 20; chunk++)
            disk.AsSpan(chunk * TestDisk.Chunk, chunk % 4 == 0 ? 0 : TestDisk.Chunk).Clear();
        await repository.BackUp(disk, id: "second");
        await repository.Domain.DeleteBackupAsync("first", default);
    }

    private static Task CollectAll(TestRepository repository) => GarbageCollection.RunAsync(
        repository.Domain, new CollectionOptions { PollInterval = TimeSpan.FromMilliseconds(1), RewriteAbove = 0.01 }, null, default);

    /// <summary>A collection after which the runs of before are there again, as a merge that was overtaken leaves one.</summary>
    /// <returns>Their names.</returns>
    private static async Task<string[]> MoveAll(TestRepository repository, InMemoryObjectStore store)
    {
        await BackUpSparse(repository);
        var runs = repository.Names("indexes").ToDictionary(name => name, name => store.Peek(name)!);
        int packs = repository.Names("packs").Count;
        await CollectAll(repository);
        Assert.NotEqual(packs, repository.Names("packs").Count);
        foreach (var (name, content) in runs)
            store.Poke(name, content);
        return [.. runs.Keys];
    }

    [Fact]
    public async Task A_session_that_shows_no_life_is_made_void_and_one_that_does_is_not()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        await repository.BackUp(TestDisk.Make(8, 20 * TestDisk.Chunk), id: "sound");
        var left = await repository.Domain.BeginBackupAsync(await repository.Describe("slow"), default);
        var writer = left.OpenDisk(new MemberDescription("slow", "disk-1", "disk", "/d"), 20 * TestDisk.Chunk, null);
        await TestRepository.Write(writer, Bytes.Of(9, 20 * TestDisk.Chunk), 1);
        await writer.FinishAsync(default);

        var report = await History.Collect(new FaultyObjectStore(store), new SkippingTime());

        Assert.Equal(1, report.DeadSessions);
        var refused = await Assert.ThrowsAsync<RepositoryException>(async () => await left.CommitAsync(null, default));
        Assert.Equal(RepositoryFailure.Conflict, refused.Failure);
        await left.DisposeAsync();
        await CollectAndCheck(repository, store, 0.2);
        Assert.Equal(["sound"], await repository.Domain.ListBackupsAsync(default).Select(backup => backup.Id).ToListAsync());
    }

    [Fact]
    public async Task Of_two_collections_the_second_is_refused_while_the_first_lives()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        await repository.BackUp(TestDisk.Make(8, 20 * TestDisk.Chunk), id: "sound");
        var first = await SessionBeacon.BeginAsync(repository.Domain, null, TimeProvider.System, default);
        string name = repository.Domain.Names.Session(first.Id);
        int reads = 0;
        var faulty = new FaultyObjectStore(store, call =>
        {
            // It beats between two looks.
            if (call.Call == StoreCall.Get && call.Name == name && ++reads == 2)
            {
                var text = new SessionText(1, first.Id.ToString(), "", 5, true);
                store.Poke(name, CheckedText.Write(text, FormatJson.Default.SessionText, System.Security.Cryptography.SHA256.HashData));
            }

            return null;
        });

        var refused = await Assert.ThrowsAsync<RepositoryException>(() => History.Collect(faulty, new SkippingTime()));

        Assert.Equal(RepositoryFailure.Locked, refused.Failure);
        Assert.Equal([name], store.Names.Where(one => one.Contains("/sessions/", StringComparison.Ordinal)));
        await first.DisposeAsync();
    }

    [Fact]
    public async Task A_collection_that_was_taken_for_dead_deletes_nothing()
    {
        var history = await History.Make();
        var store = history.Store.Clone();
        bool other = false;
        var faulty = new FaultyObjectStore(store);

        // When the first is about to publish, a second one gives it up for dead and does all the work.
        faulty.Plan = call =>
        {
            if (call.Call == StoreCall.Put && call.Name.Contains("/collections/", StringComparison.Ordinal) && !other)
            {
                other = true;
                Task.Run(() => History.Collect(new FaultyObjectStore(store), new SkippingTime())).GetAwaiter().GetResult();
            }

            return null;
        };

        var refused = await Assert.ThrowsAsync<RepositoryException>(() => History.Collect(faulty));

        Assert.Equal(RepositoryFailure.Locked, refused.Failure);
        Assert.True(other);
        await history.AssertFinishes(store, "taken for dead");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_collection_that_is_taken_for_dead_at_any_moment_says_so_and_blames_no_data()
    {
        var history = await History.Make();
        long calls = await history.CountCalls();
        int said = 0;
        for (long at = 2; at <= calls; at += Math.Max(1, calls / 60))
        {
            var store = history.Store.Clone();
            long point = at;
            var faulty = new FaultyObjectStore(store);
            faulty.Plan = call =>
            {
                if (call.Number == point)
                    Task.Run(() => History.Collect(new FaultyObjectStore(store), new SkippingTime())).GetAwaiter().GetResult();
                return null;
            };

            try
            {
                await History.Collect(faulty);
            }
            catch (Exception e)
            {
                Assert.True(e is RepositoryException { Failure: RepositoryFailure.Locked }, $"at call {at} of {calls}: {e}");
                said++;
            }

            // What it wrote last may name packs that the other one deleted; the next collection puts that right.
            await History.Collect(new FaultyObjectStore(store), new SkippingTime());
            await history.AssertFinishes(store, $"taken for dead at call {at} of {calls}");
        }

        Assert.True(said > 0);
    }

    private static async Task Die(bool afterEffect, int stride)
    {
        var history = await History.Make();
        long calls = await history.CountCalls();
        for (long call = Random.Shared.Next(1, stride + 1); call <= calls; call += stride)
        {
            var store = history.Store.Clone();
            try
            {
                await History.Collect(new FaultyObjectStore(store, FaultPlans.StopAt(call, afterEffect)));
            }
            catch (StoreStoppedException)
            {
            }

            await history.AssertFinishes(store, $"died {(afterEffect ? "after" : "before")} call {call} of {calls}");
        }
    }

    private static async Task Beside(int stride)
    {
        var history = await History.Make();
        long calls = await history.CountCalls();
        for (long call = Random.Shared.Next(1, stride + 1); call <= calls; call += stride)
        {
            var store = history.Store.Clone();
            long at = call;
            var faulty = new FaultyObjectStore(store);
            faulty.Plan = info =>
            {
                if (info.Number == at)
                    Task.Run(BackUp).GetAwaiter().GetResult();
                return null;
            };
            await History.Collect(faulty);
            string context = $"a backup at call {call} of {calls}";
            await using (var after = await TestRepository.Open(store, Options))
            {
                foreach (string id in new[] { "again", "incremental" })
                {
                    byte[] restored = await after.Restore((await after.Domain.FindBackupAsync(id, default))!, workers: 1);
                    Assert.True(history.Deleted.AsSpan().SequenceEqual(restored), $"{context}: {id}");
                }
            }

            await history.AssertFinishes(store, context);

            async Task BackUp()
            {
                // The first deduplicates against what is dead; the second compares with it; then the first is deleted and made anew.
                await using var repository = await TestRepository.Open(store, Options);
                await repository.BackUp(history.Deleted, "another", "gone", workers: 1);
                await repository.BackUp(history.Deleted, "another", "incremental", workers: 1);
                await repository.Domain.DeleteBackupAsync("gone", default);
                await repository.BackUp(history.Deleted, "third", "again", workers: 1);
            }
        }
    }

    private static async Task<CollectionReport> CollectAndCheck(TestRepository repository, InMemoryObjectStore store, double rewriteAbove)
    {
        var before = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);
        long bytes = Total(store);
        var report = await GarbageCollection.RunAsync(repository.Domain, new CollectionOptions { RewriteAbove = rewriteAbove }, null, default);
        var after = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);

        Assert.Equal(before.ReclaimableBytes, report.ReclaimableBytesBefore);
        Assert.Equal(after.ReclaimableBytes, report.ReclaimableBytesAfter);
        Assert.Equal(bytes - report.FreedBytes + report.WrittenBytes, Total(store));
        Assert.Equal(report.TotalBytesBefore - report.TotalBytesAfter, report.FreedBytes - report.WrittenBytes);
        Assert.Equal(Total(store), after.Backups.Sum(backup => backup.OwnBytes) + after.SharedBytes + after.ReclaimableBytes);
        var check = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);
        Assert.True(check.IsSound && check.Notes.Count == 0, string.Join('\n', check.Damages) + string.Join('\n', check.Notes));
        return report;
    }

    private static long Total(InMemoryObjectStore store) => store.Names.Sum(name => (long)store.Peek(name)!.Length);

    /// <summary>Backups, some of them deleted, so that a collection has whole packs to drop, sparse ones to rewrite and runs to merge.</summary>
    private sealed class History
    {
        private readonly Dictionary<string, byte[]> expected = [];
        private readonly TestTree tree = TestTree.Make(9, 20, 30_000);

        public InMemoryObjectStore Store { get; } = new();

        /// <summary>A disk of which no backup is left.</summary>
        public byte[] Deleted { get; } = Bytes.Of(99, 12 * TestDisk.Chunk);

        public static async Task<History> Make()
        {
            var history = new History();
            await using var repository = await TestRepository.Create(history.Store, Options);
            byte[] disk = Bytes.Of(1, 14 * TestDisk.Chunk);
            await repository.BackUp(disk, id: "first", workers: 1);
            byte[] second = [.. disk];
            for (int chunk = 0; chunk < 10; chunk++)
            {
                if (chunk % 4 != 0)
                    Bytes.Of(50 + chunk, TestDisk.Chunk).CopyTo(second.AsSpan(chunk * TestDisk.Chunk));
            }

            history.expected["second"] = second;
            await repository.BackUp(second, id: "second", workers: 1);
            await repository.BackUp(history.Deleted, "other", "deleted", workers: 1);
            await history.tree.BackUp(repository, "tree", id: "tree");
            await repository.Domain.DeleteBackupAsync("first", default);
            await repository.Domain.DeleteBackupAsync("deleted", default);
            return history;
        }

        public static async Task<CollectionReport> Collect(FaultyObjectStore store, TimeProvider? time = null)
        {
            await using (store)
            {
                await using var repository = await BackupRepository.OpenAsync(store, TestRepository.Key, Options, time ?? TimeProvider.System, default);
                await using var domain = await repository.OpenDomainAsync(TestRepository.DomainId, false, default);
                return await GarbageCollection.RunAsync(domain, new CollectionOptions(), null, default);
            }
        }

        public async Task<long> CountCalls()
        {
            var store = Store.Clone();
            var counting = new FaultyObjectStore(store);
            var report = await Collect(counting);
            Assert.True(report is { DeadPacks: > 0, RewrittenPacks: > 0 }, report.ToString());
            await AssertFinishes(store, "without faults");
            return counting.Calls;
        }

        /// <summary>All is there; a next collection frees what is left to free; all is there still.</summary>
        public async Task AssertFinishes(InMemoryObjectStore store, string context)
        {
            await AssertWhole(store, context);
            await Collect(new FaultyObjectStore(store), new SkippingTime());
            await AssertWhole(store, context + ", collected");
            await using var repository = await TestRepository.Open(store, Options);
            var statistics = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);
            Assert.True(statistics.ReclaimableBytes < statistics.TotalBytes / 4, $"{context}: {statistics.ReclaimableBytes} of {statistics.TotalBytes} bytes are still reclaimable");
            Assert.DoesNotContain(store.Names, name => name.Contains("/sessions/", StringComparison.Ordinal));
            Assert.DoesNotContain(store.Names, name => name.Contains("/collections/", StringComparison.Ordinal) && store.Peek(name)!.Length != 32);
        }

        private async Task AssertWhole(InMemoryObjectStore store, string context)
        {
            await using var repository = await TestRepository.Open(store, Options);
            foreach (var (id, content) in expected)
            {
                byte[] restored = await repository.Restore((await repository.Domain.FindBackupAsync(id, default))!, workers: 1);
                Assert.True(content.AsSpan().SequenceEqual(restored), $"{context}: {id}");
            }

            tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree((await repository.Domain.FindBackupAsync("tree", default))!, "tree"), workers: 1));
            var report = await RepositoryCheck.RunAsync(
                repository.Repository, [repository.Domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
            Assert.True(report.IsSound, $"{context}: {string.Join('\n', report.Damages)}");
        }
    }
}
