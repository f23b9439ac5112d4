using System.Collections.Concurrent;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Tests.Maintenance;

/// <summary>
/// Whatever happens to a stored byte: a restore gives the right bytes or fails, never wrong ones, and a check that reads
/// the data finds it and names the object and the backups.
/// </summary>
public sealed class DamageTests
{
    [Fact]
    public async Task A_sound_repository_passes_every_check()
    {
        var sample = await Sample.Make();

        foreach (bool readData in new[] { false, true })
        {
            var report = await sample.Check(sample.Store, readData);

            Assert.Empty(report.Damages);
            Assert.Empty(report.Notes);
            Assert.True(report.IsSound);
            Assert.Equal(3, report.Backups);
            Assert.Equal(readData, report.ReadBytes > 0);
        }
    }

    [Fact]
    public async Task A_check_opens_each_run_once()
    {
        var sample = await Sample.Make();
        var opened = new ConcurrentDictionary<string, int>();
        var store = new FaultyObjectStore(sample.Store, call =>
        {
            if (call.Call == StoreCall.Get && call.Offset == 0 && call.Name.Contains("/indexes/", StringComparison.Ordinal))
                opened.AddOrUpdate(call.Name, 1, (_, count) => count + 1);
            return null;
        });

        await sample.Check(store);

        Assert.Equal(sample.Store.Names.Count(name => name.Contains("/indexes/", StringComparison.Ordinal)), opened.Count);
        Assert.All(opened.Values, count => Assert.Equal(1, count));
    }

    [Fact]
    public Task Single_changed_bytes_are_found_and_never_give_wrong_bytes() => Changed_bytes(seed: 1, count: 400);

    [Fact]
    [Trait("Category", "Slow")]
    public Task Very_many_single_changed_bytes_are_found_and_never_give_wrong_bytes() => Changed_bytes(seed: 2, count: 3_000);

    [Fact]
    public async Task Truncated_extended_swapped_and_removed_objects_are_found_and_never_give_wrong_bytes()
    {
        var sample = await Sample.Make();
        var random = new Random(3);
        foreach (string name in sample.Store.Names)
        {
            byte[] content = sample.Store.Peek(name)!;
            await sample.Damage(name, store => store.Poke(name, content[..random.Next(content.Length)]));
            await sample.Damage(name, store => store.Poke(name, content[..^1]));
            await sample.Damage(name, store => store.Poke(name, []));
            await sample.Damage(name, store => store.Poke(name, [.. content, 0]));
            string[] others = [.. sample.Store.Names.Where(other => other != name && Folder(other) == Folder(name))];
            if (others.Length > 0)
                await sample.Damage(name, store => store.Poke(name, store.Peek(others[random.Next(others.Length)])));

            // A root that is gone is a backup that was deleted: nothing in the repository can tell.
            if (!name.Contains("/backups/", StringComparison.Ordinal))
                await sample.Damage(name, store => store.Poke(name, null));
        }
    }

    [Fact]
    public async Task A_damaged_segment_names_the_pack_and_just_the_backups_that_need_it()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        await repository.BackUp(Bytes.Of(1, 20 * TestDisk.Chunk), resource: "a", id: "sound");
        var before = repository.Names("packs").ToHashSet();
        byte[] disk = Bytes.Of(2, 12 * TestDisk.Chunk);
        await repository.BackUp(disk, resource: "b", id: "hit-1", workers: 1);
        string pack = repository.Names("packs").First(name => !before.Contains(name) && store.Peek(name)![10] == 1);
        byte[] changed = [.. disk];
        changed.AsSpan(0, 3 * TestDisk.Chunk).Clear();
        await repository.BackUp(changed, resource: "b", id: "spared");
        await repository.BackUp([.. disk, 1], resource: "b", id: "hit-2");

        store.Peek(pack)![100] ^= 1;
        var structure = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions(), null, default);
        var data = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);
        var restore = await Assert.ThrowsAsync<RepositoryException>(
            async () => await repository.Restore((await repository.Domain.FindBackupAsync("hit-1", default))!));

        Assert.True(structure.IsSound);
        var damage = Assert.Single(data.Damages);
        Assert.Equal((pack, 32), (damage.ObjectName, damage.Offset));
        Assert.Equal(["hit-1", "hit-2"], damage.Backups);
        Assert.Equal((RepositoryFailure.Damaged, pack, 32), (restore.Failure, restore.ObjectName, restore.Offset));
        Assert.Equal(changed, await repository.Restore((await repository.Domain.FindBackupAsync("spared", default))!));
    }

    [Fact]
    public async Task One_sound_copy_of_a_chunk_is_enough()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = Bytes.Of(3, 20 * TestDisk.Chunk);

        // Two who write before either has indexed anything both store everything.
        await using (var one = await repository.Domain.BeginBackupAsync(await repository.Describe("one", "a"), default))
        await using (var other = await repository.Domain.BeginBackupAsync(await repository.Describe("other", "b"), default))
        {
            foreach (var (session, id) in new[] { (one, "one"), (other, "other") })
            {
                var writer = session.OpenDisk(new MemberDescription(id, id, "disk", "/d"), disk.Length, null);
                await TestRepository.Write(writer, disk, 1);
                await writer.FinishAsync(default);
            }

            await one.CommitAsync(null, default);
            await other.CommitAsync(null, default);
        }

        foreach (string pack in repository.Names("packs"))
        {
            var damaged = store.Clone();
            damaged.Peek(pack)![100] ^= 1;
            await using var again = await TestRepository.Open(damaged);
            foreach (string id in new[] { "one", "other" })
                Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync(id, default))!));
            var report = await RepositoryCheck.RunAsync(again.Repository, [again.Domain], new CheckOptions { ReadData = true }, null, default);
            Assert.Equal(pack, Assert.Single(report.Damages).ObjectName);
            Assert.Empty(report.Damages[0].Backups);
        }
    }

    [Fact]
    public async Task An_index_that_leads_to_another_chunk_is_found_by_the_hash()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = Bytes.Of(1, 8 * TestDisk.Chunk);
        var backup = await repository.BackUp(disk);

        // Every seal stays sound: the run is written anew, with two entries changed for each other.
        string name = Assert.Single(repository.Names("indexes"));
        var run = await repository.Domain.Catalog.OpenAsync(DomainNames.IdOf(name)!.Value, store.Peek(name)!.Length, default);
        byte[] block = await run.ReadBlockAsync(0, default);
        var entries = Enumerable.Range(0, block.Length / IndexEntry.Size).Select(i => IndexEntry.Read(block.AsSpan(i * IndexEntry.Size))).ToList();
        var packs = new List<PackRecord>();
        for (int i = 0; i < run.PackCount; i++)
            packs.Add(await run.ReadPackAsync(i, default));
        int[] data = [.. Enumerable.Range(0, entries.Count).Where(i => packs[(int)entries[i].Pack].Kind == PackKind.Data).Take(2)];
        (entries[data[0]], entries[data[1]]) = (entries[data[1]] with { Prefix = entries[data[0]].Prefix }, entries[data[0]] with { Prefix = entries[data[1]].Prefix });
        await RunWriter.WriteAsync(store, repository.Domain.Names, repository.Domain.Keys, entries, packs, default);
        store.Poke(name, null);

        await using var again = await TestRepository.Open(store);
        var bulk = await Assert.ThrowsAsync<RepositoryException>(async () => await again.Restore(backup));
        var random = await Assert.ThrowsAsync<RepositoryException>(
            async () => await again.Domain.OpenDisk(backup, backup.Id).ReadAsync(0, new byte[disk.Length], default));
        var report = await RepositoryCheck.RunAsync(again.Repository, [again.Domain], new CheckOptions(), null, default);

        Assert.Equal((RepositoryFailure.Damaged, RepositoryFailure.Damaged), (bulk.Failure, random.Failure));
        Assert.False(report.IsSound);
    }

    [Fact]
    public async Task A_damaged_root_hides_no_other_backup_and_hinders_no_new_one()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = TestDisk.Make(1, 10 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "a-sound");
        await repository.BackUp(disk, id: "b-rotten");
        store.Peek(repository.Domain.Names.Backup("b-rotten"))![50] ^= 1;

        var damages = new List<RepositoryException>();
        var listed = await repository.Domain.ListBackupsAsync(damages, default).Select(backup => backup.Id).ToListAsync();
        var next = await repository.BackUp(disk, id: "c-next");

        Assert.Equal(["a-sound"], listed);
        Assert.Equal(repository.Domain.Names.Backup("b-rotten"), Assert.Single(damages).ObjectName);
        Assert.Equal("a-sound", next.Previous?.BackupId);
        await Assert.ThrowsAsync<RepositoryException>(async () => await repository.Domain.ListBackupsAsync(default).CountAsync());
        await Assert.ThrowsAsync<RepositoryException>(async () => await repository.Domain.FindBackupAsync("some-member", default));
        Assert.Equal(disk, await repository.Restore(next));
    }

    [Fact]
    public async Task What_is_left_of_interrupted_work_is_noted_and_harms_nothing()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        await repository.BackUp(TestDisk.Make(1, 40 * TestDisk.Chunk));
        var session = await repository.Domain.BeginBackupAsync(await repository.Describe("unfinished", "other"), default);
        var writer = session.OpenDisk(new MemberDescription("unfinished", "other", "disk", "/d"), 40 * TestDisk.Chunk, null);
        await TestRepository.Write(writer, Bytes.Of(9, 40 * TestDisk.Chunk), 2);
        store.Poke($"domains/{TestRepository.DomainId}/junk", [1]);

        // The process dies here; what was stored until now stays.
        var left = store.Clone();
        await session.DisposeAsync();
        await using var after = await TestRepository.Open(left);
        var report = await RepositoryCheck.RunAsync(after.Repository, [after.Domain], new CheckOptions { ReadData = true }, null, default);

        Assert.True(report.IsSound);
        Assert.Contains(report.Notes, note => note.Contains("unfinished", StringComparison.Ordinal));
        Assert.Contains(report.Notes, note => note.Contains("/junk", StringComparison.Ordinal));
        Assert.Contains(report.Notes, note => note.Contains("is in no index", StringComparison.Ordinal));
    }

    private static async Task Changed_bytes(int seed, int count)
    {
        var sample = await Sample.Make();
        var random = new Random(seed);
        var places = sample.Store.Names.SelectMany(name => Enumerable.Range(0, sample.Store.Peek(name)!.Length).Select(offset => (name, offset))).ToArray();

        // Half of the places anywhere, which is mostly in packs; half spread evenly over objects and their edges.
        for (int i = 0; i < count; i++)
        {
            var (name, offset) = places[random.Next(places.Length)];
            if (i % 2 == 0)
            {
                name = sample.Store.Names[random.Next(sample.Store.Names.Count)];
                int length = sample.Store.Peek(name)!.Length;
                offset = random.Next(3) switch { 0 => Math.Min(length - 1, random.Next(48)), 1 => Math.Max(0, length - 1 - random.Next(48)), _ => random.Next(length) };
            }

            byte flip = (byte)(1 << random.Next(8));
            await sample.Damage(name, store =>
            {
                byte[] content = [.. store.Peek(name)!];
                content[offset] ^= flip;
                store.Poke(name, content);
            });
        }
    }

    private static string Folder(string name) => name.Contains("/packs/", StringComparison.Ordinal) ? "packs" : name[..(name.LastIndexOf('/') + 1)];

    /// <summary>A small repository with two disks of a server, a tree, an incremental, and all of its contents at hand.</summary>
    private sealed class Sample
    {
        private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 48 << 10, PackBytes = 150 << 10 };
        private readonly ConcurrentDictionary<string, byte[]> disks = new();
        private TestTree tree = new();

        public InMemoryObjectStore Store { get; } = new();

        public static async Task<Sample> Make()
        {
            var sample = new Sample();
            await using var repository = await TestRepository.Create(sample.Store, Options);
            byte[] disk = TestDisk.Make(21, (7 * TestDisk.Chunk) + 100);
            sample.disks["first"] = disk;
            await repository.BackUp(disk, id: "first");
            sample.disks["second"] = TestDisk.Edit(disk, 22, 2);
            await repository.BackUp(sample.disks["second"], id: "second");
            sample.tree = TestTree.Make(23, 60, 20_000);
            await sample.tree.BackUp(repository, id: "tree");
            return sample;
        }

        public async Task<CheckReport> Check(IObjectStore store, bool readData = true)
        {
            await using var repository = await TestRepository.Open(store, Options);
            return await RepositoryCheck.RunAsync(
                repository.Repository, [repository.Domain], new CheckOptions { ReadData = readData, Workers = 1 }, null, default);
        }

        /// <summary>Damages a copy, and holds it to the promise.</summary>
        public async Task Damage(string name, Action<InMemoryObjectStore> damage)
        {
            var store = Store.Clone();
            damage(store);
            if (store.Peek(name) is { } content && content.AsSpan().SequenceEqual(Store.Peek(name)))
                return;

            bool opened = false;
            try
            {
                await using var repository = await TestRepository.Open(store, Options);
                opened = true;
                await using var fresh = repository.Domain.WithoutCaches();
                var failed = new List<string>();
                foreach (string id in new[] { "first", "second", "tree" })
                {
                    if (!await RestoresRight(repository, id))
                        failed.Add(id);
                }

                var report = await RepositoryCheck.RunAsync(
                    repository.Repository, [repository.Domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
                Assert.True(report.DamageCount > 0, $"The check did not find what was done to {name}.");
                var named = report.Damages.SelectMany(found => found.Backups).ToHashSet();
                Assert.True(failed.TrueForAll(named.Contains), $"{name}: backups {string.Join(' ', failed)} fail, the check names {string.Join(' ', named)}.");
            }
            catch (RepositoryException)
            {
                // It cannot even be opened: loud enough.
                Assert.False(opened, name);
            }
        }

        private async Task<bool> RestoresRight(TestRepository repository, string id)
        {
            try
            {
                var backup = await repository.Domain.FindBackupAsync(id, default);
                if (backup is null)
                    return false;
                if (disks.TryGetValue(id, out byte[]? disk))
                    Assert.Equal(disk, await repository.Restore(backup, workers: 1));
                else
                    tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup, id), workers: 1));
                return true;
            }
            catch (Exception e) when (e is RepositoryException or ObjectStoreException)
            {
                return false;
            }
        }
    }
}
