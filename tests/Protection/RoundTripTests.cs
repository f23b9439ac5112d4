using Strongroom.Drivers;
using Strongroom.Drivers.Testing;
using Strongroom.Repository;

namespace Strongroom.Protection.Tests;

public sealed class RoundTripTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 4)]
    [InlineData(5, 8)]
    public async Task A_tree_comes_back_with_all_there_is_to_it(int seed, int workers)
    {
        await using TestProtection test = await TestProtection.Create();
        test.Workers = workers;
        RandomTree.Create(test.Scratch["tree"], seed, 200);

        BackupOutcome backup = await test.BackUp("one", test.Scratch["tree"]);
        RestoreOutcome restore = await test.Restore("one", test.Scratch["copy"]);

        Assert.Empty(backup.Problems);
        Assert.Empty(restore.Problems);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"]);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task Every_state_of_a_changing_tree_comes_back_and_over_another_one_too(int seed)
    {
        await using TestProtection test = await TestProtection.Create();
        RandomTree.Create(test.Scratch["tree"], seed);
        var states = new List<TreeSnapshot>();
        for (int i = 0; i < 4; i++)
        {
            if (i > 0)
                RandomTree.Change(test.Scratch["tree"], seed + i);
            BackupOutcome outcome = await test.BackUp($"b{i}", test.Scratch["tree"]);
            Assert.Empty(outcome.Problems);
            Assert.Equal(i > 0, outcome.Members[0].IsIncremental);
            states.Add(TreeSnapshot.Take(test.Scratch["tree"]));
        }

        foreach (int i in new[] { 2, 0, 3, 1 })
        {
            RestoreOutcome restored = await test.Restore($"b{i}", test.Scratch["tree"], removeOthers: true);
            Assert.Empty(restored.Problems);
            states[i].AssertEqualTo(test.Scratch["tree"]);
        }
    }

    [Theory]
    [InlineData(21, 1)]
    [InlineData(22, 2)]
    [InlineData(23, 4)]
    public async Task Every_state_of_a_changing_disk_comes_back_and_over_another_one_too(int seed, int workers)
    {
        await using TestProtection test = await TestProtection.Create();
        test.Workers = workers;
        string disk = test.Scratch["disk"];
        RandomImage.Create(disk, seed);
        for (int i = 0; i < 3; i++)
        {
            if (i > 0)
                RandomImage.Change(disk, seed + i);
            BackupOutcome outcome = await test.BackUp($"b{i}", disk);
            Assert.False(outcome.IsPartial);
            Assert.Equal(new FileInfo(disk).Length, outcome.Members[0].SizeBytes);
            RawFiles.Run("cp", "--sparse=auto", disk, test.Scratch[$"state{i}"]);
        }

        await test.Restore("b1", test.Scratch["new"]);
        RandomImage.AssertEqual(test.Scratch["state1"], test.Scratch["new"]);
        foreach (int i in new[] { 0, 2, 1 })
        {
            await test.Restore($"b{i}", disk);
            RandomImage.AssertEqual(test.Scratch[$"state{i}"], disk);
        }
    }

    [Fact]
    public async Task A_large_sparse_disk_costs_what_its_data_costs()
    {
        await using TestProtection test = await TestProtection.Create();
        var driver = new WatchedDriver(new Drivers.DiskImages.DiskImagesDriver());
        test.Drivers = new DriverCatalog(driver);
        string disk = test.Scratch["disk"];
        RandomImage.CreateSparse(disk, 31, 2L << 30, 24 << 20);
        long data = RawFiles.DataMap(RawFiles.Path(disk), 2L << 30).Sum(range => range.To - range.From);

        BackupOutcome outcome = await test.BackUp("one", disk);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.Equal(data, driver.BytesRead);
        Assert.Equal(1, driver.ExtentQuestions);
        Assert.Equal(data, outcome.Members[0].DataBytes);
        Assert.Equal(2L << 30, outcome.Members[0].SizeBytes);
        RandomImage.AssertEqual(disk, test.Scratch["copy"]);
        Assert.InRange(RawFiles.Status(RawFiles.Path(test.Scratch["copy"])).AllocatedBytes, data, data + (1 << 20));
    }

    [Fact]
    public async Task A_disk_of_a_tebibyte_with_almost_nothing_on_it_takes_no_time()
    {
        await using TestProtection test = await TestProtection.Create();
        RawFiles.WriteFile(RawFiles.Path(test.Scratch["disk"]), (1L << 40) + 5, (1L << 39, new byte[] { 1, 2, 3 }), (1L << 40, new byte[] { 4 }));

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["disk"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.InRange(outcome.Members[0].DataBytes, 4, 200_000);
        RandomImage.AssertEqual(test.Scratch["disk"], test.Scratch["copy"]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(4_194_304)]
    public async Task Disks_of_sizes_at_the_borders_come_back(int sizeBytes)
    {
        await using TestProtection test = await TestProtection.Create();
        byte[] content = new byte[sizeBytes];
        new Random(1).NextBytes(content);
        RawFiles.WriteFile(RawFiles.Path(test.Scratch["disk"]), content);

        await test.BackUp("one", test.Scratch["disk"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.Equal(content, await File.ReadAllBytesAsync(test.Scratch["copy"]));
    }

    [Fact]
    public async Task A_server_is_one_backup_whose_disks_come_back_together_or_alone()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["a"], 41);
        RandomImage.Create(test.Scratch["b"], 42);
        RandomTree.Create(test.Scratch["c"], 43, 30);

        BackupOutcome outcome = await test.BackUp("server", test.Scratch["a"], test.Scratch["b"], test.Scratch["c"]);
        await test.Restore(
            "server",
            [new RestoreMember("server-2", test.Scratch["c2"]), new RestoreMember("server-0", test.Scratch["a2"])]);
        await test.Restore("server-1", [new RestoreMember("server-1", test.Scratch["b2"])]);

        Assert.Equal(["server-0", "server-1", "server-2"], outcome.Members.Select(member => member.MemberId));
        Assert.Equal(["server"], await test.ListBackups());
        RandomImage.AssertEqual(test.Scratch["a"], test.Scratch["a2"]);
        RandomImage.AssertEqual(test.Scratch["b"], test.Scratch["b2"]);
        TreeSnapshot.AssertEqual(test.Scratch["c"], test.Scratch["c2"]);
    }

    [Fact]
    public async Task The_outcome_can_be_told_again_from_what_is_stored()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["a"], 51);

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["a"]);
        await using TestProtection later = await TestProtection.Open(test.Store);
        BackupRecord record = (await later.Domain.FindBackupAsync("one", default))!;

        Assert.Equivalent(outcome, BackupOutcome.Of(record), strict: true);
        Assert.InRange(outcome.ProtectedAt, test.Time.GetUtcNow().AddMinutes(-5), test.Time.GetUtcNow());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Many_files_in_one_directory_and_many_directories_come_back(int workers)
    {
        await using TestProtection test = await TestProtection.Create();
        test.Workers = workers;
        byte[] tree = RawFiles.Path(test.Scratch["tree"]);
        RawFiles.MakeDirectory(tree);
        for (int i = 0; i < 2500; i++)
            RawFiles.WriteFile(RawFiles.Join(tree, RawFiles.Path($"file {i}")), RawFiles.Path($"content {i % 700}"));
        for (int i = 0; i < 700; i++)
        {
            byte[] directory = RawFiles.Join(tree, RawFiles.Path($"dir {i}"));
            RawFiles.MakeDirectory(directory);
            if (i % 3 > 0)
                RawFiles.WriteFile(RawFiles.Join(directory, "file"u8), RawFiles.Path($"in {i}"));
        }

        BackupOutcome backup = await test.BackUp("one", test.Scratch["tree"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.Empty(backup.Problems);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"]);
    }

    [Fact]
    public async Task A_tree_deeper_than_a_backup_can_hold_is_cut_and_told()
    {
        await using TestProtection test = await TestProtection.Create();
        string deep = test.Scratch["tree"];
        for (int i = 0; i < 1100; i++)
            deep += "/d";
        Directory.CreateDirectory(deep);

        BackupOutcome backup = await test.BackUp("one", test.Scratch["tree"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.Equal(1, backup.ProblemCount);
        Assert.Contains("deep", backup.Problems[0], StringComparison.Ordinal);
        string deepest = RawFiles.Run("find", test.Scratch["copy"], "-printf", "%d\n").TrimEnd();
        Assert.Equal("1023", deepest[(deepest.LastIndexOf('\n') + 1)..]);
    }
}
