using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Clients;

/// <summary>
/// The requests that the two Terraform providers send for one resource each, in their order, with what they take from the
/// answers: apply, read again without a change, destroy. Codes are those their client libraries accept.
/// </summary>
public sealed partial class TerraformSequenceTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    [Fact]
    public async Task A_vault_with_a_policy_tags_and_resources_is_made_read_changed_and_destroyed()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        (string instance, string[] disks) = await vaults.NewServerAsync(VaultWorld.Gb, VaultWorld.Gb);
        string policy = await vaults.PolicyAsync();
        string next = await vaults.PolicyAsync();

        JsonObject wanted = VaultWorld.VaultBody("server", 200, "tf-vault");
        wanted["backup_name_prefix"] = "tf-";
        wanted["enterprise_project_id"] = "0";
        wanted["auto_expand"] = true;
        string vault = Text((await OkAsync(vaults.CreateAsync(wanted)))["vault"]!["id"]);
        await OkAsync(vaults.PostAsync($"vaults/{vault}/associatepolicy", new { policy_id = policy, destination_vault_id = "" }));
        await NoContentAsync(vaults.PostAsync($"vault/{vault}/tags/action", new { action = "create", tags = new[] { new { key = "foo", value = "bar" } } }));
        await OkAsync(vaults.AddAsync(vault, VaultWorld.ServerOf(instance, disks[1])));

        // The wait of an update looks for the resource with its list of excluded disks.
        JsonNode first = await vaults.ShowAsync(vault);
        JsonNode bound = Assert.Single(first["resources"]!.AsArray())!;
        Assert.Equal(instance, Text(bound["id"]));
        Assert.Equal([disks[1]], bound["extra_info"]!["exclude_volumes"]!.AsArray().Select(Text));
        Assert.Equal("available", Text(first["billing"]!["status"]));
        JsonNode policies = (await world.GetAsync("policies?vault_id=" + vault))["policies"]!;
        Assert.Equal(policy, Text(policies[0]!["id"]));
        Assert.Null(policies[0]!["associated_vaults"]!.AsArray().Single(each => Text(each!["vault_id"]) == vault)!["destination_vault_id"]);

        // Read again: nothing to do.
        Assert.Equal(first.ToJsonString(), (await vaults.ShowAsync(vault)).ToJsonString());

        await OkAsync(vaults.PutAsync("vaults/" + vault, new { vault = new { name = "tf-vault-2", billing = new { size = 300 }, auto_expand = false } }));
        await OkAsync(vaults.PostAsync($"vaults/{vault}/dissociatepolicy", new { policy_id = policy }));
        await OkAsync(vaults.PostAsync($"vaults/{vault}/associatepolicy", new { policy_id = next }));
        await OkAsync(vaults.RemoveAsync(vault, instance));
        Assert.Empty((await vaults.ShowAsync(vault))["resources"]!.AsArray());
        JsonNode second = await vaults.ShowAsync(vault);
        Assert.Equal(("tf-vault-2", 300, false), (Text(second["name"]), (int)second["billing"]!["size"]!, (bool)second["auto_expand"]!));
        Assert.Equal("bar", Text(second["tags"]![0]!["value"]));

        await NoContentAsync(vaults.DeleteAsync("vaults/" + vault));
        Assert.Equal(404, (await vaults.GetAsync("vaults/" + vault)).Status);
    }

    [Theory]
    [InlineData("FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=06;BYMINUTE=00", """{"max_backups":-1,"retention_duration_days":-1}""")]
    [InlineData("FREQ=DAILY;INTERVAL=5;BYHOUR=06;BYMINUTE=00", """{"retention_duration_days":20}""")]
    [InlineData("FREQ=DAILY;INTERVAL=5;BYHOUR=21;BYMINUTE=00", """{"max_backups":7}""")]
    [InlineData("FREQ=WEEKLY;BYDAY=SA;BYHOUR=21;BYMINUTE=30", """{"max_backups":10,"day_backups":10,"week_backups":10,"month_backups":6,"year_backups":1,"timezone":"UTC+08:00","full_backup_interval":-1}""")]
    [InlineData("FREQ=WEEKLY;BYDAY=SA;BYHOUR=21;BYMINUTE=30", """{"max_backups":10,"full_backup_interval":0}""")]
    public async Task A_policy_reads_back_as_its_arguments_were(string pattern, string definition)
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string id = await world.PolicyAsync(PolicyWorld.PolicyBody(definition, patterns: pattern));

        JsonNode read = await world.ShowPolicyAsync(id);

        Assert.Equal(definition, read["operation_definition"]!.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        string text = Text(read["trigger"]!["properties"]!["pattern"]![0]);
        Assert.True(Days().IsMatch(text) || Interval().IsMatch(text), text);
        Assert.Matches(@"BYHOUR=(\d+);BYMINUTE=(\d+)", text);
        foreach (JsonNode? value in read["operation_definition"]!.AsObject().Where(member => member.Key != "timezone").Select(member => member.Value))
            Assert.Equal(JsonValueKind.Number, value!.GetValueKind());
        await NoContentAsync(world.DeleteAsync("policies/" + id));
        Assert.Equal(404, (await world.GetAsync("policies/" + id)).Status);
        Assert.Equal(404, (await world.DeleteAsync("policies/" + id)).Status);
    }

    [Fact]
    public async Task A_checkpoint_becomes_available_with_all_its_resources_and_goes_backup_by_backup()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string instance, _) = await world.ServerVaultAsync();
        TestReply created = await world.Vaults.PostAsync("checkpoints", new
        {
            checkpoint = new
            {
                vault_id = vault,
                parameters = new
                {
                    auto_trigger = false,
                    description = "d",
                    incremental = false,
                    name = "tf-checkpoint",
                    resource_details = new[] { new { id = instance, type = "OS::Nova::Server", extra_info = new { } } },
                },
            },
        });
        Assert.True(created.Status == 200, created.Text);
        string checkpoint = Text(created.Json["checkpoint"]!["id"]);

        // Waits A and B.
        await TaskWorld.UntilAsync(async () =>
        {
            string status = Text((await world.GetAsync("checkpoints/" + checkpoint))["checkpoint"]!["status"]);
            Assert.NotEqual("error", status);
            return status == "available";
        });
        await TaskWorld.UntilAsync(async () =>
        {
            JsonArray resources = (await world.GetAsync("checkpoints/" + checkpoint))["checkpoint"]!["vault"]!["resources"]!.AsArray();
            Assert.NotEmpty(resources);
            Assert.DoesNotContain(resources, resource => Text(resource!["protect_status"]) == "error");
            return resources.All(resource => Text(resource!["protect_status"]) == "available");
        });
        JsonNode row = Assert.Single(await world.BackupsAsync("checkpoint_id=" + checkpoint))!;
        Assert.Equal(("tf-checkpoint", instance), (Text(row["name"]), Text(row["resource_id"])));
        Assert.Empty(await world.BackupsAsync($"checkpoint_id={checkpoint}&incremental=true"));
        Assert.Single(await world.BackupsAsync($"checkpoint_id={checkpoint}&incremental=false"));

        foreach (JsonNode? backup in await world.BackupsAsync("checkpoint_id=" + checkpoint))
            await NoContentAsync(world.Vaults.DeleteAsync("backups/" + Text(backup!["id"])));

        // Wait C.
        Assert.Equal(404, (await world.Vaults.GetAsync("checkpoints/" + checkpoint)).Status);
        Assert.Empty(await world.BackupsAsync("checkpoint_id=" + checkpoint));
    }

    [Theory]
    [InlineData(false, "success")]
    [InlineData(true, "failed")]
    public async Task A_restore_is_waited_for_by_its_job(bool fails, string ends)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        if (fails)
            world.Engine.OnRestore(backups[0], (_, _) => throw new InvalidOperationException("a restore that fails"));

        TestReply reply = await world.RestoreAsync(backups[0], new { volume_id = disk });
        JsonNode log = await world.EndOfAsync(Text(reply.Json["job_id"]));

        // Wait D: anything else is pending for ever.
        Assert.Equal((202, ends), (reply.Status, Text(log["status"])));
    }

    [Fact]
    public async Task A_share_its_acceptance_and_their_end()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        string second = await server.NewProjectIdAsync();
        (string vault, _, _) = await owner.ServerVaultAsync();
        (_, string[] backups) = await owner.ProtectAsync(vault);
        string members = $"backups/{backups[0]}/members";
        string into = await recipient.Vaults.VaultAsync("server");

        JsonNode shared = await OkAsync(owner.Vaults.PostAsync(members, new { members = new[] { recipient.ProjectId } }));
        Assert.Equal((recipient.ProjectId, "pending"), (Text(shared["members"]![0]!["dest_project_id"]), Text(shared["members"]![0]!["status"])));
        await OkAsync(owner.Vaults.PostAsync(members, new { members = new[] { second } }));
        await NoContentAsync(owner.Vaults.DeleteAsync($"{members}/{second}"));
        Assert.Single((await owner.GetAsync(members))["members"]!.AsArray());

        await OkAsync(recipient.Vaults.PutAsync($"{members}/{recipient.ProjectId}", new { status = "accepted", vault_id = into }));
        JsonNode seen = await recipient.BackupAsync(backups[0]);
        Assert.Equal((into, owner.ProjectId), (Text(seen["vault_id"]), Text(seen["project_id"])));
        await OkAsync(recipient.Vaults.PutAsync($"{members}/{recipient.ProjectId}", new { status = "rejected" }));
        Assert.Equal(404, (await recipient.Vaults.GetAsync("backups/" + backups[0])).Status);

        foreach (JsonNode? member in (await owner.GetAsync(members))["members"]!.AsArray())
            await NoContentAsync(owner.Vaults.DeleteAsync($"{members}/{Text(member!["dest_project_id"])}"));
        Assert.Empty((await owner.GetAsync(members))["members"]!.AsArray());
    }

    [Fact]
    public async Task An_organization_policy_is_made_changed_imported_by_name_and_destroyed()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string name = $"tf_{Guid.NewGuid():N}";
        var policy = new
        {
            name,
            description = "Created by terraform script",
            operation_type = "backup",
            policy_name = name + "_policy",
            policy_enabled = false,
            policy_operation_definition = new { day_backups = 5, max_backups = 30, month_backups = 1, week_backups = 2, year_backups = 1, timezone = "UTC+08:00", full_backup_interval = 10 },
            policy_trigger = new { properties = new { pattern = new[] { "FREQ=WEEKLY;BYDAY=WE,TH,FR;BYHOUR=16;BYMINUTE=00" } } },
        };
        string id = Text((await OkAsync(world.PostAsync("organization-policies", new { policy })))["policy"]!["id"]);
        JsonNode first = (await OkAsync(world.GetAsync("organization-policies/" + id)))["policy"]!;
        foreach (string member in (string[])["effective_scope", "status", "domain_id", "domain_name"])
            Assert.NotEmpty(Text(first[member]));

        // The provider sends back the scope it read.
        var change = new
        {
            name = name + "-2",
            description = "Updated by terraform script",
            policy_name = name + "_policy",
            policy_enabled = true,
            policy_operation_definition = new { day_backups = 10, max_backups = 40, month_backups = 3, week_backups = 5, year_backups = 2, timezone = "UTC+09:00", full_backup_interval = 15 },
            policy_trigger = new { properties = new { pattern = new[] { "FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=08;BYMINUTE=00", "FREQ=WEEKLY;BYDAY=WE,TH,FR,SA,TU,MO,SU;BYHOUR=14;BYMINUTE=00" } } },
            effective_scope = Text(first["effective_scope"]),
        };
        await OkAsync(world.PutAsync("organization-policies/" + id, new { policy = change }));
        JsonNode second = (await OkAsync(world.GetAsync("organization-policies/" + id)))["policy"]!;
        Assert.Equal(2, second["policy_trigger"]!["properties"]!["pattern"]!.AsArray().Count);
        Assert.Equal(40, (int)second["policy_operation_definition"]!["max_backups"]!);

        JsonNode imported = (await OkAsync(world.GetAsync("organization-policies")))["policies"]!.AsArray().Single(each => Text(each!["name"]) == name + "-2")!;
        Assert.Equal(id, Text(imported["id"]));
        await NoContentAsync(world.DeleteAsync("organization-policies/" + id));
        Assert.Equal(404, (await world.DeleteAsync("organization-policies/" + id)).Status);
    }

    [Fact]
    public async Task The_other_providers_vault_binds_its_policy_twice_and_takes_resources_out_and_in_at_once()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        (string instance, string[] disks) = await vaults.NewServerAsync(VaultWorld.Gb, VaultWorld.Gb);
        string policy = await vaults.PolicyAsync(PolicyWorld.PolicyBody("""{"day_backups":0,"week_backups":0,"year_backups":0,"month_backups":0,"timezone":"UTC+00:00"}"""));
        JsonObject wanted = VaultWorld.VaultBody("server", 100, "otc-vault");
        wanted["backup_policy_id"] = policy;
        wanted["resources"] = new JsonArray(VaultWorld.ServerOf(instance));
        wanted["tags"] = new JsonArray(new JsonObject { ["key"] = "k", ["value"] = "v" });
        string vault = Text((await OkAsync(vaults.CreateAsync(wanted)))["vault"]!["id"]);
        await OkAsync(vaults.PostAsync($"vaults/{vault}/associatepolicy", new { policy_id = policy }));
        await OkAsync(vaults.RemoveAsync(vault, instance));
        await OkAsync(vaults.AddAsync(vault, VaultWorld.ServerOf(instance, disks[1])));

        JsonNode read = await vaults.ShowAsync(vault);
        Assert.Equal([disks[1]], read["resources"]![0]!["extra_info"]!["exclude_volumes"]!.AsArray().Select(Text));
        JsonNode unchanged = (await OkAsync(vaults.PutAsync("policies/" + policy, """{"policy":{}}""")))["policy"]!;
        Assert.NotNull(unchanged["trigger"]);
        Assert.NotNull(unchanged["operation_definition"]);

        // Nothing waits for the end of this one.
        await NoContentAsync(vaults.DeleteAsync("vaults/" + vault));
        await NoContentAsync(vaults.DeleteAsync("policies/" + policy));
    }

    [Fact]
    public async Task The_life_of_a_backup_as_the_other_providers_library_tests_it()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        VaultWorld vaults = world.Vaults;
        string vault = await vaults.VaultAsync("disk");
        string disk = await vaults.NewDiskAsync();
        await OkAsync(vaults.AddAsync(vault, VaultWorld.Disk(disk)));
        JsonNode created = (await OkAsync(vaults.PostAsync(
            "checkpoints", new { checkpoint = new { vault_id = vault, parameters = new { name = "gtc", description = "life", resource_details = new[] { new { id = disk, type = "OS::Cinder::Volume" } } } } })))["checkpoint"]!;
        string checkpoint = Text(created["id"]);
        Assert.Equal(
            ("gtc", "life", "OS::Cinder::Volume", vault),
            (Text(created["extra_info"]!["name"]), Text(created["extra_info"]!["description"]), Text(created["vault"]!["resources"]![0]!["type"]), Text(created["vault"]!["id"])));
        await TaskWorld.UntilAsync(async () => Text((await world.GetAsync("checkpoints/" + checkpoint))["checkpoint"]!["status"]) == "available");
        string backup = Text(Assert.Single(await world.BackupsAsync("vault_id=" + vault))!["id"]);
        Assert.Single(await world.BackupsAsync("name=gtc"));

        Assert.Equal(202, (await world.RestoreAsync(backup, new { volume_id = disk })).Status);
        await TaskWorld.UntilAsync(async () => Text((await world.BackupAsync(backup))["status"]) == "available");
        await NoContentAsync(vaults.DeleteAsync("backups/" + backup));
        Assert.Equal(404, (await vaults.GetAsync("backups/" + backup)).Status);

        // The volume goes first, still in the vault: the vault must go all the same.
        await NoContentAsync(server.DeleteAsync(vaults.Caller, "/strongroom/v1/{project_id}/resources/" + disk));
        await NoContentAsync(vaults.DeleteAsync("vaults/" + vault));
    }

    [Fact]
    public async Task The_command_line_finds_by_name_what_it_asked_for_by_id_first()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        await world.ProtectAsync(vault, new { name = "by-name" });
        await OkAsync(world.Vaults.PutAsync("vaults/" + vault, new { vault = new { name = "vault-by-name" } }));
        await world.Vaults.PolicyAsync(PolicyWorld.PolicyBody(name: "policy-by-name"));
        foreach ((string path, string items, string name, bool filters) in (IEnumerable<(string, string, string, bool)>)
        [
            ("backups", "backups", "by-name", true),
            ("vaults", "vaults", "vault-by-name", true),
            ("policies", "policies", "policy-by-name", false),
        ])
        {
            TestReply byId = await world.Vaults.GetAsync($"{path}/{name}");
            Assert.True(byId.Status is 400 or 403 or 404, byId.Text);
            JsonArray rows = (await world.GetAsync(filters ? $"{path}?name={name}" : path))[items]!.AsArray();
            Assert.Single(rows, row => Text(row!["name"]) == name);
        }
    }

    [Fact]
    public async Task Cloud_Custodian_pages_until_a_page_is_short_and_parses_what_it_gets()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        await world.ProtectAsync(vault);

        JsonArray backups = await world.BackupsAsync("limit=100&offset=0&show_replication=true");
        Assert.False((bool)Assert.Single(backups)!["extend_info"]!["encrypted"]!);
        JsonArray instances = (await world.GetAsync("protectables/disk/instances?limit=100&offset=0"))["instances"]!.AsArray();
        Assert.Equal(disk, Text(Assert.Single(instances)!["id"]));
        JsonNode listed = (await world.GetAsync("vaults?object_type=disk&limit=100&offset=0"))["vaults"]![0]!;
        Assert.True(DateTime.TryParseExact(Text(listed["created_at"]), "yyyy-MM-dd'T'HH:mm:ss.ffffff", null, System.Globalization.DateTimeStyles.None, out _));
        TestReply missing = await world.Vaults.AddAsync(vault, VaultWorld.Disk(VaultWorld.UnknownId));
        Assert.Equal("BackupService.6302", missing.ErrorCode);
        Assert.Equal(VaultWorld.UnknownId, Uuid().Match(missing.ErrorMessage!).Value);

        TestReply policy = await world.Vaults.CreatePolicyAsync(PolicyWorld.PolicyBody(
            """{"day_backups":0,"month_backups":0,"max_backups":-1,"timezone":"UTC+08:00","week_backups":0,"year_backups":0,"retention_duration_days":30,"full_backup_interval":-1}""",
            "weekly_create_backup",
            "backup",
            "FREQ=WEEKLY;BYDAY=MO;BYHOUR=14;BYMINUTE=00",
            "FREQ=WEEKLY;BYDAY=MO;BYHOUR=15;BYMINUTE=00"));
        Assert.True(policy.Status == 200, policy.Text);
    }

    private static async Task<JsonNode> OkAsync(Task<TestReply> sending)
    {
        TestReply reply = await sending;
        Assert.True(reply.Status == 200, $"{reply.Status}: {reply.Text}");
        return reply.Json;
    }

    private static async Task NoContentAsync(Task<TestReply> sending)
    {
        TestReply reply = await sending;
        Assert.True((reply.Status, reply.Text) == (204, ""), $"{reply.Status}: {reply.Text}");
    }

    /// <summary>As a strict decoder has it: a string, not a number that could be written as one.</summary>
    private static string Text(JsonNode? value)
    {
        Assert.Equal(JsonValueKind.String, value?.GetValueKind());
        return (string)value!;
    }

    [GeneratedRegex(@"BYDAY=([\w,]+);")]
    private static partial Regex Days();

    [GeneratedRegex(@"INTERVAL=([\d]+);")]
    private static partial Regex Interval();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f-]{27}")]
    private static partial Regex Uuid();
}
