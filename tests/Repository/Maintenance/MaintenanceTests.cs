using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Format;
using Strongroom.Repository.Maintenance;

namespace Strongroom.Repository.Tests.Maintenance;

public sealed class MaintenanceTests
{
    [Fact]
    public async Task Bytes_of_single_backups_shared_and_reclaimable_are_the_bytes_in_the_store()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = TestDisk.Make(1, 150 * TestDisk.Chunk);
        for (int i = 0; i < 6; i++)
        {
            await repository.BackUp(disk, id: $"disk-{i}");
            disk = TestDisk.Edit(disk, i, 3);
        }

        await TestTree.Make(2, 200).BackUp(repository, id: "tree");
        await repository.BackUp(Bytes.Of(3, 30 * TestDisk.Chunk), resource: "other", id: "alone");
        await repository.BackUp(Bytes.Of(4, 30 * TestDisk.Chunk), resource: "gone", id: "gone");
        await repository.Domain.DeleteBackupAsync("gone", default);

        var statistics = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);

        long total = store.Names.Sum(name => (long)store.Peek(name)!.Length);
        Assert.Equal(total, statistics.TotalBytes);
        Assert.Equal(total, statistics.Backups.Sum(backup => backup.OwnBytes) + statistics.SharedBytes + statistics.ReclaimableBytes);
        Assert.Equal(total, statistics.Kinds.Sum(kind => kind.Bytes));
        Assert.Equal(8, statistics.Backups.Count);
        Assert.InRange(statistics.ReclaimableBytes, 30 * TestDisk.Chunk, 31 * TestDisk.Chunk);
        Assert.InRange(statistics.Backups.Single(backup => backup.BackupId == "alone").OwnBytes, 30 * TestDisk.Chunk, 31 * TestDisk.Chunk);
        Assert.True(statistics.SharedBytes > 0 && statistics.UniqueChunkBytes > 0);
    }

    [Fact]
    public async Task What_a_backup_owns_becomes_reclaimable_when_it_goes()
    {
        await using var repository = await TestRepository.Create();
        byte[] disk = TestDisk.Make(5, 100 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "one");
        await repository.BackUp(TestDisk.Edit(disk, 6, 10), id: "two");
        var before = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);

        await repository.Domain.DeleteBackupAsync("two", default);
        var after = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);

        var two = before.Backups.Single(backup => backup.BackupId == "two");
        Assert.True(two.OwnBytes > 0);
        Assert.Equal(before.ReclaimableBytes + two.OwnBytes - (before.TotalBytes - after.TotalBytes), after.ReclaimableBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Indexes_are_rebuilt_from_packs_alone(bool removeAll)
    {
        var store = new InMemoryObjectStore();
        byte[] disk = TestDisk.Make(7, 200 * TestDisk.Chunk);
        var tree = TestTree.Make(8, 150);
        await using (var repository = await TestRepository.Create(store))
        {
            await repository.BackUp(disk, id: "disk");
            await tree.BackUp(repository, id: "tree");
            foreach (string name in repository.Names("indexes").Take(removeAll ? int.MaxValue : 1))
                store.Poke(name, null);
        }

        await using var again = await TestRepository.Open(store);
        var lost = await RepositoryCheck.RunAsync(again.Repository, [again.Domain], new CheckOptions(), null, default);
        var rebuilt = await IndexRebuild.RunAsync(again.Domain, null, default);
        var report = await RepositoryCheck.RunAsync(again.Repository, [again.Domain], new CheckOptions { ReadData = true }, null, default);

        Assert.False(lost.IsSound);
        Assert.Equal(again.Names("packs").Count, rebuilt.Packs);
        Assert.True(report.IsSound);
        Assert.Empty(report.Notes);
        Assert.Single(again.Names("indexes"));
        Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync("disk", default))!));
        tree.AssertEquals(await TestTree.Read(again.Domain.OpenTree((await again.Domain.FindBackupAsync("tree", default))!, "tree")));
    }

    [Fact]
    public async Task A_pack_that_is_damaged_is_left_out_of_a_rebuilt_index_and_healed_by_the_next_backup()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = TestDisk.Make(9, 60 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "before");
        string pack = repository.Names("packs")[0];
        store.Peek(pack)![^30] ^= 1;

        var rebuilt = await IndexRebuild.RunAsync(repository.Domain, null, default);
        await using var again = await TestRepository.Open(store);
        await again.BackUp(disk, id: "after", incremental: false);

        Assert.Equal(pack, Assert.Single(rebuilt.Damages).ObjectName);
        foreach (string id in new[] { "before", "after" })
            Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync(id, default))!));
    }

    [Fact]
    public async Task Many_small_backups_leave_few_index_runs()
    {
        await using var repository = await TestRepository.Create();
        var states = new List<(BackupRecord Backup, byte[] Disk)>();
        byte[] disk = TestDisk.Make(10, 20 * TestDisk.Chunk);
        for (int i = 0; i < 30; i++)
        {
            disk = TestDisk.Edit(disk, i, 1);
            states.Add((await repository.BackUp(disk, id: $"small-{i}"), disk));
        }

        Assert.InRange(repository.Names("indexes").Count, 1, 9);
        foreach (var (backup, state) in states)
            Assert.Equal(state, await repository.Restore(backup));
    }

    [Fact]
    public async Task A_backup_of_more_chunks_than_fit_its_table_stores_nothing_twice()
    {
        var options = TestRepository.SmallOptions with { SessionIndexEntries = 64 };
        await using var repository = await TestRepository.Create(options: options);
        byte[] half = Bytes.Of(11, 300 * TestDisk.Chunk);
        byte[] disk = [.. half, .. half];

        var backup = await repository.BackUp(disk, workers: 1);

        // How many runs it writes on the way depends on how soon packs are durable, so it is not looked at.
        Assert.InRange(backup.Members[0].StoredBytes, half.Length, half.Length * 1.02);
        Assert.Equal(disk, await repository.Restore(backup));
        var report = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);
        Assert.True(report.IsSound, string.Join('\n', report.Damages));
    }

    [Fact]
    public async Task A_backup_refers_to_no_pack_that_a_collection_has_named()
    {
        var store = new InMemoryObjectStore();
        byte[] disk = TestDisk.Make(12, 60 * TestDisk.Chunk);
        await using (var repository = await TestRepository.Create(store))
        {
            await repository.BackUp(disk, id: "old");
            await repository.Domain.DeleteBackupAsync("old", default);
            var collection = ObjectId.NewRandom();
            var packs = repository.Names("packs").Select(name => DomainNames.IdOf(name)!.Value).ToArray();
            store.Poke(repository.Domain.Names.Collection(collection), new PublishedCollection(collection, packs, new HashSet<string>()).Write(repository.Domain.Keys));
        }

        await using var again = await TestRepository.Open(store);
        var condemned = again.Names("packs");
        await again.BackUp(disk, id: "new");
        foreach (string name in condemned)
            store.Poke(name, null);

        await using var later = await TestRepository.Open(store);
        Assert.Equal(disk, await later.Restore((await later.Domain.FindBackupAsync("new", default))!));
    }

    [Fact]
    public async Task A_backup_that_a_collection_took_for_dead_cannot_be_committed()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);

        var refused = await Assert.ThrowsAsync<RepositoryException>(() => repository.BackUp(
            TestDisk.Make(13, 20 * TestDisk.Chunk), id: "slow",
            beforeCommit: _ =>
            {
                store.Poke(repository.Domain.Names.Backup("slow"), Strongroom.Repository.Manifests.RootFormat.WriteVoid("slow", repository.Domain.Keys));
                return ValueTask.CompletedTask;
            }));

        Assert.Equal(RepositoryFailure.Conflict, refused.Failure);
        Assert.Null(await repository.Domain.FindBackupAsync("slow", default));
        Assert.Empty(await repository.Domain.ListBackupsAsync(default).ToListAsync());
        var report = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);
        Assert.True(report.IsSound);
    }

    [Fact]
    public async Task A_parent_deleted_before_the_backup_began_is_not_compared_with()
    {
        await using var repository = await TestRepository.Create();
        byte[] disk = TestDisk.Make(14, 20 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "old");
        var description = await repository.Describe("new");
        await repository.Domain.DeleteBackupAsync("old", default);

        await using var session = await repository.Domain.BeginBackupAsync(description, default);

        Assert.NotNull(description.Previous);
        Assert.Null(session.Previous);
    }
}
