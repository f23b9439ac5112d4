using System.Text.Json.Nodes;

namespace Strongroom.Server.Tests.Vaults;

public abstract class ShowVaultTests(ServerFixture server)
{
    [Fact]
    public async Task A_new_vault_shows_every_member_in_the_recorded_order_with_its_default()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string id = await world.VaultAsync("server", 40);

        TestReply reply = await world.GetAsync("vaults/" + id);

        Assert.Equal(200, reply.Status);
        Assert.Equal("application/json", reply.Message.Content.Headers.ContentType!.ToString());
        GoldenReply.AssertMatches("ShowVault.new.json", reply.Text, (id, "{vault}"), (world.ProjectId, "{project}"));
    }

    [Fact]
    public async Task A_vault_in_use_shows_its_resources_tags_and_rules()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        (string serverId, string[] disks) = await world.NewServerAsync(2 * VaultWorld.Gb, 1, VaultWorld.Gb + 1);
        JsonObject body = VaultWorld.VaultBody("server", 100, "名-vault_2");
        body["description"] = "nightly \"quoted\" & more";
        body["billing"]!["consistent_level"] = "app_consistent";
        body["billing"]!["is_multi_az"] = true;
        body["tags"] = new JsonArray(new JsonObject { ["key"] = "env", ["value"] = "prod" }, new JsonObject { ["key"] = "team", ["value"] = null });
        body["auto_bind"] = true;
        body["bind_rules"] = new JsonObject { ["tags"] = new JsonArray(new JsonObject { ["key"] = "env", ["value"] = "prod" }) };
        body["auto_expand"] = true;
        body["threshold"] = 70;
        body["smn_notify"] = false;
        body["backup_name_prefix"] = "night-";
        body["locked"] = true;
        body["sys_lock_source_service"] = "SMB";
        body["availability_zone"] = "az-1";
        body["resources"] = new JsonArray(VaultWorld.ServerOf(serverId, disks[1]));
        TestReply created = await world.CreateAsync(body);
        string id = (string)created.Json["vault"]!["id"]!;

        TestReply reply = await world.GetAsync("vaults/" + id);

        GoldenReply.AssertMatches(
            "ShowVault.used.json", reply.Text, (id, "{vault}"), (world.ProjectId, "{project}"), (serverId, "{server}"), (disks[1], "{disk}"));
        Assert.Equal(created.Text, reply.Text);
    }

    [Fact]
    public async Task A_replication_vault_reserves_nothing_and_its_resources_have_no_status()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        (string serverId, _) = await world.NewServerAsync(40 * VaultWorld.Gb);
        string id = await world.VaultAsync("server", 10, protectType: "replication");
        TestReply added = await world.AddAsync(id, VaultWorld.ServerOf(serverId));

        TestReply reply = await world.GetAsync("vaults/" + id);

        Assert.Equal(200, added.Status);
        GoldenReply.AssertMatches("ShowVault.replication.json", reply.Text, (id, "{vault}"), (world.ProjectId, "{project}"), (serverId, "{server}"));
    }

    [Theory]
    [InlineData("not-an-id")]
    [InlineData("my vault")]
    [InlineData("7F0A4A1C-9B52-4D27-8F0F-31C7F7A2D6E4")]
    [InlineData("7f0a4a1c9b524d278f0f31c7f7a2d6e4")]
    [InlineData("7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6e4x")]
    [InlineData("{7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6e4}")]
    [InlineData("7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6eg")]
    [InlineData("..%2f..")]
    [InlineData("' or 1=1 --")]
    public async Task A_malformed_id_is_400_whatever_is_asked_of_it(string id)
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        VaultWorld.AssertRefused(await world.GetAsync("vaults/" + id), 400, "9900", "vault_id");
        VaultWorld.AssertRefused(await world.PutAsync("vaults/" + id, "{\"vault\":{}}"), 400, "9900", "vault_id");
        VaultWorld.AssertRefused(await world.DeleteAsync("vaults/" + id), 400, "9900", "vault_id");
        VaultWorld.AssertRefused(await world.AddAsync(id, VaultWorld.Disk(VaultWorld.UnknownId)), 400, "9900", "vault_id");
        VaultWorld.AssertRefused(await world.RemoveAsync(id, VaultWorld.UnknownId), 400, "9900", "vault_id");
    }

    [Fact]
    public async Task A_well_formed_id_nobody_has_is_404_with_an_error_body()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        TestReply reply = await world.GetAsync("vaults/" + VaultWorld.UnknownId);

        VaultWorld.AssertRefused(reply, 404, "6105", VaultWorld.UnknownId);
        Assert.Equal(["error_code", "error_msg"], reply.Json.AsObject().Select(member => member.Key).Order());
    }

    [Fact]
    public async Task Another_projects_vault_is_as_unknown_as_one_that_never_was()
    {
        VaultWorld owner = await VaultWorld.NewAsync(server);
        VaultWorld other = await VaultWorld.NewAsync(server);
        string id = await owner.VaultAsync();
        string disk = await other.NewDiskAsync();

        TestReply[] replies =
        [
            await other.GetAsync("vaults/" + id),
            await other.PutAsync("vaults/" + id, new { vault = new { name = "mine" } }),
            await other.DeleteAsync("vaults/" + id),
            await other.AddAsync(id, VaultWorld.Disk(disk)),
            await other.RemoveAsync(id, disk),
            await other.PutAsync($"vaults/{id}/set-resources", new { resource_ids = new[] { disk }, action = "suspend" }),
        ];

        Assert.All(replies, reply => VaultWorld.AssertRefused(reply, 404, "6105"));
        Assert.Equal("vault-1", (string?)(await owner.ShowAsync(id))["name"]);
    }

    [Fact]
    public async Task The_project_in_the_path_must_be_the_tokens()
    {
        VaultWorld owner = await VaultWorld.NewAsync(server);
        VaultWorld other = await VaultWorld.NewAsync(server);
        string id = await owner.VaultAsync();

        TestReply reply = await server.GetAsync(other.Caller, $"/v3/{owner.ProjectId}/vaults/{id}");

        Assert.Equal(403, reply.Status);
    }

    [Fact]
    public async Task A_reader_may_look_and_nothing_else()
    {
        VaultWorld owner = await VaultWorld.NewAsync(server);
        string id = await owner.VaultAsync();
        TestCaller reader = await server.CallerAsync(owner.ProjectId, "cbr_reader");

        Assert.Equal(200, (await server.GetAsync(reader, "/v3/{project_id}/vaults/" + id)).Status);
        Assert.Equal(200, (await server.GetAsync(reader, "/v3/{project_id}/vaults")).Status);
        Assert.Equal(403, (await server.DeleteAsync(reader, "/v3/{project_id}/vaults/" + id)).Status);
        Assert.Equal(403, (await server.PutAsync(reader, "/v3/{project_id}/vaults/" + id, "{}")).Status);
        Assert.Equal(403, (await server.PostAsync(reader, "/v3/{project_id}/vaults", "{}")).Status);
        Assert.Equal(403, (await server.PostAsync(reader, $"/v3/{{project_id}}/vaults/{id}/addresources", "{}")).Status);
        Assert.Equal(403, (await server.PostAsync(reader, "/strongroom/v1/{project_id}/resources", "{}")).Status);
    }
}

public sealed class ShowVaultOnSqliteTests(SqliteServer server) : ShowVaultTests(server), IClassFixture<SqliteServer>;

public sealed class ShowVaultOnPostgresTests : ShowVaultTests, IClassFixture<PostgresServer>
{
    public ShowVaultOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
