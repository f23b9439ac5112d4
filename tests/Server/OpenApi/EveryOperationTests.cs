using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>The success of every operation of the contract, over HTTP; <see cref="AnswerCheck"/> looks at the answers.</summary>
public sealed class EveryOperationTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    private static readonly string[] Pattern = ["FREQ=DAILY;INTERVAL=1;BYHOUR=01;BYMINUTE=30"];

    [Fact]
    public async Task Every_operation_of_the_contract_that_is_not_absent_succeeds()
    {
        await RunAsync(server);

        string[] wanted = [.. ApiDescription.Contract.SelectMany(half => half.Operations.Values).Select(operation => operation.Name).Distinct()];
        string[] missing = [.. wanted.Except(server.Answers!.Succeeded).Where(name => !OpenApiTests.IsAbsent(name)).Order(StringComparer.Ordinal)];
        Assert.True(missing.Length == 0, "never answered with success: " + string.Join(", ", missing));
    }

    /// <summary>Each operation once, in projects of its own.</summary>
    internal static async Task RunAsync(ServerFixture server)
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        string vault = await VaultsAsync(owner);
        await TagsAsync(owner, vault);
        await PoliciesAsync(owner, vault);
        (string backup, string disk) = await BackupsAsync(owner, vault);
        await SharesAsync(owner, recipient, backup);
        await LeavingAsync(owner, vault, backup, disk);
        await OtherAsync(owner);
    }

    private static async Task<string> VaultsAsync(TaskWorld world)
    {
        VaultWorld vaults = world.Vaults;
        string vault = await vaults.VaultAsync("server");
        (string id, _) = await vaults.NewServerAsync(VaultWorld.Gb, VaultWorld.Gb);
        await Succeeds(vaults.AddAsync(vault, VaultWorld.ServerOf(id)));
        await Succeeds(vaults.PutAsync("vaults/" + vault, new { vault = new { name = "renamed", threshold = 70 } }));
        await Succeeds(vaults.PutAsync($"vaults/{vault}/set-resources", new { resource_ids = new[] { id }, action = "suspend" }));
        await Succeeds(vaults.PutAsync("vaults/batch-update", new { vault = new { smn_notify = true, threshold = 80 } }));
        foreach (string path in (string[])[
            "vaults", "vaults/" + vault, "vaults/summary", "storage_usage", $"vaults/external?external_project_id={world.ProjectId}&region_id=RegionOne"])
            await Succeeds(vaults.GetAsync(path));

        JsonObject order = VaultWorld.VaultBody("server", name: "ordered");
        order["billing"]!["charging_mode"] = "pre_paid";
        order["billing"]!["period_type"] = "month";
        order["billing"]!["period_num"] = 1;
        TestReply ordered = await Succeeds(vaults.PostAsync("vaults/order", new JsonObject { ["vault"] = order }));
        string paid = (string)ordered.Json["orders"]![0]!["resourceId"]!;
        await Succeeds(vaults.PostAsync(
            "orders/change",
            new { product_info = new { product_id = "p", resource_size = 200, resource_spec_code = "vault.backup.server.normal" }, resource_id = paid }));
        await Succeeds(vaults.PutAsync(
            "orders/o-1",
            new { productInfo = new { productId = "p", resourceSize = 300, resourceSpecCode = "vault.backup.server.normal" }, resourceId = paid }));
        string other = await vaults.VaultAsync("server");
        await Succeeds(vaults.PostAsync("vaults/change-charge-mode", new { vault_ids = new[] { other }, charging_mode = "pre_paid", period_type = "month", period_num = 1 }));
        string target = await vaults.VaultAsync("server");
        (string moving, _) = await vaults.NewServerAsync(VaultWorld.Gb);
        string source = await vaults.VaultAsync("server");
        await Succeeds(vaults.AddAsync(source, VaultWorld.ServerOf(moving)));
        await Succeeds(vaults.PostAsync($"vaults/{source}/migrateresources", new { destination_vault_id = target, resource_ids = new[] { moving } }));
        return vault;
    }

    private static async Task TagsAsync(TaskWorld world, string vault)
    {
        VaultWorld vaults = world.Vaults;
        await Succeeds(vaults.PostAsync($"vault/{vault}/tags", new { tag = new { key = "a", value = "1" } }));
        await Succeeds(vaults.PostAsync($"vault/{vault}/tags/action", new { action = "create", tags = new[] { new { key = "b", value = "2" } } }));
        await Succeeds(vaults.GetAsync($"vault/{vault}/tags"));
        await Succeeds(vaults.GetAsync("vault/tags"));
        await Succeeds(vaults.PostAsync("vault/resource_instances/action", new { action = "filter" }));
        await Succeeds(vaults.PostAsync("vault/resource_instances/action", new { action = "count" }));
        await Succeeds(vaults.DeleteAsync($"vault/{vault}/tags/a"));
    }

    private static async Task PoliciesAsync(TaskWorld world, string vault)
    {
        VaultWorld vaults = world.Vaults;
        TestReply created = await Succeeds(vaults.PostAsync("policies", new
        {
            policy = new { name = "nightly", operation_type = "backup", operation_definition = new { max_backups = 7 }, trigger = new { properties = new { pattern = Pattern } } },
        }));
        string policy = (string)created.Json["policy"]!["id"]!;
        await Succeeds(vaults.PostAsync($"vaults/{vault}/associatepolicy", new { policy_id = policy }));
        await Succeeds(vaults.GetAsync("policies"));
        await Succeeds(vaults.GetAsync("policies/" + policy));
        await Succeeds(vaults.PutAsync("policies/" + policy, new { policy = new { name = "nightly-2" } }));
        await Succeeds(vaults.PostAsync($"vaults/{vault}/dissociatepolicy", new { policy_id = policy }));
        await Succeeds(vaults.DeleteAsync("policies/" + policy));
        TestReply organization = await Succeeds(vaults.PostAsync("organization-policies", new
        {
            policy = new
            {
                name = "org-nightly",
                policy_name = "nightly",
                operation_type = "backup",
                policy_enabled = true,
                policy_operation_definition = new { max_backups = 7 },
                policy_trigger = new { properties = new { pattern = Pattern } },
            },
        }));
        string one = "organization-policies/" + (string)organization.Json["policy"]!["id"]!;
        foreach (string path in (string[])["organization-policies", one, one + "/policy-detail"])
            await Succeeds(vaults.GetAsync(path));
        await Succeeds(vaults.PutAsync(one, new { policy = new { policy_enabled = false } }));
        await Succeeds(vaults.DeleteAsync(one));
    }

    private static async Task<(string Backup, string Disk)> BackupsAsync(TaskWorld world, string vault)
    {
        VaultWorld vaults = world.Vaults;
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault, new { name = "b", description = "d" });
        await Succeeds(vaults.GetAsync("checkpoints/" + checkpoint));
        await Succeeds(vaults.PutAsync("backups/" + backups[0], new { backup = new { name = "kept" } }));
        await Succeeds(vaults.GetAsync($"backups/{backups[0]}/metadata"));
        JsonNode child = (await world.BackupAsync(backups[0]))["children"]![0]!;
        string disk = (string)child["resource_id"]!;
        TestReply restore = await Succeeds(world.RestoreAsync((string)child["id"]!, new { volume_id = disk }));
        await world.EndOfAsync((string)restore.Json["job_id"]!);
        await Succeeds(vaults.GetAsync("protectables/server/instances"));
        await Succeeds(vaults.GetAsync("protectables/disk/instances/" + disk));
        return (backups[0], disk);
    }

    private static async Task SharesAsync(TaskWorld owner, TaskWorld recipient, string backup)
    {
        string member = $"backups/{backup}/members/{recipient.ProjectId}";
        await Succeeds(owner.Vaults.PostAsync($"backups/{backup}/members", new { members = new[] { recipient.ProjectId } }));
        await Succeeds(owner.Vaults.GetAsync($"backups/{backup}/members"));
        await Succeeds(recipient.Vaults.GetAsync("backups?own_type=shared"));
        await Succeeds(recipient.Vaults.GetAsync(member));
        await Succeeds(recipient.Server.GetAsync(recipient.Vaults.Caller, "/v3/domain/" + owner.ProjectId));
        string vault = await recipient.Vaults.VaultAsync("server");
        await Succeeds(recipient.Vaults.PutAsync(member, new { status = "accepted", vault_id = vault }));
        await Succeeds(owner.Vaults.DeleteAsync(member));
    }

    private static async Task LeavingAsync(TaskWorld world, string vault, string backup, string disk)
    {
        VaultWorld vaults = world.Vaults;
        await Succeeds(vaults.DeleteAsync("backups/" + backup));
        string server = (string)(await vaults.ShowAsync(vault))["resources"]![0]!["id"]!;
        Assert.NotEqual(disk, server);
        await Succeeds(vaults.RemoveAsync(vault, server));
        await Succeeds(vaults.DeleteAsync("vaults/" + vault));
        JsonArray logs = await world.LogsAsync();
        Assert.Equal(
            ["backup", "delete", "remove_resource", "restore", "vault_delete"],
            logs.Select(log => (string)log!["operation_type"]!).Distinct().Order(StringComparer.Ordinal));
    }

    private static async Task OtherAsync(TaskWorld world)
    {
        VaultWorld vaults = world.Vaults;
        (string id, _) = await vaults.NewServerAsync(VaultWorld.Gb);
        await Succeeds(vaults.PostAsync("agent/check", new { agent_status = new[] { new { resource_id = id, resource_type = "OS::Nova::Server" } } }));
        foreach (string path in (string[])["agents", "cbr-features", "cbr-features/replication.enable", "replication-capabilities"])
            await Succeeds(vaults.GetAsync(path));
        foreach (string path in (string[])["/", "/v3/region-projects", "/v3/domain/default/projects"])
            await Succeeds(world.Server.GetAsync(vaults.Caller, path));
    }

    private static async Task<TestReply> Succeeds(Task<TestReply> sending)
    {
        TestReply reply = await sending;
        Assert.True(reply.Status < 400, $"{reply.Status}: {reply.Text}");
        return reply;
    }
}
