using System.Text.Json.Nodes;
using Strongroom.Server.Http;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Capabilities;

public sealed class CapabilityTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    private const string Unknown = VaultWorld.UnknownId;

    [Fact]
    public async Task Features_are_a_map_that_can_be_read_as_a_whole_in_parts_and_one_by_one()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        JsonObject all = (await world.GetAsync("cbr-features")).Json.AsObject();
        JsonObject part = (await world.GetAsync("cbr-features?limit=2&offset=1")).Json.AsObject();
        TestReply one = await world.GetAsync("cbr-features/replication.source_region");

        Assert.Equal("RegionOne", (string?)all["replication.source_region"]);
        Assert.False((bool)all["replication.enable"]!);
        Assert.Empty(all["replication.destination_regions"]!.AsArray());
        Assert.Equal(all.Select(feature => feature.Key).Skip(1).Take(2), part.Select(feature => feature.Key));
        Assert.Equal("""{"replication.source_region":"RegionOne"}""", one.Text);
        Assert.Empty((await world.GetAsync("cbr-features?offset=1000")).Json.AsObject());
        VaultWorld.AssertRefused(await world.GetAsync("cbr-features?offset=1001"), 400, "9900");
    }

    [Fact]
    public async Task An_unknown_feature_is_refused_with_a_bare_string()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        TestReply reply = await world.GetAsync("cbr-features/no.such");

        Assert.Equal(400, reply.Status);
        Assert.Contains("no.such", (string)reply.Json!, StringComparison.Ordinal);
        VaultWorld.AssertRefused(await world.GetAsync("cbr-features/" + new string('x', 256)), 400, "9900");
    }

    [Fact]
    public async Task There_is_nowhere_to_copy_to()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        Assert.Equal("""{"regions":[]}""", (await world.GetAsync("replication-capabilities")).Text);
    }

    [Fact]
    public async Task Servers_are_asked_for_their_agent_and_have_to_be_there()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        VaultWorld other = await VaultWorld.NewAsync(server);
        (string id, string[] disks) = await world.NewServerAsync(VaultWorld.Gb);

        TestReply reply = await CheckAsync(world, id, "OS::Nova::Server");

        Assert.Equal(
            $$"""{"agent_status":[{"resource_id":"{{id}}","installed":false,"is_old":null,"version":null,"code":null,"message":null}]}""", reply.Text);
        VaultWorld.AssertRefused(await CheckAsync(world, disks[0], "OS::Nova::Server"), 404, "7100", disks[0]);
        VaultWorld.AssertRefused(await CheckAsync(other, id, "OS::Nova::Server"), 404, "7100", id);
        VaultWorld.AssertRefused(await CheckAsync(world, id, "OS::Cinder::Volume"), 400, "9900", "resource_type");
        VaultWorld.AssertRefused(await world.PostAsync("agent/check", new { agent_status = Array.Empty<object>() }), 400, "9900");
    }

    [Fact]
    public async Task What_is_absent_checks_what_it_names_and_says_so_with_the_documented_code()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        (string serverVault, _, _) = await world.ServerVaultAsync();
        (string diskVault, _) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(serverVault);
        (_, string[] diskBackups) = await world.ProtectAsync(diskVault);
        JsonObject Copy(string? vault) => new()
        {
            ["vault_id"] = vault,
            ["destination_vault_id"] = Unknown,
            ["destination_project_id"] = "c0a7e5d2914b4f6c9e83d1f05a72b6e4",
            ["destination_region"] = "eu-west-2",
        };

        VaultWorld.AssertRefused(await vaults.PostAsync("checkpoints/replicate", new { replicate = Copy(serverVault) }), 400, "1011", "c0a7e5d2");
        VaultWorld.AssertRefused(await vaults.PostAsync("checkpoints/replicate", new { checkpoint = new { replicate = Copy(serverVault) } }), 400, "1011");
        VaultWorld.AssertRefused(await vaults.PostAsync("checkpoints/replicate", new { replicate = Copy(diskVault) }), 400, "6128", diskVault);
        VaultWorld.AssertRefused(await vaults.PostAsync("checkpoints/replicate", new { replicate = Copy(Unknown) }), 404, "6105", Unknown);
        VaultWorld.AssertRefused(await vaults.PostAsync("checkpoints/replicate", new { }), 400, "9900", "replicate");
        VaultWorld.AssertRefused(await vaults.PostAsync($"backups/{backups[0]}/replicate", new { replicate = Copy(null) }), 400, "1011");
        VaultWorld.AssertRefused(await vaults.PostAsync($"backups/{diskBackups[0]}/replicate", new { replicate = Copy(null) }), 400, "6122");
        VaultWorld.AssertRefused(await vaults.PostAsync($"backups/{Unknown}/replicate", new { replicate = Copy(null) }), 404, "6200");
        VaultWorld.AssertRefused(await vaults.PostAsync("checkpoints/sync", new { sync = new { vault_id = serverVault, auto_trigger = false } }), 400, "7300", serverVault);
        VaultWorld.AssertRefused(await vaults.PostAsync("checkpoints/sync", new { sync = new { vault_id = Unknown, auto_trigger = false } }), 404, "6105");
        var synced = new
        {
            backup_id = Unknown,
            backup_name = "vm7-night",
            bucket_name = "onprem-a",
            image_path = "a/b/c",
            resource_id = Unknown,
            resource_name = "vm7",
            resource_type = "OS::VMware::Server",
            created_at = 1730775600,
        };
        VaultWorld.AssertRefused(await vaults.PostAsync("backups/sync", new { sync = new[] { synced } }), 400, "7300");
        VaultWorld.AssertRefused(await vaults.PostAsync("backups/sync", new { sync = Enumerable.Repeat(synced, 51) }), 400, "9900", "50");
    }

    [Fact]
    public async Task There_are_no_file_backup_clients()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        var agent = new { agent_id = "1b0e", host_name = "web-1", host_ip = "10.0.4.7", host_os = "linux", agent_type = "native", agent_version = "1.2.0" };

        Assert.Equal("""{"agents":[],"count":0,"limit":10,"offset":3}""", (await world.GetAsync("agents?limit=10&offset=3")).Text);
        VaultWorld.AssertRefused(await world.PostAsync("agents", new { agent }), 400, "7403", "1b0e");
        VaultWorld.AssertRefused(await world.GetAsync("agents/1b0e"), 404, "7410", "1b0e");
        VaultWorld.AssertRefused(await world.PutAsync("agents/1b0e", new { agent = new { status = "uninstall" } }), 404, "7410");
        VaultWorld.AssertRefused(await world.PutAsync("agents/1b0e", new { agent = new { status = "normal" } }), 400, "9900");
        VaultWorld.AssertRefused(await world.DeleteAsync("agents/1b0e"), 404, "7410");
        VaultWorld.AssertRefused(await world.PostAsync("agents/1b0e/add-path", new { add_path = new[] { "/srv/data" } }), 404, "7410");
        VaultWorld.AssertRefused(await world.PostAsync("agents/1b0e/remove-path", new { remove_path = new[] { "/srv/data" } }), 404, "7410");
    }

    [Fact]
    public async Task Nothing_was_migrated_and_nothing_can_be()
    {
        TestCaller caller = await server.NewProjectAsync();

        VaultWorld.AssertRefused(await server.GetAsync(caller, "/v3/migrates?all_regions=true"), 404, "4001");
        VaultWorld.AssertRefused(await server.PostAsync(caller, "/v3/migrates", new { all_regions = true, reservation = 0.2 }), 400, "9900", "nothing to migrate");
        VaultWorld.AssertRefused(await server.PostAsync(caller, "/v3/migrates", new { all_regions = true, reservation = 1.2 }), 400, "9900", "0 to 1");
    }

    [Fact]
    public async Task Projects_are_looked_up_only_where_the_caller_has_a_role()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestCaller other = await server.NewProjectAsync();
        TestCaller admin = await server.AdminAsync();

        JsonNode own = Assert.Single((await server.GetAsync(caller, "/v3/region-projects")).Json["projects"]!.AsArray())!;
        JsonArray ofDomain = (await server.GetAsync(caller, "/v3/domain/Default/projects")).Json["projects"]!.AsArray();
        JsonArray all = (await server.GetAsync(admin, "/v3/domain/default/projects")).Json["projects"]!.AsArray();

        Assert.Equal(caller.ProjectId, (string?)own["id"]);
        Assert.Equal(caller.ProjectId, (string?)Assert.Single(ofDomain)!["project_id"]);
        Assert.Contains(other.ProjectId, all.Select(project => (string?)project!["project_id"]));
        await server.Administration.CreateDomainAsync("elsewhere", default);
        string hidden = (await server.GetAsync(caller, "/v3/domain/elsewhere/projects")).Text;
        string unknown = (await server.GetAsync(caller, "/v3/domain/elsewhere2/projects")).Text;
        Assert.Equal(hidden.Replace("elsewhere", "", StringComparison.Ordinal), unknown.Replace("elsewhere2", "", StringComparison.Ordinal));
        Assert.Equal(404, (await server.GetAsync(caller, "/v3/domain/elsewhere/projects")).Status);
    }

    [Fact]
    public async Task The_owner_of_a_project_is_known_to_itself_and_to_those_it_shares_with()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TestCaller recipient = await server.NewProjectAsync();
        TestCaller stranger = await server.NewProjectAsync();
        (string vault, _) = await owner.DiskVaultAsync();
        (_, string[] backups) = await owner.ProtectAsync(vault);
        string path = "/v3/domain/" + owner.ProjectId;

        Assert.Equal(404, (await server.GetAsync(recipient, path)).Status);
        Assert.Equal(200, (await owner.Vaults.PostAsync($"backups/{backups[0]}/members", new { members = new[] { recipient.ProjectId } })).Status);
        TestReply reply = await server.GetAsync(recipient, path);
        string hidden = (await server.GetAsync(stranger, path)).Text;
        string unknown = (await server.GetAsync(stranger, "/v3/domain/" + new string('0', 32))).Text;

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(
            ["default", "default", owner.ProjectId],
            ((string[])["domain_id", "domain_name", "project_id"]).Select(name => (string?)reply.Json[name]));
        Assert.Equal(200, (await server.GetAsync(owner.Vaults.Caller, path)).Status);
        Assert.Equal(hidden.Replace(owner.ProjectId, "", StringComparison.Ordinal), unknown.Replace(new string('0', 32), "", StringComparison.Ordinal));
        VaultWorld.AssertRefused(await server.GetAsync(stranger, "/v3/domain/none"), 400, "9900");
        TestCaller reader = await server.CallerAsync(owner.ProjectId, ActionPolicy.ReaderRole);
        Assert.Equal(200, (await server.GetAsync(reader, path)).Status);
    }

    private static Task<TestReply> CheckAsync(VaultWorld world, string id, string type) =>
        world.PostAsync("agent/check", new { agent_status = new[] { new { resource_id = id, resource_type = type, resource_name = "web-1" } } });
}
