using System.Text;
using Strongroom.Drivers;
using Strongroom.Drivers.Directories;
using Strongroom.Drivers.Testing;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository;

namespace Strongroom.Protection.Tests;

public sealed class RestoreTests
{
    [Fact]
    public async Task No_target_is_touched_before_all_were_checked()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["a"], 1);
        RandomImage.Create(test.Scratch["b"], 2);
        await test.BackUp("server", test.Scratch["a"], test.Scratch["b"]);
        await File.WriteAllTextAsync(test.Scratch["a"], "what is there now");
        var progress = new RecordedProgress();

        DriverException refused = await Assert.ThrowsAsync<DriverException>(() => test.Restore(
            "server",
            [new RestoreMember("server-0", test.Scratch["a"]), new RestoreMember("server-1", "/dev/strongroom-no-such-device")],
            progress));

        Assert.Equal(DriverFailure.Missing, refused.Failure);
        Assert.Equal("what is there now", await File.ReadAllTextAsync(test.Scratch["a"]));
        Assert.DoesNotContain(progress.All, one => one.Phase == RunPhase.Writing);
    }

    [Fact]
    public async Task Two_disks_cannot_go_to_one_place()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["a"], 1);
        await test.BackUp("server", test.Scratch["a"], test.Scratch["a"]);

        DriverException refused = await Assert.ThrowsAsync<DriverException>(() => test.Restore(
            "server", [new RestoreMember("server-0", test.Scratch["x"]), new RestoreMember("server-1", test.Scratch["x"])]));

        Assert.Equal(DriverFailure.InUse, refused.Failure);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["a"], 1);
        await test.BackUp("one", test.Scratch["a"]);

        foreach ((string backup, string member) in new[] { ("two", "two-0"), ("one", "one-7") })
        {
            RepositoryException missing = await Assert.ThrowsAsync<RepositoryException>(
                () => test.Restore(backup, [new RestoreMember(member, test.Scratch["x"])]));
            Assert.Equal(RepositoryFailure.NotFound, missing.Failure);
        }

        Assert.False(File.Exists(test.Scratch["x"]));
    }

    [Fact]
    public async Task A_tree_cannot_be_written_by_a_driver_of_disks()
    {
        await using TestProtection test = await TestProtection.Create();
        Directory.CreateDirectory(test.Scratch["tree"]);
        await test.BackUp("one", test.Scratch["tree"]);

        DriverException refused = await Assert.ThrowsAsync<DriverException>(
            () => test.Restore("one", [new RestoreMember("one-0", test.Scratch["x"], "disk-image")]));
        DriverException unknown = await Assert.ThrowsAsync<DriverException>(
            () => test.Restore("one", [new RestoreMember("one-0", test.Scratch["x"], "tape")]));

        Assert.Equal(DriverFailure.WrongKind, refused.Failure);
        Assert.Equal(DriverFailure.WrongKind, unknown.Failure);
        Assert.False(File.Exists(test.Scratch["x"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flipped_byte_in_any_pack_is_named_and_never_restored(bool tree)
    {
        await using TestProtection test = await TestProtection.Create();
        if (tree)
            RandomTree.Create(test.Scratch["source"], 1, 40);
        else
            RandomImage.Create(test.Scratch["source"], 1, 3_000_000);
        await test.BackUp("one", test.Scratch["source"]);
        var store = (InMemoryObjectStore)test.Store;
        string[] packs = [.. store.Names.Where(name => name.Contains("/packs/", StringComparison.Ordinal))];
        Assert.NotEmpty(packs);
        foreach (string pack in packs)
        {
            byte[] bytes = store.Peek(pack)!;
            bytes[40] ^= 1;
            await using TestProtection other = await TestProtection.Open(store);

            RepositoryException damaged = await Assert.ThrowsAsync<RepositoryException>(
                () => other.Restore("one", other.Scratch["copy"]));

            Assert.Equal(RepositoryFailure.Damaged, damaged.Failure);
            Assert.Contains(pack, damaged.Message, StringComparison.Ordinal);
            if (!tree)
                Assert.False(File.Exists(other.Scratch["copy"]));
            bytes[40] ^= 1;
        }
    }

    [Fact]
    public async Task Without_removing_others_what_the_backup_does_not_know_stays()
    {
        await using TestProtection test = await TestProtection.Create();
        Directory.CreateDirectory(test.Scratch["tree/sub"]);
        await File.WriteAllTextAsync(test.Scratch["tree/sub/known"], "old");
        await test.BackUp("one", test.Scratch["tree"]);
        await File.WriteAllTextAsync(test.Scratch["tree/sub/known"], "damaged");
        await File.WriteAllTextAsync(test.Scratch["tree/sub/unknown"], "unknown");

        await test.Restore("one", test.Scratch["tree"]);

        Assert.Equal("old", await File.ReadAllTextAsync(test.Scratch["tree/sub/known"]));
        Assert.Equal("unknown", await File.ReadAllTextAsync(test.Scratch["tree/sub/unknown"]));
        await test.Restore("one", test.Scratch["tree"], removeOthers: true);
        Assert.False(File.Exists(test.Scratch["tree/sub/unknown"]));
    }

    [Fact]
    public async Task One_file_that_cannot_be_written_does_not_stop_the_others()
    {
        await using TestProtection test = await TestProtection.Create();
        Directory.CreateDirectory(test.Scratch["tree/a"]);
        foreach (string name in new[] { "a/1", "b", "c" })
            await File.WriteAllTextAsync(test.Scratch[$"tree/{name}"], name);
        RawFiles.MakeHardLink(RawFiles.Path(test.Scratch["tree/b"]), RawFiles.Path(test.Scratch["tree/z"]));
        await test.BackUp("one", test.Scratch["tree"]);
        test.Drivers = new DriverCatalog(new StubbornDriver { Refused = ["a", "b"] });
        Directory.CreateDirectory(test.Scratch["copy"]);
        await File.WriteAllTextAsync(test.Scratch["copy/b"], "old");

        RestoreOutcome outcome = await test.Restore("one", test.Scratch["copy"]);

        // The directory with what is in it, the file, and its other name that had to become a copy.
        Assert.Equal(3, outcome.ProblemCount);
        Assert.Equal("c", await File.ReadAllTextAsync(test.Scratch["copy/c"]));
        Assert.Equal("b", await File.ReadAllTextAsync(test.Scratch["copy/z"]));
        Assert.Equal("old", await File.ReadAllTextAsync(test.Scratch["copy/b"]));
        Assert.False(Directory.Exists(test.Scratch["copy/a"]));
    }

    [Fact]
    public async Task Where_no_links_can_be_made_each_name_becomes_a_copy()
    {
        await using TestProtection test = await TestProtection.Create();
        Directory.CreateDirectory(test.Scratch["tree"]);
        await File.WriteAllTextAsync(test.Scratch["tree/a"], "content");
        RawFiles.MakeHardLink(RawFiles.Path(test.Scratch["tree/a"]), RawFiles.Path(test.Scratch["tree/b"]));
        await test.BackUp("one", test.Scratch["tree"]);
        test.Drivers = new DriverCatalog(new StubbornDriver { HasLinks = false });

        RestoreOutcome outcome = await test.Restore("one", test.Scratch["copy"]);

        Assert.Equal(1, outcome.ProblemCount);
        Assert.Equal("content", await File.ReadAllTextAsync(test.Scratch["copy/a"]));
        Assert.Equal("content", await File.ReadAllTextAsync(test.Scratch["copy/b"]));
    }

    [Fact]
    public async Task A_full_target_ends_the_restore_and_says_so()
    {
        await using TestProtection test = await TestProtection.Create();
        string? obstacle = LoopDevice.Obstacle("mkfs.ext4");
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
        Directory.CreateDirectory(test.Scratch["tree"]);
        byte[] content = new byte[3 << 20];
        for (int i = 0; i < 8; i++)
        {
            new Random(i).NextBytes(content);
            RawFiles.WriteFile(RawFiles.Path(test.Scratch[$"tree/{i}"]), content);
        }

        RandomImage.CreateSparse(test.Scratch["disk"], 1, 20 << 20, 16 << 20);
        await test.BackUp("tree", test.Scratch["tree"]);
        await test.BackUp("disk", test.Scratch["disk"]);
        using var device = new LoopDevice(test.Scratch["device"], 10 << 20);
        device.Mount("ext4", test.Scratch["mounted"]);

        foreach (string id in new[] { "tree", "disk" })
        {
            DriverException full = await Assert.ThrowsAsync<DriverException>(() => test.Restore(id, test.Scratch[$"mounted/{id}"]));
            Assert.Equal(DriverFailure.Full, full.Failure);
            RawFiles.Run("rm", "-rf", test.Scratch[$"mounted/{id}"]);
        }
    }

    /// <summary>Directories on which some things cannot be done.</summary>
    private sealed class StubbornDriver : IResourceDriver
    {
        private readonly DirectoriesDriver inner = new();

        public string Name => inner.Name;

        public string[] Refused { get; init; } = [];

        public bool HasLinks { get; init; } = true;

        public ValueTask<ResourceState> InspectAsync(string location, CancellationToken cancellationToken) =>
            inner.InspectAsync(location, cancellationToken);

        public ValueTask<ISource> OpenSourceAsync(string location, CancellationToken cancellationToken) =>
            inner.OpenSourceAsync(location, cancellationToken);

        public async ValueTask<ITarget> OpenTargetAsync(string location, TargetRequest request, CancellationToken cancellationToken) =>
            new Target(this, (ITreeTarget)await inner.OpenTargetAsync(location, request, cancellationToken));

        private sealed class Target(StubbornDriver driver, ITreeTarget target) : ITreeTarget
        {
            public ContentKind Kind => target.Kind;

            public string Location => target.Location;

            public long ProblemCount => target.ProblemCount;

            public IReadOnlyList<TreeProblem> Problems => target.Problems;

            public void CreateDirectory(TreePath path, TreeEntry entry)
            {
                Refuse(path);
                target.CreateDirectory(path, entry);
            }

            public ITreeTargetFile CreateFile(TreePath path, TreeEntry entry)
            {
                Refuse(path);
                return target.CreateFile(path, entry);
            }

            public void CreateSpecial(TreePath path, TreeEntry entry) => target.CreateSpecial(path, entry);

            public void CreateHardLink(TreePath path, TreePath existing)
            {
                if (!driver.HasLinks)
                    throw new DriverException(DriverFailure.Failed, path.ToString(), "link", "not supported");
                target.CreateHardLink(path, existing);
            }

            public void FinishDirectory(TreePath path, TreeEntry entry) => target.FinishDirectory(path, entry);

            public void RemoveOthers(TreePath directory, IReadOnlyCollection<byte[]> names) => target.RemoveOthers(directory, names);

            public ValueTask CompleteAsync(CancellationToken cancellationToken) => target.CompleteAsync(cancellationToken);

            public ValueTask DisposeAsync() => target.DisposeAsync();

            private void Refuse(TreePath path)
            {
                if (driver.Refused.Contains(Encoding.UTF8.GetString(path.Bytes)))
                    throw new DriverException(DriverFailure.Denied, path.ToString(), "create", "not here");
            }
        }
    }
}
