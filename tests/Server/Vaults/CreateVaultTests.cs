using System.Text.Json.Nodes;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

public abstract class CreateVaultTests(ServerFixture server)
{
    [Fact]
    public async Task The_answer_is_what_show_answers_next()
    {
        VaultWorld world = await NewAsync(server);
        (string serverId, string[] disks) = await world.NewServerAsync(1, 1);
        JsonObject body = VaultBody("server", 200, "web-tier");
        body["description"] = "nightly";
        body["resources"] = new JsonArray(ServerOf(serverId, disks[0]));
        body["tags"] = new JsonArray(new JsonObject { ["key"] = "env", ["value"] = "prod" });

        TestReply created = await world.CreateAsync(body);
        TestReply shown = await world.GetAsync("vaults/" + (string)created.Json["vault"]!["id"]!);

        Assert.Equal(200, created.Status);
        Assert.Equal(shown.Text, created.Text);
    }

    [Theory]
    [InlineData("server", "backup", "vault.backup.server.normal", "0daac4c5-6707-4851-97ba-169e36266b66")]
    [InlineData("server", "replication", "vault.replication.server.normal", "0daac4c5-6707-4851-97ba-169e36266b66")]
    [InlineData("disk", "backup", "vault.backup.volume.normal", "d1603440-187d-4516-af25-121250c7cc97")]
    [InlineData("turbo", "backup", "vault.backup.turbo.normal", "3f3c3220-245c-4805-b811-758870015881")]
    [InlineData("workspace", "backup", "vault.backup.workspace.normal", "86a80900-71bf-4961-956a-d52df944f84a")]
    [InlineData("rds", "backup", "vault.backup.rds.normal", null)]
    [InlineData("vmware", "backup", "vault.hybrid.server.normal", "a13639de-00be-4e94-af30-26912d75e4a2")]
    [InlineData("file", "backup", "vault.hybrid.server.normal", "a13639de-00be-4e94-af30-26912d75e4a2")]
    public async Task Provider_and_specification_follow_from_the_kind(string objectType, string protectType, string specCode, string? providerId)
    {
        VaultWorld world = await NewAsync(server);
        JsonObject body = VaultBody(objectType, protectType: protectType);
        if (objectType is "vmware" or "file")
            body["billing"]!["cloud_type"] = "hybrid";

        TestReply reply = await world.CreateAsync(body);

        Assert.True(reply.Status == 200, reply.Text);
        JsonNode vault = reply.Json["vault"]!;
        Assert.Equal(specCode, (string?)vault["billing"]!["spec_code"]);
        if (providerId is not null)
            Assert.Equal(providerId, (string?)vault["provider_id"]);
    }

    // Each line: where, what is put there (JSON), and what the answer must be: a code, or ok.
    [Theory]
    [InlineData("name", "\"a\"", "ok")]
    [InlineData("name", "64", "9900")]
    [InlineData("name", "@64", "ok")]
    [InlineData("name", "@65", "9900")]
    [InlineData("name", "\"\"", "9900")]
    [InlineData("name", "null", "9900")]
    [InlineData("name", "absent", "9900")]
    [InlineData("name", "\"a b\"", "9900")]
    [InlineData("name", "\"a.b\"", "9900")]
    [InlineData("name", "\"\\u4e00\\u9fa5\\uf900\\ufa2d_-9Zz\"", "ok")]
    [InlineData("name", "\"\\u9fa6\"", "9900")]
    [InlineData("name", "\"\\ufa2e\"", "9900")]
    [InlineData("name", "\"\\u00e9\"", "9900")]
    [InlineData("billing", "null", "9900")]
    [InlineData("billing", "absent", "9900")]
    [InlineData("billing", "[]", "9900")]
    [InlineData("billing.object_type", "absent", "9900")]
    [InlineData("billing.object_type", "\"volume\"", "9900")]
    [InlineData("billing.object_type", "\"Disk\"", "9900")]
    [InlineData("billing.protect_type", "absent", "9900")]
    [InlineData("billing.protect_type", "\"hybrid\"", "9900")]
    [InlineData("billing.protect_type", "\"replication\"", "6116")]
    [InlineData("billing.consistent_level", "absent", "9900")]
    [InlineData("billing.consistent_level", "\"app_consistent\"", "9900")]
    [InlineData("billing.size", "absent", "9900")]
    [InlineData("billing.size", "9", "9900")]
    [InlineData("billing.size", "10", "ok")]
    [InlineData("billing.size", "10485760", "ok")]
    [InlineData("billing.size", "10485761", "9900")]
    [InlineData("billing.size", "0", "9900")]
    [InlineData("billing.size", "-10", "9900")]
    [InlineData("billing.size", "100.0", "9900")]
    [InlineData("billing.size", "1e2", "9900")]
    [InlineData("billing.size", "2147483648", "9900")]
    [InlineData("billing.size", "99999999999999999999999999", "9900")]
    [InlineData("billing.size", "\"100\"", "9900")]
    [InlineData("billing.size", "true", "9900")]
    [InlineData("billing.cloud_type", "\"public\"", "ok")]
    [InlineData("billing.cloud_type", "\"hybrid\"", "ok")]
    [InlineData("billing.cloud_type", "null", "ok")]
    [InlineData("billing.cloud_type", "\"private\"", "9900")]
    [InlineData("billing.charging_mode", "\"post_paid\"", "ok")]
    [InlineData("billing.charging_mode", "\"free\"", "9900")]
    [InlineData("billing.period_type", "\"fortnight\"", "ok")]
    [InlineData("billing.period_num", "\"x\"", "ok")]
    [InlineData("billing.is_auto_renew", "true", "ok")]
    [InlineData("billing.is_auto_pay", "true", "ok")]
    [InlineData("billing.console_url", "\"\"", "9900")]
    [InlineData("billing.console_url", "@255", "ok")]
    [InlineData("billing.console_url", "@256", "9900")]
    [InlineData("billing.is_multi_az", "\"true\"", "9900")]
    [InlineData("billing.extra_info", "{\"combined_order_id\":\"x\",\"combined_order_ecs_num\":1}", "ok")]
    [InlineData("billing.extra_info", "[]", "9900")]
    [InlineData("resources", "absent", "9900")]
    [InlineData("resources", "null", "9900")]
    [InlineData("resources", "{}", "9900")]
    [InlineData("resources", "[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\"}]", "6302")]
    [InlineData("resources", "[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Nova::Server\"}]", "6102")]
    [InlineData("backup_policy_id", "null", "ok")]
    [InlineData("backup_policy_id", "\"x\"", "9900")]
    [InlineData("backup_policy_id", "\"00000000-1111-4222-8333-444444444444\"", "6000")]
    [InlineData("description", "null", "ok")]
    [InlineData("description", "\"\"", "ok")]
    [InlineData("description", "@255", "ok")]
    [InlineData("description", "@256", "9900")]
    [InlineData("description", "\"a<b\"", "9900")]
    [InlineData("description", "\"a>b\"", "9900")]
    [InlineData("description", "1", "9900")]
    [InlineData("tags", "null", "ok")]
    [InlineData("tags", "[]", "9900")]
    [InlineData("tags", "{}", "9900")]
    [InlineData("tags", "#20", "ok")]
    [InlineData("tags", "#21", "6600")]
    [InlineData("tags", "[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\" a \",\"value\":\"2\"}]", "9900")]
    [InlineData("tags", "[{\"value\":\"1\"}]", "9900")]
    [InlineData("tags", "[{\"key\":\"  \",\"value\":\"1\"}]", "9900")]
    [InlineData("tags", "[{\"key\":\"a\"}]", "ok")]
    [InlineData("tags", "[{\"key\":\"123456789012345678901234567890123456\",\"value\":\"1234567890123456789012345678901234567890123\"}]", "ok")]
    [InlineData("tags", "[{\"key\":\"1234567890123456789012345678901234567\",\"value\":\"\"}]", "9900")]
    [InlineData("tags", "[{\"key\":\"a\",\"value\":\"12345678901234567890123456789012345678901234\"}]", "9900")]
    [InlineData("tags", "[{\"key\":\"a=b\",\"value\":\"\"}]", "9900")]
    [InlineData("tags", "[{\"key\":\"a\",\"value\":\"x\\ty\"}]", "9900")]
    [InlineData("tags", "[{\"key\":\"a\",\"value\":\"x|y\"}]", "9900")]
    [InlineData("tags", "[{\"key\":\"a\",\"value\":7}]", "9900")]
    [InlineData("enterprise_project_id", "\"0\"", "ok")]
    [InlineData("enterprise_project_id", "\"d522b930-e31e-455f-b54e-f8ebdd7c94cd\"", "ok")]
    [InlineData("enterprise_project_id", "0", "9900")]
    [InlineData("enterprise_project_id", "\"all_granted_eps\"", "9900")]
    [InlineData("enterprise_project_id", "\"\"", "9900")]
    [InlineData("auto_bind", "true", "ok")]
    [InlineData("auto_bind", "1", "9900")]
    [InlineData("bind_rules", "{}", "ok")]
    [InlineData("bind_rules", "{\"tags\":[]}", "ok")]
    [InlineData("bind_rules", "{\"tags\":#5}", "ok")]
    [InlineData("bind_rules", "{\"tags\":#6}", "9900")]
    [InlineData("bind_rules", "[]", "9900")]
    [InlineData("bind_rules", "{\"tags\":[{\"key\":\"a\",\"value\":\"b,c\"}]}", "9900")]
    [InlineData("auto_expand", "false", "ok")]
    [InlineData("auto_expand", "true", "ok")]
    [InlineData("auto_expand", "\"no\"", "9900")]
    [InlineData("threshold", "0", "9900")]
    [InlineData("threshold", "1", "ok")]
    [InlineData("threshold", "100", "ok")]
    [InlineData("threshold", "101", "9900")]
    [InlineData("threshold", "80.5", "9900")]
    [InlineData("threshold", "null", "ok")]
    [InlineData("smn_notify", "null", "ok")]
    [InlineData("smn_notify", "0", "9900")]
    [InlineData("backup_name_prefix", "\"\"", "ok")]
    [InlineData("backup_name_prefix", "@32", "ok")]
    [InlineData("backup_name_prefix", "@33", "9900")]
    [InlineData("demand_billing", "false", "ok")]
    [InlineData("demand_billing", "true", "9900")]
    [InlineData("locked", "true", "ok")]
    [InlineData("locked", "null", "ok")]
    [InlineData("sys_lock_source_service", "\"\"", "ok")]
    [InlineData("sys_lock_source_service", "\"SMB\"", "ok")]
    [InlineData("sys_lock_source_service", "\"smb\"", "9900")]
    [InlineData("availability_zone", "\"\"", "9900")]
    [InlineData("availability_zone", "@32", "ok")]
    [InlineData("availability_zone", "@33", "9900")]
    [InlineData("unknown_member", "{\"a\":1}", "ok")]
    public async Task Every_member_keeps_its_table(string member, string json, string expected)
    {
        VaultWorld world = await NewAsync(server);
        JsonObject body = VaultBody();
        JsonObject owner = member.StartsWith("billing.", StringComparison.Ordinal) ? body["billing"]!.AsObject() : body;
        string name = member[(member.IndexOf('.', StringComparison.Ordinal) + 1)..];
        if (json == "absent")
            owner.Remove(name);
        else
            owner[name] = JsonNode.Parse(Expanded(json));

        TestReply reply = await world.PostAsync("vaults", new JsonObject { ["vault"] = body });

        if (expected == "ok")
        {
            Assert.True(reply.Status == 200, reply.Text);
            return;
        }

        AssertRefused(reply, expected is "6302" or "6000" ? 404 : 400, expected);
        if (expected == "9900")
            Assert.Contains("vault." + member, reply.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(0, (int)(await world.GetAsync("vaults")).Json["count"]!);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"vault\":null}")]
    [InlineData("{\"vault\":[]}")]
    [InlineData("{\"vault\":\"x\"}")]
    [InlineData("{\"name\":\"unwrapped\"}")]
    [InlineData("{\"vault\":{}}")]
    public async Task The_body_is_an_object_with_a_vault(string body)
    {
        VaultWorld world = await NewAsync(server);

        AssertRefused(await world.PostAsync("vaults", body), 400, "9900", "vault");
    }

    [Fact]
    public async Task Vmware_and_file_vaults_are_hybrid_and_vmware_ones_never_locked()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject vmware = VaultBody("vmware");
        vmware["billing"]!["cloud_type"] = "hybrid";
        vmware["locked"] = true;

        AssertRefused(await world.CreateAsync(VaultBody("vmware")), 400, "9900", "cloud_type", "hybrid");
        AssertRefused(await world.CreateAsync(VaultBody("file")), 400, "9900", "cloud_type", "hybrid");
        AssertRefused(await world.CreateAsync(vmware), 400, "9900", "locked");
    }

    [Fact]
    public async Task Resources_come_in_with_the_vault_or_the_vault_is_not_made()
    {
        VaultWorld world = await NewAsync(server);
        string[] disks = [await world.NewDiskAsync(sizeBytes: 6 * Gb), await world.NewDiskAsync(sizeBytes: 6 * Gb)];
        JsonObject body = VaultBody(sizeGb: 10);

        body["resources"] = new JsonArray(Disk(disks[0]), Disk(disks[0]));
        AssertRefused(await world.CreateAsync(body), 400, "6104", disks[0]);
        body["resources"] = new JsonArray(Disk(disks[0]), Disk(disks[1]));
        AssertRefused(await world.CreateAsync(body), 400, "6101", "10 GB", "12 GB");
        body["resources"] = new JsonArray(Disk(disks[0]));
        Assert.Equal(200, (await world.CreateAsync(body)).Status);
        AssertRefused(await world.CreateAsync(body), 400, "6103", disks[0]);
        Assert.Equal(1, (int)(await world.GetAsync("vaults")).Json["count"]!);
    }

    [Fact]
    public async Task A_vault_is_made_with_256_resources_and_not_with_257()
    {
        VaultWorld world = await NewAsync(server);
        string[] disks = await world.NewDisksAsync(257);
        JsonObject body = VaultBody(sizeGb: 1000);

        body["resources"] = new JsonArray(disks.Select(id => (JsonNode)Disk(id)).ToArray());
        AssertRefused(await world.CreateAsync(body), 400, "9900", "257");
        body["resources"] = new JsonArray(disks.Skip(1).Select(id => (JsonNode)Disk(id)).ToArray());
        Assert.Equal(200, (await world.CreateAsync(body)).Status);
    }

    [Fact]
    public async Task Two_vaults_may_have_one_name()
    {
        VaultWorld world = await NewAsync(server);

        Assert.NotEqual(await world.VaultAsync(name: "same"), await world.VaultAsync(name: "same"));
    }

    /// <summary><c>@n</c> is a text of n characters, <c>#n</c> a list of n tags.</summary>
    private static string Expanded(string json)
    {
        if (json[0] == '@')
            return $"\"{new string('x', int.Parse(json[1..], null))}\"";
        int at = json.IndexOf('#', StringComparison.Ordinal);
        if (at < 0)
            return json;
        int count = int.Parse(json[(at + 1)..].TrimEnd('}'), null);
        string tags = "[" + string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{"key":"k{{i}}","value":"v"}""")) + "]";
        return json[..at] + tags + (at > 0 ? "}" : "");
    }
}

public sealed class CreateVaultOnSqliteTests(SqliteServer server) : CreateVaultTests(server), IClassFixture<SqliteServer>;

public sealed class CreateVaultOnPostgresTests : CreateVaultTests, IClassFixture<PostgresServer>
{
    public CreateVaultOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
