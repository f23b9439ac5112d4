using System.Text.Json.Nodes;
using Strongroom.Contract.Resources;

namespace Strongroom.Server.Tests.Vaults;

/// <summary>A project of its own with somebody who administers it, and short ways to make what vault tests need.</summary>
public sealed class VaultWorld
{
    public const string UnknownId = "00000000-1111-4222-8333-444444444444";
    public const long Gb = 1L << 30;

    private readonly string directory;
    private int fileCount;

    private VaultWorld(ServerFixture server, TestCaller caller)
    {
        Server = server;
        Caller = caller;
        directory = Directory.CreateDirectory(Path.Combine(TempDirectory, caller.ProjectId)).FullName;
    }

    public ServerFixture Server { get; }

    public TestCaller Caller { get; }

    public string ProjectId => Caller.ProjectId;

    private static string TempDirectory { get; } = CreateTempDirectory();

    public static async Task<VaultWorld> NewAsync(ServerFixture server) =>
        new(server, await server.CallerAsync(await server.NewProjectIdAsync(), "admin"));

    /// <summary>The same project, spoken for by another token.</summary>
    public VaultWorld As(TestCaller caller) => new(Server, caller);

    public Task<TestReply> GetAsync(string path) => Server.GetAsync(Caller, "/v3/{project_id}/" + path);

    public Task<TestReply> PostAsync(string path, object? body) => Server.PostAsync(Caller, "/v3/{project_id}/" + path, body);

    public Task<TestReply> PutAsync(string path, object? body) => Server.PutAsync(Caller, "/v3/{project_id}/" + path, body);

    public Task<TestReply> DeleteAsync(string path) => Server.DeleteAsync(Caller, "/v3/{project_id}/" + path);

    public static JsonObject VaultBody(string objectType = "disk", int sizeGb = 100, string name = "vault-1", string protectType = "backup") => new()
    {
        ["name"] = name,
        ["billing"] = new JsonObject
        {
            ["object_type"] = objectType,
            ["protect_type"] = protectType,
            ["consistent_level"] = "crash_consistent",
            ["size"] = sizeGb,
        },
        ["resources"] = new JsonArray(),
    };

    public Task<TestReply> CreateAsync(JsonObject vault) => PostAsync("vaults", new JsonObject { ["vault"] = vault.DeepClone() });

    /// <summary>The id of a new vault; the clock moves, so that vaults have an order.</summary>
    public async Task<string> VaultAsync(string objectType = "disk", int sizeGb = 100, string name = "vault-1", string protectType = "backup")
    {
        Server.Time.Advance(TimeSpan.FromSeconds(1));
        TestReply reply = await CreateAsync(VaultBody(objectType, sizeGb, name, protectType));
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["vault"]!["id"]!;
    }

    public async Task<JsonNode> ShowAsync(string vaultId)
    {
        TestReply reply = await GetAsync("vaults/" + vaultId);
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json["vault"]!;
    }

    public Task<TestReply> AddAsync(string vaultId, params JsonObject[] resources) =>
        PostAsync($"vaults/{vaultId}/addresources", new JsonObject { ["resources"] = new JsonArray(resources.Select(resource => resource.DeepClone()).ToArray()) });

    public Task<TestReply> RemoveAsync(string vaultId, params string[] ids) => PostAsync($"vaults/{vaultId}/removeresources", new { resource_ids = ids });

    public static JsonObject Named(string id, string type) => new() { ["id"] = id, ["type"] = type };

    public static JsonObject Disk(string id) => Named(id, ResourceTypes.Disk);

    public static JsonObject ServerOf(string id, params string[] excluded)
    {
        JsonObject server = Named(id, ResourceTypes.Server);
        if (excluded.Length > 0)
            server["extra_info"] = new JsonObject { ["exclude_volumes"] = new JsonArray(excluded.Select(disk => (JsonNode)disk).ToArray()) };
        return server;
    }

    public static JsonObject FileSystem(string id) => Named(id, ResourceTypes.FileSystem);

    /// <summary>A sparse image file.</summary>
    public string ImageFile(long sizeBytes = 1)
    {
        string path = Path.Combine(directory, $"image-{Interlocked.Increment(ref fileCount)}");
        using FileStream file = File.Create(path);
        file.SetLength(sizeBytes);
        return path;
    }

    public string NewDirectory() => Directory.CreateDirectory(Path.Combine(directory, $"tree-{Interlocked.Increment(ref fileCount)}")).FullName;

    public Task<TestReply> RegisterAsync(object resource) =>
        Server.PostAsync(Caller, "/strongroom/v1/{project_id}/resources", new { resource });

    public async Task<string> NewDiskAsync(string name = "disk", long sizeBytes = 1, string? serverId = null)
    {
        TestReply reply = await RegisterAsync(new { type = ResourceTypes.Disk, name, path = ImageFile(sizeBytes), server_id = serverId });
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["resource"]!["id"]!;
    }

    public async Task<string> NewFileSystemAsync(string name = "files")
    {
        TestReply reply = await RegisterAsync(new { type = ResourceTypes.FileSystem, name, path = NewDirectory() });
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["resource"]!["id"]!;
    }

    /// <summary>A server, and its disks in order.</summary>
    public async Task<(string Id, string[] Disks)> NewServerAsync(params long[] diskBytes)
    {
        TestReply reply = await RegisterAsync(
            new { type = ResourceTypes.Server, name = "web", disks = diskBytes.Select(size => new { path = ImageFile(size) }) });
        Assert.True(reply.Status == 200, reply.Text);
        JsonNode server = reply.Json["resource"]!;
        return ((string)server["id"]!, [.. server["disks"]!.AsArray().Select(disk => (string)disk!["id"]!)]);
    }

    /// <summary>Many disks of one GB.</summary>
    public async Task<string[]> NewDisksAsync(int count)
    {
        string path = ImageFile();
        var ids = new List<string>(count);
        for (int i = 0; i < count; i++)
        {
            TestReply reply = await RegisterAsync(new { type = ResourceTypes.Disk, name = $"disk-{i}", path });
            ids.Add((string)reply.Json["resource"]!["id"]!);
        }

        return [.. ids];
    }

    public static void AssertRefused(TestReply reply, int status, string code, params string[] messageParts)
    {
        Assert.True(reply.Status == status && reply.ErrorCode == "BackupService." + code, $"expected {status} {code}, got {reply.Status}: {reply.Text}");
        Assert.NotEmpty(reply.Message.Headers.GetValues("X-Request-Id").Single());
        foreach (string part in messageParts)
            Assert.Contains(part, reply.ErrorMessage, StringComparison.Ordinal);
    }

    private static string CreateTempDirectory()
    {
        string path = Directory.CreateTempSubdirectory("strongroom-vaults-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(path, recursive: true);
        return path;
    }
}
