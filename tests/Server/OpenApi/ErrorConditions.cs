using System.Text.Json.Nodes;
using Strongroom.Drivers;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.OpenApi;

/// <param name="Operation">In the spelling of the contract.</param>
/// <param name="Error">As in <c>404 6105</c>.</param>
/// <param name="When">The condition, in words.</param>
/// <param name="ProvokeAsync">Brings a new project into the condition and sends the request.</param>
internal sealed record ErrorCondition(string Operation, string Error, string When, Func<TaskWorld, Task<TestReply>> ProvokeAsync);

/// <summary>What it takes to be answered each error: one line each, in the order of the two atlases.</summary>
internal static class ErrorConditions
{
    private const string Unknown = VaultWorld.UnknownId;
    private const string Vaults = "/v3/{project_id}/vaults";
    private const string OneVault = Vaults + "/{vault_id}";
    private const string Tags = "/v3/{project_id}/vault/{vault_id}/tags";
    private const string Checkpoints = "/v3/{project_id}/checkpoints";
    private const string Backups = "/v3/{project_id}/backups";
    private const string OneBackup = Backups + "/{backup_id}";
    private const string Members = OneBackup + "/members";
    private const string OneMember = Members + "/{member_id}";
    private const string Policies = "/v3/{project_id}/policies";
    private const string OnePolicy = Policies + "/{policy_id}";
    private const string Agents = "/v3/{project_id}/agents";
    private const string OneAgent = Agents + "/{agent_id}";
    private const string Protectables = "/v3/{project_id}/protectables/{protectable_type}/instances";
    private const string OneOrganizationPolicy = "/v3/{project_id}/organization-policies/{organization_policy_id}";

    public static IReadOnlyList<ErrorCondition> All { get; } = [.. OfVaults(), .. OfResources(), .. OfBindings(), .. OfOrders(), .. OfTags(), .. OfBackups(), .. OfRestores(), .. OfShares(), .. OfPolicies(), .. OfTheRest()];

    private static IEnumerable<ErrorCondition> OfVaults() =>
    [
        new("POST " + Vaults, "400 9900", "no body", w => w.Vaults.PostAsync("vaults", "{}")),
        new("POST " + Vaults, "400 6101", "11 GB into 10", async w => await w.Vaults.CreateAsync(Holding(10, VaultWorld.Disk(await w.Vaults.NewDiskAsync(sizeBytes: 11 * VaultWorld.Gb))))),
        new("POST " + Vaults, "400 6102", "a server in a disk vault", w => w.Vaults.CreateAsync(Holding(10, VaultWorld.ServerOf(Unknown)))),
        new("POST " + Vaults, "400 6103", "in another vault", async w => await w.Vaults.CreateAsync(Holding(10, VaultWorld.Disk((await w.DiskVaultAsync()).Disk)))),
        new("POST " + Vaults, "400 6104", "named twice", w => w.Vaults.CreateAsync(Holding(10, VaultWorld.Disk(Unknown), VaultWorld.Disk(Unknown)))),
        new("POST " + Vaults, "400 6116", "replicas of disks", w => w.Vaults.CreateAsync(VaultWorld.VaultBody(protectType: "replication"))),
        new("POST " + Vaults, "400 6133", "one vault more than the project may have", async w =>
        {
            for (int i = 0; i < LimitServer.VaultCountMax; i++)
                await w.Vaults.VaultAsync();
            return await w.Vaults.CreateAsync(VaultWorld.VaultBody());
        }),
        new("POST " + Vaults, "400 6600", "21 tags", w => w.Vaults.CreateAsync(VaultWorld.VaultBody().With("tags", TagList(21)))),
        new("POST " + Vaults, "404 6000", "no such policy", w => w.Vaults.CreateAsync(VaultWorld.VaultBody().With("backup_policy_id", $"\"{Unknown}\""))),
        new("POST " + Vaults, "404 6302", "no such disk", w => w.Vaults.CreateAsync(Holding(10, VaultWorld.Disk(Unknown)))),
        new("GET " + Vaults, "400 9900", "a page of none", w => w.Vaults.GetAsync("vaults?limit=0")),
        new("GET " + OneVault, "400 9900", "a name for an id", w => w.Vaults.GetAsync("vaults/my-vault")),
        new("GET " + OneVault, "404 6105", "no such vault", w => w.Vaults.GetAsync("vaults/" + Unknown)),
        new("PUT " + OneVault, "400 9900", "over 100 percent", async w => await ChangeAsync(w, await w.Vaults.VaultAsync(), new { threshold = 101 })),
        new("PUT " + OneVault, "400 6101", "smaller than what is in it", async w =>
        {
            string vault = await w.Vaults.VaultAsync();
            await w.AddAsync(vault, VaultWorld.Disk(await w.Vaults.NewDiskAsync(sizeBytes: 11 * VaultWorld.Gb)));
            return await ChangeAsync(w, vault, new { billing = new { size = 10 } });
        }),
        new("PUT " + OneVault, "400 6110", "unlocking", async w =>
        {
            string vault = await w.Vaults.VaultAsync();
            await ChangeAsync(w, vault, new { locked = true });
            return await ChangeAsync(w, vault, new { locked = false });
        }),
        new("PUT " + OneVault, "400 6112", "frozen", async w => await ChangeAsync(w, await InStatusAsync(w, "frozen"), new { name = "n" })),
        new("PUT " + OneVault, "400 6123", "its capacity is being changed", async w => await ChangeAsync(w, await InStatusAsync(w, "lock"), new { billing = new { size = 200 } })),
        new("PUT " + OneVault, "404 6105", "no such vault", w => ChangeAsync(w, Unknown, new { })),
        new("DELETE " + OneVault, "400 6111", "paid in advance", async w => await w.Vaults.DeleteAsync("vaults/" + await PrePaidAsync(w))),
        new("DELETE " + OneVault, "400 6112", "being deleted already", async w => await w.Vaults.DeleteAsync("vaults/" + await InStatusAsync(w, "deleting"))),
        new("DELETE " + OneVault, "400 6203", "a backup is being made", w => WhileBackedUpAsync(w, (vault, _) => w.Vaults.DeleteAsync("vaults/" + vault))),
        new("DELETE " + OneVault, "404 6105", "no such vault", w => w.Vaults.DeleteAsync("vaults/" + Unknown)),
        new("GET /v3/{project_id}/vaults/external", "400 9900", "an unknown region", w => w.Vaults.GetAsync($"vaults/external?external_project_id={w.ProjectId}&region_id=nowhere")),
    ];

    private static IEnumerable<ErrorCondition> OfResources() =>
    [
        new($"POST {OneVault}/addresources", "400 9900", "none", async w => await w.Vaults.AddAsync(await w.Vaults.VaultAsync())),
        new($"POST {OneVault}/addresources", "400 6100", "257 in the vault", async w =>
        {
            string vault = await w.Vaults.VaultAsync(sizeGb: 1000);
            string[] disks = await w.Vaults.NewDisksAsync(257);
            await w.AddAsync(vault, [.. disks[..256].Select(VaultWorld.Disk)]);
            return await w.Vaults.AddAsync(vault, VaultWorld.Disk(disks[256]));
        }),
        new($"POST {OneVault}/addresources", "400 6101", "more than the vault's size", async w => await w.Vaults.AddAsync(await w.Vaults.VaultAsync(sizeGb: 10), VaultWorld.Disk(await w.Vaults.NewDiskAsync(sizeBytes: 11 * VaultWorld.Gb)))),
        new($"POST {OneVault}/addresources", "400 6102", "a server into a disk vault", async w => await w.Vaults.AddAsync(await w.Vaults.VaultAsync(), VaultWorld.ServerOf(Unknown))),
        new($"POST {OneVault}/addresources", "400 6103", "in another vault", async w => await w.Vaults.AddAsync(await w.Vaults.VaultAsync(), VaultWorld.Disk((await w.DiskVaultAsync()).Disk))),
        new($"POST {OneVault}/addresources", "400 6104", "named twice", async w => await w.Vaults.AddAsync(await w.Vaults.VaultAsync(), VaultWorld.Disk(Unknown), VaultWorld.Disk(Unknown))),
        new($"POST {OneVault}/addresources", "400 6112", "frozen", async w => await w.Vaults.AddAsync(await InStatusAsync(w, "frozen"), VaultWorld.Disk(Unknown))),
        new($"POST {OneVault}/addresources", "400 6134", "on its way out", async w => await OnItsWayOutAsync(w, (vault, disk) => w.Vaults.AddAsync(vault, VaultWorld.Disk(disk)))),
        new($"POST {OneVault}/addresources", "400 7006", "a disk protected through its server", async w => await w.Vaults.AddAsync(await w.Vaults.VaultAsync(), VaultWorld.Disk((await w.ServerVaultAsync()).Disks[0]))),
        new($"POST {OneVault}/addresources", "400 7108", "a server without a disk", async w =>
        {
            (string server, string[] disks) = await w.Vaults.NewServerAsync(VaultWorld.Gb);
            await w.Server.DeleteAsync(w.Vaults.Caller, "/strongroom/v1/{project_id}/resources/" + disks[0]);
            return await w.Vaults.AddAsync(await w.Vaults.VaultAsync("server"), VaultWorld.ServerOf(server));
        }),
        new($"POST {OneVault}/addresources", "404 6105", "no such vault", w => w.Vaults.AddAsync(Unknown, VaultWorld.Disk(Unknown))),
        new($"POST {OneVault}/addresources", "404 6302", "no such disk", async w => await w.Vaults.AddAsync(await w.Vaults.VaultAsync(), VaultWorld.Disk(Unknown))),
        new($"POST {OneVault}/addresources", "500 6137", "a disk of the server in another vault", async w =>
        {
            (string server, string[] disks) = await w.Vaults.NewServerAsync(VaultWorld.Gb);
            await w.AddAsync(await w.Vaults.VaultAsync(), VaultWorld.Disk(disks[0]));
            return await w.Vaults.AddAsync(await w.Vaults.VaultAsync("server"), VaultWorld.ServerOf(server));
        }),
        new($"POST {OneVault}/removeresources", "400 9900", "none", async w => await w.Vaults.RemoveAsync(await w.Vaults.VaultAsync())),
        new($"POST {OneVault}/removeresources", "400 6112", "frozen", async w => await w.Vaults.RemoveAsync(await InStatusAsync(w, "frozen"), Unknown)),
        new($"POST {OneVault}/removeresources", "400 6134", "on its way out", async w => await OnItsWayOutAsync(w, (vault, disk) => w.Vaults.RemoveAsync(vault, disk))),
        new($"POST {OneVault}/removeresources", "400 6135", "never was in it", async w => await w.Vaults.RemoveAsync(await w.Vaults.VaultAsync(), Unknown)),
        new($"POST {OneVault}/removeresources", "400 6203", "a backup is being made", w => WhileBackedUpAsync(w, (vault, disk) => w.Vaults.RemoveAsync(vault, disk))),
        new($"POST {OneVault}/removeresources", "404 6105", "no such vault", w => w.Vaults.RemoveAsync(Unknown, Unknown)),
        new($"POST {OneVault}/migrateresources", "400 9900", "none", async w => await MigrateAsync(w, await w.Vaults.VaultAsync(), Unknown)),
        new($"POST {OneVault}/migrateresources", "400 6112", "frozen", async w => await MigrateAsync(w, await InStatusAsync(w, "frozen"), await w.Vaults.VaultAsync(), Unknown)),
        new($"POST {OneVault}/migrateresources", "400 6118", "into itself", async w => await MigrateIntoAsync(w, vault => Task.FromResult(vault))),
        new($"POST {OneVault}/migrateresources", "400 6120", "no such destination", async w => await MigrateIntoAsync(w, _ => Task.FromResult(Unknown))),
        new($"POST {OneVault}/migrateresources", "400 6125", "a backup is being made", w => WhileBackedUpAsync(w, async (vault, disk) => await MigrateAsync(w, vault, await w.Vaults.VaultAsync(), disk))),
        new($"POST {OneVault}/migrateresources", "400 6129", "no room there", async w =>
        {
            string vault = await w.Vaults.VaultAsync();
            string disk = await w.Vaults.NewDiskAsync(sizeBytes: 11 * VaultWorld.Gb);
            await w.AddAsync(vault, VaultWorld.Disk(disk));
            return await MigrateAsync(w, vault, await w.Vaults.VaultAsync(sizeGb: 10), disk);
        }),
        new($"POST {OneVault}/migrateresources", "400 6135", "not in the source", async w => await MigrateAsync(w, await w.Vaults.VaultAsync(), await w.Vaults.VaultAsync(), Unknown)),
        new($"POST {OneVault}/migrateresources", "400 6713", "into a vault for servers", async w => await MigrateIntoAsync(w, _ => w.Vaults.VaultAsync("server"))),
        new($"POST {OneVault}/migrateresources", "404 6105", "no such source", async w => await MigrateAsync(w, Unknown, await w.Vaults.VaultAsync(), Unknown)),
        new($"PUT {OneVault}/set-resources", "400 9900", "an unknown action", async w => await SetAsync(w, await w.Vaults.VaultAsync(), "stop", Unknown)),
        new($"PUT {OneVault}/set-resources", "400 6134", "on its way out", async w => await OnItsWayOutAsync(w, (vault, disk) => SetAsync(w, vault, "suspend", disk))),
        new($"PUT {OneVault}/set-resources", "400 6135", "not in it", async w => await SetAsync(w, await w.Vaults.VaultAsync(), "suspend", Unknown)),
        new($"PUT {OneVault}/set-resources", "404 6105", "no such vault", w => SetAsync(w, Unknown, "suspend", Unknown)),
    ];

    private static IEnumerable<ErrorCondition> OfBindings() =>
    [
        new($"POST {OneVault}/associatepolicy", "400 9900", "no policy named", async w => await w.Vaults.PostAsync($"vaults/{await w.Vaults.VaultAsync()}/associatepolicy", "{}")),
        new($"POST {OneVault}/associatepolicy", "400 6119", "copies into an ordinary vault", async w => await w.Vaults.BindAsync(await w.Vaults.VaultAsync("server"), await FarAsync(w), await w.Vaults.VaultAsync("server"))),
        new($"POST {OneVault}/associatepolicy", "400 6120", "no such destination", async w => await w.Vaults.BindAsync(await w.Vaults.VaultAsync("server"), await FarAsync(w), Unknown)),
        new($"POST {OneVault}/associatepolicy", "400 6127", "backups into a vault of copies", async w => await w.Vaults.BindAsync(await w.Vaults.VaultAsync("server", protectType: "replication"), await w.Vaults.PolicyAsync())),
        new($"POST {OneVault}/associatepolicy", "400 6128", "copies of disks", async w => await w.Vaults.BindAsync(await w.Vaults.VaultAsync(), await FarAsync(w), Unknown)),
        new($"POST {OneVault}/associatepolicy", "400 6136", "a hybrid vault", async w =>
        {
            TestReply hybrid = await w.Vaults.CreateAsync(VaultWorld.VaultBody("vmware").With("billing.cloud_type", "\"hybrid\""));
            return await w.Vaults.BindAsync((string)hybrid.Json["vault"]!["id"]!, await w.Vaults.PolicyAsync());
        }),
        new($"POST {OneVault}/associatepolicy", "404 6000", "no such policy", async w => await w.Vaults.BindAsync(await w.Vaults.VaultAsync(), Unknown)),
        new($"POST {OneVault}/associatepolicy", "404 6105", "no such vault", w => w.Vaults.BindAsync(Unknown, Unknown)),
        new($"POST {OneVault}/dissociatepolicy", "400 9900", "no policy named", async w => await w.Vaults.PostAsync($"vaults/{await w.Vaults.VaultAsync()}/dissociatepolicy", "{}")),
        new($"POST {OneVault}/dissociatepolicy", "404 6000", "no such policy", async w => await w.Vaults.UnbindAsync(await w.Vaults.VaultAsync(), Unknown)),
        new($"POST {OneVault}/dissociatepolicy", "404 6002", "not on this vault", async w => await w.Vaults.UnbindAsync(await w.Vaults.VaultAsync(), await w.Vaults.PolicyAsync())),
        new($"POST {OneVault}/dissociatepolicy", "404 6105", "no such vault", w => w.Vaults.UnbindAsync(Unknown, Unknown)),
    ];

    private static IEnumerable<ErrorCondition> OfOrders() =>
    [
        new($"POST {Vaults}/order", "400 6101", "11 GB into 10", async w => await OrderAsync(w, Holding(10, VaultWorld.Disk(await w.Vaults.NewDiskAsync(sizeBytes: 11 * VaultWorld.Gb))))),
        new($"POST {Vaults}/order", "400 6102", "a server in a disk vault", w => OrderAsync(w, Holding(10, VaultWorld.ServerOf(Unknown)))),
        new($"POST {Vaults}/order", "400 6103", "in another vault", async w => await OrderAsync(w, Holding(10, VaultWorld.Disk((await w.DiskVaultAsync()).Disk)))),
        new($"POST {Vaults}/order", "400 6104", "named twice", w => OrderAsync(w, Holding(10, VaultWorld.Disk(Unknown), VaultWorld.Disk(Unknown)))),
        new("POST /v3/{project_id}/orders/change", "400 6109", "a vault without an order", async w => await w.Vaults.PostAsync(
            "orders/change",
            new { product_info = new { product_id = "p", resource_size = 200, resource_spec_code = "vault.backup.volume.normal" }, resource_id = await w.Vaults.VaultAsync() })),
        new("PUT /v3/{project_id}/orders/{order_id}", "400 6109", "a vault without an order", async w => await w.Vaults.PutAsync(
            "orders/o", new { productInfo = new { productId = "p", resourceSize = 200, resourceSpecCode = "vault.backup.volume.normal" }, resourceId = await w.Vaults.VaultAsync() })),
    ];

    private static IEnumerable<ErrorCondition> OfTags() =>
    [
        new("GET " + Tags, "400 9900", "a name for an id", w => w.Vaults.GetAsync("vault/my-vault/tags")),
        new("GET " + Tags, "404 6105", "no such vault", w => w.Vaults.GetAsync($"vault/{Unknown}/tags")),
        new("POST " + Tags, "400 9900", "a key of another alphabet", async w => await w.Vaults.PostAsync($"vault/{await w.Vaults.VaultAsync()}/tags", new { tag = new { key = "a=b", value = "" } })),
        new("POST " + Tags, "400 6600", "the 21st", async w =>
        {
            TestReply made = await w.Vaults.CreateAsync(VaultWorld.VaultBody().With("tags", TagList(20)));
            return await w.Vaults.PostAsync($"vault/{made.Json["vault"]!["id"]}/tags", new { tag = new { key = "one-more", value = "" } });
        }),
        new("POST " + Tags, "404 6105", "no such vault", w => w.Vaults.PostAsync($"vault/{Unknown}/tags", new { tag = new { key = "a", value = "" } })),
        new($"DELETE {Tags}/{{key}}", "404 6601", "no such key", async w => await w.Vaults.DeleteAsync($"vault/{await w.Vaults.VaultAsync()}/tags/a")),
        new($"POST {Tags}/action", "400 9900", "a key twice", async w => await w.Vaults.PostAsync($"vault/{await w.Vaults.VaultAsync()}/tags/action", """{"action":"create","tags":[{"key":"a"},{"key":"a"}]}""")),
        new($"POST {Tags}/action", "400 6600", "21", async w => await w.Vaults.PostAsync($"vault/{await w.Vaults.VaultAsync()}/tags/action", $$"""{"action":"create","tags":{{TagList(21)}}}""")),
        new("POST /v3/{project_id}/vault/resource_instances/action", "400 9900", "a page of 1001", w => w.Vaults.PostAsync("vault/resource_instances/action", """{"action":"filter","limit":"1001"}""")),
    ];

    private static IEnumerable<ErrorCondition> OfBackups() =>
    [
        new("POST " + Checkpoints, "400 9900", "no vault named", w => w.Vaults.PostAsync("checkpoints", "{}")),
        new("POST " + Checkpoints, "400 0001", "nothing in it", async w => await w.CheckpointAsync(await w.Vaults.VaultAsync())),
        new("POST " + Checkpoints, "400 1001", "all are being backed up", w => WhileBackedUpAsync(w, (vault, _) => w.CheckpointAsync(vault))),
        new("POST " + Checkpoints, "400 2010", "all are being restored", w => WhileRestoredAsync(w, (vault, _, _) => w.CheckpointAsync(vault))),
        new("POST " + Checkpoints, "400 6113", "frozen", async w => await w.CheckpointAsync(await InStatusAsync(w, "frozen"))),
        new("POST " + Checkpoints, "400 6114", "full", async w =>
        {
            string vault = await w.Vaults.VaultAsync();
            await w.Server.Database.WriteAsync(async session => { await session.ExecuteAsync($"update vaults set used_bytes = {100 * VaultWorld.Gb} where id = {vault}", default); }, default);
            return await w.CheckpointAsync(vault);
        }),
        new("POST " + Checkpoints, "400 6124", "a vault of copies", async w => await w.CheckpointAsync(await w.Vaults.VaultAsync("server", protectType: "replication"))),
        new("POST " + Checkpoints, "400 6135", "a resource that is not in it", async w => await w.CheckpointAsync(await w.Vaults.VaultAsync(), new { resources = new[] { Unknown } })),
        new("POST " + Checkpoints, "404 6105", "no such vault", w => w.CheckpointAsync(Unknown)),
        new($"GET {Checkpoints}/{{checkpoint_id}}", "404 6217", "its last backup is deleted", async w =>
        {
            (string vault, _) = await w.DiskVaultAsync();
            (string checkpoint, string[] backups) = await w.ProtectAsync(vault);
            await w.Vaults.DeleteAsync("backups/" + backups[0]);
            return await w.Vaults.GetAsync("checkpoints/" + checkpoint);
        }),
        new($"POST {Checkpoints}/replicate", "400 1011", "there is no other site", async w => await CopyAsync(w, "checkpoints", await w.Vaults.VaultAsync("server"))),
        new($"POST {Checkpoints}/replicate", "400 6128", "copies of disks", async w => await CopyAsync(w, "checkpoints", await w.Vaults.VaultAsync())),
        new($"POST {Checkpoints}/replicate", "404 6105", "no such vault", w => CopyAsync(w, "checkpoints", Unknown)),
        new($"POST {Checkpoints}/sync", "400 7300", "nothing is on premises", async w => await w.Vaults.PostAsync("checkpoints/sync", new { sync = new { vault_id = await w.Vaults.VaultAsync(), auto_trigger = false } })),
        new($"POST {Checkpoints}/sync", "404 6105", "no such vault", w => w.Vaults.PostAsync("checkpoints/sync", new { sync = new { vault_id = Unknown, auto_trigger = false } })),
        new("GET " + Backups, "400 9900", "an unknown status", w => w.Vaults.GetAsync("backups?status=perhaps")),
        new("GET " + OneBackup, "404 6200", "no such backup", w => w.Vaults.GetAsync("backups/" + Unknown)),
        new("PUT " + OneBackup, "400 9900", "no name", async w => await w.Vaults.PutAsync("backups/" + await BackupAsync(w), new { backup = new { } })),
        new("PUT " + OneBackup, "404 6200", "no such backup", w => w.Vaults.PutAsync("backups/" + Unknown, new { backup = new { name = "n" } })),
        new("DELETE " + OneBackup, "400 6201", "one disk of a server's", async w => await w.Vaults.DeleteAsync("backups/" + (await ServerBackupAsync(w)).Children[0])),
        new("DELETE " + OneBackup, "400 6216", "being restored", w => WhileRestoredAsync(w, (_, _, backup) => w.Vaults.DeleteAsync("backups/" + backup))),
        new("DELETE " + OneBackup, "400 6220", "of a schedule, in a locked vault", async w =>
        {
            (string vault, _) = await w.DiskVaultAsync();
            (_, string[] backups) = await w.ProtectAsync(vault, new { auto_trigger = true });
            await ChangeAsync(w, vault, new { locked = true });
            return await w.Vaults.DeleteAsync("backups/" + backups[0]);
        }),
        new("DELETE " + OneBackup, "404 6200", "no such backup", w => w.Vaults.DeleteAsync("backups/" + Unknown)),
        new($"POST {OneBackup}/replicate", "400 9900", "no destination named", async w => await w.Vaults.PostAsync($"backups/{await BackupAsync(w)}/replicate", """{"replicate":{}}""")),
        new($"POST {OneBackup}/replicate", "400 1011", "there is no other site", async w => await CopyAsync(w, "backups/" + (await ServerBackupAsync(w)).Id, null)),
        new($"POST {OneBackup}/replicate", "400 6122", "copies of disks", async w => await CopyAsync(w, "backups/" + await BackupAsync(w), null)),
        new($"POST {OneBackup}/replicate", "404 6200", "no such backup", w => CopyAsync(w, "backups/" + Unknown, null)),
        new($"GET {OneBackup}/metadata", "400 6206", "failed", async w => await w.Vaults.GetAsync($"backups/{await FailedAsync(w)}/metadata")),
        new($"GET {OneBackup}/metadata", "404 6200", "no such backup", w => w.Vaults.GetAsync($"backups/{Unknown}/metadata")),
    ];

    private static IEnumerable<ErrorCondition> OfRestores() =>
    [
        new($"POST {OneBackup}/restore", "400 9900", "no target named", async w => await w.RestoreAsync(await BackupAsync(w), new { })),
        new($"POST {OneBackup}/restore", "400 2001", "onto a smaller disk", async w => await w.RestoreAsync(await BackupAsync(w), new { volume_id = await w.Vaults.NewDiskAsync() })),
        new($"POST {OneBackup}/restore", "400 2002", "the target is being backed up", async w =>
        {
            (string vault, string disk) = await w.DiskVaultAsync();
            (_, string[] backups) = await w.ProtectAsync(vault);
            return await WhileBackedUpAsync(w, vault, disk, () => w.RestoreAsync(backups[0], new { volume_id = disk }));
        }),
        new($"POST {OneBackup}/restore", "400 2003", "a shared server as a whole", async w =>
        {
            TaskWorld owner = await TaskWorld.NewAsync(w.Server);
            string backup = (await ServerBackupAsync(owner)).Id;
            await ShareAsync(owner, backup, w.ProjectId);
            await AnswerAsync(w, backup, "accepted", await w.Vaults.VaultAsync("server"));
            return await w.RestoreAsync(backup, new { server_id = Unknown, mappings = new[] { new { backup_id = Unknown, volume_id = Unknown } } });
        }),
        new($"POST {OneBackup}/restore", "400 2005", "failed", async w => await w.RestoreAsync(await FailedAsync(w), new { volume_id = Unknown })),
        new($"POST {OneBackup}/restore", "400 2010", "the target is being restored", w => WhileRestoredAsync(w, async (vault, disk, backup) =>
        {
            string other = (string)(await w.BackupsAsync($"vault_id={vault}")).First(row => (string?)row!["id"] != backup)!["id"]!;
            return await w.RestoreAsync(other, new { volume_id = disk });
        })),
        new($"POST {OneBackup}/restore", "400 2011", "the target cannot be opened", async w =>
        {
            (string vault, string disk) = await w.DiskVaultAsync();
            (_, string[] backups) = await w.ProtectAsync(vault);
            TestReply shown = await w.Server.GetAsync(w.Vaults.Caller, "/strongroom/v1/{project_id}/resources/" + disk);
            w.Engine.Unreachable[(string)shown.Json["resource"]!["path"]!] = DriverFailure.InUse;
            return await w.RestoreAsync(backups[0], new { volume_id = disk });
        }),
        new($"POST {OneBackup}/restore", "400 6202", "its vault is frozen", async w =>
        {
            (string vault, string disk) = await w.DiskVaultAsync();
            (_, string[] backups) = await w.ProtectAsync(vault);
            await SetStatusAsync(w, vault, "frozen");
            return await w.RestoreAsync(backups[0], new { volume_id = disk });
        }),
        new($"POST {OneBackup}/restore", "404 6200", "no such backup", w => w.RestoreAsync(Unknown, new { volume_id = Unknown })),
        new($"POST {OneBackup}/restore", "404 6302", "no such file system", async w =>
        {
            string vault = await w.Vaults.VaultAsync("turbo");
            await w.AddAsync(vault, VaultWorld.FileSystem(await w.Vaults.NewFileSystemAsync()));
            return await w.RestoreAsync((await w.ProtectAsync(vault)).Backups[0], new { resource_id = Unknown });
        }),
        new($"POST {OneBackup}/restore", "404 7000", "no such disk", async w => await w.RestoreAsync(await BackupAsync(w), new { volume_id = Unknown })),
        new($"POST {OneBackup}/restore", "404 7100", "no such server", async w =>
        {
            (string id, string[] children) = await ServerBackupAsync(w);
            return await w.RestoreAsync(id, new { server_id = Unknown, mappings = new[] { new { backup_id = children[0], volume_id = Unknown } } });
        }),
    ];

    private static IEnumerable<ErrorCondition> OfShares() =>
    [
        new("POST " + Members, "400 6700", "one disk of a server's", async w => await ShareAsync(w, (await ServerBackupAsync(w)).Children[0], await w.Server.NewProjectIdAsync())),
        new("POST " + Members, "400 6701", "the eleventh", async w =>
        {
            string backup = await BackupAsync(w);
            string[] projects = await Task.WhenAll(Enumerable.Range(0, 11).Select(_ => w.Server.NewProjectIdAsync()));
            await ShareAsync(w, backup, projects[..10]);
            return await ShareAsync(w, backup, projects[10]);
        }),
        new("POST " + Members, "400 6702", "failed", async w => await ShareAsync(w, await FailedAsync(w), await w.Server.NewProjectIdAsync())),
        new("POST " + Members, "400 6703", "shared already", async w =>
        {
            (string backup, string project) = await SharedAsync(w);
            return await ShareAsync(w, backup, project);
        }),
        new("POST " + Members, "400 6704", "no such project", async w => await ShareAsync(w, await BackupAsync(w), new string('a', 32))),
        new("POST " + Members, "400 6707", "somebody else's", async w => await ShareAsync(w, (await SharedWithAsync(w)).Backup, await w.Server.NewProjectIdAsync())),
        new("POST " + Members, "400 6712", "its vault is frozen", async w =>
        {
            (string vault, _) = await w.DiskVaultAsync();
            (_, string[] backups) = await w.ProtectAsync(vault);
            await SetStatusAsync(w, vault, "frozen");
            return await ShareAsync(w, backups[0], await w.Server.NewProjectIdAsync());
        }),
        new("POST " + Members, "400 6714", "named twice", async w =>
        {
            string project = await w.Server.NewProjectIdAsync();
            return await ShareAsync(w, await BackupAsync(w), project, project);
        }),
        new("POST " + Members, "404 6200", "no such backup", async w => await ShareAsync(w, Unknown, await w.Server.NewProjectIdAsync())),
        new("GET " + Members, "404 6200", "no such backup", w => w.Vaults.GetAsync($"backups/{Unknown}/members")),
        new("GET " + OneMember, "404 6200", "no such backup", w => w.Vaults.GetAsync($"backups/{Unknown}/members/{w.ProjectId}")),
        new("GET " + OneMember, "404 6705", "not shared with it", async w => await w.Vaults.GetAsync($"backups/{await BackupAsync(w)}/members/{await w.Server.NewProjectIdAsync()}")),
        new("PUT " + OneMember, "400 6706", "an unknown status", async w => await AnswerAsync(w, (await SharedWithAsync(w)).Backup, "perhaps", null)),
        new("PUT " + OneMember, "400 6708", "no room in the vault", async w =>
        {
            (string backup, _) = await SharedWithAsync(w, 11 * VaultWorld.Gb);
            return await AnswerAsync(w, backup, "accepted", await w.Vaults.VaultAsync(sizeGb: 10));
        }),
        new("PUT " + OneMember, "400 6713", "a vault for servers", async w => await AnswerAsync(w, (await SharedWithAsync(w)).Backup, "accepted", await w.Vaults.VaultAsync("server"))),
        new("PUT " + OneMember, "404 6105", "no such vault", async w => await AnswerAsync(w, (await SharedWithAsync(w)).Backup, "accepted", Unknown)),
        new("PUT " + OneMember, "404 6200", "no such backup", w => AnswerAsync(w, Unknown, "rejected", null)),
        new("PUT " + OneMember, "404 6705", "in the name of another", async w =>
            await w.Vaults.PutAsync($"backups/{(await SharedWithAsync(w)).Backup}/members/{await w.Server.NewProjectIdAsync()}", new { status = "rejected" })),
        new("DELETE " + OneMember, "404 6705", "not shared with it", async w => await w.Vaults.DeleteAsync($"backups/{await BackupAsync(w)}/members/{await w.Server.NewProjectIdAsync()}")),
    ];

    private static IEnumerable<ErrorCondition> OfPolicies() =>
    [
        new("POST " + Policies, "400 9900", "no pattern", w => w.Vaults.CreatePolicyAsync(PolicyWorld.PolicyBody().With("trigger.properties.pattern", "[]"))),
        new("POST " + Policies, "400 6001", "the 33rd", async w =>
        {
            for (int i = 0; i < 32; i++)
                await w.Vaults.PolicyAsync();
            return await w.Vaults.CreatePolicyAsync(PolicyWorld.PolicyBody());
        }),
        new("POST " + Policies, "400 6117", "an unknown type", w => w.Vaults.CreatePolicyAsync(PolicyWorld.PolicyBody(operationType: "copy"))),
        new("GET " + OnePolicy, "404 6000", "no such policy", w => w.Vaults.GetAsync("policies/" + Unknown)),
        new("PUT " + OnePolicy, "400 9900", "no pattern", async w => await w.Vaults.UpdatePolicyAsync(await w.Vaults.PolicyAsync(), new { trigger = new { properties = new { pattern = Array.Empty<string>() } } })),
        new("PUT " + OnePolicy, "400 6003", "another region while a vault has it", async w =>
        {
            string policy = await FarAsync(w);
            await w.Vaults.BindAsync(await w.Vaults.VaultAsync("server"), policy, await w.Vaults.VaultAsync("server", protectType: "replication"));
            return await w.Vaults.UpdatePolicyAsync(policy, new { operation_definition = new { destination_region = "eu-north-9", destination_project_id = "p" } });
        }),
        new("PUT " + OnePolicy, "404 6000", "no such policy", w => w.Vaults.UpdatePolicyAsync(Unknown, new { })),
        new("DELETE " + OnePolicy, "404 6000", "no such policy", w => w.Vaults.DeleteAsync("policies/" + Unknown)),
        new("GET " + OneOrganizationPolicy, "404 6000", "no such policy", w => w.Vaults.GetAsync("organization-policies/" + Unknown)),
        new("PUT " + OneOrganizationPolicy, "404 6000", "no such policy", w => w.Vaults.PutAsync("organization-policies/" + Unknown, new { policy = new { name = "n" } })),
        new("DELETE " + OneOrganizationPolicy, "404 6000", "no such policy", w => w.Vaults.DeleteAsync("organization-policies/" + Unknown)),
        new($"GET {OneOrganizationPolicy}/policy-detail", "404 6000", "no such policy", w => w.Vaults.GetAsync($"organization-policies/{Unknown}/policy-detail")),
    ];

    private static IEnumerable<ErrorCondition> OfTheRest() =>
    [
        new("GET /v3/{project_id}/operation-logs/{operation_log_id}", "404 6500", "no such log", w => w.Vaults.GetAsync("operation-logs/" + Unknown)),
        new("GET " + Protectables, "400 6116", "an unknown type", w => w.Vaults.GetAsync("protectables/tape/instances")),
        new($"GET {Protectables}/{{instance_id}}", "404 6302", "no such file system", w => w.Vaults.GetAsync("protectables/turbo/instances/" + Unknown)),
        new($"GET {Protectables}/{{instance_id}}", "404 7000", "no such disk", w => w.Vaults.GetAsync("protectables/disk/instances/" + Unknown)),
        new($"GET {Protectables}/{{instance_id}}", "404 7100", "no such server", w => w.Vaults.GetAsync("protectables/server/instances/" + Unknown)),
        new("GET /v3/{project_id}/cbr-features/{feature_key}", "400 text", "no such feature", w => w.Vaults.GetAsync("cbr-features/flying")),
        new("POST /v3/{project_id}/agent/check", "404 7100", "no such server", w => w.Vaults.PostAsync("agent/check", new { agent_status = new[] { new { resource_id = Unknown, resource_type = "OS::Nova::Server" } } })),
        new("POST " + Agents, "400 7403", "no clients here", w => w.Vaults.PostAsync("agents", new { agent = new { agent_id = Unknown, host_name = "h", host_ip = "10.0.0.1", host_os = "linux" } })),
        new("GET " + OneAgent, "404 7410", "no such client", w => w.Vaults.GetAsync("agents/" + Unknown)),
        new("PUT " + OneAgent, "404 7410", "no such client", w => w.Vaults.PutAsync("agents/" + Unknown, new { agent = new { status = "uninstall" } })),
        new("DELETE " + OneAgent, "404 7410", "no such client", w => w.Vaults.DeleteAsync("agents/" + Unknown)),
        new($"POST {OneAgent}/add-path", "404 7410", "no such client", w => w.Vaults.PostAsync($"agents/{Unknown}/add-path", new { add_path = new[] { "/srv" } })),
        new($"POST {OneAgent}/remove-path", "404 7410", "no such client", w => w.Vaults.PostAsync($"agents/{Unknown}/remove-path", new { remove_path = new[] { "/srv" } })),
        new($"POST {Backups}/sync", "400 7300", "nothing is on premises", w => w.Vaults.PostAsync("backups/sync", new
        {
            sync = new[] { new { backup_id = Unknown, backup_name = "b", bucket_name = "b", image_path = "a", resource_id = Unknown, resource_name = "r", resource_type = "OS::VMware::Server", created_at = 1 } },
        })),
        new("GET /v3/migrates", "404 4001", "nothing was migrated", w => w.Server.GetAsync(w.Vaults.Caller, "/v3/migrates")),
        new("POST /v3/migrates", "400 9900", "there is nothing to migrate", w => w.Server.PostAsync(w.Vaults.Caller, "/v3/migrates", new { all_regions = true, reservation = 0.2 })),
    ];

    private static JsonObject Holding(int sizeGb, params JsonObject[] resources) =>
        VaultWorld.VaultBody(sizeGb: sizeGb).With("resources", new JsonArray(resources).ToJsonString());

    private static string TagList(int count) => $"[{string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{"key":"k{{i}}","value":"v"}"""))}]";

    private static Task<TestReply> ChangeAsync(TaskWorld w, string vault, object change) => w.Vaults.PutAsync("vaults/" + vault, new { vault = change });

    private static Task<TestReply> MigrateAsync(TaskWorld w, string source, string destination, params string[] ids) =>
        w.Vaults.PostAsync($"vaults/{source}/migrateresources", new { destination_vault_id = destination, resource_ids = ids });

    private static async Task<TestReply> MigrateIntoAsync(TaskWorld w, Func<string, Task<string>> destination)
    {
        (string vault, string disk) = await w.DiskVaultAsync();
        return await MigrateAsync(w, vault, await destination(vault), disk);
    }

    private static Task<TestReply> SetAsync(TaskWorld w, string vault, string action, string id) =>
        w.Vaults.PutAsync($"vaults/{vault}/set-resources", new { resource_ids = new[] { id }, action });

    private static Task<TestReply> OrderAsync(TaskWorld w, JsonObject vault) => w.Vaults.PostAsync("vaults/order", new JsonObject { ["vault"] = PrePaid(vault) });

    private static JsonObject PrePaid(JsonObject vault) => vault
        .With("billing.charging_mode", "\"pre_paid\"").With("billing.period_type", "\"month\"").With("billing.period_num", "1");

    private static async Task<string> PrePaidAsync(TaskWorld w) => (string)(await OrderAsync(w, VaultWorld.VaultBody())).Json["orders"]![0]!["resourceId"]!;

    private static Task<TestReply> CopyAsync(TaskWorld w, string what, string? vault) => w.Vaults.PostAsync(
        what + "/replicate",
        new { replicate = new { vault_id = vault, destination_project_id = w.ProjectId, destination_region = "far", destination_vault_id = Unknown } });

    private static Task<string> FarAsync(TaskWorld w) => w.Vaults.PolicyAsync(PolicyWorld.ReplicationBody());

    private static async Task<string> InStatusAsync(TaskWorld w, string status)
    {
        string vault = await w.Vaults.VaultAsync();
        await SetStatusAsync(w, vault, status);
        return vault;
    }

    private static Task SetStatusAsync(TaskWorld w, string vault, string status) =>
        w.Server.Database.WriteAsync(async session => { await session.ExecuteAsync($"update vaults set status = {status} where id = {vault}", default); }, default);

    private static async Task<TestReply> OnItsWayOutAsync(TaskWorld w, Func<string, string, Task<TestReply>> act)
    {
        (string vault, string disk) = await w.DiskVaultAsync();
        await w.Server.Database.WriteAsync(
            async session => await Strongroom.Server.Vaults.VaultTable.SetProtectStatusAsync(session, new(vault), new(disk), "removing", default), default);
        return await act(vault, disk);
    }

    private static async Task<TestReply> WhileBackedUpAsync(TaskWorld w, Func<string, string, Task<TestReply>> act)
    {
        (string vault, string disk) = await w.DiskVaultAsync();
        return await WhileBackedUpAsync(w, vault, disk, () => act(vault, disk));
    }

    private static async Task<TestReply> WhileBackedUpAsync(TaskWorld w, string vault, string disk, Func<Task<TestReply>> act)
    {
        Gate gate = w.Engine.Hold(disk);
        Assert.Equal(200, (await w.CheckpointAsync(vault)).Status);
        await gate.Reached;
        TestReply reply = await act();
        gate.Open();
        return reply;
    }

    /// <summary>With a vault of two backups of one disk, the first of which is being restored to it.</summary>
    private static async Task<TestReply> WhileRestoredAsync(TaskWorld w, Func<string, string, string, Task<TestReply>> act)
    {
        (string vault, string disk) = await w.DiskVaultAsync();
        (_, string[] backups) = await w.ProtectAsync(vault);
        await w.ProtectAsync(vault);
        Gate gate = w.Engine.HoldRestore(backups[0]);
        Assert.Equal(202, (await w.RestoreAsync(backups[0], new { volume_id = disk })).Status);
        await gate.Reached;
        TestReply reply = await act(vault, disk, backups[0]);
        gate.Open();
        return reply;
    }

    /// <summary>A disk's.</summary>
    private static async Task<string> BackupAsync(TaskWorld w, long sizeBytes = VaultWorld.Gb) => (await w.ProtectAsync((await w.DiskVaultAsync(sizeBytes)).Vault)).Backups[0];

    private static async Task<(string Id, string[] Children)> ServerBackupAsync(TaskWorld w)
    {
        string id = (await w.ProtectAsync((await w.ServerVaultAsync()).Vault)).Backups[0];
        return (id, [.. (await w.BackupAsync(id))["children"]!.AsArray().Select(child => (string)child!["id"]!)]);
    }

    private static async Task<string> FailedAsync(TaskWorld w)
    {
        (string vault, string disk) = await w.DiskVaultAsync();
        w.Engine.OnBackup(disk, _ => throw new InvalidOperationException("as the test wants it"));
        return (await w.ProtectAsync(vault)).Backups[0];
    }

    private static Task<TestReply> ShareAsync(TaskWorld w, string backup, params string[] projects) => w.Vaults.PostAsync($"backups/{backup}/members", new { members = projects });

    private static async Task<(string Backup, string Project)> SharedAsync(TaskWorld w)
    {
        string backup = await BackupAsync(w);
        string project = await w.Server.NewProjectIdAsync();
        Assert.Equal(200, (await ShareAsync(w, backup, project)).Status);
        return (backup, project);
    }

    /// <summary>Another project's backup, shared with this one.</summary>
    private static async Task<(string Backup, TaskWorld Owner)> SharedWithAsync(TaskWorld w, long sizeBytes = VaultWorld.Gb)
    {
        TaskWorld owner = await TaskWorld.NewAsync(w.Server);
        string backup = await BackupAsync(owner, sizeBytes);
        Assert.Equal(200, (await ShareAsync(owner, backup, w.ProjectId)).Status);
        return (backup, owner);
    }

    private static Task<TestReply> AnswerAsync(TaskWorld w, string backup, string status, string? vault) =>
        w.Vaults.PutAsync($"backups/{backup}/members/{w.ProjectId}", new { status, vault_id = vault });
}
