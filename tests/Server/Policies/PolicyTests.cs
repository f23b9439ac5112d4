using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Policies;

public abstract class PolicyTests(ServerFixture server)
{
    [Fact]
    public async Task A_new_policy_is_answered_as_the_live_service_does()
    {
        VaultWorld world = await NewAsync(server);

        TestReply reply = await world.CreatePolicyAsync(PolicyBody());

        JsonNode policy = reply.Json["policy"]!;
        GoldenReply.AssertMatches(
            "CreatePolicy.json",
            reply.Text,
            ((string)policy["id"]!, "{policy}"),
            ((string)policy["trigger"]!["id"]!, "{trigger}"),
            ((string)policy["trigger"]!["properties"]!["start_time"]!, "{start}"));
    }

    [Fact]
    public async Task Show_and_list_answer_the_same_and_a_list_in_place_of_null()
    {
        VaultWorld world = await NewAsync(server);
        TestReply created = await world.CreatePolicyAsync(PolicyBody());
        string id = (string)created.Json["policy"]!["id"]!;

        TestReply shown = await world.GetAsync("policies/" + id);
        TestReply listed = await world.GetAsync("policies");

        string expected = created.Text.Replace("\"associated_vaults\":null", "\"associated_vaults\":[]", StringComparison.Ordinal);
        Assert.Equal(expected, shown.Text);
        Assert.Equal($$"""{"policies":[{{shown.Json["policy"]!.ToJsonString()}}],"count":1,"limit":1000,"offset":0}""", listed.Json.ToJsonString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"timezone":"UTC+03:00"}""")]
    [InlineData("""{"max_backups":-1,"retention_duration_days":-1}""")]
    [InlineData("""{"retention_duration_days":20,"day_backups":0,"max_backups":-1}""")]
    [InlineData("""{ "week_backups" : 4,"max_backups":7 , "timezone":"UTC-03:30", "full_backup_interval":-1}""")]
    [InlineData("""{"max_backups":3,"created_by":"customer","\u006dine":1e2}""")]
    public async Task The_operation_definition_comes_back_byte_for_byte(string definition)
    {
        VaultWorld world = await NewAsync(server);
        string body = """{"policy":{"name":"n","operation_definition":DEFINITION,"trigger":{"properties":{"pattern":["DAILY"]}}}}"""
            .Replace("DEFINITION", definition, StringComparison.Ordinal).Replace("DAILY", Daily, StringComparison.Ordinal);

        TestReply created = await world.PostAsync("policies", body);

        Assert.True(created.Status == 200, created.Text);
        string member = $"\"operation_definition\":{definition},\"trigger\"";
        Assert.Contains(member, created.Text, StringComparison.Ordinal);
        Assert.Contains(member, (await world.GetAsync("policies/" + (string)created.Json["policy"]!["id"]!)).Text, StringComparison.Ordinal);
        Assert.Contains(member, (await world.GetAsync("policies")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Patterns_come_back_verbatim_and_in_order()
    {
        VaultWorld world = await NewAsync(server);
        string[] patterns = ["FREQ=WEEKLY;BYDAY=TU,MO;BYHOUR=6;BYMINUTE=00", "FREQ=DAILY;INTERVAL=5;BYHOUR=01;BYMINUTE=0"];

        string id = await world.PolicyAsync(PolicyBody("{}", "n", "backup", patterns));

        JsonNode properties = (await world.ShowPolicyAsync(id))["trigger"]!["properties"]!;
        Assert.Equal(patterns, properties["pattern"]!.AsArray().Select(pattern => (string)pattern!));
    }

    [Fact]
    public async Task A_policy_without_a_type_is_a_backup_policy_and_enabled()
    {
        VaultWorld world = await NewAsync(server);

        string id = await world.PolicyAsync(PolicyBody(operationType: null));

        JsonNode policy = await world.ShowPolicyAsync(id);
        Assert.Equal(("backup", true), ((string)policy["operation_type"]!, (bool)policy["enabled"]!));
    }

    // Each line: where, what is put there (JSON, or absent), and the code of the answer, or ok.
    [Theory]
    [InlineData("name", "\"a\"", "ok")]
    [InlineData("name", "\"\"", "9900")]
    [InlineData("name", "absent", "9900")]
    [InlineData("name", "\"a b\"", "9900")]
    [InlineData("name", "\"1234567890123456789012345678901234567890123456789012345678901234\"", "ok")]
    [InlineData("name", "\"12345678901234567890123456789012345678901234567890123456789012345\"", "9900")]
    [InlineData("operation_type", "\"copy\"", "6117")]
    [InlineData("operation_type", "1", "9900")]
    [InlineData("enabled", "\"true\"", "9900")]
    [InlineData("enabled", "false", "ok")]
    [InlineData("operation_definition", "absent", "9900")]
    [InlineData("operation_definition", "null", "9900")]
    [InlineData("operation_definition", "[]", "9900")]
    [InlineData("operation_definition.max_backups", "-2", "9900")]
    [InlineData("operation_definition.max_backups", "-1", "ok")]
    [InlineData("operation_definition.max_backups", "0", "ok")]
    [InlineData("operation_definition.max_backups", "99999", "ok")]
    [InlineData("operation_definition.max_backups", "100000", "9900")]
    [InlineData("operation_definition.max_backups", "\"7\"", "9900")]
    [InlineData("operation_definition.retention_duration_days", "0", "ok")]
    [InlineData("operation_definition.retention_duration_days", "-1", "ok")]
    [InlineData("operation_definition.retention_duration_days", "1", "9900")]
    [InlineData("operation_definition.full_backup_interval", "-1", "ok")]
    [InlineData("operation_definition.full_backup_interval", "100", "ok")]
    [InlineData("operation_definition.full_backup_interval", "101", "9900")]
    [InlineData("operation_definition.timezone", "\"UTC+14:00\"", "ok")]
    [InlineData("operation_definition.timezone", "\"UTC+14:01\"", "9900")]
    [InlineData("operation_definition.timezone", "\"UTC-03:30\"", "ok")]
    [InlineData("operation_definition.timezone", "\"UTC+3:00\"", "9900")]
    [InlineData("operation_definition.timezone", "\"UTC+03:60\"", "9900")]
    [InlineData("operation_definition.timezone", "\"Europe/Berlin\"", "9900")]
    [InlineData("operation_definition.timezone", "\"\"", "9900")]
    [InlineData("operation_definition.destination_region", "\"a b\"", "9900")]
    [InlineData("operation_definition.enable_acceleration", "1", "9900")]
    [InlineData("trigger", "absent", "9900")]
    [InlineData("trigger.properties", "absent", "9900")]
    [InlineData("trigger.properties.pattern", "[]", "9900")]
    [InlineData("trigger.properties.pattern", "\"FREQ=DAILY;BYHOUR=1;BYMINUTE=1\"", "9900")]
    [InlineData("trigger.properties.pattern", "[1]", "9900")]
    [InlineData("trigger.properties.start_time", "\"2024-11-05 02:41:07\"", "ok")]
    [InlineData("trigger.properties.start_time", "\"2024-11-05T02:41:07\"", "9900")]
    public async Task Each_member_keeps_its_rule(string path, string json, string expected)
    {
        VaultWorld world = await NewAsync(server);

        TestReply reply = await world.CreatePolicyAsync(PolicyBody().With(path, json));

        if (expected == "ok")
            Assert.True(reply.Status == 200, reply.Text);
        else
            AssertRefused(reply, 400, expected, path.Split('.')[^1]);
    }

    [Theory]
    [InlineData("day_backups")]
    [InlineData("week_backups")]
    [InlineData("month_backups")]
    [InlineData("year_backups")]
    public async Task Long_term_keepers_go_to_100_and_need_a_time_zone_and_no_duration(string member)
    {
        VaultWorld world = await NewAsync(server);

        AssertRefused(await world.CreatePolicyAsync(PolicyBody($$"""{"{{member}}":1}""")), 400, "9900", "timezone");
        AssertRefused(await world.CreatePolicyAsync(PolicyBody($$"""{"{{member}}":101,"timezone":"UTC+00:00"}""")), 400, "9900", member, "100");
        AssertRefused(
            await world.CreatePolicyAsync(PolicyBody($$"""{"{{member}}":1,"retention_duration_days":1,"timezone":"UTC+00:00"}""")),
            400, "9900", "retention_duration_days");
        Assert.Equal(200, (await world.CreatePolicyAsync(PolicyBody($$"""{"{{member}}":100,"timezone":"UTC+00:00"}"""))).Status);
    }

    [Theory]
    [InlineData("destination_region", "absent")]
    [InlineData("destination_region", "\"\"")]
    [InlineData("destination_region", "\"RegionOne\"")]
    [InlineData("destination_project_id", "absent")]
    public async Task A_replication_policy_names_another_region_and_a_project(string member, string json)
    {
        VaultWorld world = await NewAsync(server);

        Assert.Equal(200, (await world.CreatePolicyAsync(ReplicationBody())).Status);
        AssertRefused(await world.CreatePolicyAsync(ReplicationBody().With("operation_definition." + member, json)), 400, "9900", member);
    }

    [Fact]
    public async Task There_are_32_policies_of_each_type_and_no_more()
    {
        VaultWorld world = await NewAsync(server);
        for (int i = 0; i < 32; i++)
            await world.PolicyAsync();

        AssertRefused(await world.CreatePolicyAsync(PolicyBody()), 400, "6001", "32");
        string replication = await world.PolicyAsync(ReplicationBody());
        await world.DeleteAsync("policies/" + PolicyIds(await world.GetAsync("policies"))[5]);
        Assert.Equal(200, (await world.CreatePolicyAsync(PolicyBody())).Status);
        Assert.Equal([replication], PolicyIds(await world.GetAsync("policies?operation_type=replication")));
    }

    [Fact]
    public async Task Lists_page_by_offset_and_by_marker_and_end()
    {
        VaultWorld world = await NewAsync(server);
        string[] ids = [await world.PolicyAsync(), await world.PolicyAsync(), await world.PolicyAsync(ReplicationBody())];

        Assert.Equal([ids[2], ids[1]], PolicyIds(await world.GetAsync("policies?limit=2")));
        Assert.Equal([ids[0]], PolicyIds(await world.GetAsync("policies?limit=2&offset=2")));
        Assert.Equal([ids[0]], PolicyIds(await world.GetAsync($"policies?limit=2&marker={ids[1]}")));
        Assert.Equal([ids[1], ids[0]], PolicyIds(await world.GetAsync("policies?operation_type=backup")));
        Assert.Equal("""{"policies":[],"count":3,"limit":1000,"offset":3}""", (await world.GetAsync("policies?offset=3")).Text);
        AssertRefused(await world.GetAsync("policies?marker=" + UnknownId), 400, "9900", "marker");
        AssertRefused(await world.GetAsync("policies?operation_type=copy"), 400, "9900", "operation_type");
        AssertRefused(await world.GetAsync("policies?limit=1001"), 400, "9900", "limit");
    }

    [Fact]
    public async Task An_update_replaces_what_it_names_and_leaves_the_rest()
    {
        VaultWorld world = await NewAsync(server);
        string id = await world.PolicyAsync(PolicyBody("""{"retention_duration_days":30,"full_backup_interval":0}"""));
        JsonNode before = await world.ShowPolicyAsync(id);
        server.Time.Advance(TimeSpan.FromMinutes(1));

        TestReply reply = await world.UpdatePolicyAsync(id, new { operation_definition = new { max_backups = 3 }, name = "renamed", enabled = false });

        Assert.True(reply.Status == 200, reply.Text);
        JsonNode after = reply.Json["policy"]!;
        Assert.Equal("""{"max_backups":3}""", after["operation_definition"]!.ToJsonString());
        Assert.Equal(("renamed", false), ((string)after["name"]!, (bool)after["enabled"]!));
        Assert.Equal(before["trigger"]!.ToJsonString(), after["trigger"]!.ToJsonString());
        Assert.Equal(after.ToJsonString(), (await world.ShowPolicyAsync(id)).ToJsonString());
    }

    [Fact]
    public async Task An_empty_update_changes_nothing()
    {
        VaultWorld world = await NewAsync(server);
        string id = await world.PolicyAsync();
        JsonNode before = await world.ShowPolicyAsync(id);

        foreach (object change in new object[] { new { }, new { trigger = new { } }, new { trigger = new { properties = new { } } } })
        {
            TestReply reply = await world.UpdatePolicyAsync(id, change);
            Assert.True(reply.Status == 200, reply.Text);
            Assert.Equal(before.ToJsonString(), reply.Json["policy"]!.ToJsonString());
        }
    }

    [Fact]
    public async Task New_patterns_count_from_now_and_the_same_ones_from_where_they_did()
    {
        VaultWorld world = await NewAsync(server);
        string id = await world.PolicyAsync();
        JsonNode before = await world.ShowPolicyAsync(id);
        server.Time.Advance(TimeSpan.FromHours(3));

        JsonNode same = (await world.UpdatePolicyAsync(id, new { trigger = new { properties = new { pattern = new[] { Daily } } } })).Json["policy"]!;
        JsonNode other = (await world.UpdatePolicyAsync(
            id, new { trigger = new { properties = new { pattern = new[] { "FREQ=DAILY;INTERVAL=2;BYHOUR=03;BYMINUTE=00" } } } })).Json["policy"]!;

        Assert.Equal(before["trigger"]!.ToJsonString(), same["trigger"]!.ToJsonString());
        Assert.Equal((string)before["trigger"]!["id"]!, (string)other["trigger"]!["id"]!);
        Assert.Equal($"{server.Time.GetUtcNow():yyyy-MM-dd HH:mm:ss}", (string)other["trigger"]!["properties"]!["start_time"]!);
    }

    [Fact]
    public async Task An_update_keeps_the_rules_of_create_and_the_type()
    {
        VaultWorld world = await NewAsync(server);
        string id = await world.PolicyAsync();

        AssertRefused(await world.UpdatePolicyAsync(id, new { name = "a b" }), 400, "9900", "name");
        AssertRefused(await world.UpdatePolicyAsync(id, new { operation_definition = new { max_backups = 100_000 } }), 400, "9900", "max_backups");
        AssertRefused(
            await world.UpdatePolicyAsync(id, new { trigger = new { properties = new { pattern = Array.Empty<string>() } } }), 400, "9900", "pattern");
        AssertRefused(await world.UpdatePolicyAsync(id, new { operation_type = "replication" }), 400, "9900", "operation_type");
        AssertRefused(await world.UpdatePolicyAsync(id, new { operation_type = "copy" }), 400, "6117");
        Assert.Equal(200, (await world.UpdatePolicyAsync(id, new { operation_type = "backup" })).Status);
        string replication = await world.PolicyAsync(ReplicationBody());
        AssertRefused(await world.UpdatePolicyAsync(replication, new { operation_definition = new { } }), 400, "9900", "destination_region");
    }

    [Fact]
    public async Task A_policy_that_is_not_there_is_6000_everywhere()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string foreign = await other.PolicyAsync();
        string vault = await world.VaultAsync();

        foreach (string id in new[] { UnknownId, foreign })
        {
            AssertRefused(await world.GetAsync("policies/" + id), 404, "6000", id);
            AssertRefused(await world.UpdatePolicyAsync(id, new { }), 404, "6000", id);
            AssertRefused(await world.DeleteAsync("policies/" + id), 404, "6000", id);
            AssertRefused(await world.BindAsync(vault, id), 404, "6000", id);
            AssertRefused(await world.UnbindAsync(vault, id), 404, "6000", id);
        }

        AssertRefused(await world.GetAsync("policies/nightly"), 400, "9900", "nightly");
        Assert.Empty(PolicyIds(await world.GetAsync("policies")));
    }

    [Fact]
    public async Task A_deleted_policy_is_gone_and_so_are_its_bindings()
    {
        VaultWorld world = await NewAsync(server);
        string id = await world.PolicyAsync();
        string vault = await world.VaultAsync();
        await world.BindAsync(vault, id);

        TestReply reply = await world.DeleteAsync("policies/" + id);

        Assert.Equal((204, ""), (reply.Status, reply.Text));
        AssertRefused(await world.GetAsync("policies/" + id), 404, "6000");
        Assert.Empty(PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
    }
}

public sealed class PolicyOnSqliteTests(SqliteServer server) : PolicyTests(server), IClassFixture<SqliteServer>;

public sealed class PolicyOnPostgresTests : PolicyTests, IClassFixture<PostgresServer>
{
    public PolicyOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
