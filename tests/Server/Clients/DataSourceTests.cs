using System.Text.Json;
using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Clients;

/// <summary>
/// What the data sources of one Terraform provider ask and how they decode it: into typed structures, where a number in a
/// text's place (or the reverse) is an error, null is nothing, and what is unknown is passed over. Each is asked of a project
/// in which something happened, page by page as it does it.
/// </summary>
public sealed class DataSourceTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    private const string Tag = """{"key":"s","value":"s"}""";

    private const string Resource = """
        {"id":"s","name":"s","type":"s","protect_status":"s","size":"i","backup_size":"i","backup_count":"i","auto_protect":"b",
         "extra_info":{"exclude_volumes":["s"]}}
        """;

    private const string Vault = $$$"""
        {"id":"s","name":"s","description":"s","provider_id":"s","created_at":"s","project_id":"s","enterprise_project_id":"s","auto_bind":"b",
         "bind_rules":{"tags":[{{{Tag}}}]},"auto_expand":"b","smn_notify":"b","threshold":"i","user_id":"s","tags":[{{{Tag}}}],"locked":"b",
         "backup_name_prefix":"s","demand_billing":"b","cbc_delete_count":"i","frozen":"b","availability_zone":"s","resources":[{{{Resource}}}],
         "billing":{"allocated":"i","cloud_type":"s","consistent_level":"s","frozen_scene":"s","charging_mode":"s","order_id":"s","product_id":"s",
          "protect_type":"s","object_type":"s","spec_code":"s","is_multi_az":"b","used":"i","storage_unit":"s","status":"s","size":"i"}}
        """;

    private const string Backup = """
        {"id":"s","name":"s","description":"s","checkpoint_id":"s","vault_id":"s","project_id":"s","provider_id":"s","resource_id":"s",
         "resource_name":"s","resource_type":"s","resource_size":"i","resource_az":"s","status":"s","image_type":"s","parent_id":"s","created_at":"s",
         "protected_at":"s","updated_at":"s","expired_at":"s","enterprise_project_id":"s","incremental":"b","version":"i",
         "children":[{"id":"s","name":"s","resource_size":"i","extend_info":{"bootable":"b","system_disk":"b","encrypted":"b"}}],
         "extend_info":{"auto_trigger":"b","bootable":"b","contain_system_disk":"b","encrypted":"b","system_disk":"b","support_lld":"b",
          "supported_restore_mode":"s","snapshot_id":"s","progress":"i","is_multi_az":"b","os_images_data":[{"image_id":"s"}],
          "app_consistency":{"app_consistency":"s","app_consistency_status":"s","app_consistency_error_code":"s","app_consistency_error_message":"s"}},
         "replication_records":[{"id":"s"}]}
        """;

    private const string Log = """
        {"id":"s","project_id":"s","operation_type":"s","status":"s","checkpoint_id":"s","vault_id":"s","vault_name":"s","policy_id":"s",
         "provider_id":"s","created_at":"s","started_at":"s","ended_at":"s","updated_at":"s","error_info":{"code":"s","message":"s"},
         "extra_info":{"common":{"progress":"i","request_id":"s","task_id":"s"},"resource":{"id":"s","name":"s","type":"s","extra_info":{}},
          "backup":{"backup_id":"s","backup_name":"s","incremental":"b","app_consistency_status":"s"},"delete":{"backup_id":"s","backup_name":"s"},
          "restore":{"backup_id":"s","backup_name":"s","target_resource_id":"s","target_resource_name":"s"},
          "remove_resources":{"fail_count":"i","total_count":"i","resources":[{"id":"s"}]},
          "vault_delete":{"fail_delete_count":"i","total_delete_count":"i"}}}
        """;

    private const string Policy = """
        {"id":"s","name":"s","enabled":"b","operation_type":"s","policy_type":"s","associated_vaults":[{"vault_id":"s","destination_vault_id":"s"}],
         "operation_definition":{"max_backups":"i","retention_duration_days":"i","day_backups":"i","week_backups":"i","month_backups":"i",
          "year_backups":"i","timezone":"s","full_backup_interval":"i","destination_region":"s","destination_project_id":"s"},
         "trigger":{"id":"s","name":"s","type":"s","properties":{"pattern":["s"],"start_time":"s"}}}
        """;

    private const string Instance = """
        {"id":"s","name":"s","type":"s","size":"i","status":"s","children":[{"id":"s","name":"s","size":"i","status":"s"}],
         "protectable":{"result":"b","code":"s","reason":"s","vault":{"id":"s","name":"s","billing":{"size":"i"}}}}
        """;

    /// <summary>The path, the list in it (empty: one answer), how it is paged (limit, or 0: not at all), and a row's structure.</summary>
    public static TheoryData<string, string, int, string> Lists => new()
    {
        { "backups?dec=false", "backups", -1, Backup },
        { "backups?status=available&status=error&show_replication=true", "backups", -1, Backup },
        { "operation-logs?limit=1000", "operation_logs", 1000, Log },
        { "protectables/server/instances?limit=50", "instances", 0, Instance },
        { "protectables/disk/instances?limit=50", "instances", 0, Instance },
        { "policies", "policies", 0, Policy },
        { "vaults?limit=100&cloud_type=public", "vaults", 100, Vault },
        { "vaults/external?limit=100&external_project_id={project}&region_id=RegionOne&objcet_type=server", "vaults", 100, Vault },
        { "storage_usage?limit=100", "storage_usage", 100, """{"resource_id":"s","resource_name":"s","resource_type":"s","backup_count":"i","backup_size":"i","backup_size_multiaz":"i"}""" },
        { "replication-capabilities", "regions", 0, """{"name":"s","replication_destinations":["s"]}""" },
    };

    public static TheoryData<string, string> Single => new()
    {
        { "backups/{backup}", $$"""{"backup":{{Backup}}}""" },
        { "backups/{backup}/metadata", """{"backup_id":"s","backups":"s","flavor":"s","server":"s","interface":"s","floatingips":["s"],"ports":["s"],"volumes":["s"]}""" },
        { "vaults/summary", """{"size":"i","used_size":"i"}""" },
        { "cbr-features", """{"replication.enable":"b","replication.source_region":"s","replication.destination_regions":["s"],"features.backup_double_az":"b"}""" },
        { "cbr-features/replication.enable", """{"replication.enable":"b"}""" },
        { "/v3/region-projects", """{"links":{"self":"s"},"projects":[{"id":"s","name":"s","domain_id":"s","parent_id":"s","description":"s","enabled":"b","is_domain":"b","links":{"self":"s"}}]}""" },
    };

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task A_list_is_read_to_its_end_and_every_row_decodes(string path, string items, int limit, string row)
    {
        World world = await World.NewAsync(server);
        int seen = 0;
        for (int page = 0; ; page++)
        {
            Assert.True(page < 10, "the loop does not end");
            string offset = limit == 0 ? "" : $"&offset={seen}";
            JsonNode answer = (await world.Tasks.GetAsync(path.Replace("{project}", world.Tasks.ProjectId, StringComparison.Ordinal) + offset));
            JsonArray rows = answer[items]!.AsArray();
            Assert.All(rows, each => Decode(each, JsonNode.Parse(row)!, items));
            seen += rows.Count;
            if (rows.Count == 0 || limit == 0)
                break;
        }

        Assert.True(seen > 0 || items == "regions", "nothing was decoded");
    }

    [Theory]
    [MemberData(nameof(Single))]
    public async Task One_answer_decodes(string path, string shape)
    {
        World world = await World.NewAsync(server);
        path = path.Replace("{backup}", world.Backup, StringComparison.Ordinal);

        TestReply reply = path[0] == '/' ? await server.GetAsync(world.Tasks.Vaults.Caller, path) : await world.Tasks.Vaults.GetAsync(path);

        Assert.True(reply.Status == 200, reply.Text);
        Decode(reply.Json, JsonNode.Parse(shape)!, path);
    }

    [Fact]
    public async Task The_metadata_of_a_backup_is_text_that_holds_JSON()
    {
        World world = await World.NewAsync(server);

        foreach ((string name, JsonNode? value) in (await world.Tasks.GetAsync($"backups/{world.Backup}/metadata")).AsObject())
        {
            if (name != "backup_id")
                Assert.All(value is JsonArray several ? several : [value!.DeepClone()], text => Assert.NotNull(JsonNode.Parse((string)text!)));
        }
    }

    [Fact]
    public async Task Vaults_are_found_by_their_tags_and_agents_are_asked_about()
    {
        World world = await World.NewAsync(server);
        VaultWorld vaults = world.Tasks.Vaults;
        int seen = 0;
        for (int page = 0; page < 3; page++)
        {
            TestReply reply = await vaults.PostAsync(
                "vault/resource_instances/action?enterprise_project_id=0",
                new { action = "filter", limit = "100", offset = $"{seen}", tags = new[] { new { key = "k", values = new[] { "v" } } }, object_type = "server" });
            Assert.True(reply.Status == 200, reply.Text);
            JsonArray rows = reply.Json["resources"]!.AsArray();
            Assert.All(rows, row => Decode(row, JsonNode.Parse($$$"""{"resource_id":"s","resource_name":"s","tags":[{{{Tag}}}],"resource_detail":{"vault":{{{Vault}}}}}""")!, "resources"));
            seen += rows.Count;
            if (rows.Count == 0)
                break;
        }

        Assert.Equal(1, seen);
        TestReply checks = await vaults.PostAsync("agent/check", new { agent_status = new[] { new { resource_id = world.Server, resource_type = "OS::Nova::Server", resource_name = "web" } } });
        Decode(checks.Json, JsonNode.Parse("""{"agent_status":[{"resource_id":"s","installed":"b","is_old":"b","version":"s","code":"i","message":"s"}]}""")!, "agent_status");
        VaultWorld.AssertRefused(await server.GetAsync(vaults.Caller, "/v3/migrates?all_regions=true"), 404, "4001");
    }

    /// <summary>As Go's encoding/json reads into a structure: s text, i whole number of 32 bits, b truth value.</summary>
    private static void Decode(JsonNode? value, JsonNode shape, string at)
    {
        if (value is null)
            return;
        switch (shape)
        {
            case JsonObject members:
                Assert.True(value is JsonObject, $"{at} is no object: {value.ToJsonString()}");
                foreach ((string name, JsonNode? inner) in members)
                    Decode(value[name], inner!, $"{at}.{name}");
                break;
            case JsonArray items:
                Assert.True(value is JsonArray, $"{at} is no list: {value.ToJsonString()}");
                foreach (JsonNode? item in value.AsArray())
                    Decode(item, items[0]!, at + "[]");
                break;
            default:
                bool fits = (string?)shape switch
                {
                    "s" => value.GetValueKind() == JsonValueKind.String,
                    "b" => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
                    _ => value.GetValueKind() == JsonValueKind.Number && int.TryParse(value.ToJsonString(), out int _),
                };
                Assert.True(fits, $"{at} cannot be decoded: {value.ToJsonString()}");
                break;
        }
    }

    /// <summary>A server with tags, a policy and backups, a restore, a deletion and a failure.</summary>
    private sealed record World(TaskWorld Tasks, string Server, string Backup)
    {
        public static async Task<World> NewAsync(SqliteTaskServer server)
        {
            TaskWorld tasks = await TaskWorld.NewAsync(server);
            (string vault, string instance, string[] disks) = await tasks.ServerVaultAsync();
            await tasks.Vaults.PostAsync($"vault/{vault}/tags", new { tag = new { key = "k", value = "v" } });
            string policy = await Policies.PolicyWorld.PolicyAsync(tasks.Vaults);
            Assert.Equal(200, (await Policies.PolicyWorld.BindAsync(tasks.Vaults, vault, policy)).Status);
            (_, string[] first) = await tasks.ProtectAsync(vault);
            (_, string[] second) = await tasks.ProtectAsync(vault);
            string child = (string)(await tasks.BackupAsync(second[0]))["children"]![0]!["id"]!;
            await tasks.EndOfAsync((string)(await tasks.RestoreAsync(child, new { volume_id = disks[0] })).Json["job_id"]!);
            Assert.Equal(204, (await tasks.Vaults.DeleteAsync("backups/" + first[0])).Status);
            (string diskVault, string disk) = await tasks.DiskVaultAsync();
            tasks.Engine.OnBackup(disk, _ => throw new InvalidOperationException("as the test wants it"));
            await tasks.ProtectAsync(diskVault);
            Assert.Equal(200, (await tasks.Vaults.RemoveAsync(diskVault, disk)).Status);
            Assert.Equal(204, (await tasks.Vaults.DeleteAsync("vaults/" + diskVault)).Status);
            return new World(tasks, instance, second[0]);
        }
    }
}
