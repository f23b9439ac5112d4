using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Backups;

public abstract class BackupTests(ServerFixture server)
{
    [Fact]
    public async Task A_servers_backup_shows_every_member_and_its_disks()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault, new { name = "before-upgrade", description = "kernel 6.1" });

        TestReply reply = await world.Vaults.GetAsync("backups/" + backups[0]);

        JsonArray children = reply.Json["backup"]!["children"]!.AsArray();
        GoldenReply.AssertMatches(
            "ShowBackup.server.json",
            reply.Text,
            (backups[0], "{backup}"), (checkpoint, "{checkpoint}"), (world.ProjectId, "{project}"), (vault, "{vault}"), (serverId, "{server}"),
            (disks[0], "{disk 0}"), (disks[1], "{disk 1}"),
            ((string)children[0]!["id"]!, "{child 0}"), ((string)children[1]!["id"]!, "{child 1}"));
    }

    [Fact]
    public async Task A_disks_backup_in_a_list_shows_every_member()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault, new { name = "n" });

        TestReply reply = await world.Vaults.GetAsync("backups");

        GoldenReply.AssertMatches(
            "ListBackups.disk.json",
            reply.Text,
            (backups[0], "{backup}"), (checkpoint, "{checkpoint}"), (world.ProjectId, "{project}"), (vault, "{vault}"), (disk, "{disk}"));
    }

    [Fact]
    public async Task A_disk_of_a_server_can_be_shown_by_its_own_id()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, string[] disks) = await world.ServerVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        JsonNode child = (await world.BackupAsync(backups[0]))["children"]![1]!;

        JsonNode shown = await world.BackupAsync((string)child["id"]!);

        Assert.Equal(child.ToJsonString(), shown.ToJsonString());
        Assert.Equal(disks[1], (string?)shown["resource_id"]);
        Assert.Equal(backups[0], (string?)shown["parent_id"]);
        Assert.Equal("0daac4c5-6707-4851-97ba-169e36266b66", (string?)shown["provider_id"]);
    }

    [Fact]
    public async Task The_second_backup_counts_only_what_changed()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, _) = await world.ServerVaultAsync(2);

        await world.ProtectAsync(vault);
        JsonNode first = await world.Vaults.ShowAsync(vault);
        await world.ProtectAsync(vault);
        JsonNode second = await world.Vaults.ShowAsync(vault);

        Assert.Equal((10, 10, 1), Usage(first, serverId));
        Assert.Equal((14, 14, 2), Usage(second, serverId));
    }

    [Fact]
    public async Task Deleting_gives_the_capacity_back_and_hides_the_backup_at_once()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, _) = await world.ServerVaultAsync(2);
        (_, string[] first) = await world.ProtectAsync(vault);
        (_, string[] second) = await world.ProtectAsync(vault);
        string child = (string)(await world.BackupAsync(first[0]))["children"]![0]!["id"]!;

        TestReply reply = await world.Vaults.DeleteAsync("backups/" + first[0]);

        Assert.Equal((204, ""), (reply.Status, reply.Text));
        VaultWorld.AssertRefused(await world.Vaults.GetAsync("backups/" + first[0]), 404, "6200", first[0]);
        VaultWorld.AssertRefused(await world.Vaults.GetAsync("backups/" + child), 404, "6200");
        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("backups/" + first[0]), 404, "6200");
        Assert.Equal(second, (await world.BackupsAsync("")).Select(row => (string)row!["id"]!));
        Assert.Empty(await world.BackupsAsync("parent_id=" + first[0]));
        Assert.Equal((4, 4, 1), Usage(await world.Vaults.ShowAsync(vault), serverId));
        JsonNode log = Assert.Single(await world.LogsAsync("operation_type=delete"))!;
        Assert.Equal("success", (string?)log["status"]);
        Assert.Equal(100, (int)log["extra_info"]!["common"]!["progress"]!);
        Assert.Equal(first[0], (string?)log["extra_info"]!["delete"]!["backup_id"]);
        Assert.NotNull((string?)log["ended_at"]);
    }

    [Fact]
    public async Task What_must_not_be_deleted_now_is_refused_with_the_documented_code()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync(2);
        (_, string[] first) = await world.ProtectAsync(vault);
        string child = (string)(await world.BackupAsync(first[0]))["children"]![0]!["id"]!;
        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("backups/" + child), 400, "6201", child);

        Gate making = world.Engine.Hold(serverId);
        Assert.Equal(200, (await world.CheckpointAsync(vault)).Status);
        await making.Reached;
        string running = (string)Assert.Single(await world.BackupsAsync("status=protecting"))!["id"]!;
        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("backups/" + running), 400, "6201", "protecting");
        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("backups/" + first[0]), 400, "6201", "newest");
        making.Open();
        await TaskWorld.UntilAsync(async () => (await world.BackupsAsync("status=protecting")).Count == 0);

        Gate restoring = world.Engine.HoldRestore(child);
        TestReply restore = await world.RestoreAsync(child, new { volume_id = disks[0] });
        Assert.True(restore.Status == 202, restore.Text);
        await restoring.Reached;
        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("backups/" + first[0]), 400, "6216", first[0]);
        restoring.Open();
        await world.EndOfAsync((string)restore.Json["job_id"]!);

        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + first[0])).Status);
    }

    [Fact]
    public async Task In_a_locked_vault_what_a_schedule_made_is_kept()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        (_, string[] automatic) = await world.ProtectAsync(vault, new { auto_trigger = true });
        (_, string[] manual) = await world.ProtectAsync(vault);
        Assert.Equal(200, (await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { locked = true } })).Status);

        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("backups/" + automatic[0]), 400, "6220", automatic[0]);
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + manual[0])).Status);
    }

    [Fact]
    public async Task A_failed_backup_shows_error_counts_nothing_and_can_be_deleted()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        world.Engine.OnBackup(disk, _ => throw new InvalidOperationException("no"));

        (_, string[] backups) = await world.ProtectAsync(vault);

        Assert.Equal("error", (string?)(await world.BackupAsync(backups[0]))["status"]);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
        Assert.Equal((0, 0, 0), Usage(await world.Vaults.ShowAsync(vault), disk));
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + backups[0])).Status);
        Assert.Equal((0, 0, 0), Usage(await world.Vaults.ShowAsync(vault), disk));
    }

    [Fact]
    public async Task A_backup_can_be_renamed_and_its_disks_keep_their_names()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, _) = await world.ServerVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault, new { name = "old" });
        server.Time.Advance(TimeSpan.FromSeconds(1));

        TestReply reply = await world.Vaults.PutAsync("backups/" + backups[0], new { backup = new { name = "名-new_2" }, _ = 1 });

        Assert.Equal(200, reply.Status);
        Assert.Equal(reply.Json["backup"]!.ToJsonString(), (await world.BackupAsync(backups[0])).ToJsonString());
        Assert.Equal("名-new_2", (string?)reply.Json["backup"]!["name"]);
        Assert.Equal("old_web", (string?)reply.Json["backup"]!["children"]![0]!["name"]);
        Assert.True(string.CompareOrdinal((string?)reply.Json["backup"]!["updated_at"], (string?)reply.Json["backup"]!["created_at"]) > 0);
        Assert.Single(await world.BackupsAsync("name=" + Uri.EscapeDataString("名-new_2")));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"backup":{}}""")]
    [InlineData("""{"backup":{"name":null}}""")]
    [InlineData("""{"backup":{"name":""}}""")]
    [InlineData("""{"backup":{"name":7}}""")]
    [InlineData("""{"backup":{"name":"a b"}}""")]
    [InlineData("""{"backup":{"name":"12345678901234567890123456789012345678901234567890123456789012345"}}""")]
    public async Task A_malformed_name_is_refused(string body)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault, new { name = "old" });

        VaultWorld.AssertRefused(await world.Vaults.PutAsync("backups/" + backups[0], body), 400, "9900", "backup");
        Assert.Equal("old", (string?)(await world.BackupAsync(backups[0]))["name"]);
    }

    [Fact]
    public async Task Metadata_is_text_that_holds_json()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);

        JsonNode metadata = await world.GetAsync($"backups/{backups[0]}/metadata");

        Assert.Equal(
            ["backup_id", "backups", "flavor", "floatingips", "interface", "ports", "server", "volumes"],
            metadata.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal));
        Assert.Equal(backups[0], (string?)metadata["backup_id"]);
        Assert.Equal((await world.BackupAsync(backups[0])).ToJsonString(), JsonNode.Parse((string)metadata["backups"]!)!.ToJsonString());
        Assert.Equal(serverId, (string?)JsonNode.Parse((string)metadata["server"]!)!["server"]!["id"]);
        Assert.Equal(disks, metadata["volumes"]!.AsArray().Select(volume => (string)JsonNode.Parse((string)volume!)!["volume"]!["id"]!));
        Assert.NotNull(JsonNode.Parse((string)metadata["flavor"]!)!["flavor"]);
        Assert.NotNull(JsonNode.Parse((string)metadata["interface"]!)!["interfaceAttachments"]);
    }

    [Fact]
    public async Task Metadata_needs_an_available_backup()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        world.Engine.OnBackup(disk, _ => throw new InvalidOperationException("no"));
        (_, string[] backups) = await world.ProtectAsync(vault);

        VaultWorld.AssertRefused(await world.Vaults.GetAsync($"backups/{backups[0]}/metadata"), 400, "6206", "error");
    }

    [Theory]
    [InlineData("GET", "", null)]
    [InlineData("GET", "/metadata", null)]
    [InlineData("PUT", "", """{"backup":{"name":"n"}}""")]
    [InlineData("DELETE", "", null)]
    [InlineData("POST", "/restore", """{"restore":{}}""")]
    public async Task Unknown_and_foreign_ids_are_404_and_malformed_ones_400(string method, string suffix, string? body)
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TaskWorld other = await TaskWorld.NewAsync(server);
        (string vault, _) = await owner.DiskVaultAsync();
        (_, string[] backups) = await owner.ProtectAsync(vault);

        Task<TestReply> SendAsync(string id) => server.SendAsync(other.Vaults.Caller, method, $"/v3/{{project_id}}/backups/{id}{suffix}", body);

        VaultWorld.AssertRefused(await SendAsync(VaultWorld.UnknownId), 404, "6200", VaultWorld.UnknownId);
        VaultWorld.AssertRefused(await SendAsync(backups[0]), 404, "6200", backups[0]);
        VaultWorld.AssertRefused(await SendAsync("my-backup"), 400, "9900", "my-backup");
        VaultWorld.AssertRefused(await SendAsync("ABCDEF00-1111-4222-8333-444444444444"), 400, "9900");
        Assert.Equal("available", (string?)(await owner.BackupAsync(backups[0]))["status"]);
    }

    [Fact]
    public async Task A_reader_lists_and_shows_and_nothing_else()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault);
        TestCaller reader = await server.CallerAsync(world.ProjectId, "cbr_reader");
        const string Path = "/v3/{project_id}/";

        Assert.Equal(200, (await server.GetAsync(reader, Path + "backups")).Status);
        Assert.Equal(200, (await server.GetAsync(reader, Path + "backups/" + backups[0])).Status);
        Assert.Equal(200, (await server.GetAsync(reader, Path + "checkpoints/" + checkpoint)).Status);
        Assert.Equal(200, (await server.GetAsync(reader, Path + "operation-logs")).Status);
        Assert.Equal(403, (await server.DeleteAsync(reader, Path + "backups/" + backups[0])).Status);
        Assert.Equal(403, (await server.PutAsync(reader, Path + "backups/" + backups[0], "{}")).Status);
        Assert.Equal(403, (await server.PostAsync(reader, Path + $"backups/{backups[0]}/restore", "{}")).Status);
        Assert.Equal(403, (await server.PostAsync(reader, Path + "checkpoints", "{}")).Status);
    }

    /// <summary>MB of the vault, MB and backups of the resource.</summary>
    private static (int VaultMb, int ResourceMb, int Count) Usage(JsonNode vault, string resource)
    {
        JsonNode binding = vault["resources"]!.AsArray().Single(row => (string?)row!["id"] == resource)!;
        return ((int)vault["billing"]!["used"]!, (int)binding["backup_size"]!, (int)binding["backup_count"]!);
    }
}

public sealed class BackupOnSqliteTests(SqliteTaskServer server) : BackupTests(server), IClassFixture<SqliteTaskServer>;

public sealed class BackupOnPostgresTests : BackupTests, IClassFixture<PostgresTaskServer>
{
    public BackupOnPostgresTests(PostgresTaskServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
