using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Strongroom.Contract.Resources;
using Strongroom.Server.Notifications;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Notifications;

/// <summary>
/// What other systems have called a success: a part that failed, a source that was empty, a store that was full. Over HTTP, with
/// the real runner, repository and files: each ends as a task that is none, is counted, and is told.
/// </summary>
public sealed class SilentFailureTests(SilentFailureTests.SmallStoreServer server) : IClassFixture<SilentFailureTests.SmallStoreServer>
{
    private const int StoreMb = 24;

    [Fact]
    public async Task A_server_of_which_one_of_two_disks_cannot_be_read()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string[] disks = [Image(world, 1 << 20), Image(world, 1 << 20)];
        string id = await RegisterAsync(world, new { type = ResourceTypes.Server, name = "web", disks = disks.Select(path => new { path }) });
        string vault = await VaultAsync(world, "server", VaultWorld.ServerOf(id));
        File.Delete(disks[1]);

        await FailsCountsAndTellsAsync(world, vault, Path.GetFileName(disks[1]));
    }

    [Fact]
    public async Task A_source_that_is_not_mounted_any_more()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string tree = world.NewDirectory();
        for (int i = 0; i < 10; i++)
            File.WriteAllText(Path.Combine(tree, $"file-{i}"), $"content {i}");
        string id = await RegisterAsync(world, new { type = ResourceTypes.FileSystem, name = "files", path = tree });
        string vault = await VaultAsync(world, "turbo", VaultWorld.FileSystem(id));
        Assert.Equal("success", (string?)(await ProtectAsync(world, vault))["status"]);
        // What is left of it then: the directory, and nothing in it.
        Directory.Delete(tree, recursive: true);
        Directory.CreateDirectory(tree);

        await FailsCountsAndTellsAsync(world, vault, "mounted");
    }

    [Fact]
    public async Task A_store_that_takes_nothing_more()
    {
        Assert.SkipUnless(server.IsLimited, "Needs root, to mount a small file system for the store.");
        VaultWorld world = await VaultWorld.NewAsync(server);
        string id = await RegisterAsync(world, new { type = ResourceTypes.Disk, name = "disk", path = Image(world, 2 * StoreMb << 20) });
        string vault = await VaultAsync(world, "disk", VaultWorld.Disk(id));

        await FailsCountsAndTellsAsync(world, vault, "object store");
    }

    [Fact]
    public async Task A_device_that_fails_in_the_middle_of_being_read()
    {
        Assert.SkipUnless(server.IsLimited, "Needs root, to attach a block device.");
        VaultWorld world = await VaultWorld.NewAsync(server);
        string image = Image(world, 4 << 20);
        string device = await OutputAsync("losetup", "--find", "--show", image);
        try
        {
            string id = await RegisterAsync(world, new { type = ResourceTypes.Disk, name = "disk", path = device });
            string vault = await VaultAsync(world, "disk", VaultWorld.Disk(id));
            // The device is as large as it was, and gives EIO from here on.
            await OutputAsync("truncate", "--size", "1M", image);

            await FailsCountsAndTellsAsync(world, vault, device);
        }
        finally
        {
            await OutputAsync("losetup", "--detach", device);
        }
    }

    private static async Task<string> OutputAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}");
        return output.Trim();
    }

    private async Task FailsCountsAndTellsAsync(VaultWorld world, string vault, string cause)
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        TestReply target = await server.PostAsync(
            world.Caller, "/strongroom/v1/{project_id}/notifications/targets", new { target = new { name = "ops", kind = "webhook", url = receiver.Url } });
        Assert.True(target.Status == 200, target.Text);
        long before = await FailedCountAsync();

        JsonNode log = await ProtectAsync(world, vault);
        await using var sender = new Sender(server, new NotificationOptions { AllowPrivateTargets = true }, server.Time, null);
        await sender.SendAsync();

        string message = (string)log["error_info"]!["message"]!;
        Assert.Equal("failed", (string?)log["status"]);
        Assert.Contains(cause, message, StringComparison.Ordinal);
        Assert.True(await FailedCountAsync() > before, "the metric has not counted it");
        ReceivedWebhook told = Assert.Single(receiver.Received);
        Assert.Equal(("task_failed", (string)log["id"]!), (told.Type, (string)told.Json["task"]!["id"]!));
        Assert.Contains(message, (string)told.Json["text"]!, StringComparison.Ordinal);
    }

    private async Task<long> FailedCountAsync()
    {
        const string series = "cbr_task_duration_seconds_count{type=\"backup\",result=\"failed\"} ";
        string? line = (await server.GetAsync(null, "/metrics")).Text.Split('\n').FirstOrDefault(line => line.StartsWith(series, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[series.Length..], CultureInfo.InvariantCulture);
    }

    private static string Image(VaultWorld world, int bytes)
    {
        string path = world.ImageFile();
        byte[] content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        File.WriteAllBytes(path, content);
        return path;
    }

    private static async Task<string> RegisterAsync(VaultWorld world, object resource)
    {
        TestReply reply = await world.RegisterAsync(resource);
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["resource"]!["id"]!;
    }

    private static async Task<string> VaultAsync(VaultWorld world, string objectType, JsonObject resource)
    {
        string vault = await world.VaultAsync(objectType);
        TestReply reply = await world.AddAsync(vault, resource);
        Assert.True(reply.Status == 200, reply.Text);
        return vault;
    }

    /// <summary>The operation log of the vault's next backup, when it has ended.</summary>
    private static async Task<JsonNode> ProtectAsync(VaultWorld world, string vault)
    {
        world.Server.Time.Advance(TimeSpan.FromSeconds(1));
        TestReply reply = await world.PostAsync("checkpoints", new { checkpoint = new { vault_id = vault } });
        Assert.True(reply.Status == 200, reply.Text);
        JsonNode? log = null;
        await TaskWorld.UntilAsync(async () =>
        {
            JsonArray logs = (await world.GetAsync("operation-logs?operation_type=backup&sort=created_at:desc&vault_id=" + vault)).Json["operation_logs"]!.AsArray();
            log = logs.Count == 0 ? null : logs[0];
            return (string?)log?["checkpoint_id"] == (string)reply.Json["checkpoint"]!["id"]! && (string?)log?["status"] is not ("waiting" or "running");
        });
        return log!;
    }

    /// <summary>The real data plane, on a store of a few MiB.</summary>
    public sealed class SmallStoreServer : SqliteServer, IAsyncLifetime
    {
        private string? mounted;

        public bool IsLimited => mounted is not null;

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            await DisposeAsync();
            if (mounted is null)
                return;
            await RunAsync("umount", mounted);
            Directory.Delete(mounted);
        }

        protected override void Configure(ServerOptions options)
        {
            SqliteTellingServer.LetTheTestTell(options);
            if (mounted is not null)
                options.ObjectStore = options.ObjectStore with { Url = "file:" + mounted };
        }

        protected override async Task<TestDatabase?> CreateDatabaseAsync()
        {
            string path = Directory.CreateTempSubdirectory("strongroom-small-store-").FullName;
            if (Environment.UserName == "root" && await RunAsync("mount", "-t", "tmpfs", "-o", $"size={StoreMb}m", "tmpfs", path))
                mounted = path;
            else
                Directory.Delete(path);
            return await base.CreateDatabaseAsync();
        }

        private static async Task<bool> RunAsync(string program, params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode == 0;
        }
    }
}
