using System.Text.Json.Nodes;
using Strongroom.Protection;
using Strongroom.Server.Database;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Checkpoints;

public abstract class CheckpointTests(ServerFixture server)
{
    [Fact]
    public async Task A_checkpoint_answers_at_once_and_lists_what_it_took()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync();
        Gate gate = world.Engine.Hold(serverId);

        TestReply reply = await world.CheckpointAsync(
            vault, new { name = "before-upgrade", description = "kernel 6.1", incremental = true, resources = new[] { serverId } });

        Assert.Equal(200, reply.Status);
        string id = (string)reply.Json["checkpoint"]!["id"]!;
        GoldenReply.AssertMatches(
            "CreateCheckpoint.json", reply.Text, (id, "{checkpoint}"), (world.ProjectId, "{project}"), (vault, "{vault}"), (serverId, "{server}"));
        await gate.Reached;
        Assert.Equal("protecting", await world.ProtectStatusAsync(vault, serverId));
        Assert.Equal("protecting", (string?)(await world.GetAsync("checkpoints/" + id))["checkpoint"]!["status"]);
        Assert.Equal("protecting", (string?)Assert.Single(await world.BackupsAsync($"checkpoint_id={id}"))!["status"]);
        gate.Open();
        await TaskWorld.UntilAsync(async () => (string?)(await world.GetAsync("checkpoints/" + id))["checkpoint"]!["status"] == "available");
        Assert.Equal("available", await world.ProtectStatusAsync(vault, serverId));
    }

    [Fact]
    public async Task A_finished_checkpoint_shows_sizes_and_counts_as_strings()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, _) = await world.ServerVaultAsync();

        (string id, _) = await world.ProtectAsync(vault, new { name = "n" });

        TestReply reply = await world.Vaults.GetAsync("checkpoints/" + id);
        GoldenReply.AssertMatches(
            "ShowCheckpoint.json", reply.Text, (id, "{checkpoint}"), (world.ProjectId, "{project}"), (vault, "{vault}"), (serverId, "{server}"));
    }

    [Fact]
    public async Task A_server_is_one_backup_with_one_beneath_it_per_disk_read_by_one_run()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync(3);

        (_, string[] backups) = await world.ProtectAsync(vault);

        JsonNode parent = await world.BackupAsync(Assert.Single(backups));
        JsonArray children = parent["children"]!.AsArray();
        Assert.Equal(disks, children.Select(child => (string)child!["resource_id"]!));
        Assert.All(children, child => Assert.Equal((string?)parent["id"], (string?)child!["parent_id"]));
        Assert.All(children, child => Assert.Equal("available", (string?)child!["status"]));
        BackupRequest run = Assert.Single(world.Engine.Backups, run => run.ResourceId == serverId);
        Assert.Equal((string?)parent["id"], run.BackupId);
        Assert.Equal(world.ProjectId, run.DomainId);
        Assert.Equal(children.Select(child => (string)child!["id"]!), run.Members.Select(member => member.MemberId));
        Assert.Equal(disks, run.Members.Select(member => member.ResourceId));
        Assert.All(run.Members, member => Assert.True(File.Exists(member.Location)));
    }

    [Fact]
    public async Task Excluded_disks_are_left_out_by_the_vault_and_by_the_call()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync(4);
        await world.AddAsync(vault, VaultWorld.ServerOf(serverId, disks[1]));

        (_, string[] backups) = await world.ProtectAsync(
            vault, new { resource_details = new[] { new { id = serverId, type = "OS::Nova::Server", extra_info = new { exclude_volumes = new[] { disks[0] } } } } });

        JsonNode parent = await world.BackupAsync(Assert.Single(backups));
        Assert.Equal(disks[2..], parent["children"]!.AsArray().Select(child => (string)child!["resource_id"]!));
        Assert.False((bool)parent["extend_info"]!["contain_system_disk"]!);
        Assert.Equal(2, (int)parent["resource_size"]!);
        TestReply none = await world.CheckpointAsync(
            vault, new { resource_details = new { id = serverId, extra_info = new { exclude_volumes = disks } } });
        VaultWorld.AssertRefused(none, 400, "0001", serverId);
        TestReply strange = await world.CheckpointAsync(
            vault, new { resource_details = new { id = serverId, extra_info = new { exclude_volumes = new[] { VaultWorld.UnknownId } } } });
        VaultWorld.AssertRefused(strange, 400, "9900", VaultWorld.UnknownId);
    }

    [Fact]
    public async Task Included_disks_are_taken_alone()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync(3);

        (_, string[] backups) = await world.ProtectAsync(
            vault, new { resource_details = new[] { new { id = serverId, extra_info = new { include_volumes = new[] { new { id = disks[0] } } } } } });

        JsonNode parent = await world.BackupAsync(Assert.Single(backups));
        Assert.Equal([disks[0]], parent["children"]!.AsArray().Select(child => (string)child!["resource_id"]!));
        Assert.True((bool)parent["extend_info"]!["contain_system_disk"]!);
    }

    [Fact]
    public async Task Names_are_as_asked_for_numbered_over_several_resources_and_made_up_when_absent()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        await world.AddAsync(vault, VaultWorld.Disk(await world.Vaults.NewDiskAsync("disk-2")));

        (_, string[] named) = await world.ProtectAsync(vault, new { name = "nightly" });
        (_, string[] manual) = await world.ProtectAsync(vault);
        (_, string[] automatic) = await world.ProtectAsync(vault, new { auto_trigger = true });
        (_, string[] longest) = await world.ProtectAsync(vault, new { name = new string('x', 64) });

        Assert.Equal(["nightly_0001", "nightly_0002"], await NamesAsync(world, named));
        Assert.All(await NamesAsync(world, manual), name => Assert.Matches("^manualbk_[0-9a-f]{4}_000[12]$", name));
        Assert.All(await NamesAsync(world, automatic), name => Assert.Matches("^autobk_[0-9a-f]{4}_000[12]$", name));
        Assert.All(await NamesAsync(world, longest), name => Assert.Matches("^x{59}_000[12]$", name));
        JsonNode backup = await world.BackupAsync(automatic[0]);
        Assert.True((bool)backup["extend_info"]!["auto_trigger"]!);
    }

    [Fact]
    public async Task A_servers_disks_are_named_after_its_backup_and_itself()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, _) = await world.ServerVaultAsync();

        (_, string[] backups) = await world.ProtectAsync(vault, new { name = "n" });

        JsonNode parent = await world.BackupAsync(Assert.Single(backups));
        Assert.Equal("n", (string?)parent["name"]);
        Assert.All(parent["children"]!.AsArray(), child => Assert.Equal("n_web", (string?)child!["name"]));
    }

    [Fact]
    public async Task The_row_says_incremental_as_asked_and_the_run_is_told()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();

        (_, string[] first) = await world.ProtectAsync(vault, new { incremental = true });
        (_, string[] full) = await world.ProtectAsync(vault, new { incremental = false });

        Assert.True((bool)(await world.BackupAsync(first[0]))["incremental"]!);
        JsonNode row = await world.BackupAsync(full[0]);
        Assert.False((bool)row["incremental"]!);
        Assert.False((bool)row["extend_info"]!["incremental"]!);
        Assert.Equal([true, false], world.Engine.Backups.Where(run => run.ResourceId == disk).Select(run => run.Incremental));
    }

    [Fact]
    public async Task A_busy_resource_is_skipped_while_others_are_taken()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string busy) = await world.DiskVaultAsync();
        string free = await world.Vaults.NewDiskAsync("disk-2");
        Gate gate = world.Engine.Hold(busy);
        TestReply first = await world.CheckpointAsync(vault);
        Assert.Equal(200, first.Status);
        await gate.Reached;
        await world.AddAsync(vault, VaultWorld.Disk(free));

        TestReply second = await world.CheckpointAsync(vault);
        TestReply third = await world.CheckpointAsync(vault, new { resources = new[] { busy } });
        gate.Open();

        Assert.Equal(200, second.Status);
        JsonNode shape = second.Json["checkpoint"]!["vault"]!;
        Assert.Equal([free], shape["resources"]!.AsArray().Select(resource => (string)resource!["id"]!));
        JsonNode skipped = Assert.Single(shape["skipped_resources"]!.AsArray())!;
        Assert.Equal((busy, "BackupService.6125"), ((string)skipped["id"]!, (string)skipped["code"]!));
        VaultWorld.AssertRefused(third, 400, "1001", busy);
    }

    [Fact]
    public async Task A_resource_being_restored_is_not_backed_up()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        Gate gate = world.Engine.HoldRestore(backups[0]);
        Assert.Equal(202, (await world.RestoreAsync(backups[0], new { volume_id = disk })).Status);

        TestReply reply = await world.CheckpointAsync(vault);
        gate.Open();

        VaultWorld.AssertRefused(reply, 400, "2010", disk);
    }

    [Fact]
    public async Task An_unregistered_resource_is_skipped_with_the_code_of_its_kind()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        await world.Vaults.Server.DeleteAsync(world.Vaults.Caller, "/strongroom/v1/{project_id}/resources/" + disk);

        TestReply alone = await world.CheckpointAsync(vault);
        string other = await world.Vaults.NewDiskAsync("other");
        await world.AddAsync(vault, VaultWorld.Disk(other));
        TestReply beside = await world.CheckpointAsync(vault);

        VaultWorld.AssertRefused(alone, 400, "0001", disk);
        Assert.Equal("BackupService.7000", (string?)Assert.Single(beside.Json["checkpoint"]!["vault"]!["skipped_resources"]!.AsArray())!["code"]);
    }

    [Fact]
    public async Task Vaults_that_cannot_take_a_backup_refuse_with_their_own_code()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string empty = await world.Vaults.VaultAsync();
        string replicas = await world.Vaults.VaultAsync("server", protectType: "replication");
        (string frozen, string disk) = await world.DiskVaultAsync();
        await server.Database.WriteAsync(async session => { await session.ExecuteAsync($"update vaults set status = 'frozen' where id = {frozen}", default); }, default);
        (string full, _) = await world.DiskVaultAsync();
        await server.Database.WriteAsync(async session => { await session.ExecuteAsync($"update vaults set used_bytes = {100 * VaultWorld.Gb} where id = {full}", default); }, default);

        VaultWorld.AssertRefused(await world.CheckpointAsync(VaultWorld.UnknownId), 404, "6105", VaultWorld.UnknownId);
        VaultWorld.AssertRefused(await world.CheckpointAsync(empty), 400, "0001", empty);
        VaultWorld.AssertRefused(await world.CheckpointAsync(replicas), 400, "6124", replicas);
        VaultWorld.AssertRefused(await world.CheckpointAsync(frozen), 400, "6113", frozen, "frozen");
        VaultWorld.AssertRefused(await world.CheckpointAsync(full), 400, "6114", full);
        VaultWorld.AssertRefused(await world.CheckpointAsync(full, new { resources = new[] { disk } }), 400, "6114");
        Assert.Equal(0, (int)(await world.GetAsync("backups"))["count"]!);
        Assert.Equal(0, (int)(await world.GetAsync("operation-logs?operation_type=backup"))["count"]!);
    }

    [Fact]
    public async Task A_resource_that_is_not_in_the_vault_is_refused_by_its_id()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();

        VaultWorld.AssertRefused(await world.CheckpointAsync(vault, new { resources = new[] { VaultWorld.UnknownId } }), 400, "6135", VaultWorld.UnknownId);
    }

    [Theory]
    [InlineData("""{}""", "checkpoint")]
    [InlineData("""{"checkpoint":null}""", "checkpoint")]
    [InlineData("""{"checkpoint":[]}""", "checkpoint")]
    [InlineData("""{"checkpoint":{}}""", "vault_id")]
    [InlineData("""{"checkpoint":{"vault_id":7}}""", "vault_id")]
    [InlineData("""{"checkpoint":{"vault_id":"x"}}""", "vault_id")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":[]}}""", "parameters")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"name":""}}}""", "name")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"name":"a b"}}}""", "name")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"name":"65"}}}""", "name")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"description":"<b>"}}}""", "description")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"description":"256"}}}""", "description")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"auto_trigger":"true"}}}""", "auto_trigger")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"incremental":1}}}""", "incremental")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"resources":"x"}}}""", "resources")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"resources":["x"]}}}""", "resources[0]")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"resource_details":[{"type":"OS::Nova::Server"}]}}}""", "resource_details[0].id")]
    [InlineData("""{"checkpoint":{"vault_id":"V","parameters":{"policy_id":"x"}}}""", "policy_id")]
    public async Task A_malformed_body_is_9900_and_names_the_member(string body, string member)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        body = body.Replace("\"V\"", $"\"{vault}\"", StringComparison.Ordinal)
            .Replace("\"65\"", $"\"{new string('n', 65)}\"", StringComparison.Ordinal)
            .Replace("\"256\"", $"\"{new string('d', 256)}\"", StringComparison.Ordinal);

        VaultWorld.AssertRefused(await world.Vaults.PostAsync("checkpoints", body), 400, "9900", member);
    }

    [Fact]
    public async Task What_clients_send_besides_is_ignored()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();

        TestReply reply = await world.Vaults.PostAsync(
            "checkpoints",
            """{"checkpoint":{"vault_id":"V","name":"stray","_":1,"parameters":{"name":null,"resource_details":{"id":"D","type":"OS::Cinder::Volume"},"odd":{}}}}"""
                .Replace("\"V\"", $"\"{vault}\"", StringComparison.Ordinal).Replace("\"D\"", $"\"{disk}\"", StringComparison.Ordinal));

        Assert.Equal(200, reply.Status);
    }

    [Fact]
    public async Task A_checkpoint_that_failed_as_a_whole_is_error_and_one_in_part_is_available()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string bad) = await world.DiskVaultAsync();
        world.Engine.OnBackup(bad, _ => throw new InvalidOperationException("no"));

        (string failed, _) = await world.ProtectAsync(vault);
        string good = await world.Vaults.NewDiskAsync("good");
        await world.AddAsync(vault, VaultWorld.Disk(good));
        (string mixed, _) = await world.ProtectAsync(vault);

        Assert.Equal("error", (string?)(await world.GetAsync("checkpoints/" + failed))["checkpoint"]!["status"]);
        Assert.Equal("available", (string?)(await world.GetAsync("checkpoints/" + mixed))["checkpoint"]!["status"]);
    }

    [Fact]
    public async Task A_checkpoint_is_gone_with_its_last_backup()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        await world.AddAsync(vault, VaultWorld.Disk(await world.Vaults.NewDiskAsync("disk-2")));
        (string id, string[] backups) = await world.ProtectAsync(vault);

        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + backups[0])).Status);
        JsonNode half = (await world.GetAsync("checkpoints/" + id))["checkpoint"]!;
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + backups[1])).Status);

        Assert.Single(half["vault"]!["resources"]!.AsArray());
        VaultWorld.AssertRefused(await world.Vaults.GetAsync("checkpoints/" + id), 404, "6217", id);
    }

    [Fact]
    public async Task Unknown_malformed_and_foreign_checkpoints_are_told_apart_only_by_shape()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TaskWorld other = await TaskWorld.NewAsync(server);
        (string vault, _) = await owner.DiskVaultAsync();
        (string id, _) = await owner.ProtectAsync(vault);

        VaultWorld.AssertRefused(await other.Vaults.GetAsync("checkpoints/" + VaultWorld.UnknownId), 404, "6217");
        VaultWorld.AssertRefused(await other.Vaults.GetAsync("checkpoints/" + id), 404, "6217");
        VaultWorld.AssertRefused(await other.Vaults.GetAsync("checkpoints/some-name"), 400, "9900", "some-name");
        VaultWorld.AssertRefused(await other.CheckpointAsync(vault), 404, "6105");
    }

    [Fact]
    public async Task Twenty_checkpoints_at_once_on_twenty_vaults_all_end_available()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        var vaults = new List<string>();
        for (int i = 0; i < 20; i++)
            vaults.Add((await world.DiskVaultAsync()).Vault);

        TestReply[] replies = await Task.WhenAll(vaults.Select(vault => world.CheckpointAsync(vault)));

        Assert.All(replies, reply => Assert.True(reply.Status == 200, reply.Text));
        await TaskWorld.UntilAsync(async () => (await world.BackupsAsync("status=available")).Count == 20);
        Assert.Equal(20, (await world.LogsAsync("operation_type=backup&status=success")).Count);
        Assert.Equal(20, world.Engine.Backups.Count(run => run.DomainId == world.ProjectId));
    }

    [Fact]
    public async Task Of_twenty_checkpoints_at_once_on_one_vault_exactly_one_is_taken()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        Gate gate = world.Engine.Hold(disk);

        TestReply[] replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => world.CheckpointAsync(vault)));
        gate.Open();

        Assert.Single(replies, reply => reply.Status == 200);
        Assert.All(replies.Where(reply => reply.Status != 200), reply => VaultWorld.AssertRefused(reply, 400, "1001"));
    }

    private static async Task<string[]> NamesAsync(TaskWorld world, string[] backups)
    {
        var names = new List<string>();
        foreach (string id in backups)
            names.Add((string)(await world.BackupAsync(id))["name"]!);
        return [.. names.Order(StringComparer.Ordinal)];
    }
}

public sealed class CheckpointOnSqliteTests(SqliteTaskServer server) : CheckpointTests(server), IClassFixture<SqliteTaskServer>;

public sealed class CheckpointOnPostgresTests : CheckpointTests, IClassFixture<PostgresTaskServer>
{
    public CheckpointOnPostgresTests(PostgresTaskServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
