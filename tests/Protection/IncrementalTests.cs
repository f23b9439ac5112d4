using Strongroom.Drivers;
using Strongroom.Drivers.Directories;
using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Testing;

namespace Strongroom.Protection.Tests;

public sealed class IncrementalTests
{
    [Fact]
    public async Task Unchanged_files_are_not_even_opened_and_only_changed_ones_are_read()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        MakeTree(test.Scratch["tree"], 60);
        await test.BackUp("one", test.Scratch["tree"]);
        Assert.Equal(60, driver.FilesOpened);

        BackupOutcome same = await test.BackUp("two", test.Scratch["tree"]);
        Assert.Equal(60, driver.FilesOpened);
        await File.WriteAllTextAsync(test.Scratch["tree/7"], "changed");
        BackupOutcome changed = await test.BackUp("three", test.Scratch["tree"]);

        Assert.Equal(61, driver.FilesOpened);
        Assert.True(same.Members[0].IsIncremental);
        Assert.Equal(0, same.Members[0].ChangedBytes);
        Assert.Equal(60 * 20_000, same.Members[0].DataBytes);
        Assert.Equal(7, changed.Members[0].ChangedBytes);
        Assert.InRange(changed.Members[0].StoredBytes, 7, 20_000);
        await test.Restore("three", test.Scratch["copy"]);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"]);
    }

    [Fact]
    public async Task Without_incremental_all_is_read_and_nothing_is_stored_twice()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        MakeTree(test.Scratch["tree"], 20);
        BackupOutcome one = await test.BackUp("one", test.Scratch["tree"]);

        BackupOutcome two = await test.BackUp(TestProtection.Request("two", test.Scratch["tree"]) with { Incremental = false });

        Assert.Equal(40, driver.FilesOpened);
        Assert.False(two.Members[0].IsIncremental);
        Assert.InRange(two.Members[0].StoredBytes, 0, one.Members[0].StoredBytes / 20);
        Assert.Equal("one", (await test.Domain.FindBackupAsync("two", default))!.Previous!.BackupId);
    }

    [Fact]
    public async Task A_file_is_read_again_although_size_and_time_were_put_back()
    {
        await using TestProtection test = await TestProtection.Create();
        MakeTree(test.Scratch["tree"], 3);
        await test.BackUp("one", test.Scratch["tree"]);

        byte[] path = RawFiles.Path(test.Scratch["tree/1"]);
        RawStatus before = RawFiles.Status(path);
        RawFiles.WriteFile(path, new byte[20_000]);
        RawFiles.SetModified(path, before.ModifiedSeconds, before.ModifiedNanoseconds);
        BackupOutcome two = await test.BackUp("two", test.Scratch["tree"]);
        await test.Restore("two", test.Scratch["copy"]);

        Assert.Empty(two.Problems);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"], TreeAspects.Holes);
    }

    [Fact]
    public async Task A_file_changed_a_moment_ago_is_not_trusted_the_next_time()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        test.Time = TimeProvider.System;
        Directory.CreateDirectory(test.Scratch["tree"]);
        await File.WriteAllTextAsync(test.Scratch["tree/young"], "young");

        await test.BackUp("one", test.Scratch["tree"]);
        await test.BackUp("two", test.Scratch["tree"]);

        Assert.Equal(2, driver.FilesOpened);
    }

    [Fact]
    public async Task A_file_of_several_names_is_read_once_and_stays_one_file()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        test.Workers = 1;
        MakeTree(test.Scratch["tree"], 1);
        Directory.CreateDirectory(test.Scratch["tree/sub"]);
        for (int i = 0; i < 5; i++)
            RawFiles.MakeHardLink(RawFiles.Path(test.Scratch["tree/0"]), RawFiles.Path(test.Scratch[$"tree/sub/name{i}"]));

        BackupOutcome one = await test.BackUp("one", test.Scratch["tree"]);
        BackupOutcome two = await test.BackUp("two", test.Scratch["tree"]);
        await test.Restore("two", test.Scratch["copy"]);

        Assert.Equal(1, driver.FilesOpened);
        Assert.Equal(20_000, one.Members[0].DataBytes);
        Assert.Equal(20_000, two.Members[0].DataBytes);
        Assert.Equal(120_000, two.Members[0].SizeBytes);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"]);
    }

    [Fact]
    public async Task A_changed_disk_costs_what_changed()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.CreateSparse(test.Scratch["disk"], 1, 200 << 20, 12 << 20);
        BackupOutcome one = await test.BackUp("one", test.Scratch["disk"]);
        RawFiles.WriteFile(RawFiles.Path(test.Scratch["disk"]), 200 << 20, (100 << 20, Enumerable.Repeat((byte)9, 100_000).ToArray()));

        BackupOutcome two = await test.BackUp("two", test.Scratch["disk"]);

        Assert.Equal(one.Members[0].DataBytes, one.Members[0].ChangedBytes);
        Assert.InRange(two.Members[0].ChangedBytes, 100_000, 200_000);
        Assert.InRange(two.Members[0].StoredBytes, 1, 60_000);
    }

    [Fact]
    public async Task A_disk_that_grew_or_shrank_is_compared_with_what_it_was()
    {
        await using TestProtection test = await TestProtection.Create();
        byte[] content = new byte[10_000_000];
        new Random(1).NextBytes(content);
        int i = 0;
        foreach (int size in new[] { 9_000_000, 10_000_000, 3_333_333, 9_999_999 })
        {
            RawFiles.WriteFile(RawFiles.Path(test.Scratch["disk"]), content[..size]);

            BackupOutcome outcome = await test.BackUp($"b{i}", test.Scratch["disk"]);
            await test.Restore($"b{i}", test.Scratch["copy"]);

            Assert.Equal(i > 0, outcome.Members[0].IsIncremental);
            Assert.Equal(content[..size], await File.ReadAllBytesAsync(test.Scratch["copy"]));
            i++;
        }
    }

    [Fact]
    public async Task Holes_of_a_disk_are_never_read()
    {
        await using TestProtection test = await TestProtection.Create();
        var driver = new WatchedDriver(new DiskImagesDriver());
        test.Drivers = new DriverCatalog(driver);
        RandomImage.Create(test.Scratch["disk"], 7);
        long size = new FileInfo(test.Scratch["disk"]).Length;

        await test.BackUp("one", test.Scratch["disk"]);

        Assert.Equal(
            RawFiles.DataMap(RawFiles.Path(test.Scratch["disk"]), size).Sum(range => Math.Min(range.To, size) - range.From),
            driver.BytesRead);
    }

    [Fact]
    public async Task An_image_at_rest_is_read_once_and_again_after_any_change_or_when_asked_to()
    {
        await using TestProtection test = await TestProtection.Create();
        var driver = new WatchedDriver(new DiskImagesDriver(new LaterTime(TimeSpan.FromMinutes(3))));
        test.Drivers = new DriverCatalog(driver);
        RandomImage.Create(test.Scratch["disk"], 7);
        BackupOutcome one = await test.BackUp("one", test.Scratch["disk"]);
        long bytesRead = driver.BytesRead;

        BackupOutcome two = await test.BackUp("two", test.Scratch["disk"]);
        Assert.Equal(bytesRead, driver.BytesRead);
        Assert.Equal(0, two.Members[0].ChangedBytes);
        Assert.Equal(one.Members[0].DataBytes, two.Members[0].DataBytes);
        Assert.True(two.Members[0].IsIncremental);
        await test.Restore("two", test.Scratch["copy"]);
        Assert.Equal(await File.ReadAllBytesAsync(test.Scratch["disk"]), await File.ReadAllBytesAsync(test.Scratch["copy"]));

        BackupOutcome three = await test.BackUp(TestProtection.Request("three", test.Scratch["disk"]) with { ReadsUnchanged = true });
        Assert.Equal(2 * bytesRead, driver.BytesRead);
        Assert.Equal(0, three.Members[0].ChangedBytes);

        RandomImage.Change(test.Scratch["disk"], 2);
        await test.BackUp("four", test.Scratch["disk"]);
        Assert.True(driver.BytesRead > 2 * bytesRead);
        await test.Restore("four", test.Scratch["copy"]);
        Assert.Equal(await File.ReadAllBytesAsync(test.Scratch["disk"]), await File.ReadAllBytesAsync(test.Scratch["copy"]));
    }

    [Fact]
    public async Task An_image_written_a_moment_ago_is_read_again()
    {
        await using TestProtection test = await TestProtection.Create();
        var driver = new WatchedDriver(new DiskImagesDriver(new LaterTime(TimeSpan.FromMinutes(1))));
        test.Drivers = new DriverCatalog(driver);
        RandomImage.Create(test.Scratch["disk"], 7);
        await test.BackUp("one", test.Scratch["disk"]);
        long bytesRead = driver.BytesRead;

        await test.BackUp("two", test.Scratch["disk"]);

        Assert.Equal(2 * bytesRead, driver.BytesRead);
    }

    [Fact]
    public async Task A_file_called_unchanged_is_read_when_asked_to()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        MakeTree(test.Scratch["tree"], 5);
        await test.BackUp("one", test.Scratch["tree"]);

        BackupOutcome two = await test.BackUp(TestProtection.Request("two", test.Scratch["tree"]) with { ReadsUnchanged = true });

        Assert.Equal(10, driver.FilesOpened);
        Assert.Equal(0, two.Members[0].ChangedBytes);
        Assert.True(two.Members[0].IsIncremental);
    }

    private static WatchedDriver WatchTrees(TestProtection test)
    {
        var driver = new WatchedDriver(new DirectoriesDriver());
        test.Drivers = new DriverCatalog(driver);
        return driver;
    }

    private sealed class LaterTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }

    /// <summary>Files of 20,000 random bytes.</summary>
    private static void MakeTree(string directory, int files)
    {
        Directory.CreateDirectory(directory);
        var random = new Random(files);
        byte[] content = new byte[20_000];
        for (int i = 0; i < files; i++)
        {
            random.NextBytes(content);
            RawFiles.WriteFile(RawFiles.Path($"{directory}/{i}"), content);
        }
    }
}
