using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Clients;

/// <summary>
/// What breaks real clients of the wire, a rule each: numbers and words are those of the checklist drawn from the sources of
/// the Terraform providers, SDKs and command lines (docs/api-compatibility.md).
/// </summary>
public sealed partial class ClientChecklistTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    private const string NoSuchName = "my-backup";

    [Fact]
    public async Task Row_01_restore_answers_202_with_a_job_whose_log_ends()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string backup, string disk) = await DiskBackupAsync(world);

        TestReply reply = await world.RestoreAsync(backup, new { volume_id = disk });

        Assert.Equal(202, reply.Status);
        string job = Text(reply.Json["job_id"]);
        Assert.Contains(Text((await world.EndOfAsync(job))["status"]), (string[])["success", "failed", "timeout"]);
    }

    [Fact]
    public async Task Row_02_sizes_and_counts_of_checkpoint_resources_are_strings()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, _) = await world.ServerVaultAsync();
        TestReply created = await world.CheckpointAsync(vault);
        JsonNode shown = (await world.GetAsync($"checkpoints/{Id(created, "checkpoint")}"))["checkpoint"]!;

        foreach (JsonNode? resource in ((JsonNode[])[created.Json["checkpoint"]!, shown]).SelectMany(checkpoint => checkpoint["vault"]!["resources"]!.AsArray()))
        {
            foreach (string member in (string[])["resource_size", "backup_size", "backup_count"])
                Assert.Matches("^[0-9]+$", Text(resource![member]));
            Assert.True(resource!["extra_info"] is null or JsonValue, resource.ToJsonString());
        }
    }

    [Fact]
    public async Task Row_03_a_checkpoint_has_its_vault_and_resources_until_it_is_gone()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string vault = await world.Vaults.VaultAsync("disk");
        string[] disks = [await world.Vaults.NewDiskAsync("a"), await world.Vaults.NewDiskAsync("b")];
        await world.AddAsync(vault, [.. disks.Select(VaultWorld.Disk)]);
        Gate gate = world.Engine.Hold(disks[0]);
        string checkpoint = Id(await world.CheckpointAsync(vault), "checkpoint");
        await AssertWholeAsync();
        gate.Open();
        await TaskWorld.UntilAsync(async () => Text((await AssertWholeAsync())["status"]) != "protecting");
        JsonArray backups = await world.BackupsAsync("checkpoint_id=" + checkpoint);
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + backups[0]!["id"])).Status);
        await AssertWholeAsync();
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + backups[1]!["id"])).Status);
        VaultWorld.AssertRefused(await world.Vaults.GetAsync("checkpoints/" + checkpoint), 404, "6217");

        async Task<JsonNode> AssertWholeAsync()
        {
            JsonNode shown = (await world.GetAsync("checkpoints/" + checkpoint))["checkpoint"]!;
            Assert.Equal(vault, Text(shown["vault"]!["id"]));
            Assert.NotEmpty(shown["vault"]!["resources"]!.AsArray());
            return shown;
        }
    }

    [Fact]
    public async Task Row_04_a_checkpoint_is_gone_with_its_last_backup()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault);

        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + backups[0])).Status);

        Assert.Equal(404, (await world.Vaults.GetAsync("checkpoints/" + checkpoint)).Status);
        Assert.Equal(404, (await world.Vaults.GetAsync("backups/" + backups[0])).Status);
    }

    [Fact]
    public async Task Row_05_replicating_one_backup_is_refused_as_documented_where_there_is_no_other_site()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, _) = await world.ServerVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        var replicate = new { destination_project_id = new string('c', 32), destination_region = "eu-west-2", destination_vault_id = VaultWorld.UnknownId };

        VaultWorld.AssertRefused(await world.Vaults.PostAsync($"backups/{backups[0]}/replicate", new { replicate }), 400, "1011");
    }

    [Fact]
    public async Task Row_06_checkpoint_member_and_policy_changes_answer_exactly_200()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        (string backup, _) = await DiskBackupAsync(world);
        string into = await recipient.Vaults.VaultAsync("disk");
        string vault = Text((await world.BackupAsync(backup))["vault_id"]);
        TestReply policy = await world.Vaults.CreatePolicyAsync(PolicyWorld.PolicyBody());
        TestReply[] replies =
        [
            policy,
            await world.Vaults.UpdatePolicyAsync(Id(policy, "policy"), new { name = "renamed" }),
            await world.CheckpointAsync(vault),
            await world.Vaults.PostAsync($"backups/{backup}/members", new { members = new[] { recipient.ProjectId } }),
            await recipient.Vaults.PutAsync($"backups/{backup}/members/{recipient.ProjectId}", new { status = "accepted", vault_id = into }),
        ];

        Assert.Equal([200, 200, 200, 200, 200], replies.Select(reply => reply.Status));
    }

    [Fact]
    public async Task Row_07_deleting_answers_204_without_a_body()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        (string backup, _) = await DiskBackupAsync(world);
        string vault = Text((await world.BackupAsync(backup))["vault_id"]);
        await world.Vaults.PostAsync($"backups/{backup}/members", new { members = new[] { recipient.ProjectId } });
        string policy = await world.Vaults.PolicyAsync();
        foreach (string path in (string[])[$"backups/{backup}/members/{recipient.ProjectId}", "backups/" + backup, "policies/" + policy, "vaults/" + vault])
        {
            TestReply reply = await world.Vaults.DeleteAsync(path);
            Assert.True((reply.Status, reply.Text) == (204, ""), $"{path}: {reply.Status} {reply.Text}");
        }
    }

    [Fact]
    public async Task Row_08_extend_info_of_a_backup_is_an_object()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (string serverVault, _, _) = await world.ServerVaultAsync();
        string files = await world.Vaults.VaultAsync("turbo");
        await world.AddAsync(files, VaultWorld.FileSystem(await world.Vaults.NewFileSystemAsync()));
        await world.ProtectAsync(serverVault);
        await world.ProtectAsync(files);
        world.Engine.OnBackup(disk, _ => throw new InvalidOperationException("a backup that fails"));
        await world.ProtectAsync(vault);

        JsonArray rows = await world.BackupsAsync("");

        Assert.Equal(3, rows.Count);
        foreach (JsonNode? row in rows)
        {
            Assert.Equal(JsonValueKind.Object, row!["extend_info"]!.GetValueKind());
            JsonNode shown = await world.BackupAsync(Text(row["id"]));
            Assert.Equal(JsonValueKind.Object, shown["extend_info"]!.GetValueKind());
            Assert.All(shown["children"]?.AsArray() ?? [], child => Assert.Equal(JsonValueKind.Object, child!["extend_info"]!.GetValueKind()));
        }
    }

    [Fact]
    public async Task Row_09_ids_and_codes_are_strings_and_sizes_and_progress_whole_numbers()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string backup, _) = await DiskBackupAsync(world);
        string[] texts = ["id", "enterprise_project_id", "provider_id", "vault_id", "checkpoint_id", "resource_id", "project_id", "error_code", "code", "policy_id"];
        string[] numbers = ["resource_size", "progress", "size", "used", "allocated", "count", "limit", "offset"];
        foreach (string path in (string[])["vaults", "backups", "backups/" + backup, "operation-logs"])
        {
            foreach ((string name, JsonNode? value) in Members((await world.Vaults.GetAsync(path)).Json))
            {
                if (value is not null && texts.Contains(name))
                    Assert.True(value.GetValueKind() == JsonValueKind.String, $"{path}: {name} is {value.ToJsonString()}");
                if (value is not null && numbers.Contains(name))
                    Assert.Matches("^-?[0-9]+$", value.ToJsonString());
            }
        }
    }

    [Fact]
    public async Task Row_10_operation_definition_is_replaced_as_a_whole_and_kept_as_sent()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        const string First = """{"day_backups":0,"max_backups":-1,"retention_duration_days":30,"week_backups":0,"full_backup_interval":-1,"timezone":"UTC+08:00"}""";
        TestReply created = await world.CreatePolicyAsync(PolicyWorld.PolicyBody(First));
        Assert.Equal(First, created.Json["policy"]!["operation_definition"]!.ToJsonString(Relaxed));

        TestReply changed = await world.UpdatePolicyAsync(Id(created, "policy"), new { operation_definition = new { max_backups = 5 } });

        Assert.Equal("""{"max_backups":5}""", changed.Json["policy"]!["operation_definition"]!.ToJsonString());
    }

    [Fact]
    public async Task Row_11_patterns_come_back_verbatim_in_order_and_there_is_one_at_least()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string[] patterns = ["FREQ=WEEKLY;BYDAY=SU,MO;BYHOUR=06;BYMINUTE=00", "FREQ=DAILY;INTERVAL=05;BYHOUR=9;BYMINUTE=05"];

        string policy = await world.PolicyAsync(PolicyWorld.PolicyBody(patterns: patterns));

        Assert.Equal(patterns, (await world.ShowPolicyAsync(policy))["trigger"]!["properties"]!["pattern"]!.AsArray().Select(Text));
        JsonObject none = PolicyWorld.PolicyBody().With("trigger.properties.pattern", "[]");
        VaultWorld.AssertRefused(await world.CreatePolicyAsync(none), 400, "9900", "pattern");
        VaultWorld.AssertRefused(await world.PutAsync("policies/" + policy, new { policy = none }), 400, "9900", "pattern");
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task Row_12_past_the_end_a_list_is_empty(string path, string items)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);

        TestReply reply = await world.Vaults.GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit=10&offset=1000");

        Assert.Equal(200, reply.Status);
        Assert.Empty(reply.Json[items]!.AsArray());
    }

    [Theory]
    [InlineData("vaults", "vaults")]
    [InlineData("policies", "policies")]
    [InlineData("backups", "backups")]
    [InlineData("operation-logs", "operation_logs")]
    [InlineData("organization-policies", "policies")]
    public async Task Row_13_paging_by_marker_sees_every_row_once_and_ends(string path, string items)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        for (int i = 0; i < 3; i++)
        {
            await DiskBackupAsync(world);
            await world.Vaults.PolicyAsync();
            Assert.Equal(200, (await world.Vaults.PostAsync("organization-policies", OrganizationPolicy(world.ProjectId))).Status);
        }

        string[] all = Ids(await world.GetAsync(path));
        var seen = new List<string>();
        for (string marker = ""; ;)
        {
            string[] page = Ids(await world.GetAsync($"{path}?limit=2{marker}"));
            if (page.Length == 0)
                break;
            seen.AddRange(page);
            Assert.True(seen.Count <= all.Length, "the list does not end");
            marker = "&marker=" + page[^1];
        }

        Assert.True(all.Length >= 3);
        Assert.Equal(all, seen);

        string[] Ids(JsonNode list) => [.. list[items]!.AsArray().Select(row => Text(row!["id"]))];
    }

    [Fact]
    public async Task Row_14_what_is_not_there_or_no_id_at_all_is_404_or_400()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        foreach (string id in (string[])[VaultWorld.UnknownId, NoSuchName, "5", "%20", "a%2Fb", "\u00fc", new string('x', 300), VaultWorld.UnknownId.ToUpperInvariant()])
        {
            foreach (string collection in (string[])["vaults", "policies", "backups", "checkpoints", "operation-logs", "organization-policies", "agents", "protectables/disk/instances"])
            {
                TestReply reply = await world.GetAsync($"{collection}/{id}");
                Assert.True(reply.Status is 404 or 400, $"{collection}/{id}: {reply.Status} {reply.Text}");
            }
        }
    }

    [Fact]
    public async Task Row_15_a_valid_token_never_meets_401()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestCaller other = await server.NewProjectAsync();
        foreach ((string method, string path) in (IEnumerable<(string, string)>)
        [
            ("GET", "/v3/{project_id}/nothing"),
            ("PATCH", "/v3/{project_id}/vaults"),
            ("GET", $"/v3/{other.ProjectId}/vaults"),
            ("GET", "/v3/x/vaults"),
            ("GET", "/v3/{project_id}//vaults"),
            ("GET", "/v2/{project_id}/vaults"),
        ])
        {
            TestReply reply = await server.SendAsync(caller, method, path);
            Assert.True(reply.Status is 403 or 404 or 405, $"{method} {path}: {reply.Status}");
        }
    }

    [Fact]
    public async Task Row_16_a_recipient_sees_its_own_vault_and_the_source_project_until_it_rejects()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        (string backup, _) = await DiskBackupAsync(owner);
        string vault = await recipient.Vaults.VaultAsync("disk");
        await owner.Vaults.PostAsync($"backups/{backup}/members", new { members = new[] { recipient.ProjectId } });

        await recipient.Vaults.PutAsync($"backups/{backup}/members/{recipient.ProjectId}", new { status = "accepted", vault_id = vault });
        JsonNode seen = await recipient.BackupAsync(backup);
        TestReply rejected = await recipient.Vaults.PutAsync($"backups/{backup}/members/{recipient.ProjectId}", new { status = "rejected" });

        Assert.Equal((vault, owner.ProjectId), (Text(seen["vault_id"]), Text(seen["project_id"])));
        Assert.Equal(200, rejected.Status);
        Assert.Equal(404, (await recipient.Vaults.GetAsync("backups/" + backup)).Status);
    }

    [Fact]
    public async Task Row_17_members_are_named_by_the_recipients_project()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        string recipient = await server.NewProjectIdAsync();
        (string backup, _) = await DiskBackupAsync(owner);
        await owner.Vaults.PostAsync($"backups/{backup}/members", new { members = new[] { recipient } });

        JsonNode member = (await owner.GetAsync($"backups/{backup}/members/{recipient}"))["member"]!;

        Assert.Equal(recipient, Text(member["dest_project_id"]));
        Assert.Equal(404, (await owner.Vaults.GetAsync($"backups/{backup}/members/{new string('0', 32)}")).Status);
        Assert.Equal(204, (await owner.Vaults.DeleteAsync($"backups/{backup}/members/{recipient}")).Status);
    }

    [Fact]
    public async Task Row_18_times_have_six_digits_of_fraction_and_no_zone()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        (string backup, _) = await DiskBackupAsync(world);
        await world.Vaults.PostAsync($"backups/{backup}/members", new { members = new[] { recipient.ProjectId } });
        string checkpoint = Text((await world.BackupAsync(backup))["checkpoint_id"]);
        int count = 0;
        foreach (string path in (string[])["vaults", "backups", "backups/" + backup, $"backups/{backup}/members", "checkpoints/" + checkpoint, "operation-logs"])
        {
            foreach ((string name, JsonNode? value) in Members((await world.Vaults.GetAsync(path)).Json))
            {
                if (value is null || !name.EndsWith("_at", StringComparison.Ordinal))
                    continue;
                count++;
                Assert.True(WireTime().IsMatch(Text(value)), $"{path}: {name} is {value}");
            }
        }

        Assert.True(count > 10);
    }

    [Fact]
    public async Task Row_19_operation_logs_leave_out_what_one_client_cannot_decode()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string backup, string disk) = await DiskBackupAsync(world);
        await world.EndOfAsync(Text((await world.RestoreAsync(backup, new { volume_id = disk })).Json["job_id"]));
        await world.Vaults.DeleteAsync("backups/" + backup);

        foreach (JsonNode? log in await world.LogsAsync())
        {
            Assert.Null(log!["extra_info"]?["backup"]?["incremental"]);
            Assert.Null(log["extra_info"]?["resource"]?["extra_info"]);
        }
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task Row_20_a_list_has_exactly_one_array_at_the_top(string path, string items)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);

        JsonObject reply = (await world.GetAsync(path)).AsObject();

        Assert.Equal(items, Assert.Single(reply, member => member.Value?.GetValueKind() == JsonValueKind.Array).Key);
        Assert.DoesNotContain(reply, member => member.Key.EndsWith("_links", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Row_21_unknown_members_are_ignored()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        (string backup, string disk) = await DiskBackupAsync(world);
        string vault = Text((await world.BackupAsync(backup))["vault_id"]);
        string into = await recipient.Vaults.VaultAsync("disk");
        string policy = await world.Vaults.PolicyAsync();
        await world.Vaults.PostAsync($"backups/{backup}/members", new { members = new[] { recipient.ProjectId }, _ = "x" });
        JsonObject vaultBody = VaultWorld.VaultBody();
        vaultBody["stray"] = new JsonObject { ["a"] = 1 };
        JsonObject policyBody = PolicyWorld.PolicyBody();
        policyBody["id"] = "stray";
        TestReply[] replies =
        [
            await world.Vaults.CreateAsync(vaultBody),
            await world.Vaults.CreatePolicyAsync(policyBody),
            await world.Vaults.PutAsync("policies/" + policy, new { policy = new { id = "stray", name = "n" }, stray = 1 }),
            await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { id = "stray", name = "n" } }),
            await world.Vaults.PostAsync("checkpoints", new { checkpoint = new { vault_id = vault, name = "stray", parameters = new { stray = true } } }),
            await world.Vaults.PutAsync("backups/" + backup, new { backup = new { name = "n", stray = 1 } }),
            await recipient.Vaults.PutAsync($"backups/{backup}/members/{recipient.ProjectId}", new { _ = backup, id = "x", status = "accepted", vault_id = into }),
            await world.Vaults.PostAsync($"vaults/{vault}/addresources", new { resources = new[] { new { id = disk, type = "OS::Cinder::Volume", stray = 1 } }, stray = 1 }),
        ];

        Assert.All(replies, reply => Assert.True(reply.Status == 200, reply.Text));
    }

    [Fact]
    public async Task Row_22_an_empty_policy_change_and_empty_parameters_are_legal()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        string policy = await world.Vaults.PolicyAsync();
        JsonNode before = await world.Vaults.ShowPolicyAsync(policy);

        TestReply changed = await world.Vaults.PutAsync("policies/" + policy, """{"policy":{}}""");
        TestReply started = await world.Vaults.PostAsync("checkpoints", $$$$"""{"checkpoint":{"vault_id":"{{{{vault}}}}","parameters":{}}}""");

        Assert.Equal(before.ToJsonString(), changed.Json["policy"]!.ToJsonString());
        Assert.Equal(200, started.Status);
    }

    [Fact]
    public async Task Row_23_the_catalogue_has_cbr_with_the_project_in_its_address()
    {
        TestCaller caller = await server.NewProjectAsync();

        foreach (JsonArray catalog in (JsonArray[])
        [
            (await server.GetAsync(caller, "/v3/auth/catalog")).Json["catalog"]!.AsArray(),
        ])
        {
            JsonNode cbr = Assert.Single(catalog, service => Text(service!["type"]) == "cbr")!;
            JsonNode endpoint = Assert.Single(cbr["endpoints"]!.AsArray(), endpoint => Text(endpoint!["interface"]) == "public")!;
            Assert.EndsWith("/v3/" + caller.ProjectId, Text(endpoint["url"]), StringComparison.Ordinal);
            Assert.Equal("RegionOne", Text(endpoint["region"]));
        }
    }

    [Fact]
    public async Task Row_24_refusals_are_error_code_and_error_msg_with_a_request_id()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        foreach (TestReply reply in (TestReply[])
        [
            await world.GetAsync("vaults/" + VaultWorld.UnknownId),
            await world.PostAsync("vaults", "{}"),
            await world.PostAsync("vaults", "no json"),
            await server.GetAsync(null, $"/v3/{world.ProjectId}/vaults"),
            await world.GetAsync("nothing"),
        ])
        {
            JsonObject body = reply.Json.AsObject();
            Assert.NotEmpty(Text(body["error_code"]));
            Assert.NotEmpty(Text(body["error_msg"]));
            Assert.Matches("^[0-9a-f]{32}$", reply.Message.Headers.GetValues("X-Request-Id").Single());
            Assert.All(body, member => Assert.Equal(JsonValueKind.String, member.Value!.GetValueKind()));
        }
    }

    public static TheoryData<string, string> Lists => new()
    {
        { "vaults", "vaults" },
        { "policies", "policies" },
        { "backups", "backups" },
        { "backups?own_type=shared", "backups" },
        { "operation-logs", "operation_logs" },
        { "organization-policies", "policies" },
        { "agents", "agents" },
        { "protectables/server/instances", "instances" },
        { "protectables/disk/instances", "instances" },
        { "storage_usage", "storage_usage" },
    };

    private static JsonSerializerOptions Relaxed { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static object OrganizationPolicy(string projectId) => new
    {
        policy = new
        {
            name = "o",
            policy_name = "p",
            operation_type = "backup",
            policy_enabled = true,
            policy_operation_definition = new { },
            policy_trigger = new { properties = new { pattern = new[] { PolicyWorld.Daily } } },
            effective_scope = projectId,
        },
    };

    private static async Task<(string Backup, string Disk)> DiskBackupAsync(TaskWorld world)
    {
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        return (backups[0], disk);
    }

    private static string Id(TestReply reply, string noun)
    {
        Assert.True(reply.Status == 200, reply.Text);
        return Text(reply.Json[noun]!["id"]);
    }

    /// <summary>As a strict decoder has it: a string, not a number that could be written as one.</summary>
    private static string Text(JsonNode? value)
    {
        Assert.Equal(JsonValueKind.String, value?.GetValueKind());
        return (string)value!;
    }

    /// <summary>Every member at any depth.</summary>
    private static IEnumerable<(string Name, JsonNode? Value)> Members(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => Members(member.Value).Prepend((member.Key, member.Value))),
        JsonArray items => items.SelectMany(Members),
        _ => [],
    };

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$")]
    private static partial Regex WireTime();
}
