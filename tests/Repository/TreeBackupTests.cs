using System.Text;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Manifests;

namespace Strongroom.Repository.Tests;

/// <summary>What holds for every hash; one derived class for each.</summary>
public abstract class TreeBackupTests(ChunkHash hash)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(700)]
    public async Task A_tree_comes_back_with_all_its_metadata(int files)
    {
        await using var repository = await Create();
        var tree = TestTree.Make(files, files);

        var backup = await tree.BackUp(repository);

        tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup, backup.Id)));
        Assert.Equal((files, tree.Nodes.Count - files), (backup.Members[0].Files, backup.Members[0].Directories));
        Assert.Equal(tree.Nodes.Values.Sum(node => node.Content.LongLength), backup.Members[0].SizeBytes);
    }

    [Fact]
    public async Task Every_type_of_entry_and_every_field_is_kept()
    {
        await using var repository = await Create();
        var tree = new TestTree()
            .Add("link", StoredEntryType.SymbolicLink, seed: 1)
            .Add("fifo", StoredEntryType.Fifo, seed: 2)
            .Add("socket", StoredEntryType.Socket, seed: 3)
            .Add("tty", StoredEntryType.CharacterDevice, seed: 4, change: entry => entry with { DeviceMajor = 4, DeviceMinor = 70_000 })
            .Add("disk", StoredEntryType.BlockDevice, seed: 5, change: entry => entry with { DeviceMajor = 259, DeviceMinor = 1 })
            .Add("empty", StoredEntryType.Directory, seed: 6)
            .Add("\u00ff\u0001\n name", StoredEntryType.File, [1, 2, 3], 7)
            .Add("marked", StoredEntryType.File, Bytes.Of(1, 5000), 8, entry => entry with
            {
                Mode = 0xFFF,
                Uid = uint.MaxValue,
                Gid = uint.MaxValue,
                UserName = "jürgen",
                GroupName = null,
                ModifiedNs = long.MinValue,
                ChangedNs = long.MaxValue,
                Device = ulong.MaxValue,
                Inode = ulong.MaxValue,
                LinkCount = uint.MaxValue,
                Attributes = [new("user.a"u8.ToArray(), []), new("system.posix_acl_access"u8.ToArray(), Bytes.Of(2, 60_000))],
            });

        var backup = await tree.BackUp(repository);

        tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup, backup.Id)));
    }

    [Fact]
    public async Task A_directory_of_many_files_and_a_file_of_many_chunks_use_pages_of_several_levels()
    {
        await using var repository = await Create();
        var tree = new TestTree();
        for (int i = 0; i < 20_000; i++)
            tree.Add($"file {i * 7919 % 20_000:D8} with a name long enough to fill pages quickly", StoredEntryType.File, [], i);
        byte[] large = Bytes.Of(3, 40 << 20);
        tree.Add("large", StoredEntryType.File, large, 1);

        var backup = await tree.BackUp(repository);
        var reader = repository.Domain.OpenTree(backup, backup.Id);

        tree.AssertEquals(await TestTree.Read(reader, workers: 3));
        var stored = await reader.ListAsync(reader.Root, default).FirstAsync(entry => entry.Name.AsSpan().SequenceEqual("large"u8));
        byte[] part = new byte[3_000_000];
        Assert.Equal(part.Length, await reader.ReadAsync(stored, 17_000_000, part, default));
        Assert.True(part.AsSpan().SequenceEqual(large.AsSpan(17_000_000, part.Length)));
        Assert.Equal(10, await reader.ReadAsync(stored, large.Length - 10, part, default));
        Assert.True(stored.Content!.Level > 0);
    }

    [Fact]
    public async Task An_unchanged_tree_stores_nothing_whether_its_files_are_read_or_not()
    {
        await using var repository = await Create();
        var tree = TestTree.Make(5, 300);
        var first = await tree.BackUp(repository);
        var packs = repository.Names("packs");

        var trusted = await tree.BackUp(repository);
        var read = await tree.BackUp(repository, trustParent: false);

        Assert.Equal(packs, repository.Names("packs"));
        foreach (var backup in new[] { trusted, read })
        {
            Assert.Equal((0, 0), (backup.Members[0].StoredBytes, backup.Members[0].ChangedBytes));
            Assert.Equal(first.Members[0].DataBytes, backup.Members[0].DataBytes);
            Assert.Equal(first.Members[0].Root, backup.Members[0].Root);
            tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup, backup.Id)));
        }
    }

    [Fact]
    public async Task A_change_stores_the_pieces_and_pages_it_touches()
    {
        await using var repository = await Create();
        var tree = new TestTree().Add("d", StoredEntryType.Directory);
        for (int i = 0; i < 3000; i++)
            tree.Add($"d/file {i:D5}", StoredEntryType.File, Bytes.Of(i, 100), i);
        byte[] large = Bytes.Of(6, 8 << 20);
        tree.Add("d/large", StoredEntryType.File, large, 1);
        var first = await tree.BackUp(repository);
        tree.Add("d/large", StoredEntryType.File, [.. large[..4_000_000], .. "inserted"u8, .. large[4_000_000..]], 2);
        tree.Add("d/file 01500x", StoredEntryType.File, [5], 3);
        tree.Nodes.Remove("d/file 02500");

        var second = await tree.BackUp(repository);

        tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(second, second.Id)));
        Assert.InRange(second.Members[0].ChangedBytes, 1, 600_000);
        Assert.InRange(second.Members[0].StoredBytes, 1, 700_000);
        await repository.Domain.DeleteBackupAsync(first.Id, default);
        tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(second, second.Id)));
    }

    [Fact]
    public async Task Zeros_in_files_come_back_as_holes_and_are_not_stored()
    {
        await using var repository = await Create();
        byte[] content = new byte[10 << 20];
        Bytes.Of(1, 100_000).CopyTo(content.AsSpan(5 << 20));
        var tree = new TestTree().Add("sparse", StoredEntryType.File, content).Add("all zeros", StoredEntryType.File, new byte[100_000]);

        var backup = await tree.BackUp(repository);

        tree.AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup, backup.Id)));
        Assert.InRange(backup.Members[0].DataBytes, 100_000, 110_000);
        Assert.InRange(backup.Members[0].StoredBytes, 100_000, 115_000);
    }

    [Fact]
    public async Task A_file_that_fails_or_ends_early_harms_no_other()
    {
        await using var repository = await Create();
        await using var session = await repository.Domain.BeginBackupAsync(await repository.Describe("torn", "tree-1"), default);
        var writer = session.OpenTree(new MemberDescription("torn", "tree-1", "tree", "/t"), null);
        await using var worker = writer.CreateWorker();
        byte[] bytes = Bytes.Of(1, 600_000);
        var good = new TestNode(TestTree.Entry("good", StoredEntryType.File), bytes);
        var torn = new TestNode(TestTree.Entry("torn", StoredEntryType.File), bytes) { EndsAt = 300_001 };
        var failing = new TestNode(TestTree.Entry("failing", StoredEntryType.File), bytes) { Failure = new IOException("the disk is bad") };

        await Assert.ThrowsAsync<IOException>(async () => await worker.StoreAsync(failing, bytes.Length, null, default));
        var tornContent = await worker.StoreAsync(torn, bytes.Length, null, default);
        await Assert.ThrowsAsync<IOException>(async () => await worker.StoreAsync(failing, bytes.Length, null, default));
        var goodContent = await worker.StoreAsync(good, bytes.Length, null, default);
        await worker.FinishAsync(default);
        var directory = writer.OpenDirectory(null);
        await directory.AddAsync(good.Entry with { Content = goodContent }, default);
        await directory.AddAsync(torn.Entry with { Content = tornContent }, default);
        writer.Finish(TestTree.Entry("", StoredEntryType.Directory) with { Children = await directory.FinishAsync(default) });
        var backup = await session.CommitAsync(null, default);

        var restored = await TestTree.Read(repository.Domain.OpenTree(backup, "torn"));
        Assert.Equal(bytes, restored.Nodes["good"].Content);
        Assert.Equal(bytes[..300_001], restored.Nodes["torn"].Content);
    }

    [Fact]
    public async Task What_cannot_be_stored_is_refused_and_the_directory_goes_on()
    {
        await using var repository = await Create();
        await using var session = await repository.Domain.BeginBackupAsync(await repository.Describe("odd", "tree-1"), default);
        var writer = session.OpenTree(new MemberDescription("odd", "tree-1", "tree", "/t"), null);
        var directory = writer.OpenDirectory(null);
        await directory.AddAsync(TestTree.Entry("b", StoredEntryType.Fifo), default);

        foreach (var refused in new[]
        {
            TestTree.Entry("a", StoredEntryType.Fifo),
            TestTree.Entry("b", StoredEntryType.Fifo),
            TestTree.Entry("..", StoredEntryType.Fifo),
            TestTree.Entry("c/d", StoredEntryType.Fifo),
            TestTree.Entry("", StoredEntryType.Fifo),
            TestTree.Entry(new string('x', 256), StoredEntryType.Fifo),
            TestTree.Entry("c", StoredEntryType.File),
            TestTree.Entry("c", StoredEntryType.Directory),
            TestTree.Entry("c", (StoredEntryType)9),
            TestTree.Entry("c", StoredEntryType.Fifo) with { Attributes = [new("user.a"u8.ToArray(), new byte[EntryCodec.MaxEntryBytes])] },
        })
            await Assert.ThrowsAsync<ArgumentException>(async () => await directory.AddAsync(refused, default));

        await directory.AddAsync(TestTree.Entry("c", StoredEntryType.Socket), default);
        writer.Finish(TestTree.Entry("", StoredEntryType.Directory) with { Children = await directory.FinishAsync(default) });
        var backup = await session.CommitAsync(null, default);
        var reader = repository.Domain.OpenTree(backup, "odd");
        Assert.Equal(["b", "c"], await reader.ListAsync(reader.Root, default).Select(entry => Encoding.ASCII.GetString(entry.Name)).ToListAsync());
    }

    private Task<TestRepository> Create(Strongroom.ObjectStores.IObjectStore? store = null) =>
        TestRepository.Create(store, TestRepository.SmallOptions with { Hash = hash });
}

public sealed class TreeBackupTestsWithBlake3() : TreeBackupTests(ChunkHash.Blake3Keyed);

public sealed class TreeBackupTestsWithHmac() : TreeBackupTests(ChunkHash.HmacSha256);
