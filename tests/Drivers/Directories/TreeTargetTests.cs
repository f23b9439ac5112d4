using System.Text;
using Strongroom.Drivers.Directories;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests.Directories;

public sealed class TreeTargetTests : IDisposable
{
    private readonly TemporaryDirectory scratch = new();

    [Fact]
    public async Task A_link_planted_in_the_target_leads_nowhere()
    {
        Directory.CreateDirectory(scratch["target"]);
        Directory.CreateDirectory(scratch["outside"]);
        await File.WriteAllTextAsync(scratch["outside/kept"], "kept");
        File.CreateSymbolicLink(scratch["target/dir"], scratch["outside"]);
        File.CreateSymbolicLink(scratch["target/file"], scratch["outside/kept"]);
        TreeSnapshot outside = TreeSnapshot.Take(scratch["outside"]);
        await using ITreeTarget target = await Open();

        // Into the link without making the directory first, as a forged backup would.
        Assert.Throws<DriverException>(() => target.CreateFile(Path("dir", "planted"), Entry(TreeEntryType.File)));
        Assert.Throws<DriverException>(() => target.CreateSpecial(Path("dir", "kept"), Entry(TreeEntryType.Fifo)));
        Assert.Throws<DriverException>(() => target.CreateHardLink(Path("stolen"), Path("dir", "kept")));
        Assert.Throws<DriverException>(() => target.CreateHardLink(Path("dir", "stolen"), Path("file")));
        Assert.Throws<DriverException>(() => target.RemoveOthers(Path("dir"), []));
        Assert.Throws<DriverException>(() => target.FinishDirectory(Path("dir"), Entry(TreeEntryType.Directory)));
        Write(target, Path("file"), "new");
        target.CreateDirectory(Path("dir"), Entry(TreeEntryType.Directory));
        Write(target, Path("dir", "kept"), "inside");

        outside.AssertEqualTo(scratch["outside"]);
        Assert.Equal("inside", await File.ReadAllTextAsync(scratch["target/dir/kept"]));
        Assert.Null(new DirectoryInfo(scratch["target/dir"]).LinkTarget);
        Assert.Equal("new", await File.ReadAllTextAsync(scratch["target/file"]));
    }

    [Fact]
    public async Task A_directory_replaced_by_a_link_during_the_restore_is_not_written_through()
    {
        Directory.CreateDirectory(scratch["target"]);
        Directory.CreateDirectory(scratch["outside"]);
        await using ITreeTarget target = await Open();
        target.CreateDirectory(Path("dir"), Entry(TreeEntryType.Directory));
        Write(target, Path("dir", "first"), "1");

        target.CreateSpecial(Path("dir"), Entry(TreeEntryType.SymbolicLink) with { LinkTarget = Encoding.UTF8.GetBytes(scratch["outside"]) });

        Assert.Throws<DriverException>(() => target.CreateFile(Path("dir", "second"), Entry(TreeEntryType.File)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["outside"]));
        target.CreateDirectory(Path("dir"), Entry(TreeEntryType.Directory));
        Write(target, Path("dir", "third"), "3");
        Assert.Equal("3", await File.ReadAllTextAsync(scratch["target/dir/third"]));
    }

    [Fact]
    public async Task The_old_file_stays_until_the_new_one_is_whole()
    {
        Directory.CreateDirectory(scratch["target"]);
        await File.WriteAllTextAsync(scratch["target/file"], "old");
        RawFiles.MakeHardLink(RawFiles.Path(scratch["target/file"]), RawFiles.Path(scratch["other name"]));
        await using ITreeTarget target = await Open();

        using (ITreeTargetFile given = target.CreateFile(Path("file"), Entry(TreeEntryType.File) with { SizeBytes = 3 }))
            given.Write(0, "bad"u8);
        Assert.Equal("old", await File.ReadAllTextAsync(scratch["target/file"]));
        Assert.Single(Directory.EnumerateFileSystemEntries(scratch["target"]));

        Write(target, Path("file"), "new");

        Assert.Equal("new", await File.ReadAllTextAsync(scratch["target/file"]));
        Assert.Equal("old", await File.ReadAllTextAsync(scratch["other name"]));
        Assert.Single(Directory.EnumerateFileSystemEntries(scratch["target"]));
    }

    [Fact]
    public async Task A_file_given_up_is_removed()
    {
        await using ITreeTarget target = await Open();

        target.CreateFile(Path("file"), Entry(TreeEntryType.File) with { SizeBytes = 100 }).Dispose();

        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["target"]));
    }

    [Fact]
    public async Task Whatever_is_in_the_way_is_replaced()
    {
        foreach (string name in new[] { "file", "link", "fifo" })
        {
            Directory.CreateDirectory(scratch[$"target/{name}/deep/er"]);
            await File.WriteAllTextAsync(scratch[$"target/{name}/deep/er/file"], "in the way");
        }

        await File.WriteAllTextAsync(scratch["target/dir"], "in the way");
        await using ITreeTarget target = await Open();

        Write(target, Path("file"), "new");
        target.CreateSpecial(Path("link"), Entry(TreeEntryType.SymbolicLink) with { LinkTarget = [(byte)'x'] });
        target.CreateSpecial(Path("fifo"), Entry(TreeEntryType.Fifo));
        target.CreateDirectory(Path("dir"), Entry(TreeEntryType.Directory));
        target.CreateHardLink(Path("link"), Path("file"));

        Assert.Equal(
            "dir/ fifo file link",
            string.Join(' ', RawFiles.Run("ls", "-p", scratch["target"]).Split('\n', StringSplitOptions.RemoveEmptyEntries)).Replace("fifo|", "fifo", StringComparison.Ordinal));
        Assert.Equal("new", await File.ReadAllTextAsync(scratch["target/link"]));
    }

    [Fact]
    public async Task Others_are_removed_without_following_links()
    {
        Directory.CreateDirectory(scratch["outside"]);
        await File.WriteAllTextAsync(scratch["outside/kept"], "kept");
        Directory.CreateDirectory(scratch["target/other/deep"]);
        File.CreateSymbolicLink(scratch["target/other/deep/link"], scratch["outside"]);
        File.CreateSymbolicLink(scratch["target/link"], scratch["outside"]);
        await File.WriteAllTextAsync(scratch["target/known"], "known");
        await using ITreeTarget target = await Open();

        target.RemoveOthers(TreePath.Root, ["known"u8.ToArray(), ".."u8.ToArray(), "no/name"u8.ToArray()]);

        Assert.Equal([scratch["target/known"]], Directory.EnumerateFileSystemEntries(scratch["target"]));
        Assert.Equal("kept", await File.ReadAllTextAsync(scratch["outside/kept"]));
    }

    [Fact]
    public async Task A_file_system_mounted_in_the_target_keeps_what_the_backup_does_not_know()
    {
        string? obstacle = LoopDevice.Obstacle("mkfs.ext4");
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
        using var device = new LoopDevice(scratch["image"], 16 << 20);
        device.Mount("ext4", scratch["target/a/mounted"]);
        await File.WriteAllTextAsync(scratch["target/a/mounted/precious"], "precious");
        await using ITreeTarget target = await Open();

        target.CreateDirectory(Path("a"), Entry(TreeEntryType.Directory));
        target.CreateDirectory(Path("a", "mounted"), Entry(TreeEntryType.Directory));
        target.RemoveOthers(Path("a", "mounted"), []);
        Assert.Equal(1, target.ProblemCount);
        DriverException refused = Assert.Throws<DriverException>(() => target.RemoveOthers(TreePath.Root, []));
        await target.CompleteAsync(default);

        Assert.Equal(DriverFailure.InUse, refused.Failure);
        Assert.Equal("precious", await File.ReadAllTextAsync(scratch["target/a/mounted/precious"]));
    }

    [Fact]
    public async Task A_default_acl_of_the_target_does_not_reach_what_is_restored()
    {
        Assert.SkipUnless(RawFiles.HasTool("setfacl"), "setfacl is not installed");
        Directory.CreateDirectory(scratch["target"]);
        RawFiles.Run("setfacl", "-d", "-m", "u:1234:rwx", scratch["target"]);
        await using ITreeTarget target = await Open();

        target.CreateDirectory(Path("dir"), Entry(TreeEntryType.Directory));
        Write(target, Path("file"), "x");
        target.FinishDirectory(Path("dir"), Entry(TreeEntryType.Directory));

        Assert.Empty(RawFiles.Attributes(RawFiles.Path(scratch["target/dir"])));
        Assert.Empty(RawFiles.Attributes(RawFiles.Path(scratch["target/file"])));
        Assert.Equal(0x180u, RawFiles.Status(RawFiles.Path(scratch["target/file"])).ModeAndType & 0xFFF);
    }

    [Fact]
    public async Task What_may_not_be_set_is_a_problem_and_costs_the_set_id_bits()
    {
        Assert.SkipWhen(RawFiles.IsRoot, "root may set everything: run as a plain user");
        await using ITreeTarget target = await Open();
        TreeEntry entry = Entry(TreeEntryType.File) with { Uid = 0, Gid = 0, Mode = 0xDED };

        using (ITreeTargetFile file = target.CreateFile(Path("tool"), entry))
            file.Complete();
        target.CreateSpecial(Path("device"), Entry(TreeEntryType.BlockDevice));

        Assert.Equal(2, target.ProblemCount);
        Assert.Equal(0x1EDu, RawFiles.Status(RawFiles.Path(scratch["target/tool"])).ModeAndType & 0xFFF);
        Assert.False(File.Exists(scratch["target/device"]));
    }

    [Fact]
    public async Task Problems_are_counted_and_the_first_ones_kept()
    {
        await using ITreeTarget target = await Open();
        var bad = new ExtendedAttribute("nonsense.attribute"u8.ToArray(), [1]);

        for (int i = 0; i < 150; i++)
        {
            using ITreeTargetFile file = target.CreateFile(Path($"f{i}"), Entry(TreeEntryType.File) with { Attributes = [bad] });
            file.Complete();
        }

        Assert.Equal(150, target.ProblemCount);
        Assert.Equal(ITreeTarget.ProblemsKept, target.Problems.Count);
        Assert.Equal("f0", target.Problems[0].Path.ToString());
    }

    [Fact]
    public async Task Nonsense_from_a_backup_is_refused()
    {
        await using ITreeTarget target = await Open();
        TreeEntry link = Entry(TreeEntryType.SymbolicLink);

        Assert.Throws<DriverException>(() => target.CreateSpecial(Path("a"), link with { LinkTarget = [] }));
        Assert.Throws<DriverException>(() => target.CreateSpecial(Path("a"), link with { LinkTarget = null }));
        Assert.Throws<DriverException>(() => target.CreateSpecial(Path("a"), link with { LinkTarget = [1, 0, 2] }));
        Assert.Throws<DriverException>(() => target.CreateSpecial(Path("a"), link with { LinkTarget = new byte[5000] }));
        Assert.Throws<ArgumentException>(() => target.CreateSpecial(Path("a"), Entry(TreeEntryType.Directory)));
        using (ITreeTargetFile file = target.CreateFile(Path("a"), Entry(TreeEntryType.File) with { SizeBytes = 10 }))
            Assert.Throws<ArgumentOutOfRangeException>(() => file.Write(8, [1, 2, 3]));

        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["target"]));
    }

    public void Dispose() => scratch.Dispose();

    private async Task<ITreeTarget> Open() =>
        (ITreeTarget)await new DirectoriesDriver().OpenTargetAsync(scratch["target"], default, default);

    private static TreePath Path(params IEnumerable<string> names) =>
        names.Aggregate(TreePath.Root, (path, name) => path.Append(Encoding.UTF8.GetBytes(name)));

    private static TreeEntry Entry(TreeEntryType type) => new()
    {
        Name = [],
        Type = type,
        Mode = type == TreeEntryType.Directory ? 0x1C0 : 0x180,
        Uid = RawFiles.UserId,
        Gid = RawFiles.GroupId,
        ModifiedNs = 0,
    };

    private static void Write(ITreeTarget target, TreePath path, string content)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        using ITreeTargetFile file = target.CreateFile(path, Entry(TreeEntryType.File) with { SizeBytes = bytes.Length });
        file.Write(0, bytes);
        file.Complete();
    }
}
