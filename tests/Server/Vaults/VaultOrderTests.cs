using System.Text.Json.Nodes;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

public abstract class VaultOrderTests(ServerFixture server)
{
    [Theory]
    [InlineData("vaults")]
    [InlineData("vaults/order")]
    public async Task A_pre_paid_vault_is_answered_with_a_complete_order_and_is_there_at_once(string path)
    {
        VaultWorld world = await NewAsync(server);
        string disk = await world.NewDiskAsync();
        JsonObject body = PrePaid();
        body["resources"] = new JsonArray(Disk(disk));

        TestReply reply = await world.PostAsync(path, new JsonObject { ["vault"] = body });

        Assert.True(reply.Status == 200, reply.Text);
        JsonNode order = reply.Json["orders"]![0]!;
        (string orderId, string vaultId) = ((string)order["orderId"]!, (string)order["resourceId"]!);
        GoldenReply.AssertMatches("PlaceOrder.json", reply.Text, (orderId, "{order}"), (vaultId, "{vault}"));
        JsonNode vault = await world.ShowAsync(vaultId);
        Assert.Equal("pre_paid", (string?)vault["billing"]!["charging_mode"]);
        Assert.Equal(orderId, (string?)vault["billing"]!["order_id"]);
        Assert.Matches("^[a-zA-Z0-9_-]{1,64}$", (string?)vault["billing"]!["product_id"]);
        Assert.Equal("available", (string?)vault["billing"]!["status"]);
        Assert.Equal(disk, (string?)vault["resources"]![0]!["id"]);
    }

    [Theory]
    [InlineData("period_type", null)]
    [InlineData("period_type", "week")]
    [InlineData("period_num", null)]
    [InlineData("period_num", 0)]
    [InlineData("period_num", 10)]
    [InlineData("is_auto_renew", "yes")]
    [InlineData("is_auto_pay", 1)]
    public async Task A_pre_paid_vault_has_a_period(string member, object? value)
    {
        VaultWorld world = await NewAsync(server);
        JsonObject body = PrePaid();
        body["billing"]![member] = JsonValue.Create(value);

        AssertRefused(await world.CreateAsync(body), 400, "9900", "vault.billing." + member);
        AssertRefused(await world.PostAsync("vaults/order", new JsonObject { ["vault"] = body.DeepClone() }), 400, "9900", "vault.billing." + member);
    }

    [Fact]
    public async Task Months_go_to_9_and_years_to_5()
    {
        VaultWorld world = await NewAsync(server);

        Assert.Equal(200, (await world.CreateAsync(PrePaid("month", 9))).Status);
        Assert.Equal(200, (await world.CreateAsync(PrePaid("year", 5))).Status);
        AssertRefused(await world.CreateAsync(PrePaid("year", 6)), 400, "9900", "period_num");
    }

    [Fact]
    public async Task Only_pre_paid_vaults_bill_on_demand_and_only_post_paid_ones_grow()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject demand = PrePaid();
        demand["demand_billing"] = true;
        JsonObject growing = PrePaid();
        growing["auto_expand"] = true;

        TestReply created = await world.CreateAsync(demand);

        Assert.True((bool)(await world.ShowAsync((string)created.Json["orders"]![0]!["resourceId"]!))["demand_billing"]!);
        AssertRefused(await world.CreateAsync(growing), 400, "9900", "vault.auto_expand");
    }

    [Fact]
    public async Task An_order_needs_no_name_and_is_never_post_paid()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject nameless = PrePaid();
        nameless.Remove("name");
        nameless["parameters"] = JsonNode.Parse("""{"combined_order":{"combined_order_id":"x","combined_order_ecs_num":1000,"combined_order_num":1}}""");
        JsonObject postPaid = VaultBody();
        postPaid["billing"]!["charging_mode"] = "post_paid";
        JsonObject tooMany = PrePaid();
        tooMany["parameters"] = JsonNode.Parse("""{"combined_order":{"combined_order_ecs_num":1001}}""");

        TestReply reply = await world.PostAsync("vaults/order", new JsonObject { ["vault"] = nameless });

        Assert.Matches("^vault-[0-9a-f]{4}$", (string?)(await world.ShowAsync((string)reply.Json["orders"]![0]!["resourceId"]!))["name"]);
        AssertRefused(await world.PostAsync("vaults/order", new JsonObject { ["vault"] = postPaid }), 400, "9900", "charging_mode");
        AssertRefused(await world.PostAsync("vaults/order", new JsonObject { ["vault"] = tooMany }), 400, "9900", "combined_order_ecs_num");
    }

    [Fact]
    public async Task An_order_only_ever_enlarges_and_an_update_does_not_resize()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await PrePaidVaultAsync(world);

        AssertRefused(await world.PutAsync("vaults/" + vault, """{"vault":{"billing":{"size":300}}}"""), 400, "6110", "order");
        AssertRefused(await world.PutAsync("vaults/" + vault, """{"vault":{"auto_expand":true}}"""), 400, "6110");
        Assert.Equal(200, (await world.PutAsync("vaults/" + vault, """{"vault":{"billing":{"size":100},"auto_expand":false}}""")).Status);
        AssertRefused(await world.PostAsync("orders/change", Change(vault, 100)), 400, "6101");
        AssertRefused(await world.PostAsync("orders/change", Change(vault, 99)), 400, "6101");

        TestReply changed = await world.PostAsync("orders/change", Change(vault, 300));
        string orderId = (string)changed.Json["orderId"]!;

        Assert.Equal($$"""{"orderId":"{{orderId}}","retCode":0,"retMsg":"success"}""", changed.Text);
        Assert.Equal(300, (int)(await world.ShowAsync(vault))["billing"]!["size"]!);

        TestReply old = await world.PutAsync(
            "orders/" + orderId,
            new { resourceId = vault, productInfo = new { productId = "demo-100--0", resourceSize = 400, resourceSpecCode = "vault.backup.volume.normal" } });
        Assert.Equal($$"""{"orderId":"{{orderId}}","retCode":"0","retMsg":"success"}""", old.Text);
        Assert.Equal(400, (int)(await world.ShowAsync(vault))["billing"]!["size"]!);
    }

    [Fact]
    public async Task An_order_is_changed_only_where_there_is_one()
    {
        VaultWorld world = await NewAsync(server);
        string postPaid = await world.VaultAsync();
        string vault = await PrePaidVaultAsync(world);

        AssertRefused(await world.PostAsync("orders/change", Change(postPaid, 300)), 400, "6109");
        AssertRefused(await world.PostAsync("orders/change", Change(UnknownId, 300)), 404, "6105");
        AssertRefused(await world.PostAsync("orders/change", Change(vault, 300, "vault.backup.turbo.normal")), 400, "6110");
        AssertRefused(await world.PostAsync("orders/change", Change(vault, 300, "vault.backup.odd.normal")), 400, "9900", "product_info.resource_spec_code");
        AssertRefused(await world.PostAsync("orders/change", Change(vault, 9)), 400, "9900", "product_info.resource_size");
        AssertRefused(await world.PostAsync("orders/change", Change(vault, 10485761)), 400, "9900", "product_info.resource_size");
        AssertRefused(await world.PostAsync("orders/change", "{}"), 400, "9900", "product_info");
        AssertRefused(await world.PutAsync("orders/x", "{}"), 400, "9900", "productInfo");
    }

    [Fact]
    public async Task A_server_vault_becomes_a_database_vault_by_order()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await PrePaidVaultAsync(world, "server");

        Assert.Equal(200, (await world.PostAsync("orders/change", Change(vault, 100, "vault.backup.database.normal"))).Status);
        Assert.Equal("app_consistent", (string?)(await world.ShowAsync(vault))["billing"]!["consistent_level"]);
        AssertRefused(await world.PostAsync("orders/change", Change(vault, 200, "vault.backup.server.normal")), 400, "6110");
    }

    [Fact]
    public async Task Vaults_change_to_pre_paid_together_or_not_at_all_and_end_with_their_subscription()
    {
        VaultWorld world = await NewAsync(server);
        string[] vaults = [await world.VaultAsync(), await world.VaultAsync()];
        await world.PutAsync("vaults/" + vaults[0], """{"vault":{"auto_expand":true}}""");
        string prePaid = await PrePaidVaultAsync(world);

        AssertRefused(await ChangeModeAsync(world, vaults[0], UnknownId), 404, "6105");
        AssertRefused(await ChangeModeAsync(world, vaults[0], prePaid), 400, "6110");
        Assert.Equal("post_paid", (string?)(await world.ShowAsync(vaults[0]))["billing"]!["charging_mode"]);

        TestReply changed = await ChangeModeAsync(world, vaults);
        string orderId = (string)changed.Json["orderId"]!;

        Assert.Equal($$"""{"orderId":"{{orderId}}","retCode":0,"retMsg":"success"}""", changed.Text);
        foreach (string vault in vaults)
        {
            JsonNode shown = await world.ShowAsync(vault);
            Assert.Equal(("pre_paid", orderId), ((string)shown["billing"]!["charging_mode"]!, (string)shown["billing"]!["order_id"]!));
            Assert.False((bool)shown["auto_expand"]!);
            AssertRefused(await world.DeleteAsync("vaults/" + vault), 400, "6111");
        }

        Assert.Equal(204, (await server.PostAsync(world.Caller, $"/strongroom/v1/{{project_id}}/vaults/{vaults[0]}/unsubscribe", null)).Status);
        Assert.Equal(204, (await world.DeleteAsync("vaults/" + vaults[0])).Status);
    }

    [Theory]
    [InlineData("vault_ids", "[]")]
    [InlineData("vault_ids", "[\"x\"]")]
    [InlineData("vault_ids", "null")]
    [InlineData("charging_mode", "\"post_paid\"")]
    [InlineData("period_type", "\"week\"")]
    [InlineData("period_type", "null")]
    [InlineData("period_num", "0")]
    [InlineData("period_num", "10")]
    [InlineData("period_num", "null")]
    [InlineData("is_auto_pay", "\"x\"")]
    [InlineData("console_url", "\"\"")]
    public async Task A_change_of_mode_that_breaks_a_rule_is_refused(string member, string json)
    {
        VaultWorld world = await NewAsync(server);
        JsonObject body = ModeChange(await world.VaultAsync());
        body[member] = JsonNode.Parse(json);

        AssertRefused(await world.PostAsync("vaults/change-charge-mode", body), 400, "9900", member);
    }

    [Fact]
    public async Task At_most_60_vaults_change_their_mode_in_one_call()
    {
        VaultWorld world = await NewAsync(server);
        string[] ids = [.. Enumerable.Range(0, 61).Select(_ => Guid.NewGuid().ToString())];

        AssertRefused(await ChangeModeAsync(world, ids), 400, "9900", "vault_ids", "61");
        AssertRefused(await ChangeModeAsync(world, ids[..60]), 404, "6105");
    }

    private static JsonObject PrePaid(string periodType = "month", int periodNum = 3, string objectType = "disk")
    {
        JsonObject body = VaultBody(objectType);
        body["billing"]!["charging_mode"] = "pre_paid";
        body["billing"]!["period_type"] = periodType;
        body["billing"]!["period_num"] = periodNum;
        return body;
    }

    private static async Task<string> PrePaidVaultAsync(VaultWorld world, string objectType = "disk") =>
        (string)(await world.CreateAsync(PrePaid(objectType: objectType))).Json["orders"]![0]!["resourceId"]!;

    private static object Change(string vault, int sizeGb, string specCode = "vault.backup.volume.normal") => new
    {
        resource_id = vault,
        product_info = new { product_id = "strongroom-vault", resource_size = sizeGb, resource_size_measure_id = 17, resource_spec_code = specCode },
    };

    private static JsonObject ModeChange(params string[] vaults) => new()
    {
        ["vault_ids"] = new JsonArray(vaults.Select(vault => (JsonNode)vault).ToArray()),
        ["charging_mode"] = "pre_paid",
        ["period_type"] = "year",
        ["period_num"] = 1,
    };

    private static Task<TestReply> ChangeModeAsync(VaultWorld world, params string[] vaults) =>
        world.PostAsync("vaults/change-charge-mode", ModeChange(vaults));
}

public sealed class VaultOrderOnSqliteTests(SqliteServer server) : VaultOrderTests(server), IClassFixture<SqliteServer>;

public sealed class VaultOrderOnPostgresTests : VaultOrderTests, IClassFixture<PostgresServer>
{
    public VaultOrderOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
