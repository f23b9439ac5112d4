using Strongroom.Drivers;
using Strongroom.Drivers.Directories;
using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Testing;

namespace Strongroom.Protection.Tests;

public sealed class PartialTests
{
    [Fact]
    public async Task A_file_that_vanishes_before_it_is_read_is_told_and_the_rest_is_there()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        MakeTree(test.Scratch["tree"]);
        driver.BeforeOpen = path => Remove(test, path, "b");

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["tree"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.True(outcome.IsPartial);
        Assert.Equal(1, outcome.ProblemCount);
        Assert.StartsWith(test.Scratch["tree/sub/b"] + ": it vanished", outcome.Problems[0], StringComparison.Ordinal);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"], TreeAspects.Times);
        Assert.True((await test.Domain.FindBackupAsync("one", default))!.IsPartial);
    }

    [Fact]
    public async Task A_directory_that_vanishes_is_told_and_the_rest_is_there()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        test.Workers = 1;
        MakeTree(test.Scratch["tree"]);
        driver.BeforeList = path =>
        {
            if (path.ToString() == "sub")
                Directory.Move(test.Scratch["tree/sub"], test.Scratch["elsewhere"]);
        };

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["tree"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.Equal(1, outcome.ProblemCount);
        Assert.Equal(["a", "c", "sub"], Names(test.Scratch["copy"]));
        Assert.Empty(Names(test.Scratch["copy/sub"]));
    }

    [Fact]
    public async Task A_file_changed_once_while_it_is_read_is_read_again_and_whole()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        MakeTree(test.Scratch["tree"]);
        int changes = 0;
        driver.AfterRead = path =>
        {
            if (path.Name.SequenceEqual("b"u8) && changes++ == 0)
                ChangeForSure(test.Scratch["tree/sub/b"], "changed");
        };

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["tree"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.Empty(outcome.Problems);
        Assert.Equal("changed", await File.ReadAllTextAsync(test.Scratch["copy/sub/b"]));
    }

    [Fact]
    public async Task A_file_that_keeps_changing_is_told_and_read_again_the_next_time()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        MakeTree(test.Scratch["tree"]);
        int changes = 0;
        driver.AfterRead = path =>
        {
            if (path.Name.SequenceEqual("b"u8))
                ChangeForSure(test.Scratch["tree/sub/b"], new string('x', 10 + changes++));
        };

        BackupOutcome torn = await test.BackUp("one", test.Scratch["tree"]);
        driver.AfterRead = null;
        int openedBefore = driver.FilesOpened;
        BackupOutcome whole = await test.BackUp("two", test.Scratch["tree"]);
        await test.Restore("two", test.Scratch["copy"]);

        Assert.Equal(1, torn.ProblemCount);
        Assert.Contains("changed while it was read", torn.Problems[0], StringComparison.Ordinal);
        Assert.Equal(openedBefore + 1, driver.FilesOpened);
        Assert.Empty(whole.Problems);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"]);
    }

    [Fact]
    public async Task A_file_cut_while_it_is_read_is_told_and_can_be_restored()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        Directory.CreateDirectory(test.Scratch["tree"]);
        byte[] content = new byte[70 << 20];
        new Random(1).NextBytes(content.AsSpan(0, 8 << 20));
        RawFiles.WriteFile(RawFiles.Path(test.Scratch["tree/big"]), content);
        driver.AfterRead = _ => RawFiles.WriteFile(RawFiles.Path(test.Scratch["tree/big"]), 3_000_000);

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["tree"]);
        await test.Restore("one", test.Scratch["copy"]);

        Assert.Equal(1, outcome.ProblemCount);
        byte[] restored = await File.ReadAllBytesAsync(test.Scratch["copy/big"]);
        Assert.InRange(restored.Length, 1, 3_000_000);
        Assert.Equal((await File.ReadAllBytesAsync(test.Scratch["tree/big"]))[..restored.Length], restored);
    }

    [Fact]
    public async Task A_disk_written_to_while_it_is_read_is_told()
    {
        await using TestProtection test = await TestProtection.Create();
        var driver = new WatchedDriver(new DiskImagesDriver());
        test.Drivers = new DriverCatalog(driver);
        RandomImage.Create(test.Scratch["disk"], 1);
        driver.AfterRead = _ => RandomImage.Change(test.Scratch["disk"], 2, 1);

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["disk"]);

        Assert.Equal(1, outcome.ProblemCount);
        Assert.Contains("not of one instant", outcome.Problems[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_problems_are_counted_and_a_hundred_kept()
    {
        await using TestProtection test = await TestProtection.Create();
        WatchedDriver driver = WatchTrees(test);
        Directory.CreateDirectory(test.Scratch["tree"]);
        for (int i = 0; i < 1000; i++)
            RawFiles.WriteFile(RawFiles.Path(test.Scratch[$"tree/{i}"]), []);
        driver.BeforeOpen = path => File.Delete(test.Scratch[$"tree/{path}"]);

        BackupOutcome outcome = await test.BackUp("one", test.Scratch["tree"]);

        Assert.Equal(1000, outcome.ProblemCount);
        Assert.Equal(100, outcome.Problems.Count);
    }

    private static WatchedDriver WatchTrees(TestProtection test)
    {
        var driver = new WatchedDriver(new DirectoriesDriver());
        test.Drivers = new DriverCatalog(driver);
        return driver;
    }

    private static void MakeTree(string directory)
    {
        Directory.CreateDirectory($"{directory}/sub");
        foreach (string name in new[] { "a", "c", "sub/a", "sub/b", "sub/c" })
            File.WriteAllText($"{directory}/{name}", name);
    }

    private static void Remove(TestProtection test, TreePath path, string name)
    {
        if (path.ToString().EndsWith(name, StringComparison.Ordinal))
            File.Delete(test.Scratch[$"tree/{path}"]);
    }

    private static string[] Names(string directory) =>
        [.. Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    /// <summary>Writes until the file's time has moved: the clock that stamps inodes ticks every few milliseconds.</summary>
    private static void ChangeForSure(string path, string content)
    {
        DateTime before = File.GetLastWriteTimeUtc(path);
        do
            File.WriteAllText(path, content);
        while (File.GetLastWriteTimeUtc(path) == before);
    }
}
