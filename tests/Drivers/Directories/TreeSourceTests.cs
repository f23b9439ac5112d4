using System.Globalization;
using System.Text;
using Strongroom.Drivers.Directories;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests.Directories;

public sealed class TreeSourceTests : IDisposable
{
    private readonly TemporaryDirectory scratch = new();

    [Fact]
    public async Task Metadata_is_what_the_system_tool_says()
    {
        string file = scratch["file"];
        await File.WriteAllTextAsync(file, "12345");
        RawFiles.ChangeMode(RawFiles.Path(file), 0x9ED);
        RawFiles.SetModified(RawFiles.Path(file), -2, 250_000_000);
        RawFiles.MakeHardLink(RawFiles.Path(file), RawFiles.Path(scratch["other name"]));

        TreeEntry entry = (await List()).Single(one => one.Name.AsSpan().SequenceEqual("file"u8));

        string[] told = RawFiles.Run("stat", "-c", "%a %u %g %U %s %i %h", file).Trim().Split(' ');
        Assert.Equal(
            told,
            (string?[])[
                Convert.ToString(entry.Mode, 8), $"{entry.Uid}", $"{entry.Gid}", entry.UserName, $"{entry.SizeBytes}",
                $"{entry.Inode}", $"{entry.LinkCount}",
            ]);
        Assert.Equal(-1_750_000_000, entry.ModifiedNs);
        Assert.Equal(TreeEntryType.File, entry.Type);
    }

    [Fact]
    public async Task A_directory_of_many_files_is_listed_in_order_of_bytes()
    {
        for (int i = 0; i < 1500; i++)
            RawFiles.WriteFile(RawFiles.Path(scratch[$"f{i}"]), []);

        string[] names = [.. (await List()).Select(entry => Encoding.UTF8.GetString(entry.Name))];

        Assert.Equal(Enumerable.Range(0, 1500).Select(i => $"f{i}").Order(StringComparer.Ordinal), names);
    }

    [Fact]
    public async Task What_vanishes_while_a_directory_is_read_is_reported()
    {
        await File.WriteAllTextAsync(scratch["a"], "");
        await File.WriteAllTextAsync(scratch["b"], "");
        await using ITreeSource source = await Open();
        var problems = new List<TreeProblem>();

        IEnumerable<TreeEntry> entries = source.List(TreePath.Root, problems);
        File.Delete(scratch["b"]);

        Assert.Equal("a", Encoding.UTF8.GetString(Assert.Single(entries).Name));
        Assert.Equal("b", Assert.Single(problems).Path.ToString());
    }

    [Fact]
    public async Task A_file_that_is_gone_or_no_file_any_more_is_refused_and_never_waited_for()
    {
        foreach (string name in new[] { "gone", "link", "fifo", "directory" })
            await File.WriteAllTextAsync(scratch[name], "secret");
        await File.WriteAllTextAsync(scratch["elsewhere"], "secret");
        await using ITreeSource source = await Open();
        foreach (string name in new[] { "gone", "link", "fifo", "directory" })
            File.Delete(scratch[name]);
        File.CreateSymbolicLink(scratch["link"], scratch["elsewhere"]);
        RawFiles.MakeNode(RawFiles.Path(scratch["fifo"]), 0x1000);
        Directory.CreateDirectory(scratch["directory"]);

        Assert.Equal(DriverFailure.Missing, OpenFails(source, "gone"));
        Assert.Equal(DriverFailure.WrongKind, OpenFails(source, "link"));
        Assert.Equal(DriverFailure.WrongKind, OpenFails(source, "fifo"));
        Assert.Equal(DriverFailure.WrongKind, OpenFails(source, "directory"));
    }

    [Fact]
    public async Task No_link_in_the_way_is_followed()
    {
        Directory.CreateDirectory(scratch["tree"]);
        Directory.CreateDirectory(scratch["outside"]);
        await File.WriteAllTextAsync(scratch["outside/file"], "secret");
        File.CreateSymbolicLink(scratch["tree/link"], scratch["outside"]);
        await using ISource source = await new DirectoriesDriver().OpenSourceAsync(scratch["tree"], default);
        var tree = (ITreeSource)source;
        TreePath link = TreePath.Root.Append("link"u8);

        Assert.Equal(DriverFailure.WrongKind, Assert.Throws<DriverException>(() => tree.List(link, [])).Failure);
        Assert.Equal(
            DriverFailure.WrongKind, Assert.Throws<DriverException>(() => tree.OpenFile(link.Append("file"u8))).Failure);
    }

    [Fact]
    public async Task A_change_during_the_read_is_told_even_when_size_and_time_are_put_back()
    {
        string path = scratch["file"];
        await File.WriteAllTextAsync(path, "content");
        RawFiles.SetModified(RawFiles.Path(path), 1000, 0);
        await using ITreeSource source = await Open();
        using ITreeFile file = source.OpenFile(TreePath.Root.Append("file"u8));
        Assert.True(file.IsUnchanged());

        // The clock that stamps inodes ticks every few milliseconds.
        long before = source.List(TreePath.Root, []).Single().ChangedNs;
        do
        {
            await File.WriteAllTextAsync(path, "CONTENT");
            RawFiles.SetModified(RawFiles.Path(path), 1000, 0);
        }
        while (source.List(TreePath.Root, []).Single().ChangedNs == before);

        Assert.False(file.IsUnchanged());
    }

    [Fact]
    public async Task Holes_are_told_and_never_data()
    {
        RawFiles.WriteFile(
            RawFiles.Path(scratch["sparse"]), 10_000_000, (1 << 20, new byte[] { 1 }), (5 << 20, new byte[] { 2 }));
        await using ITreeSource source = await Open();
        using ITreeFile file = source.OpenFile(TreePath.Root.Append("sparse"u8));

        var map = new List<(long From, long To)>();
        for (DiskExtent? next = file.NextData(0); next is { } extent; next = file.NextData(extent.Offset + extent.LengthBytes))
            map.Add((extent.Offset, extent.Offset + extent.LengthBytes));

        Assert.Equal(RawFiles.DataMap(RawFiles.Path(scratch["sparse"]), 10_000_000), map);
        Assert.Equal(2, map.Count);
    }

    [Fact]
    public async Task A_time_no_number_holds_is_reported()
    {
        await File.WriteAllTextAsync(scratch["file"], "");
        RawFiles.SetModified(RawFiles.Path(scratch["file"]), 12_000_000_000, 0);
        await using ITreeSource source = await Open();
        var problems = new List<TreeProblem>();

        TreeEntry entry = source.List(TreePath.Root, problems).Single();

        Assert.Equal(long.MaxValue, entry.ModifiedNs);
        Assert.Single(problems);
    }

    [Fact]
    public async Task A_path_longer_than_any_system_call_takes_is_read_and_written()
    {
        // 60 names of 100 bytes; the shell makes and reads it step by step.
        const string each = "name=$(printf 'n%.0s' $(seq 100)); for i in $(seq 60); do";
        RawFiles.Run("bash", "-c", $"mkdir \"$0\"; cd -P \"$0\"; {each} mkdir $name; cd -P $name; done; echo deep > file; touch -d @5 .", scratch["tree"]);

        List<TreeProblem> problems = await ResourceCopy.Copy(new DirectoriesDriver(), scratch["tree"], scratch["copy"]);

        Assert.Empty(problems);
        string read = RawFiles.Run(
            "bash", "-c", $"cd -P \"$0\"; {each} cd -P $name; done; cat file; stat -c %Y .", scratch["copy"]);
        Assert.Equal("deep\n5\n", read);
    }

    [Fact]
    public async Task A_file_system_mounted_inside_is_left_out_and_told_only_when_it_holds_data()
    {
        Assert.SkipWhen(LoopDevice.Obstacle("mkfs.ext4") is { } obstacle, LoopDevice.Obstacle("mkfs.ext4") ?? "");
        Directory.CreateDirectory(scratch["tree/memory"]);
        RawFiles.Run("mount", "-t", "tmpfs", "none", scratch["tree/memory"]);
        using var device = new LoopDevice(scratch["image"], 16 << 20);
        try
        {
            device.Mount("ext4", scratch["tree/disk"]);
            await File.WriteAllTextAsync(scratch["tree/disk/file"], "data");
            await File.WriteAllTextAsync(scratch["tree/memory/file"], "state");

            Assert.Empty(await ListMount(new DirectoriesDriver(), "memory", told: false));
            Assert.Empty(await ListMount(new DirectoriesDriver(), "disk", told: true));
            string[] crossed = await ListMount(new DirectoriesDriver(crossMounts: true), "disk", told: false);
            Assert.Equal("file lost+found", string.Join(' ', crossed));
        }
        finally
        {
            RawFiles.Run("umount", scratch["tree/memory"]);
        }
    }

    [Fact]
    public async Task A_directory_that_may_not_be_read_is_denied()
    {
        Assert.SkipWhen(RawFiles.IsRoot, "root may read everything: run as a plain user");
        Directory.CreateDirectory(scratch["closed"]);
        RawFiles.ChangeMode(RawFiles.Path(scratch["closed"]), 0);
        await using ITreeSource source = await Open();

        Assert.Equal(
            DriverFailure.Denied,
            Assert.Throws<DriverException>(() => source.List(TreePath.Root.Append("closed"u8), [])).Failure);
    }

    [Fact]
    public async Task Many_directories_read_by_many_threads_at_once_give_what_is_in_them()
    {
        for (int i = 0; i < 400; i++)
        {
            string directory = scratch[Path.Combine($"a{i % 7}", $"b{i % 50}", $"c{i}")];
            Directory.CreateDirectory(directory);
            await File.WriteAllTextAsync($"{directory}/file", i.ToString(CultureInfo.InvariantCulture));
        }

        await using ITreeSource source = await Open();
        Parallel.For(0, 3000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, turn =>
        {
            int i = turn * 7 % 400;
            TreePath path = TreePath.Root;
            foreach (string name in new[] { $"a{i % 7}", $"b{i % 50}", $"c{i}", "file" })
                path = path.Append(Encoding.UTF8.GetBytes(name));
            using ITreeFile file = source.OpenFile(path);
            byte[] content = new byte[10];
            int length = file.Read(0, content);
            Assert.Equal(i.ToString(CultureInfo.InvariantCulture), Encoding.UTF8.GetString(content, 0, length));
        });
    }

    public void Dispose() => scratch.Dispose();

    private async Task<ITreeSource> Open() =>
        (ITreeSource)await new DirectoriesDriver().OpenSourceAsync(scratch.Path, default);

    private async Task<List<TreeEntry>> List()
    {
        await using ITreeSource source = await Open();
        return [.. source.List(TreePath.Root, [])];
    }

    private async Task<string[]> ListMount(DirectoriesDriver driver, string name, bool told)
    {
        await using ISource source = await driver.OpenSourceAsync(scratch["tree"], default);
        var problems = new List<TreeProblem>();
        string[] names =
        [
            .. ((ITreeSource)source).List(TreePath.Root.Append(Encoding.UTF8.GetBytes(name)), problems)
                .Select(entry => Encoding.UTF8.GetString(entry.Name)),
        ];
        Assert.Equal(told ? 1 : 0, problems.Count);
        return names;
    }

    private static DriverFailure OpenFails(ITreeSource source, string name) =>
        Assert.Throws<DriverException>(() => source.OpenFile(TreePath.Root.Append(Encoding.UTF8.GetBytes(name)))).Failure;
}
