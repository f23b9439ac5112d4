using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>
/// Each documented limit at its edge and one past it, in one table. What is past is 400 <c>BackupService.9900</c> naming the
/// member; what is at the edge is not refused for it.
/// </summary>
public sealed class LimitTests(LimitServer server) : IClassFixture<LimitServer>
{
    private static readonly string[] ListPaths =
    [
        "vaults", "policies", "backups", "operation-logs", "organization-policies", "agents", "protectables/server/instances",
        "protectables/disk/instances", "storage_usage",
    ];

    /// <summary>
    /// Where, which member, and the values at the edges and past them, as JSON; <c>#n</c> stands for a text of n letters,
    /// <c>*n</c> for n tags.
    /// </summary>
    public static TheoryData<string, string, string[], string[]> BodyLimits => new()
    {
        { "vault", "vault.name", ["#1", "#64"], ["#0", "#65"] },
        { "vault", "vault.description", ["#0", "#255"], ["#256"] },
        { "vault", "vault.billing.size", ["10", "10485760"], ["9", "10485761"] },
        { "vault", "vault.threshold", ["1", "100"], ["0", "101"] },
        { "vault", "vault.backup_name_prefix", ["#0", "#32"], ["#33"] },
        { "vault", "vault.availability_zone", ["#1", "#32"], ["#0", "#33"] },
        { "vault", "vault.billing.console_url", ["#1", "#255"], ["#0", "#256"] },
        { "vault", "vault.tags", ["*1", "*20"], ["*0"] },
        { "order", "vault.name", ["#1", "#64"], ["#0", "#65"] },
        { "order", "vault.billing.period_num", ["1", "9"], ["0", "10"] },
        { "order", "vault.bind_rules.tags", ["*0", "*5"], ["*6"] },
        { "order", "vault.parameters.combined_order.combined_order_ecs_num", ["1", "1000"], ["0", "1001"] },
        { "order", "vault.parameters.combined_order.combined_order_num", ["1", "1000"], ["0", "1001"] },
        { "order change", "product_info.product_id", ["#1", "#64"], ["#0", "#65"] },
        { "order change", "product_info.resource_size", ["10", "10485760"], ["9", "10485761"] },
        { "order change", "product_info.resource_size_measure_id", ["17"], ["16", "18"] },
        { "order change", "cloud_service_console_url", ["#1", "#512"], ["#0", "#513"] },
        { "charge mode", "period_num", ["1", "9"], ["0", "10"] },
        { "charge mode", "console_url", ["#1", "#255"], ["#0", "#256"] },
        { "restore", "restore.details.destination_path", ["#1", "#255"], ["#0", "#256"] },
        { "replicate", "replicate.name", ["#1", "#64"], ["#0", "#65"] },
        { "replicate", "replicate.description", ["#0", "#255"], ["#256"] },
        { "replicate", "replicate.destination_region", ["#0", "#255"], ["#256"] },
        { "vault change", "vault.name", ["#1", "#64"], ["#0", "#65"] },
        { "vault change", "vault.threshold", ["1", "100"], ["0", "101"] },
        { "batch update", "vault.threshold", ["1", "100"], ["0", "101"] },
        { "tag", "tag.key", ["#1", "#36"], ["#0", "#37"] },
        { "tag", "tag.value", ["#0", "#43"], ["#44"] },
        { "policy", "policy.name", ["#1", "#64"], ["#0", "#65"] },
        { "policy", "policy.operation_definition.max_backups", ["-1", "0", "1", "99999"], ["-2", "100000"] },
        { "policy", "policy.operation_definition.retention_duration_days", ["-1", "0"], ["-2", "100000"] },
        { "policy", "policy.operation_definition.day_backups", ["0", "100"], ["-1", "101"] },
        { "policy", "policy.operation_definition.week_backups", ["0", "100"], ["-1", "101"] },
        { "policy", "policy.operation_definition.month_backups", ["0", "100"], ["-1", "101"] },
        { "policy", "policy.operation_definition.year_backups", ["0", "100"], ["-1", "101"] },
        { "policy", "policy.operation_definition.full_backup_interval", ["-1", "100"], ["-2", "101"] },
        { "policy", "policy.operation_definition.timezone", ["\"UTC+08:00\"", "\"UTC-03:30\"", "\"UTC+14:00\""], ["\"UTC+8:00\"", "\"UTC+14:01\"", "\"Europe/Berlin\""] },
        { "policy change", "policy.name", ["#1", "#64"], ["#0", "#65"] },
        { "checkpoint", "checkpoint.parameters.name", ["#1", "#64"], ["#0", "#65"] },
        { "checkpoint", "checkpoint.parameters.description", ["#0", "#255"], ["#256"] },
        { "rename", "backup.name", ["#1", "#64"], ["#0", "#65"] },
    };

    [Theory]
    [MemberData(nameof(BodyLimits))]
    public async Task A_member_is_taken_at_its_edge_and_refused_one_past_it(string request, string member, string[] edges, string[] past)
    {
        World world = await World.NewAsync(server);
        foreach (string value in edges)
        {
            // What is refused for another reason was taken as far as its length or range goes.
            TestReply reply = await world.SendAsync(request, member, value);
            Assert.True(
                reply.Status < 300 || (reply.Status < 500 && reply.ErrorCode != "BackupService.9900"), $"{member} {value}: {reply.Status} {reply.Text}");
        }

        foreach (string value in past)
            VaultWorld.AssertRefused(await world.SendAsync(request, member, value), 400, "9900", member);
    }

    [Fact]
    public async Task Every_list_takes_a_limit_of_1_to_1000_and_an_offset_from_0()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        foreach (string list in ListPaths)
        {
            foreach (string query in (string[])["limit=1", "limit=1000", "offset=0", "offset=2147483647"])
                Assert.True((await world.Vaults.GetAsync($"{list}?{query}")).Status == 200, $"{list}?{query}");
            foreach (string query in (string[])["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=1.0", "offset=-1", "offset=2147483648", "offset=x"])
                VaultWorld.AssertRefused(await world.Vaults.GetAsync($"{list}?{query}"), 400, "9900", query.Split('=')[0]);
        }
    }

    [Theory]
    [InlineData("backups?used_percent=", new[] { "1", "100" }, new[] { "0", "101", "x" })]
    [InlineData("cbr-features?offset=", new[] { "0", "1000" }, new[] { "-1", "1001" })]
    [InlineData("cbr-features?limit=", new[] { "1", "1000" }, new[] { "0", "1001" })]
    [InlineData("backups?sort=", new[] { "created_at:asc,name", "#255" }, new[] { "#256" })]
    public async Task A_query_value_is_taken_at_its_edge_and_refused_one_past_it(string query, string[] edges, string[] past)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        foreach (string value in edges)
        {
            TestReply reply = await world.Vaults.GetAsync(query + Expanded(value));
            Assert.True(reply.Status == 200 || !reply.ErrorMessage!.Contains("characters", StringComparison.Ordinal), $"{query}{value}: {reply.Status} {reply.Text}");
        }

        foreach (string value in past)
            VaultWorld.AssertRefused(await world.Vaults.GetAsync(query + Expanded(value)), 400, "9900", query.Split('?', '=')[1]);

        static string Expanded(string value) => value[0] == '#' ? new string('a', int.Parse(value[1..], null)) : value;
    }

    [Fact]
    public async Task A_policy_has_1_to_24_patterns()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string[] hourly = [.. Enumerable.Range(0, 24).Select(hour => $"FREQ=DAILY;INTERVAL=1;BYHOUR={hour};BYMINUTE=00")];

        Assert.Equal(200, (await world.CreatePolicyAsync(PolicyWorld.PolicyBody(patterns: hourly))).Status);
        Assert.Equal(200, (await world.CreatePolicyAsync(PolicyWorld.PolicyBody(patterns: hourly[..1]))).Status);
        VaultWorld.AssertRefused(await world.CreatePolicyAsync(PolicyWorld.PolicyBody(patterns: [.. hourly, hourly[0]])), 400, "9900", "25", "24");
        VaultWorld.AssertRefused(await world.CreatePolicyAsync(PolicyWorld.PolicyBody().With("trigger.properties.pattern", "[]")), 400, "9900", "pattern");
    }

    [Fact]
    public async Task A_project_has_as_many_vaults_as_the_setting_says_and_not_one_more()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        for (int i = 0; i < LimitServer.VaultCountMax; i++)
            await world.VaultAsync();

        VaultWorld.AssertRefused(await world.CreateAsync(VaultWorld.VaultBody()), 400, "6133", $"{LimitServer.VaultCountMax}");

        string first = (string)(await world.GetAsync("vaults")).Json["vaults"]![0]!["id"]!;
        Assert.Equal(204, (await world.DeleteAsync("vaults/" + first)).Status);
        Assert.Equal(200, (await world.CreateAsync(VaultWorld.VaultBody())).Status);
    }

    [Fact]
    public async Task A_server_without_a_disk_is_7108()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        (string instance, string[] disks) = await world.NewServerAsync(VaultWorld.Gb);
        string vault = await world.VaultAsync("server");
        Assert.Equal(204, (await server.DeleteAsync(world.Caller, "/strongroom/v1/{project_id}/resources/" + disks[0])).Status);

        VaultWorld.AssertRefused(await world.AddAsync(vault, VaultWorld.ServerOf(instance)), 400, "7108", instance);
    }

    [Theory]
    [InlineData("vaults", "6105")]
    [InlineData("policies", "6000")]
    [InlineData("backups", "6200")]
    [InlineData("checkpoints", "6217")]
    [InlineData("operation-logs", "6500")]
    [InlineData("organization-policies", "6000")]
    public async Task What_is_not_there_is_404_with_its_own_code_and_its_id(string collection, string code)
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        VaultWorld.AssertRefused(await world.GetAsync($"{collection}/{VaultWorld.UnknownId}"), 404, code, VaultWorld.UnknownId);
    }

    private sealed class World(TaskWorld tasks, string vault, string policy, string backup)
    {
        public static async Task<World> NewAsync(ServerFixture server)
        {
            TaskWorld tasks = await TaskWorld.NewAsync(server);
            (string vault, _) = await tasks.DiskVaultAsync();
            (_, string[] backups) = await tasks.ProtectAsync(vault);
            return new World(tasks, vault, await tasks.Vaults.PolicyAsync(), backups[0]);
        }

        public async Task<TestReply> SendAsync(string request, string member, string value)
        {
            string json = value[0] switch
            {
                '#' => $"\"{new string('x', int.Parse(value[1..], null))}\"",
                '*' => $"[{string.Join(',', Enumerable.Range(0, int.Parse(value[1..], null)).Select(i => $$"""{"key":"k{{i}}","value":"v"}"""))}]",
                _ => value,
            };
            VaultWorld vaults = tasks.Vaults;
            JsonObject body = request switch
            {
                "vault" => new JsonObject { ["vault"] = VaultWorld.VaultBody() },
                "order" => new JsonObject
                {
                    ["vault"] = VaultWorld.VaultBody().With("billing.charging_mode", "\"pre_paid\"").With("billing.period_type", "\"month\"").With("billing.period_num", "1")
                        .With("bind_rules", "{}").With("parameters", """{"combined_order":{}}"""),
                },
                "order change" => JsonNode.Parse(
                    $$$"""{"resource_id":"{{{vault}}}","product_info":{"product_id":"p","resource_size":200,"resource_spec_code":"vault.backup.volume.normal"}}""")!.AsObject(),
                "charge mode" => JsonNode.Parse(
                    $$"""{"vault_ids":["{{VaultWorld.UnknownId}}","{{vault}}"],"charging_mode":"pre_paid","period_type":"month","period_num":1}""")!.AsObject(),
                "restore" => new JsonObject { ["restore"] = new JsonObject { ["volume_id"] = VaultWorld.UnknownId, ["details"] = new JsonObject() } },
                "replicate" => JsonNode.Parse(
                    $$$"""{"replicate":{"destination_project_id":"p","destination_region":"r","destination_vault_id":"{{{VaultWorld.UnknownId}}}"}}""")!.AsObject(),
                "vault change" or "batch update" => new JsonObject { ["vault"] = new JsonObject() },
                "tag" => new JsonObject { ["tag"] = new JsonObject { ["key"] = "k", ["value"] = "v" } },
                "policy" => new JsonObject { ["policy"] = PolicyWorld.PolicyBody("""{"timezone":"UTC+00:00"}""") },
                "policy change" => new JsonObject { ["policy"] = new JsonObject() },
                "checkpoint" => new JsonObject { ["checkpoint"] = new JsonObject { ["vault_id"] = vault, ["parameters"] = new JsonObject() } },
                "rename" => new JsonObject { ["backup"] = new JsonObject() },
                _ => throw new ArgumentException(request),
            };
            body = body.With(member, json);
            TestReply reply = await (request switch
            {
                "vault" => vaults.PostAsync("vaults", body),
                "order" => vaults.PostAsync("vaults/order", body),
                "order change" => vaults.PostAsync("orders/change", body),
                "charge mode" => vaults.PostAsync("vaults/change-charge-mode", body),
                "restore" => vaults.PostAsync($"backups/{backup}/restore", body),
                "replicate" => vaults.PostAsync($"backups/{backup}/replicate", body),
                "vault change" => vaults.PutAsync("vaults/" + vault, body),
                "batch update" => vaults.PutAsync("vaults/batch-update", body),
                "tag" => vaults.PostAsync($"vault/{vault}/tags", body),
                "policy" => vaults.PostAsync("policies", body),
                "policy change" => vaults.PutAsync("policies/" + policy, body),
                "checkpoint" => vaults.PostAsync("checkpoints", body),
                _ => vaults.PutAsync("backups/" + backup, body),
            });
            if (request == "checkpoint" && reply.Status == 200)
                await TaskWorld.UntilAsync(async () => (string?)(await tasks.GetAsync("checkpoints/" + reply.Json["checkpoint"]!["id"]))["checkpoint"]!["status"] != "protecting");
            return reply;
        }
    }
}

/// <summary>One whose projects may have a few vaults only.</summary>
public sealed class LimitServer : SqliteTaskServer
{
    public const int VaultCountMax = 6;

    protected override void Configure(ServerOptions options) => options.Vaults.VaultCountMax = VaultCountMax;
}
