using System.Text.Json.Nodes;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

/// <summary>Update, delete, and taking resources out.</summary>
public abstract class ChangeVaultTests(ServerFixture server)
{
    private const string UnlockRefused = "vault not support to modify locked attribute from true to false.";

    [Fact]
    public async Task An_update_changes_what_it_names_and_answers_what_show_answers_next()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server", 100);

        TestReply updated = await world.PutAsync(
            "vaults/" + vault,
            """
            {"vault":{"name":"new","billing":{"size":400,"consistent_level":"app_consistent"},"auto_bind":true,
            "bind_rules":{"tags":[{"key":"a","value":"b"}]},"auto_expand":true,"smn_notify":false,"threshold":90,"locked":true}}
            """);
        TestReply shown = await world.GetAsync("vaults/" + vault);

        Assert.Equal(shown.Text, updated.Text);
        JsonNode now = updated.Json["vault"]!;
        Assert.Equal("new", (string?)now["name"]);
        Assert.Equal(400, (int)now["billing"]!["size"]!);
        Assert.Equal("app_consistent", (string?)now["billing"]!["consistent_level"]);
        Assert.Equal("vault.backup.database.normal", (string?)now["billing"]!["spec_code"]);
        Assert.True((bool)now["auto_bind"]!);
        Assert.Equal("""{"tags":[{"key":"a","value":"b"}]}""", now["bind_rules"]!.ToJsonString());
        Assert.True((bool)now["auto_expand"]!);
        Assert.False((bool)now["smn_notify"]!);
        Assert.Equal(90, (int)now["threshold"]!);
        Assert.True((bool)now["locked"]!);
    }

    [Theory]
    [InlineData("""{"vault":{}}""")]
    [InlineData("""{"vault":{"billing":{}}}""")]
    [InlineData("""{"vault":{"billing":null,"name":null,"threshold":null}}""")]
    [InlineData("""{"vault":{"billing":{"size":100}}}""")]
    [InlineData("""{"vault":{"description":"x","object_type":"server","tags":[],"enterprise_project_id":"1","backup_name_prefix":"x","billing":{"object_type":"server","charging_mode":"pre_paid","cloud_type":"hybrid"}}}""")]
    public async Task What_is_absent_unchangeable_or_the_same_stays(string body)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        TestReply before = await world.GetAsync("vaults/" + vault);

        TestReply first = await world.PutAsync("vaults/" + vault, body);
        TestReply second = await world.PutAsync("vaults/" + vault, body);

        Assert.Equal(200, first.Status);
        Assert.Equal(before.Text, first.Text);
        Assert.Equal(before.Text, second.Text);
    }

    [Theory]
    [InlineData("{}", "vault is missing")]
    [InlineData("""{"vault":[]}""", "vault must be an object")]
    [InlineData("""{"vault":{"name":""}}""", "vault.name")]
    [InlineData("""{"vault":{"name":"a b"}}""", "vault.name")]
    [InlineData("""{"vault":{"billing":[]}}""", "vault.billing")]
    [InlineData("""{"vault":{"billing":{"size":0}}}""", "vault.billing.size")]
    [InlineData("""{"vault":{"billing":{"size":10485761}}}""", "vault.billing.size")]
    [InlineData("""{"vault":{"billing":{"size":"100"}}}""", "vault.billing.size")]
    [InlineData("""{"vault":{"billing":{"consistent_level":"x"}}}""", "vault.billing.consistent_level")]
    [InlineData("""{"vault":{"billing":{"consistent_level":"app_consistent"}}}""", "vault.billing.consistent_level")]
    [InlineData("""{"vault":{"threshold":0}}""", "vault.threshold")]
    [InlineData("""{"vault":{"threshold":101}}""", "vault.threshold")]
    [InlineData("""{"vault":{"auto_bind":"true"}}""", "vault.auto_bind")]
    [InlineData("""{"vault":{"bind_rules":{"tags":{}}}}""", "vault.bind_rules.tags")]
    [InlineData("""{"vault":{"auto_expand":0}}""", "vault.auto_expand")]
    [InlineData("""{"vault":{"smn_notify":1}}""", "vault.smn_notify")]
    [InlineData("""{"vault":{"locked":"no"}}""", "vault.locked")]
    public async Task An_update_that_breaks_a_rule_says_which_and_changes_nothing(string body, string expected)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string before = (await world.GetAsync("vaults/" + vault)).Text;

        AssertRefused(await world.PutAsync("vaults/" + vault, body), 400, "9900", expected);
        Assert.Equal(before, (await world.GetAsync("vaults/" + vault)).Text);
    }

    [Fact]
    public async Task Bind_rules_are_replaced_as_a_whole_and_cleared_by_an_empty_list()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        async Task<string> SetAsync(string rules) =>
            (await world.PutAsync("vaults/" + vault, "{\"vault\":{\"bind_rules\":" + rules + "}}"))
                .Json["vault"]!["bind_rules"]!.ToJsonString();

        Assert.Equal("{}", (await world.ShowAsync(vault))["bind_rules"]!.ToJsonString());
        Assert.Equal("""{"tags":[{"key":"a","value":"b"},{"key":"a","value":"c"}]}""", await SetAsync("""{"tags":[{"key":"a","value":"b"},{"key":"a","value":"c"}]}"""));
        Assert.Equal("""{"tags":[{"key":"d","value":""}]}""", await SetAsync("""{"tags":[{"key":"d","value":null}]}"""));
        Assert.Equal("""{"tags":[]}""", await SetAsync("""{"tags":[]}"""));
    }

    [Fact]
    public async Task A_vault_shrinks_to_what_is_in_it_and_no_further()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync(sizeGb: 100);
        string disk = await world.NewDiskAsync(sizeBytes: 20 * Gb);
        await world.AddAsync(vault, Disk(disk));

        AssertRefused(await world.PutAsync("vaults/" + vault, Resize(19)), 400, "6101", "20 GB");
        Assert.Equal(200, (await world.PutAsync("vaults/" + vault, Resize(20))).Status);
        await UseAsync(vault, disk, (30 * Gb) + 1, 1);
        Assert.Equal(200, (await world.PutAsync("vaults/" + vault, Resize(31))).Status);
        AssertRefused(await world.PutAsync("vaults/" + vault, Resize(30)), 400, "6101", "31 GB");
        Assert.Equal(200, (await world.PutAsync("vaults/" + vault, Resize(10485760))).Status);
    }

    [Fact]
    public async Task A_size_reached_by_growing_is_not_undone_by_a_tool_that_repeats_the_old_one()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync(sizeGb: 100);
        await world.PutAsync("vaults/" + vault, """{"vault":{"auto_expand":true}}""");
        await server.Database.WriteAsync(
            async session =>
            {
                Vault grown = (await VaultTable.FindAsync(session, world.ProjectId, new(vault), default))!;
                await VaultTable.UpdateAsync(session, grown with { SizeGb = 125, IsAutoExpanded = true }, default);
            },
            default);

        Assert.Equal(125, await ResizedAsync(world, vault, """{"vault":{"billing":{"size":100}}}"""));
        Assert.Equal(125, await ResizedAsync(world, vault, """{"vault":{"auto_expand":true,"billing":{"size":100}}}"""));
        Assert.Equal(100, await ResizedAsync(world, vault, """{"vault":{"auto_expand":false,"billing":{"size":100}}}"""));
    }

    [Fact]
    public async Task What_goes_one_way_does_not_go_back()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        await world.PutAsync("vaults/" + vault, """{"vault":{"locked":true,"billing":{"consistent_level":"app_consistent"}}}""");

        TestReply unlock = await world.PutAsync("vaults/" + vault, """{"vault":{"locked":false}}""");
        AssertRefused(unlock, 400, "6110");
        Assert.Equal(UnlockRefused, unlock.ErrorMessage);
        AssertRefused(await world.PutAsync("vaults/" + vault, """{"vault":{"billing":{"consistent_level":"crash_consistent"}}}"""), 400, "6110");
        Assert.Equal(200, (await world.PutAsync("vaults/" + vault, """{"vault":{"locked":true,"billing":{"consistent_level":"app_consistent"}}}""")).Status);
    }

    [Fact]
    public async Task A_vault_that_cannot_be_locked_and_one_that_was_never_locked_say_so()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject body = VaultBody("vmware");
        body["billing"]!["cloud_type"] = "hybrid";
        string vmware = (string)(await world.CreateAsync(body)).Json["vault"]!["id"]!;
        string plain = await world.VaultAsync();

        AssertRefused(await world.PutAsync("vaults/" + vmware, """{"vault":{"locked":true}}"""), 400, "6110");
        Assert.Equal(200, (await world.PutAsync("vaults/" + plain, """{"vault":{"locked":false}}""")).Status);
    }

    [Fact]
    public async Task Status_decides_what_may_change()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        await SetStatusAsync(vault, "lock");
        AssertRefused(await world.PutAsync("vaults/" + vault, Resize(200)), 400, "6123");
        Assert.Equal(200, (await world.PutAsync("vaults/" + vault, """{"vault":{"name":"renamed","billing":{"size":100}}}""")).Status);
        AssertRefused(await world.DeleteAsync("vaults/" + vault), 400, "6112", "lock");

        foreach (string status in (string[])["frozen", "deleting", "error"])
        {
            await SetStatusAsync(vault, status);
            AssertRefused(await world.PutAsync("vaults/" + vault, """{"vault":{}}"""), 400, "6112", status);
            Assert.Equal(status, (string?)(await world.ShowAsync(vault))["billing"]!["status"]);
            Assert.Equal(status == "frozen", (bool)(await world.ShowAsync(vault))["frozen"]!);
        }

        await SetStatusAsync(vault, "deleting");
        AssertRefused(await world.DeleteAsync("vaults/" + vault), 400, "6112", "deleting");
        await SetStatusAsync(vault, "error");
        Assert.Equal(204, (await world.DeleteAsync("vaults/" + vault)).Status);
    }

    [Fact]
    public async Task A_deleted_vault_is_gone_at_once_from_every_view()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        await world.AddAsync(vault, Disk(disk));

        TestReply deleted = await world.DeleteAsync("vaults/" + vault);

        Assert.Equal((204, ""), (deleted.Status, deleted.Text));
        Assert.NotEmpty(deleted.Message.Headers.GetValues("X-Request-Id"));
        AssertRefused(await world.GetAsync("vaults/" + vault), 404, "6105");
        AssertRefused(await world.DeleteAsync("vaults/" + vault), 404, "6105");
        AssertRefused(await world.PutAsync("vaults/" + vault, """{"vault":{}}"""), 404, "6105");
        AssertRefused(await world.AddAsync(vault, Disk(disk)), 404, "6105");
        AssertRefused(await world.GetAsync($"vault/{vault}/tags"), 404, "6105");
        Assert.Equal(0, (int)(await world.GetAsync("vaults")).Json["count"]!);
        Assert.Equal("""{"size":0,"used_size":0}""", (await world.GetAsync("vaults/summary")).Text);
        Assert.Equal("""{"resource_count":0,"storage_usage":[]}""", (await world.GetAsync("storage_usage")).Text);
    }

    [Fact]
    public async Task A_vault_is_not_deleted_while_one_of_its_resources_is_worked_on()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        await world.AddAsync(vault, Disk(disk));

        foreach (string status in (string[])["protecting", "restoring"])
        {
            await SetProtectStatusAsync(vault, disk, status);
            AssertRefused(await world.DeleteAsync("vaults/" + vault), 400, "6203", disk);
            AssertRefused(await world.RemoveAsync(vault, disk), 400, "6203", disk);
            Assert.Equal(status, (string?)(await world.ShowAsync(vault))["resources"]![0]!["protect_status"]);
        }
    }

    [Fact]
    public async Task A_locked_vault_keeps_its_resources_and_its_backups()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string empty = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        await world.AddAsync(vault, Disk(disk));
        await UseAsync(vault, disk, 1, 1);
        await world.PutAsync("vaults/" + vault, """{"vault":{"locked":true}}""");
        await world.PutAsync("vaults/" + empty, """{"vault":{"locked":true}}""");

        AssertRefused(await world.RemoveAsync(vault, disk), 400, "6110");
        AssertRefused(await world.DeleteAsync("vaults/" + vault), 400, "6111");
        Assert.Equal(204, (await world.DeleteAsync("vaults/" + empty)).Status);
    }

    [Fact]
    public async Task Removed_resources_vanish_at_once_and_can_come_back_at_once()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        (string first, string[] disks) = await world.NewServerAsync(1, 1);
        (string second, _) = await world.NewServerAsync(1);
        await world.AddAsync(vault, ServerOf(first), ServerOf(second));

        TestReply removed = await world.RemoveAsync(vault, second, first, second);
        string left = (await world.ShowAsync(vault))["resources"]!.ToJsonString();
        TestReply added = await world.AddAsync(vault, ServerOf(first, disks[1]));

        Assert.Equal($$"""{"remove_resource_ids":["{{second}}","{{first}}"]}""", removed.Text);
        Assert.Equal("[]", left);
        Assert.Equal(200, added.Status);
        Assert.Equal(1, (int)(await world.ShowAsync(vault))["billing"]!["allocated"]!);
    }

    [Fact]
    public async Task Removing_is_all_or_nothing()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        string stranger = await world.NewDiskAsync();
        await world.AddAsync(vault, Disk(disk));

        AssertRefused(await world.RemoveAsync(vault, disk, stranger), 400, "6135", stranger);
        AssertRefused(await world.RemoveAsync(vault, UnknownId), 400, "6135", UnknownId);
        Assert.Single((await world.ShowAsync(vault))["resources"]!.AsArray());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"resource_ids":null}""")]
    [InlineData("""{"resource_ids":[]}""")]
    [InlineData("""{"resource_ids":"00000000-1111-4222-8333-444444444444"}""")]
    [InlineData("""{"resource_ids":["x"]}""")]
    [InlineData("""{"resource_ids":[null]}""")]
    [InlineData("""{"resource_ids":[1]}""")]
    public async Task A_removal_names_1_to_256_ids(string body)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        AssertRefused(await world.PostAsync($"vaults/{vault}/removeresources", body), 400, "9900", "resource_ids");
        AssertRefused(await world.PutAsync($"vaults/{vault}/set-resources", body), 400, "9900", "resource_ids");
    }

    [Fact]
    public async Task More_than_256_ids_are_too_many_to_remove()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string[] ids = [.. Enumerable.Range(0, 257).Select(_ => Guid.NewGuid().ToString())];

        AssertRefused(await world.RemoveAsync(vault, ids), 400, "9900", "257");
        AssertRefused(await world.RemoveAsync(vault, ids[..256]), 400, "6135");
    }

    [Fact]
    public async Task Suspended_resources_are_left_to_themselves_by_policies_until_unsuspended()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string[] disks = await world.NewDisksAsync(2);
        await world.AddAsync(vault, Disk(disks[0]), Disk(disks[1]));
        string path = $"vaults/{vault}/set-resources";

        TestReply suspended = await world.PutAsync(path, new { resource_ids = new[] { disks[1], disks[0], disks[1] }, action = "suspend" });
        await world.PutAsync(path, new { resource_ids = new[] { disks[0] }, action = "unsuspend" });

        Assert.Equal($$"""{"set_resource_ids":["{{disks[1]}}","{{disks[0]}}"]}""", suspended.Text);
        Assert.Equal([true, false], (await world.ShowAsync(vault))["resources"]!.AsArray().Select(resource => (bool)resource!["auto_protect"]!));
        AssertRefused(await world.PutAsync(path, new { resource_ids = new[] { UnknownId }, action = "suspend" }), 400, "6135", UnknownId);
        AssertRefused(await world.PutAsync(path, new { resource_ids = new[] { disks[0] }, action = "stop" }), 400, "9900", "action");
        AssertRefused(await world.PutAsync(path, new { resource_ids = new[] { disks[0] } }), 400, "9900", "action");
    }

    [Fact]
    public async Task Used_sizes_are_in_MB_rounded_up()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string[] disks = await world.NewDisksAsync(2);
        await world.AddAsync(vault, Disk(disks[0]), Disk(disks[1]));
        await UseAsync(vault, disks[0], (3 << 20) + 1, 2);
        await UseAsync(vault, disks[1], 1, 1);

        JsonNode shown = await world.ShowAsync(vault);

        Assert.Equal([4, 1], shown["resources"]!.AsArray().Select(resource => (int)resource!["backup_size"]!));
        Assert.Equal([2, 1], shown["resources"]!.AsArray().Select(resource => (int)resource!["backup_count"]!));
        Assert.Equal(4, (int)shown["billing"]!["used"]!);
    }

    private static object Resize(int sizeGb) => new { vault = new { billing = new { size = sizeGb } } };

    private static async Task<int> ResizedAsync(VaultWorld world, string vault, string body) =>
        (int)(await world.PutAsync("vaults/" + vault, body)).Json["vault"]!["billing"]!["size"]!;

    private Task UseAsync(string vault, string resource, long bytes, int count) =>
        server.Database.WriteAsync(
            session => VaultTable.AddUsageAsync(session, new VaultId(vault), new ResourceId(resource), bytes, count, default), default);

    private Task SetStatusAsync(string vault, string status) =>
        server.Database.WriteAsync(session => VaultTable.SetStatusAsync(session, new VaultId(vault), status, default), default);

    private Task<bool> SetProtectStatusAsync(string vault, string resource, string status) =>
        server.Database.WriteAsync(
            async session => await VaultTable.SetProtectStatusAsync(session, new VaultId(vault), new ResourceId(resource), status, default), default);
}

public sealed class ChangeVaultOnSqliteTests(SqliteServer server) : ChangeVaultTests(server), IClassFixture<SqliteServer>;

public sealed class ChangeVaultOnPostgresTests : ChangeVaultTests, IClassFixture<PostgresServer>
{
    public ChangeVaultOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
