using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Indexes;

namespace Strongroom.Repository.Tests;

/// <summary>
/// The process dies at, or the store fails in, every single call of a backup: what was committed before comes back
/// bit-exact, and the backup exists whole or not at all.
/// </summary>
public sealed class FaultTests
{
    /// <summary>What the quick suite tries of the calls; the slow one tries them all.</summary>
    private const int QuickStride = 18;

    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 128 << 10, PackBytes = 300 << 10 };

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 4)]
    [InlineData(true, 4)]
    public Task A_backup_that_dies_leaves_all_or_nothing(bool afterEffect, int commitsAtOnce) => Die(afterEffect, commitsAtOnce, QuickStride);

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 4)]
    [InlineData(true, 4)]
    [Trait("Category", "Slow")]
    public Task A_backup_that_dies_at_any_call_leaves_all_or_nothing(bool afterEffect, int commitsAtOnce) => Die(afterEffect, commitsAtOnce, 1);

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 4)]
    [InlineData(true, 4)]
    public Task A_backup_in_which_a_call_fails_leaves_all_or_nothing_and_says_which(bool afterEffect, int commitsAtOnce) => Fail(afterEffect, commitsAtOnce, QuickStride);

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 4)]
    [InlineData(true, 4)]
    [Trait("Category", "Slow")]
    public Task A_backup_in_which_any_call_fails_leaves_all_or_nothing_and_says_which(bool afterEffect, int commitsAtOnce) => Fail(afterEffect, commitsAtOnce, 1);

    [Fact]
    public async Task A_commit_whose_answer_was_lost_is_settled_by_reading_it_back()
    {
        var history = await History.Make();
        var store = history.Store.Clone();
        FaultPlan plan = call => call.Call == StoreCall.Commit && call.Name.EndsWith("/backups/new", StringComparison.Ordinal) ? new Fault.FailAfter() : null;

        await history.BackUpNew(new FaultyObjectStore(store, plan), workers: 2);

        Assert.True(await history.AssertAllOrNothing(store, "lost answer"));
    }

    /// <summary>Eight backups that end beside each other are enough for it: one merges what another has written and not opened yet.</summary>
    [Fact]
    public async Task A_run_that_others_merge_before_its_backup_opens_it_is_used_in_theirs()
    {
        // Written out long before the end, then the same chunks once more.
        var options = Options with { SessionIndexEntries = 64 };
        byte[] half = TestDisk.Make(5, 300 * TestDisk.Chunk);
        byte[] disk = [.. half, .. half];
        BackupRecord alone;
        await using (var repository = await TestRepository.Create(options: options))
            alone = await repository.BackUp(disk, workers: 1);

        var store = new InMemoryObjectStore();
        await using var other = await TestRepository.Create(store, options);
        string? written = null;
        int merges = 0;
        var faulty = new FaultyObjectStore(store, call =>
        {
            if (!call.Name.StartsWith(other.Domain.Names.Indexes, StringComparison.Ordinal))
                return null;
            if (call.Call == StoreCall.Commit)
                written = call.Name;
            if (call.Call != StoreCall.Get || call.Name != written)
                return null;
            written = null;
            merges++;
            return new Fault.Wait(Task.Run(MergeAsync));
        });
        await using (var repository = await TestRepository.Open(faulty, options))
        {
            var backup = await repository.BackUp(disk, workers: 1);

            Assert.True(merges > 1, $"{merges} runs were merged away");
            // Not a chunk is stored twice; the pages of two repositories hold other ids, and differ by some bytes when compressed.
            Assert.InRange(backup.Members[0].StoredBytes - alone.Members[0].StoredBytes, -TestDisk.Chunk / 8, TestDisk.Chunk / 8);
            Assert.Equal(disk, await repository.Restore(backup));
        }

        Assert.True((await RepositoryCheck.RunAsync(other.Repository, [other.Domain], new CheckOptions { ReadData = true }, null, default)).IsSound);

        async Task MergeAsync() => Assert.True(await RunMerger.TryMergeAsync(
            store, other.Domain.Names, other.Domain.Keys, await other.Domain.Catalog.ListAsync(null, default), default));
    }

    [Fact]
    public async Task A_commit_with_an_unknown_outcome_keeps_its_session_on_show()
    {
        var history = await History.Make();
        var store = history.Store.Clone();
        FaultPlan plan = call => call.Call is StoreCall.Commit or StoreCall.Get && call.Name.EndsWith("/backups/new", StringComparison.Ordinal)
            ? new Fault.FailAfter() : null;

        await Assert.ThrowsAsync<ObjectStoreException>(() => history.BackUpNew(new FaultyObjectStore(store, plan), workers: 2));

        Assert.Contains(store.Names, name => name.Contains("/sessions/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public async Task A_restore_over_a_store_that_lies_gives_the_right_bytes_or_fails(int readAheadBytes)
    {
        var history = await History.Make(readAheadBytes: readAheadBytes);
        var random = new Random(5);
        long reads = await Restore(new FaultyObjectStore(history.Store));
        for (int i = 0; i < 60; i++)
        {
            long number = random.NextInt64(1, reads + 1);
            Fault fault = random.Next(2) == 0 ? new Fault.Flip(random.NextInt64(1 << 30)) : new Fault.Tear(random.Next(1000));
            try
            {
                await Restore(new FaultyObjectStore(history.Store, call => call.Number == number && call.Call == StoreCall.Get ? fault : null));
            }
            catch (Exception e) when (e is RepositoryException or ObjectStoreException)
            {
            }
        }

        async Task<long> Restore(FaultyObjectStore store)
        {
            await using var repository = await TestRepository.Open(store, Options);
            var backup = (await repository.Domain.FindBackupAsync("old-6", default))!;
            Assert.Equal(history.Expected["old-6"], await repository.Restore(backup, workers: 1));
            return store.Calls;
        }
    }

    /// <summary>A merge beside a listing: the old runs are gone already, and the new one is not yet there.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Runs_that_a_listing_missed_are_looked_for_before_anything_is_called_damage(int listings)
    {
        var history = await History.Make();
        int left = listings;
        FaultPlan plan = call => call.Call == StoreCall.List && call.Name.EndsWith("/indexes/", StringComparison.Ordinal) && left-- > 0
            ? new Fault.Hide(name => left % 2 == 0 || name[^1] < '8') : null;

        await using var repository = await TestRepository.Open(new FaultyObjectStore(history.Store, plan), Options);
        var backup = (await repository.Domain.FindBackupAsync("old-6", default))!;

        Assert.Equal(history.Expected["old-6"], await repository.Restore(backup, workers: 1));
    }

    [Fact]
    public async Task A_running_backup_shows_that_it_lives_and_a_finished_one_does_not()
    {
        var store = new InMemoryObjectStore();
        await using var made = await TestRepository.Create(store, Options);
        var time = new ManualTime();
        await using var repository = await BackupRepository.OpenAsync(store, TestRepository.Key, Options, time, default);
        await using var domain = await repository.OpenDomainAsync(TestRepository.DomainId, false, default);
        var session = await domain.BeginBackupAsync(await made.Describe("alive"), default);
        string name = Assert.Single(made.Names("sessions"));

        for (int beat = 1; beat <= 3; beat++)
        {
            time.Advance(Options.SessionHeartbeat);
            while (!System.Text.Encoding.ASCII.GetString(store.Peek(name)!).Contains($"\"sequence\":{beat}}}", StringComparison.Ordinal))
                await Task.Yield();
        }

        await session.DisposeAsync();
        Assert.Empty(made.Names("sessions"));
    }

    private static async Task Die(bool afterEffect, int commitsAtOnce, int stride)
    {
        var history = await History.Make(commitsAtOnce);
        long calls = await history.CountCalls();

        for (long call = Random.Shared.Next(1, stride + 1); call <= calls; call += stride)
        {
            var store = history.Store.Clone();
            try
            {
                await history.BackUpNew(new FaultyObjectStore(store, FaultPlans.StopAt(call, afterEffect)), workers: 1);
            }
            catch (StoreStoppedException)
            {
            }

            await history.AssertAllOrNothing(store, $"died {(afterEffect ? "after" : "before")} call {call} of {calls}");
        }
    }

    private static async Task Fail(bool afterEffect, int commitsAtOnce, int stride)
    {
        var history = await History.Make(commitsAtOnce);
        long calls = await history.CountCalls();
        Fault fault = afterEffect ? new Fault.FailAfter() : new Fault.FailBefore();

        for (long call = Random.Shared.Next(1, stride + 1); call <= calls; call += stride)
        {
            var store = history.Store.Clone();
            string context = $"call {call} of {calls} failed {(afterEffect ? "after" : "before")} its effect";
            bool reported = false;
            try
            {
                await history.BackUpNew(new FaultyObjectStore(store, info => info.Number == call ? fault : null), workers: 2);
                reported = true;
            }
            catch (ObjectStoreException)
            {
            }

            bool exists = await history.AssertAllOrNothing(store, context);
            Assert.True(exists || !reported, context);
        }
    }

    /// <summary>Seven backups, so that the next one merges the index runs; its content is known.</summary>
    private sealed class History
    {
        private readonly byte[] next;
        private readonly TestTree tree = TestTree.Make(9, 12, 30_000);

        private History(byte[] next, InMemoryObjectStore store) => (this.next, Store) = (next, store);

        public InMemoryObjectStore Store { get; }

        public Dictionary<string, byte[]> Expected { get; } = [];

        public static async Task<History> Make(int commitsAtOnce = 1, int readAheadBytes = 0)
        {
            byte[] disk = TestDisk.Make(1, 12 * TestDisk.Chunk);
            var states = new List<byte[]> { disk };
            for (int i = 0; i < 7; i++)
                states.Add(TestDisk.Edit(states[^1], i, 1));
            var history = new History(
                [.. states[^1], .. TestDisk.Make(2, 8 * TestDisk.Chunk)],
                new InMemoryObjectStore { CommitsAtOnce = commitsAtOnce, ReadAheadBytes = readAheadBytes });
            await using var repository = await TestRepository.Create(history.Store, Options);
            for (int i = 0; i < 7; i++)
            {
                history.Expected[$"old-{i}"] = states[i];
                await repository.BackUp(states[i], id: $"old-{i}");
            }

            return history;
        }

        public async Task<long> CountCalls()
        {
            var store = Store.Clone();
            var counting = new FaultyObjectStore(store);
            await BackUpNew(counting, workers: 1);
            Assert.True(await AssertAllOrNothing(store, "without faults"));
            Assert.True(counting.CallsOf(StoreCall.Delete) > 2, "No merge was part of it.");
            return counting.Calls;
        }

        public async Task BackUpNew(FaultyObjectStore store, int workers)
        {
            await using (store)
            {
                await using var repository = await TestRepository.Open(store, Options);
                await using var session = await repository.Domain.BeginBackupAsync(await repository.Describe("new"), default);
                var disk = session.OpenDisk(
                    new MemberDescription("new", "disk-1", "disk", "/d"), next.Length, session.Previous?.Members[0]);
                await TestRepository.Write(disk, next, workers);
                await disk.FinishAsync(default);
                var files = session.OpenTree(new MemberDescription("new-tree", "tree-1", "tree", "/t"), null);
                files.Finish(await tree.Write(files));
                await session.CommitAsync(null, default);
            }
        }

        /// <returns>Whether the new backup exists.</returns>
        public async Task<bool> AssertAllOrNothing(InMemoryObjectStore store, string context)
        {
            // Of what was there before, the check reads every byte; the first and the last come back as a whole.
            await using var repository = await TestRepository.Open(store, Options);
            foreach (var (id, content) in Expected.Where(backup => backup.Key is "old-0" or "old-6"))
            {
                var old = await repository.Domain.FindBackupAsync(id, default);
                Assert.True(old is not null, $"{context}: {id} is gone");
                byte[] restored = await repository.Restore(old!, workers: 1);
                Assert.True(content.AsSpan().SequenceEqual(restored), $"{context}: {id}");
            }

            var report = await RepositoryCheck.RunAsync(
                repository.Repository, [repository.Domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
            Assert.True(report.IsSound, $"{context}: {string.Join('\n', report.Damages)}");

            bool exists = await repository.Domain.FindBackupAsync("new", default) is not null;
            if (!exists)
                await BackUpNew(new FaultyObjectStore(store), workers: 1);
            var backup = (await repository.Domain.FindBackupAsync("new", default))!;
            byte[] disk = await repository.Restore(backup, workers: 1);
            Assert.True(next.AsSpan().SequenceEqual(disk), context);
            tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup, "new-tree"), workers: 1));
            return exists;
        }
    }
}
