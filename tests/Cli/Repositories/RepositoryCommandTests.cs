using System.Security.Cryptography;
using System.Text.Json;

namespace Strongroom.Cli.Tests.Repositories;

/// <summary>Real repositories in a directory of their own, without any server.</summary>
public sealed class RepositoryCommandTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("strongroom-repo-").FullName;

    public RepositoryCommandTests()
    {
        // A key file for most: a password costs a third of a second each time, on purpose.
        File.WriteAllBytes(In("key"), RandomNumberGenerator.GetBytes(32));
    }

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task A_disk_and_a_tree_come_back_from_the_ids_the_list_shows()
    {
        await Done("init");
        string image = MakeImage();
        string tree = MakeTree();

        await Done("backup", image, tree);
        JsonElement[] rows = [.. Json(await Done("list", "-f", "json")).EnumerateArray()];
        await Done("restore", IdOf(rows, image), "--to", In("image-restored"));
        await Done("restore", IdOf(rows, tree), "--to", In("tree-restored"));

        Assert.Equal(["disk", "tree"], rows.Select(row => row.GetProperty("kind").GetString()).Order(StringComparer.Ordinal));
        Assert.Equal(Sum(image), Sum(In("image-restored")));
        Assert.Equal("hello", await File.ReadAllTextAsync(In("tree-restored/sub/file")));
    }

    [Fact]
    public async Task The_second_backup_of_a_path_says_what_changed()
    {
        await Done("init");
        string image = MakeImage();
        JsonElement first = Json(await Done("backup", image, "-f", "json"))[0];
        using (FileStream file = File.OpenWrite(image))
        {
            file.Position = 1 << 20;
            file.Write(RandomNumberGenerator.GetBytes(1000));
        }

        JsonElement second = Json(await Done("backup", image, "-f", "json"))[0];

        Assert.Equal(3 << 20, first.GetProperty("changed_bytes").GetInt64());
        Assert.Equal(64 << 10, second.GetProperty("changed_bytes").GetInt64());
        Assert.True(second.GetProperty("incremental").GetBoolean());
    }

    [Fact]
    public async Task Statistics_add_up_to_the_bytes_in_the_store()
    {
        await Done("init");
        await Done("backup", MakeImage(), MakeTree());

        JsonElement all = Json(await Done("stats", "-f", "json"));

        long inStore = new DirectoryInfo(In("repository")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
        Assert.Equal(inStore, all.GetProperty("total_bytes").GetInt64());
        Assert.Equal(
            inStore,
            all.GetProperty("own_bytes").GetInt64() + all.GetProperty("shared_bytes").GetInt64() + all.GetProperty("reclaimable_bytes").GetInt64());
    }

    [Fact]
    public async Task A_flipped_bit_fails_check_and_restore_and_both_name_the_pack()
    {
        await Done("init");
        string id = Json(await Done("backup", MakeImage(), "-f", "json"))[0].GetProperty("id").GetString()!;
        FileInfo pack = Pack();
        Flip(pack, pack.Length / 2);

        using ShellDouble check = await Run(ExitCode.Failed, "check", "--read-data", "-f", "json");
        using ShellDouble restore = await Run(ExitCode.Failed, "restore", id, "--to", In("restored"));

        JsonElement damage = Json(check.Output)[0];
        Assert.EndsWith(pack.Name, damage.GetProperty("object").GetString(), StringComparison.Ordinal);
        Assert.Equal(id, damage.GetProperty("backup_ids")[0].GetString());
        Assert.Contains(pack.Name, restore.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lost_indexes_are_made_anew_from_the_packs()
    {
        await Done("init");
        string image = MakeImage();
        string id = Json(await Done("backup", image, "-f", "json"))[0].GetProperty("id").GetString()!;
        Directory.Delete(In("repository/domains/default/indexes"), recursive: true);

        await Done("rebuild");
        await Done("restore", id, "--to", In("restored"));

        Assert.Equal(Sum(image), Sum(In("restored")));
    }

    [Fact]
    public async Task A_deleted_backup_is_gone_and_the_other_one_whole()
    {
        await Done("init");
        string image = MakeImage();
        string first = Json(await Done("backup", image, "-f", "json"))[0].GetProperty("id").GetString()!;
        string second = Json(await Done("backup", image, "-f", "json"))[0].GetProperty("id").GetString()!;

        await Done("delete", first);
        using ShellDouble gone = await Run(ExitCode.NotFound, "restore", first, "--to", In("restored"));
        await Done("restore", second, "--to", In("restored"));

        Assert.Contains(first, gone.Error, StringComparison.Ordinal);
        Assert.Equal(Sum(image), Sum(In("restored")));
    }

    [Fact]
    public async Task The_wrong_password_opens_nothing()
    {
        await File.WriteAllTextAsync(In("password"), "correct horse\nnever read\n");
        await File.WriteAllTextAsync(In("wrong"), "wrong horse\n");
        using var shell = new ShellDouble();
        string[] repository = ["--repo", In("with-password"), "--password-file"];

        Assert.Equal(ExitCode.Done, await shell.Run(["repo", "init", .. repository, In("password")]));
        Assert.Equal(ExitCode.Done, await shell.Run(["repo", "list", .. repository, In("password")]));
        Assert.Equal(ExitCode.Failed, await shell.Run(["repo", "list", .. repository, In("wrong")]));
        Assert.Contains("password", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_is_not_made_over_another_one()
    {
        await Done("init");

        using ShellDouble again = await Run(ExitCode.Failed, "init");

        Assert.Contains("There is a repository", again.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ExitCode.Usage, "either --repo URL or --data DIRECTORY", "list")]
    [InlineData(ExitCode.Usage, "either --repo URL or --data DIRECTORY", "list", "--repo", "x", "--data", "y", "--password-file", "p")]
    [InlineData(ExitCode.Usage, "either --password-file or --key-file", "list", "--repo", "x")]
    [InlineData(ExitCode.Usage, "has its own key", "list", "--data", "x", "--key-file", "k")]
    [InlineData(ExitCode.Usage, "There is no option '--data' here", "backup", "/etc", "--repo", "x", "--key-file", "KEY", "--data", "x")]
    [InlineData(ExitCode.Usage, "A share is above 0 and up to 1.", "check", "--data", "x", "--share", "2")]
    [InlineData(ExitCode.NotFound, "There is no repository in", "list", "--repo", "/nowhere/at/all", "--key-file", "KEY")]
    internal async Task What_makes_no_sense_is_said(ExitCode expected, string message, params string[] arguments)
    {
        using var shell = new ShellDouble();

        Assert.Equal(expected, await shell.Run(["repo", .. arguments.Select(argument => argument == "KEY" ? In("key") : argument)]));
        Assert.Contains(message, shell.Error, StringComparison.Ordinal);
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static string IdOf(JsonElement[] rows, string source) =>
        rows.Single(row => row.GetProperty("source").GetString() == source).GetProperty("id").GetString()!;

    private static string Sum(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    private static void Flip(FileInfo file, long offset)
    {
        file.IsReadOnly = false;
        using FileStream stream = file.Open(FileMode.Open, FileAccess.ReadWrite);
        stream.Position = offset;
        int value = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(value ^ 1));
    }

    private string In(string name) => Path.Combine(directory, name);

    private FileInfo Pack() => new DirectoryInfo(In("repository/domains/default/packs"))
        .EnumerateFiles("*", SearchOption.AllDirectories).MaxBy(file => file.Length)!;

    private string MakeImage()
    {
        using FileStream file = File.Create(In("image"));
        file.Write(RandomNumberGenerator.GetBytes(3 << 20));
        file.SetLength(20 << 20);
        return file.Name;
    }

    private string MakeTree()
    {
        Directory.CreateDirectory(In("tree/sub"));
        File.WriteAllText(In("tree/sub/file"), "hello");
        return In("tree");
    }

    private async Task<string> Done(params string[] arguments)
    {
        using ShellDouble shell = await Run(ExitCode.Done, arguments);
        return shell.Output;
    }

    private async Task<ShellDouble> Run(ExitCode expected, params string[] arguments)
    {
        var shell = new ShellDouble();
        ExitCode code = await shell.Run(["repo", .. arguments, "--repo", In("repository"), "--key-file", In("key")]);
        Assert.True(code == expected, $"{code}: {shell.Error}");
        return shell;
    }
}
