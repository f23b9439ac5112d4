using System.Text.Json;
using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Http;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Clients;

/// <summary>What went wrong for users of such services elsewhere (docs/api-compatibility.md, "What hurts users elsewhere") and has no other test.</summary>
public sealed class PeerTrapTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    [Fact]
    public async Task A_vault_goes_from_empty_to_filled_to_empty_as_often_as_it_likes()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();

        for (int i = 0; i < 3; i++)
        {
            Assert.Empty((await world.ShowAsync(vault))["resources"]!.AsArray());
            Assert.Equal(200, (await world.AddAsync(vault, VaultWorld.Disk(disk))).Status);
            Assert.Single((await world.ShowAsync(vault))["resources"]!.AsArray());
            Assert.Equal(200, (await world.RemoveAsync(vault, disk)).Status);
        }

        Assert.Equal(0, (int)(await world.ShowAsync(vault))["billing"]!["allocated"]!);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whatever_order_resources_come_and_go_in_no_backup_is_beyond_recall(int seed)
    {
        var random = new Random(seed);
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        string vault = await vaults.VaultAsync("disk");
        string[] disks = await vaults.NewDisksAsync(4);
        var inside = new List<string>();
        var made = new HashSet<string>();
        for (int step = 0; step < 12; step++)
        {
            // As a tool sees it: the set that is wanted, and the difference to what is there, in any order.
            string[] wanted = [.. disks.Where(_ => random.Next(2) == 0)];
            string[] leaving = [.. inside.Except(wanted).OrderBy(_ => random.Next())];
            string[] coming = [.. wanted.Except(inside).OrderBy(_ => random.Next())];
            if (leaving.Length > 0)
                Assert.Equal(200, (await vaults.RemoveAsync(vault, leaving)).Status);
            if (coming.Length > 0)
                await world.AddAsync(vault, [.. coming.Select(VaultWorld.Disk)]);
            inside = [.. wanted];
            if (wanted.Length > 0)
                made.UnionWith((await world.ProtectAsync(vault)).Backups);

            IEnumerable<string> live = (await world.BackupsAsync("")).Select(backup => (string)backup!["id"]!);
            JsonNode deleted = (await server.GetAsync(vaults.Caller, "/strongroom/v1/{project_id}/deleted")).Json;
            var recallable = new HashSet<string>(live.Concat(deleted["backups"]!.AsArray().Select(backup => (string)backup!["id"]!)));
            Assert.Subset(recallable, made);
        }

        foreach (string id in made.Except((await world.BackupsAsync("")).Select(backup => (string)backup!["id"]!)))
            Assert.Equal(204, (await server.PostAsync(vaults.Caller, $"/strongroom/v1/{{project_id}}/backups/{id}/undelete", null)).Status);
        Assert.Equal(made.Count, (await world.BackupsAsync("")).Count);
    }

    [Fact]
    public async Task Taking_out_again_what_was_taken_out_is_a_success_that_changes_nothing()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        (string vault, string disk) = await world.DiskVaultAsync();
        string second = await vaults.NewDiskAsync();
        await world.AddAsync(vault, VaultWorld.Disk(second));

        TestReply first = await vaults.RemoveAsync(vault, disk);
        int logs = (await world.LogsAsync()).Count;
        string version = (await vaults.ShowAsync(vault)).ToJsonString();
        TestReply again = await vaults.RemoveAsync(vault, disk, disk);

        Assert.Equal((200, first.Text), (again.Status, again.Text));
        Assert.Equal(version, (await vaults.ShowAsync(vault)).ToJsonString());
        Assert.Equal(logs, (await world.LogsAsync()).Count);

        // One that is there goes beside it; one that never was is refused, and nothing is removed.
        VaultWorld.AssertRefused(await vaults.RemoveAsync(vault, disk, VaultWorld.UnknownId), 400, "6135", VaultWorld.UnknownId);
        Assert.Equal(200, (await vaults.RemoveAsync(vault, disk, second)).Status);
        Assert.Empty((await vaults.ShowAsync(vault))["resources"]!.AsArray());
        Assert.Equal(200, (await vaults.AddAsync(vault, VaultWorld.Disk(disk))).Status);
        Assert.Single((await vaults.ShowAsync(vault))["resources"]!.AsArray());
        VaultWorld.AssertRefused(await vaults.RemoveAsync(await vaults.VaultAsync(), disk), 400, "6135", disk);
    }

    [Fact]
    public async Task A_resource_whose_source_is_gone_shows_so_and_does_not_hold_up_its_vault()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        (string vault, string ghost) = await world.DiskVaultAsync();
        string sound = await vaults.NewDiskAsync("sound");
        await world.AddAsync(vault, VaultWorld.Disk(sound));
        (_, string[] backups) = await world.ProtectAsync(vault);
        Assert.Equal(204, (await server.DeleteAsync(vaults.Caller, "/strongroom/v1/{project_id}/resources/" + ghost)).Status);

        // A tool reads it, finds the state it can do nothing about, and has nothing to change the second time either.
        JsonNode first = await vaults.ShowAsync(vault);
        Assert.Equal("deleted", await world.ProtectStatusAsync(vault, ghost));
        Assert.Equal(200, (await vaults.PutAsync("vaults/" + vault, new { vault = new { name = (string?)first["name"] } })).Status);
        Assert.Equal(first.ToJsonString(), (await vaults.ShowAsync(vault)).ToJsonString());

        (_, string[] later) = await world.ProtectAsync(vault);
        Assert.Single(later);
        Assert.Equal(200, (await vaults.GetAsync("backups/" + backups[0])).Status);
        Assert.Equal(200, (await vaults.RemoveAsync(vault, ghost)).Status);
        Assert.Equal(200, (await vaults.RemoveAsync(vault, ghost)).Status);
        Assert.Equal(sound, (string?)Assert.Single((await vaults.ShowAsync(vault))["resources"]!.AsArray())!["id"]);
    }

    [Fact]
    public async Task Applying_the_same_twice_changes_nothing()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        (string vault, string disk) = await world.DiskVaultAsync();
        string policy = await vaults.PolicyAsync();
        for (int round = 0; round < 2; round++)
        {
            string before = round == 0 ? "" : await StateAsync();
            Assert.Equal(200, (await vaults.PutAsync("vaults/" + vault, new { vault = new { name = "same", billing = new { size = 120 }, threshold = 70 } })).Status);
            Assert.Equal(200, (await vaults.AddAsync(vault, VaultWorld.Disk(disk))).Status);
            Assert.Equal(200, (await vaults.BindAsync(vault, policy)).Status);
            Assert.Equal(200, (await vaults.PutAsync("policies/" + policy, new { policy = PolicyWorld.PolicyBody(name: "same") })).Status);
            Assert.Equal(204, (await vaults.PostAsync($"vault/{vault}/tags/action", new { action = "create", tags = new[] { new { key = "b", value = "2" }, new { key = "a", value = "1" } } })).Status);
            if (round == 1)
                Assert.Equal(before, await StateAsync());
        }

        async Task<string> StateAsync() => (await vaults.ShowAsync(vault)).ToJsonString() + (await vaults.ShowPolicyAsync(policy)).ToJsonString();
    }

    /// <summary>Each member of the update, taken from the service's own description, so that one added later is not forgotten.</summary>
    [Fact]
    public async Task Whatever_an_update_may_name_changes_in_place_and_is_read_back()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        Dictionary<string, string> values = new()
        {
            ["name"] = "\"renamed\"",
            ["billing.size"] = "200",
            ["billing.consistent_level"] = "\"app_consistent\"",
            ["auto_bind"] = "true",
            ["bind_rules"] = """{"tags":[{"key":"k","value":"v"}]}""",
            ["auto_expand"] = "true",
            ["smn_notify"] = "false",
            ["threshold"] = "33",
            ["locked"] = "true",
        };
        JsonNode document = (await server.GetAsync(null, "/openapi/v3.json")).Json;
        JsonNode vault = document["paths"]!["/v3/{project_id}/vaults/{vault_id}"]!["put"]!["requestBody"]!["content"]!["application/json"]!["schema"]!["properties"]!["vault"]!;
        IEnumerable<string> members = vault["properties"]!.AsObject().SelectMany(
            member => member.Key == "billing" ? member.Value!["properties"]!.AsObject().Select(inner => "billing." + inner.Key) : [member.Key]);
        Assert.Equal(values.Keys.Order(StringComparer.Ordinal), members.Order(StringComparer.Ordinal));

        foreach ((string member, string json) in values)
        {
            string id = await world.VaultAsync("server");
            string before = (await world.ShowAsync(id)).ToJsonString();
            JsonObject change = new JsonObject { ["billing"] = new JsonObject() }.With(member, json);
            TestReply changed = await world.PutAsync("vaults/" + id, new JsonObject { ["vault"] = change });

            Assert.True(changed.Status == 200, $"{member}: {changed.Text}");
            JsonNode after = await world.ShowAsync(id);
            Assert.Equal(changed.Json["vault"]!.ToJsonString(), after.ToJsonString());
            Assert.Equal(json, member.Split('.').Aggregate(after, (node, name) => node[name]!).ToJsonString());
            Assert.NotEqual(before, after.ToJsonString());
        }
    }

    /// <summary>A tool that imports a vault compares what it reads with what was once asked for, the empty and the absent included.</summary>
    [Theory]
    [InlineData("post_paid")]
    [InlineData("pre_paid")]
    public async Task A_vault_reads_back_as_it_was_made_from_every_view_and_after_any_change(string chargingMode)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        string disk = await vaults.NewDiskAsync();
        JsonObject body = VaultWorld.VaultBody(name: "imported");
        foreach ((string member, string json) in (IEnumerable<(string, string)>)
        [
            ("billing.charging_mode", $"\"{chargingMode}\""), ("billing.period_type", "\"year\""), ("billing.period_num", "2"),
            ("billing.is_auto_renew", "true"), ("billing.is_auto_pay", "true"), ("billing.cloud_type", "\"public\""),
            ("description", "\"\""), ("backup_name_prefix", "\"\""), ("tags", """[{"key":"b","value":""},{"key":"a","value":"1"}]"""),
            ("bind_rules", """{"tags":[]}"""), ("auto_expand", "false"), ("locked", "false"), ("enterprise_project_id", "\"0\""),
        ])
        {
            body = body.With(member, json);
        }

        body["resources"] = new JsonArray(VaultWorld.Disk(disk));
        TestReply made = await vaults.CreateAsync(body);
        Assert.True(made.Status == 200, made.Text);
        string id = (string)(made.Json["vault"]?["id"] ?? made.Json["orders"]![0]!["resourceId"])!;
        JsonNode first = await vaults.ShowAsync(id);
        if (made.Json["vault"] is { } answered)
            Assert.Equal(answered.ToJsonString(), first.ToJsonString());
        Assert.Equal(("", "", "0", "[]"), (
            (string?)first["description"], (string?)first["backup_name_prefix"], (string?)first["enterprise_project_id"], first["bind_rules"]!["tags"]!.ToJsonString()));
        Assert.Equal((chargingMode, "public"), ((string?)first["billing"]!["charging_mode"], (string?)first["billing"]!["cloud_type"]));
        Assert.Equal("""[{"key":"b","value":""},{"key":"a","value":"1"}]""", first["tags"]!.ToJsonString());

        // There and back again: nothing else may have moved.
        string policy = await vaults.PolicyAsync();
        Assert.Equal(200, (await vaults.BindAsync(id, policy)).Status);
        foreach (object change in (object[])[new { threshold = 50 }, new { threshold = 80 }, new { name = "other" }, new { name = "imported", billing = new { } }, new { }])
            Assert.Equal(200, (await vaults.PutAsync("vaults/" + id, new { vault = change })).Status);
        Assert.Equal(200, (await vaults.UnbindAsync(id, policy)).Status);
        await server.RestartAsync();
        Assert.Equal(first.ToJsonString(), (await vaults.ShowAsync(id)).ToJsonString());
        Assert.Equal(first.ToJsonString(), (await vaults.GetAsync("vaults?name=imported")).Json["vaults"]![0]!.ToJsonString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whatever_is_bound_or_taken_out_shows_in_every_view_as_soon_as_it_is_answered(int seed)
    {
        var random = new Random(seed);
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        string vault = await vaults.VaultAsync("server");
        string copies = await vaults.VaultAsync("server", protectType: "replication");
        string[] backupPolicies = [await vaults.PolicyAsync(), await vaults.PolicyAsync()];
        string[] copyPolicies = [await vaults.PolicyAsync(PolicyWorld.ReplicationBody()), await vaults.PolicyAsync(PolicyWorld.ReplicationBody())];
        string[] servers = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(async _ => (await vaults.NewServerAsync(VaultWorld.Gb)).Id))];
        string? backup = null;
        string? copy = null;
        var inside = new List<string>();
        for (int step = 0; step < 24; step++)
        {
            string server1 = servers[random.Next(servers.Length)];
            switch (random.Next(5))
            {
                case 0:
                    backup = backupPolicies[random.Next(2)];
                    Assert.Equal(200, (await vaults.BindAsync(vault, backup)).Status);
                    break;
                case 1:
                    copy = copyPolicies[random.Next(2)];
                    Assert.Equal(200, (await vaults.BindAsync(vault, copy, copies)).Status);
                    break;
                case 2 when (random.Next(2) == 0 ? backup : copy) is { } bound:
                    Assert.Equal(200, (await vaults.UnbindAsync(vault, bound)).Status);
                    (backup, copy) = (backup == bound ? null : backup, copy == bound ? null : copy);
                    break;
                case 3 when !inside.Contains(server1):
                    await world.AddAsync(vault, VaultWorld.ServerOf(server1));
                    inside.Add(server1);
                    if (random.Next(2) == 0)
                        await world.ProtectAsync(vault);
                    break;
                case 4 when inside.Remove(server1):
                    Assert.Equal(200, (await vaults.RemoveAsync(vault, server1)).Status);
                    break;
            }

            string[] policies = [.. new[] { backup, copy }.OfType<string>().Order(StringComparer.Ordinal)];
            Assert.Equal(policies, PolicyWorld.PolicyIds(await vaults.GetAsync("policies?vault_id=" + vault)).Order(StringComparer.Ordinal));
            foreach (string policy in (string[])[.. backupPolicies, .. copyPolicies])
            {
                bool isBound = policies.Contains(policy);
                JsonArray vaultsOf = (await vaults.ShowPolicyAsync(policy))["associated_vaults"]!.AsArray();
                Assert.Equal(isBound ? [vault] : [], vaultsOf.Select(row => (string)row!["vault_id"]!));
                Assert.All(vaultsOf, row => Assert.Equal(policy == copy ? copies : null, (string?)row!["destination_vault_id"]));
                Assert.Equal(isBound ? 1 : 0, (int)(await vaults.GetAsync("vaults?policy_id=" + policy)).Json["count"]!);
            }

            JsonNode shown = await vaults.ShowAsync(vault);
            Assert.Equal(inside, shown["resources"]!.AsArray().Select(row => (string)row!["id"]!));
            Assert.Equal(inside.Count, (int)shown["billing"]!["allocated"]!);
            foreach (string id in servers)
            {
                JsonNode instance = (await vaults.GetAsync("protectables/server/instances/" + id)).Json["instance"]!;
                Assert.Equal(inside.Contains(id) ? vault : null, (string?)instance["protectable"]!["vault"]?["id"]);
                Assert.Equal(inside.Contains(id) ? 1 : 0, (int)(await vaults.GetAsync("vaults?resource_ids=" + id)).Json["count"]!);
            }
        }
    }

    /// <summary>
    /// Every body of the service's own description with its required members alone, and with each optional one besides, made
    /// from the schema: the service takes it or says what is missing, and never fails.
    /// </summary>
    [Fact]
    public async Task Bodies_with_their_required_members_alone_never_make_the_service_fail()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault);
        string policy = await world.Vaults.PolicyAsync();
        JsonNode document = (await server.GetAsync(null, "/openapi/v3.json")).Json;
        var wrong = new List<string>();
        int sent = 0;
        foreach (MappedRoute route in MappedRoute.All(server.App).Where(route => route.TakesBody && !route.IsOpen))
        {
            JsonNode schema = document["paths"]![route.Pattern]![route.Method.ToLowerInvariant()]!["requestBody"]!["content"]!["application/json"]!["schema"]!;
            foreach (JsonNode? body in Bodies(schema))
            {
                string path = route.Path(parameter => parameter switch
                {
                    MappedRoute.ProjectParameter => world.ProjectId,
                    "vault_id" => vault,
                    "policy_id" => policy,
                    "backup_id" => backups[0],
                    "checkpoint_id" => checkpoint,
                    _ => VaultWorld.UnknownId,
                });
                TestReply reply = await server.SendAsync(world.Vaults.Caller, route.Method, path, body!.ToJsonString());
                sent++;
                if (reply.Status >= 500 && reply.ErrorCode is not "BackupService.6137")
                    wrong.Add($"{route} {body.ToJsonString()}: {reply.Status} {reply.Text}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
        Assert.True(sent > 200, $"only {sent} bodies");
        Assert.NotEqual(disk, vault);
    }

    [Fact]
    public async Task Defaults_of_what_was_left_out_are_applied_and_shown()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        TestReply vault = await vaults.PostAsync(
            "vaults", """{"vault":{"name":"v","billing":{"object_type":"disk","protect_type":"backup","consistent_level":"crash_consistent","size":10},"resources":[]}}""");
        TestReply policy = await vaults.PostAsync(
            "policies", new { policy = new { name = "p", operation_definition = new { }, trigger = new { properties = new { pattern = new[] { PolicyWorld.Daily } } } } });

        Assert.True(vault.Status == 200, vault.Text);
        JsonNode made = vault.Json["vault"]!;
        Assert.Equal(
            ("post_paid", "public", "crash_consistent", false, false, "0"),
            ((string?)made["billing"]!["charging_mode"], (string?)made["billing"]!["cloud_type"], (string?)made["billing"]!["consistent_level"],
                (bool)made["auto_bind"]!, (bool)made["auto_expand"]!, (string?)made["enterprise_project_id"]));
        Assert.True(policy.Status == 200, policy.Text);
        Assert.Equal(("backup", true, "{}"), ((string?)policy.Json["policy"]!["operation_type"], (bool)policy.Json["policy"]!["enabled"]!, policy.Json["policy"]!["operation_definition"]!.ToJsonString()));
        Assert.Equal(JsonValueKind.String, policy.Json["policy"]!["trigger"]!["properties"]!["start_time"]!.GetValueKind());
    }

    /// <summary>The required members alone; those with one more each; everything with one less each.</summary>
    private static IEnumerable<JsonNode?> Bodies(JsonNode schema)
    {
        yield return Make(schema, _ => false, "");
        string[] optional = [.. Optional(schema, "").Distinct().Take(60)];
        foreach (string path in optional)
        {
            yield return Make(schema, at => at == path || path.StartsWith(at + ".", StringComparison.Ordinal), "");
            yield return Make(schema, at => at != path, "");
        }
    }

    private static IEnumerable<string> Optional(JsonNode schema, string at)
    {
        string[] required = [.. schema["required"]?.AsArray().Select(name => (string)name!) ?? []];
        foreach ((string name, JsonNode? member) in schema["properties"]?.AsObject() ?? [])
        {
            string path = at.Length == 0 ? name : $"{at}.{name}";
            if (!required.Contains(name))
                yield return path;
            foreach (string inner in Optional(member!["items"] ?? member, path))
                yield return inner;
        }
    }

    private static JsonNode? Make(JsonNode schema, Func<string, bool> isGiven, string at)
    {
        string[] types = schema["type"] switch
        {
            JsonArray list => [.. list.Select(type => (string)type!)],
            JsonValue one => [(string)one!],
            _ => [],
        };
        string type = types.FirstOrDefault(type => type != "null") ?? "null";
        switch (type)
        {
            case "object":
                var made = new JsonObject();
                string[] required = [.. schema["required"]?.AsArray().Select(name => (string)name!) ?? []];
                foreach ((string name, JsonNode? member) in schema["properties"]?.AsObject() ?? [])
                {
                    string path = at.Length == 0 ? name : $"{at}.{name}";
                    if (required.Contains(name) || isGiven(path))
                        made[name] = Make(member!, isGiven, path);
                }

                return made;
            case "array":
                return schema["items"] is { } items ? new JsonArray(Make(items, isGiven, at)) : [];
            case "string" when schema["enum"] is JsonArray words:
                return words[0]?.DeepClone();
            case "string" when (string?)schema["format"] == "uuid":
                return VaultWorld.UnknownId;
            case "string":
                return new string('a', Math.Max(1, (int?)(double?)schema["minLength"] ?? 1));
            case "integer" or "number":
                return Math.Max(1, (int)Math.Min((double?)schema["minimum"] ?? 1, 1000));
            case "boolean":
                return true;
            default:
                return null;
        }
    }
}
