using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>A project of its own with vaults to back up, and short ways to do it over HTTP.</summary>
internal sealed class TaskWorld
{
    private TaskWorld(ServerFixture server, VaultWorld vaults)
    {
        Server = server;
        Vaults = vaults;
        Engine = ((ITaskServer)server).Engine;
    }

    public ServerFixture Server { get; }

    public VaultWorld Vaults { get; }

    public FakeEngine Engine { get; }

    public string ProjectId => Vaults.ProjectId;

    public static async Task<TaskWorld> NewAsync(ServerFixture server) => new(server, await VaultWorld.NewAsync(server));

    /// <summary>The same project with a token that has all its time before it.</summary>
    public async Task<TaskWorld> RenewedAsync() => new(Server, Vaults.As(await Server.CallerAsync(ProjectId, "admin")));

    /// <summary>A vault with one disk in it.</summary>
    public async Task<(string Vault, string Disk)> DiskVaultAsync(long sizeBytes = VaultWorld.Gb)
    {
        string vault = await Vaults.VaultAsync("disk");
        string disk = await Vaults.NewDiskAsync("disk-1", sizeBytes);
        await AddAsync(vault, VaultWorld.Disk(disk));
        return (vault, disk);
    }

    /// <summary>A vault with one server of so many disks in it.</summary>
    public async Task<(string Vault, string Server, string[] Disks)> ServerVaultAsync(int diskCount = 2)
    {
        string vault = await Vaults.VaultAsync("server");
        (string server, string[] disks) = await Vaults.NewServerAsync(Enumerable.Repeat(VaultWorld.Gb, diskCount).ToArray());
        await AddAsync(vault, VaultWorld.ServerOf(server));
        return (vault, server, disks);
    }

    public async Task AddAsync(string vault, params JsonObject[] resources)
    {
        TestReply reply = await Vaults.AddAsync(vault, resources);
        Assert.True(reply.Status == 200, reply.Text);
    }

    public Task<TestReply> CheckpointAsync(string vault, object? parameters = null) =>
        Vaults.PostAsync("checkpoints", new { checkpoint = new { vault_id = vault, parameters = parameters ?? new { } } });

    /// <summary>Makes a checkpoint and waits until all its tasks have ended.</summary>
    /// <returns>The checkpoint's id, and the ids of its backups in the order of the vault.</returns>
    public async Task<(string Id, string[] Backups)> ProtectAsync(string vault, object? parameters = null)
    {
        Server.Time.Advance(TimeSpan.FromMilliseconds(10));
        TestReply reply = await CheckpointAsync(vault, parameters);
        Assert.True(reply.Status == 200, reply.Text);
        string id = (string)reply.Json["checkpoint"]!["id"]!;
        await UntilAsync(async () => (string?)(await GetAsync("checkpoints/" + id))["checkpoint"]!["status"] != "protecting");
        JsonArray rows = await BackupsAsync($"checkpoint_id={id}&sort=name:asc");
        return (id, rows.Select(row => (string)row!["id"]!).ToArray());
    }

    public async Task<JsonArray> BackupsAsync(string query) => (await GetAsync("backups?" + query))["backups"]!.AsArray();

    public async Task<JsonNode> BackupAsync(string id) => (await GetAsync("backups/" + id))["backup"]!;

    public async Task<JsonArray> LogsAsync(string query = "") => (await GetAsync("operation-logs?" + query))["operation_logs"]!.AsArray();

    public async Task<JsonNode> TaskAsync(string id)
    {
        TestReply reply = await Server.GetAsync(Vaults.Caller, $"/strongroom/v1/{{project_id}}/tasks/{id}");
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json["task"]!;
    }

    public async Task<string> ProtectStatusAsync(string vault, string resource) =>
        (string)(await Vaults.ShowAsync(vault))["resources"]!.AsArray().Single(row => (string?)row!["id"] == resource)!["protect_status"]!;

    public Task<TestReply> RestoreAsync(string backup, object restore) => Vaults.PostAsync($"backups/{backup}/restore", new { restore });

    /// <summary>Waits for a task's end.</summary>
    public async Task<JsonNode> EndOfAsync(string taskId)
    {
        JsonNode? log = null;
        await UntilAsync(async () =>
        {
            log = (await GetAsync("operation-logs/" + taskId))["operation_log"]!;
            return (string?)log["status"] is not ("waiting" or "running");
        });
        return log!;
    }

    public async Task<JsonNode> GetAsync(string path)
    {
        TestReply reply = await Vaults.GetAsync(path);
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json;
    }

    /// <summary>Asks again until it holds; what is waited for happens on other threads of this process, in milliseconds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await holds())
            await Task.Delay(5, limit.Token);
    }
}
