using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Strongroom.Contract.Resources;
using Strongroom.Repository;
using Strongroom.Server.Backups;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>The whole way over HTTP with the real repository and real files: what is backed up comes back, bit by bit.</summary>
public abstract class EndToEndTests(ServerFixture server)
{
    private const int DiskBytes = 9 << 20;
    private const int BlockBytes = 64 << 10;

    [Fact]
    public async Task Two_points_of_a_server_and_a_file_system_come_back_after_damage_and_loss()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string[] disks = [world.MakeDisk("system", seed: 1), world.MakeDisk("data", seed: 2)];
        string tree = world.MakeTree("files", seed: 3);
        JsonNode registered = await world.RegisterAsync(
            new { type = ResourceTypes.Server, name = "web", disks = disks.Select(path => new { path }) });
        string[] diskIds = [.. registered["disks"]!.AsArray().Select(disk => (string)disk!["id"]!)];
        string serverId = (string)registered["id"]!;
        string files = (string)(await world.RegisterAsync(new { type = ResourceTypes.FileSystem, name = "files", path = tree }))["id"]!;
        string serverVault = await world.VaultAsync("server", VaultWorld.ServerOf(serverId));
        string treeVault = await world.VaultAsync("turbo", VaultWorld.FileSystem(files));

        string firstState = RealWorld.SumOf([.. disks, tree]);
        (JsonNode firstServer, JsonNode firstTree) = (await world.ProtectAsync(serverVault), await world.ProtectAsync(treeVault));
        RealWorld.Overwrite(disks[1], 5 * BlockBytes, seed: 4);
        File.WriteAllText(Path.Combine(tree, "sub", "file-1"), "changed");
        File.Delete(Path.Combine(tree, "file-0"));
        string secondState = RealWorld.SumOf([.. disks, tree]);
        (JsonNode secondServer, JsonNode secondTree) = (await world.ProtectAsync(serverVault), await world.ProtectAsync(treeVault));

        // The disks are damaged and one is gone, the tree has lost a file and gained one.
        RealWorld.Overwrite(disks[0], 0, seed: 5);
        File.Delete(disks[1]);
        File.Delete(Path.Combine(tree, "sub", "file-1"));
        File.WriteAllText(Path.Combine(tree, "intruder"), "x");

        await world.RestoreServerAsync(firstServer, serverId, diskIds);
        await world.RestoreAsync((string)firstTree["id"]!, new { resource_id = files });
        Assert.Equal(firstState, RealWorld.SumOf([.. disks, tree]));
        await world.RestoreServerAsync(secondServer, serverId, diskIds);
        await world.RestoreAsync((string)secondTree["id"]!, new { resource_id = files });
        Assert.Equal(secondState, RealWorld.SumOf([.. disks, tree]));
    }

    [Fact]
    public async Task The_second_backup_is_incremental_and_counts_what_changed()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string path = world.MakeDisk("disk", seed: 1);
        string disk = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "disk", path }))["id"]!;
        string vault = await world.VaultAsync("disk", VaultWorld.Disk(disk));
        await world.ProtectAsync(vault);
        long storedFirst = await world.StoredBytesAsync();
        int usedFirst = await world.UsedMbAsync(vault);
        RealWorld.Overwrite(path, 3 * BlockBytes, seed: 2);

        await world.ProtectAsync(vault);

        long storedSecond = await world.StoredBytesAsync() - storedFirst;
        Assert.Equal(6, usedFirst);
        Assert.Equal(7, await world.UsedMbAsync(vault));
        Assert.InRange(storedFirst, 6 << 20, 7 << 20);
        Assert.InRange(storedSecond, 1, 1 << 20);
    }

    [Fact]
    public async Task A_disks_backup_goes_to_another_larger_disk_too()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string path = world.MakeDisk("small", seed: 1);
        string other = Path.Combine(world.Folder, "large");
        await using (FileStream file = File.Create(other))
            file.SetLength(DiskBytes + 4096);
        string disk = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "small", path }))["id"]!;
        string target = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "large", path = other }))["id"]!;
        JsonNode backup = await world.ProtectAsync(await world.VaultAsync("disk", VaultWorld.Disk(disk)));

        await world.RestoreAsync((string)backup["id"]!, new { volume_id = target });

        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(other)[..DiskBytes]);
    }

    [Fact]
    public async Task After_everything_was_deleted_the_next_backup_counts_as_the_first()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string path = world.MakeDisk("disk", seed: 1);
        string disk = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "disk", path }))["id"]!;
        string vault = await world.VaultAsync("disk", VaultWorld.Disk(disk));
        JsonNode first = await world.ProtectAsync(vault);
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + (string)first["id"]!)).Status);
        Assert.Equal(0, await world.UsedMbAsync(vault));

        await world.ProtectAsync(vault);

        Assert.Equal(6, await world.UsedMbAsync(vault));
    }

    [Fact]
    public async Task A_source_that_is_gone_fails_with_its_code_and_an_unmounted_one_is_not_saved_as_empty()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string path = world.MakeDisk("disk", seed: 1);
        string tree = world.MakeTree("files", seed: 2);
        string disk = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "disk", path }))["id"]!;
        string files = (string)(await world.RegisterAsync(new { type = ResourceTypes.FileSystem, name = "files", path = tree }))["id"]!;
        string diskVault = await world.VaultAsync("disk", VaultWorld.Disk(disk));
        string treeVault = await world.VaultAsync("turbo", VaultWorld.FileSystem(files));
        await world.ProtectAsync(treeVault);
        File.Delete(path);
        Directory.Delete(tree, recursive: true);
        Directory.CreateDirectory(tree);

        JsonNode lost = await world.ProtectAsync(diskVault, "error");
        JsonNode empty = await world.ProtectAsync(treeVault, "error");

        Assert.Equal("BackupService.7000", (string?)(await world.LogOfAsync(lost))["error_info"]!["code"]);
        Assert.Contains("mounted", (string?)(await world.LogOfAsync(empty))["error_info"]!["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_pack_fails_the_restore_and_is_named()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string path = world.MakeDisk("disk", seed: 1);
        string disk = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "disk", path }))["id"]!;
        JsonNode backup = await world.ProtectAsync(await world.VaultAsync("disk", VaultWorld.Disk(disk)));
        string pack = world.Objects("packs").OrderByDescending(file => new FileInfo(file).Length).First();
        byte[] bytes = File.ReadAllBytes(pack);
        bytes[bytes.Length / 2] ^= 1;
        File.SetAttributes(pack, FileAttributes.Normal);
        File.WriteAllBytes(pack, bytes);

        TestReply reply = await world.Vaults.PostAsync($"backups/{(string)backup["id"]!}/restore", new { restore = new { volume_id = disk } });
        JsonNode log = await world.EndOfAsync((string)reply.Json["job_id"]!);

        Assert.Equal("failed", (string?)log["status"]);
        Assert.Contains(Path.GetFileName(pack), (string?)log["error_info"]!["message"], StringComparison.Ordinal);
        Assert.Equal("available", (string?)(await world.Vaults.GetAsync("backups/" + (string)backup["id"]!)).Json["backup"]!["status"]);
    }

    [Fact]
    public async Task A_deleted_backups_root_goes_only_after_the_undo_window()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string path = world.MakeDisk("disk", seed: 1);
        string disk = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "disk", path }))["id"]!;
        JsonNode backup = await world.ProtectAsync(await world.VaultAsync("disk", VaultWorld.Disk(disk)));
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + (string)backup["id"]!)).Status);
        var purge = (BackupPurge)server.Services.GetService(typeof(BackupPurge))!;

        await purge.PurgeAsync(default);
        int before = world.Objects("backups").Count();
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update installation_clock set elapsed_micros = elapsed_micros + {8L * 86400 * 1_000_000}", default); }, default);
        await purge.PurgeAsync(default);

        Assert.Equal((1, 0), (before, world.Objects("backups").Count()));

        // Other tests' projects are in the same repository; of this one nothing is left.
        var collection = (SpaceCollection)server.Services.GetService(typeof(SpaceCollection))!;
        Assert.True(await world.StoredBytesAsync() > 0);
        Assert.True(await collection.CollectAsync(default) > 0);
        Assert.Equal(0, await world.StoredBytesAsync());
        Assert.Empty(world.Objects("sessions"));
    }

    [Fact]
    public async Task The_repository_alone_lists_what_the_service_made_under_the_same_ids()
    {
        RealWorld world = await RealWorld.NewAsync(server);
        string path = world.MakeDisk("disk", seed: 1);
        string disk = (string)(await world.RegisterAsync(new { type = ResourceTypes.Disk, name = "disk", path }))["id"]!;
        JsonNode backup = await world.ProtectAsync(await world.VaultAsync("disk", VaultWorld.Disk(disk)));

        await using InstallationRepository installation = await InstallationRepository.OpenAsync(
            new ServerOptions { DataDirectory = server.TestDatabase.DataDirectory }, new RepositoryOptions(), readOnly: true, TimeProvider.System, default);
        await using RepositoryDomain domain = await installation.Repository.OpenDomainAsync(world.Vaults.ProjectId, create: false, default);
        BackupRecord? record = await domain.FindBackupAsync((string)backup["id"]!, default);

        Assert.Equal((string?)backup["id"], record!.Id);
        Assert.Equal((string?)backup["name"], record.Attributes["name"]);
        Assert.Equal((string?)backup["vault_id"], record.Attributes["vault_id"]);
        Assert.Equal((string?)backup["checkpoint_id"], record.Attributes["checkpoint_id"]);
    }

    /// <summary>A project with real files.</summary>
    private sealed class RealWorld
    {
        private RealWorld(ServerFixture server, VaultWorld vaults)
        {
            Server = server;
            Vaults = vaults;
            Folder = vaults.NewDirectory();
        }

        public ServerFixture Server { get; }

        public VaultWorld Vaults { get; }

        public string Folder { get; }

        public static async Task<RealWorld> NewAsync(ServerFixture server) => new(server, await VaultWorld.NewAsync(server));

        /// <summary>A sparse image, two thirds of it random.</summary>
        public string MakeDisk(string name, int seed)
        {
            string path = Path.Combine(Folder, name);
            using FileStream file = File.Create(path);
            file.SetLength(DiskBytes);
            byte[] bytes = Bytes(3 << 20, seed);
            file.Write(bytes);
            file.Position = 5 << 20;
            file.Write(Bytes(3 << 20, seed + 100));
            return path;
        }

        public string MakeTree(string name, int seed)
        {
            string path = Path.Combine(Folder, name);
            Directory.CreateDirectory(Path.Combine(path, "sub", "deeper"));
            for (int i = 0; i < 30; i++)
            {
                File.WriteAllBytes(Path.Combine(path, "file-" + i), Bytes(i * 1000, seed + i));
                File.WriteAllBytes(Path.Combine(path, "sub", "file-" + i), Bytes(100, seed + i));
            }

            File.CreateSymbolicLink(Path.Combine(path, "link"), "sub/file-1");
            return path;
        }

        public static void Overwrite(string path, long offset, int seed)
        {
            using FileStream file = File.OpenWrite(path);
            file.Position = offset;
            file.Write(Bytes(BlockBytes, seed));
        }

        /// <summary>One sum over all names and contents.</summary>
        public static string SumOf(IReadOnlyList<string> paths)
        {
            using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (string file in paths.SelectMany(FilesOf))
            {
                sum.AppendData(System.Text.Encoding.UTF8.GetBytes(file));
                sum.AppendData(new FileInfo(file).LinkTarget is { } target ? System.Text.Encoding.UTF8.GetBytes(target) : File.ReadAllBytes(file));
            }

            return Convert.ToHexString(sum.GetHashAndReset());
        }

        public async Task<JsonNode> RegisterAsync(object resource)
        {
            TestReply reply = await Vaults.RegisterAsync(resource);
            Assert.True(reply.Status == 200, reply.Text);
            return reply.Json["resource"]!;
        }

        public async Task<string> VaultAsync(string objectType, JsonObject resource)
        {
            string vault = await Vaults.VaultAsync(objectType);
            TestReply reply = await Vaults.AddAsync(vault, resource);
            Assert.True(reply.Status == 200, reply.Text);
            return vault;
        }

        /// <summary>Backs up what the vault holds, one resource.</summary>
        public async Task<JsonNode> ProtectAsync(string vault, string expected = "available")
        {
            TestReply reply = await Vaults.PostAsync("checkpoints", new { checkpoint = new { vault_id = vault } });
            Assert.True(reply.Status == 200, reply.Text);
            string id = (string)reply.Json["checkpoint"]!["id"]!;
            JsonNode checkpoint = reply.Json;
            await TaskWorld.UntilAsync(async () =>
            {
                checkpoint = (await Vaults.GetAsync("checkpoints/" + id)).Json["checkpoint"]!;
                return (string?)checkpoint["status"] != "protecting";
            });
            JsonNode row = Assert.Single((await Vaults.GetAsync("backups?checkpoint_id=" + id)).Json["backups"]!.AsArray())!;
            string shown = (await LogOfAsync(row)).ToJsonString();
            Assert.True((string?)checkpoint["status"] == expected, shown);
            return (await Vaults.GetAsync("backups/" + (string)row["id"]!)).Json["backup"]!;
        }

        public async Task<JsonNode> LogOfAsync(JsonNode backup) =>
            (await Vaults.GetAsync("operation-logs?operation_type=backup")).Json["operation_logs"]!.AsArray()
                .Single(log => (string?)log!["extra_info"]!["backup"]!["backup_id"] == (string?)backup["id"])!;

        public async Task RestoreServerAsync(JsonNode backup, string serverId, string[] diskIds)
        {
            var mappings = backup["children"]!.AsArray()
                .Select(child => new { backup_id = (string)child!["id"]!, volume_id = diskIds.Single(id => id == (string?)child["resource_id"]) });
            await RestoreAsync((string)backup["id"]!, new { server_id = serverId, mappings });
        }

        public async Task RestoreAsync(string backup, object restore)
        {
            TestReply reply = await Vaults.PostAsync($"backups/{backup}/restore", new { restore });
            Assert.True(reply.Status == 202, reply.Text);
            JsonNode log = await EndOfAsync((string)reply.Json["job_id"]!);
            Assert.True((string?)log["status"] == "success", log.ToJsonString());
        }

        public async Task<JsonNode> EndOfAsync(string taskId)
        {
            JsonNode? log = null;
            await TaskWorld.UntilAsync(async () =>
            {
                log = (await Vaults.GetAsync("operation-logs/" + taskId)).Json["operation_log"]!;
                return (string?)log["status"] is not ("waiting" or "running");
            });
            return log!;
        }

        public async Task<int> UsedMbAsync(string vault) => (int)(await Vaults.ShowAsync(vault))["billing"]!["used"]!;

        /// <summary>Objects of this project in the store, of one kind.</summary>
        public IEnumerable<string> Objects(string kind) =>
            Directory.EnumerateFiles(
                Path.Combine(Server.TestDatabase.DataDirectory, "repository", "domains", Vaults.ProjectId, kind), "*", SearchOption.AllDirectories);

        public Task<long> StoredBytesAsync() => Task.FromResult(Objects("packs").Sum(file => new FileInfo(file).Length));

        private static byte[] Bytes(int count, int seed)
        {
            byte[] bytes = new byte[count];
            new Random(seed).NextBytes(bytes);
            return bytes;
        }

        private static IEnumerable<string> FilesOf(string path) => Directory.Exists(path)
            ? Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories)
                .Where(entry => !Directory.Exists(entry) || new FileInfo(entry).LinkTarget is not null)
                .Order(StringComparer.Ordinal)
            : [path];
    }
}

public sealed class EndToEndOnSqliteTests(SqliteServer server) : EndToEndTests(server), IClassFixture<SqliteServer>;

public sealed class EndToEndOnPostgresTests : EndToEndTests, IClassFixture<PostgresServer>
{
    public EndToEndOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
