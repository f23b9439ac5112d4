using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Contract.Resources;
using Strongroom.Drivers;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Tests.Vaults;

public abstract class AutoBindTests(ServerFixture server)
{
    [Fact]
    public async Task What_carries_one_of_the_tags_joins_and_is_told_in_the_audit()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string disk = await DiskAsync(world, ("env", "prod"));
        string other = await DiskAsync(world, ("tier", "gold"), ("x", "y"));
        string unfit = await DiskAsync(world, ("env", "test"));
        await world.NewFileSystemAsync();
        string vault = await VaultAsync(world, rules: [("env", "prod"), ("tier", "gold")]);

        await SweepAsync();
        await SweepAsync();

        Assert.Equal([disk, other], await MembersAsync(world, vault));
        TestReply audit = await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/audit?user_name=system");
        Assert.Equal(
            new[] { disk, other }.Order().Select(id => ("cbr:vaults:addResources", id)),
            audit.Json["records"]!.AsArray().Select(record => ((string)record!["action"]!, (string)record["resource_id"]!)).OrderBy(record => record.Item2));
        Assert.NotEqual(unfit, disk);
    }

    [Fact]
    public async Task Without_rules_everything_of_the_vaults_type_joins_but_only_with_a_policy()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string disk = await DiskAsync(world);
        string vault = await VaultAsync(world, hasPolicy: false);

        await SweepAsync();
        TestReply refused = await BindAsync(world, vault);
        Assert.Empty(await MembersAsync(world, vault));
        await world.BindAsync(vault, await world.PolicyAsync());
        await SweepAsync();

        VaultWorld.AssertRefused(refused, 400, "6110", "policy");
        Assert.Equal([disk], await MembersAsync(world, vault));
    }

    [Fact]
    public async Task A_request_does_it_at_once_and_says_what_it_did()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string vault = await VaultAsync(world, sizeGb: 10);
        string small = await DiskAsync(world);
        string large = await DiskAsync(world, 10 * VaultWorld.Gb);

        TestReply reply = await BindAsync(world, vault);

        Assert.Equal(200, reply.Status);
        Assert.Equal(small, (string)Assert.Single(reply.Json["joined"]!.AsArray())!["id"]!);
        JsonNode refused = Assert.Single(reply.Json["refused"]!.AsArray())!;
        Assert.Equal((large, "BackupService.6101"), ((string)refused["id"]!, (string)refused["code"]!));
        Assert.Empty((await BindAsync(world, vault)).Json["joined"]!.AsArray());
        string manual = await world.VaultAsync();
        VaultWorld.AssertRefused(await BindAsync(world, manual), 400, "6110", "auto_bind");
        VaultWorld.AssertRefused(await BindAsync(world, VaultWorld.UnknownId), 404, "6105");
    }

    [Fact]
    public async Task What_does_not_fit_has_one_failed_task_and_joins_when_there_is_room()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string vault = await VaultAsync(world, sizeGb: 10);
        string disk = await DiskAsync(world, 11 * VaultWorld.Gb);

        await SweepAsync();
        await SweepAsync();

        JsonNode log = Assert.Single((await world.GetAsync("operation-logs")).Json["operation_logs"]!.AsArray())!;
        Assert.Equal(
            (disk, vault, "failed", "BackupService.6101", "backup"),
            ((string)log["extra_info"]!["resource"]!["id"]!, (string)log["vault_id"]!, (string)log["status"]!, (string)log["error_info"]!["code"]!, (string)log["operation_type"]!));
        await world.PutAsync("vaults/" + vault, new { vault = new { billing = new { size = 20 } } });
        await SweepAsync();
        Assert.Equal([disk], await MembersAsync(world, vault));
        long refusals = await server.Database.ReadAsync(
            session => session.QueryLongAsync($"select count(*) from bind_refusals where project_id = {world.ProjectId}", default), default);
        Assert.Equal(0, refusals);
    }

    [Fact]
    public async Task The_vault_that_runs_next_has_the_first_word_and_the_next_one_takes_what_does_not_fit()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string late = await VaultAsync(world, policy: PolicyWorld.PolicyBody("{}", "p", "backup", Hours(11)));
        string early = await VaultAsync(world, sizeGb: 10, policy: PolicyWorld.PolicyBody("{}", "p", "backup", Hours(2)));
        string never = await VaultAsync(world);
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update policy_vaults set next_at = null where vault_id = {never}", default); }, default);
        string large = await DiskAsync(world, 11 * VaultWorld.Gb);
        string small = await DiskAsync(world);

        await SweepAsync();

        Assert.Equal([small], await MembersAsync(world, early));
        Assert.Equal([large], await MembersAsync(world, late));
        Assert.Empty(await MembersAsync(world, never));
    }

    [Fact]
    public async Task Whoever_takes_a_resource_out_by_hand_keeps_it_out_and_whoever_puts_it_in_lets_rules_have_it_again()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string vault = await VaultAsync(world);
        string disk = await DiskAsync(world);
        await SweepAsync();

        await world.RemoveAsync(vault, disk);
        await SweepAsync();
        Assert.Empty(await MembersAsync(world, vault));
        Assert.False((bool)(await ResourceAsync(world, disk))["auto_bind"]!);
        string other = await world.VaultAsync();
        await world.AddAsync(other, VaultWorld.Disk(disk));
        Assert.True((bool)(await ResourceAsync(world, disk))["auto_bind"]!);
        await world.DeleteAsync("vaults/" + other);
        await SweepAsync();
        Assert.Equal([disk], await MembersAsync(world, vault));
    }

    [Fact]
    public async Task A_tag_that_is_taken_off_does_not_end_protection_and_one_that_is_put_on_begins_it()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string vault = await VaultAsync(world, rules: [("env", "prod")]);
        string disk = await DiskAsync(world);
        await SweepAsync();
        Assert.Empty(await MembersAsync(world, vault));

        TestReply tagged = await ChangeAsync(world, disk, new { tags = new[] { new { key = "env", value = "prod" } } });
        await SweepAsync();
        Assert.Equal("prod", (string)tagged.Json["resource"]!["tags"]![0]!["value"]!);
        Assert.Equal([disk], await MembersAsync(world, vault));
        await ChangeAsync(world, disk, new { name = "renamed", tags = Array.Empty<object>() });
        await SweepAsync();

        Assert.Equal([disk], await MembersAsync(world, vault));
        Assert.Equal("renamed", (string)(await ResourceAsync(world, disk))["name"]!);
    }

    [Fact]
    public async Task What_is_unregistered_leaves_and_its_backups_stay()
    {
        TaskWorld tasks = await TaskWorld.NewAsync(server);
        VaultWorld world = tasks.Vaults;
        string vault = await VaultAsync(world);
        string disk = await DiskAsync(world);
        await SweepAsync();
        (_, string[] backups) = await tasks.ProtectAsync(vault);
        JsonNode before = await world.ShowAsync(vault);

        await server.DeleteAsync(world.Caller, "/strongroom/v1/{project_id}/resources/" + disk);
        Assert.Equal([disk], await MembersAsync(world, vault));
        await SweepAsync();

        Assert.Empty(await MembersAsync(world, vault));
        JsonNode after = await world.ShowAsync(vault);
        Assert.Equal((int)before["billing"]!["used"]!, (int)after["billing"]!["used"]!);
        Assert.Equal("available", (string)(await tasks.BackupAsync(backups[0]))["status"]!);
        JsonNode log = Assert.Single(await tasks.LogsAsync("operation_type=remove_resource"))!;
        Assert.Contains("1 backups stay", (string)(await tasks.TaskAsync((string)log["id"]!))["notice"]!, StringComparison.Ordinal);
        Assert.Equal(204, (await world.DeleteAsync("backups/" + backups[0])).Status);
        Assert.Equal(0, (int)(await world.ShowAsync(vault))["billing"]!["used"]!);
    }

    [Fact]
    public async Task A_source_that_is_gone_for_long_leaves_and_joins_again_when_it_is_back()
    {
        TaskWorld tasks = await TaskWorld.NewAsync(server);
        VaultWorld world = tasks.Vaults;
        string vault = await VaultAsync(world);
        string disk = await DiskAsync(world);
        string path = (string)(await ResourceAsync(world, disk))["path"]!;
        await SweepAsync();
        await tasks.ProtectAsync(vault);
        tasks.Engine.Unreachable[path] = DriverFailure.Missing;
        tasks.Engine.OnBackup(disk, _ => throw new DriverException(DriverFailure.Missing, path, "open", "gone"));
        await tasks.ProtectAsync(vault);

        await SweepAsync();
        Assert.True((bool)(await ResourceAsync(world, disk))["missing"]!);
        await PutClockAsync(TimeSpan.FromDays(6));
        await SweepAsync();
        Assert.Equal([disk], await MembersAsync(world, vault));
        await PutClockAsync(TimeSpan.FromDays(2));
        await SweepAsync();
        Assert.Empty(await MembersAsync(world, vault));
        await SweepAsync();
        Assert.Empty(await MembersAsync(world, vault));
        tasks.Engine.Unreachable.Remove(path, out _);
        await SweepAsync();

        JsonNode member = Assert.Single((await world.ShowAsync(vault))["resources"]!.AsArray())!;
        Assert.Equal((disk, 1), ((string)member["id"]!, (int)member["backup_count"]!));
    }

    [Fact]
    public async Task A_disk_is_not_taken_beside_its_server()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string disks = await VaultAsync(world);
        string servers = await VaultAsync(world, "server");
        (string web, _) = await world.NewServerAsync(VaultWorld.Gb, VaultWorld.Gb);
        string free = await DiskAsync(world);

        await SweepAsync();

        Assert.Equal([web], await MembersAsync(world, servers));
        Assert.Equal([free], await MembersAsync(world, disks));
        Assert.Empty((await world.GetAsync("operation-logs")).Json["operation_logs"]!.AsArray());
    }

    [Fact]
    public async Task No_vault_takes_more_than_it_may_hold()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string vault = await VaultAsync(world, sizeGb: 1000);
        await world.NewDisksAsync(258);

        await SweepAsync();

        Assert.Equal(256, (await MembersAsync(world, vault)).Length);
        JsonArray logs = (await world.GetAsync("operation-logs")).Json["operation_logs"]!.AsArray();
        Assert.Equal(["BackupService.6100", "BackupService.6100"], logs.Select(log => (string)log!["error_info"]!["code"]!));
    }

    [Fact]
    public async Task Several_servers_at_once_bring_in_each_resource_once()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string[] vaults = [await VaultAsync(world, sizeGb: 15), await VaultAsync(world, sizeGb: 12), await VaultAsync(world, sizeGb: 50)];
        string[] disks = await world.NewDisksAsync(60);
        var databases = new List<MetadataDatabase>();
        Task<AutoBindReport>[] passes = [.. Enumerable.Range(0, 4).Select(_ =>
        {
            MetadataDatabase database = server.TestDatabase.Open();
            databases.Add(database);
            return Task.Run(() => new AutoBinder(database, new VaultOptions(), server.Time).BindAsync(world.ProjectId, default));
        })];

        await Task.WhenAll(passes);

        string[] members = [.. (await Task.WhenAll(vaults.Select(vault => MembersAsync(world, vault)))).SelectMany(ids => ids)];
        Assert.Equal(disks.Order(), members.Order());
        TestReply audit = await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/audit?user_name=system");
        Assert.Equal(60, audit.Json["records"]!.AsArray().Count);
        foreach (MetadataDatabase database in databases)
            await database.DisposeAsync();
    }

    private static string Hours(int later) => $"FREQ=DAILY;INTERVAL=1;BYHOUR={(FakeTimeProvider.Start.Hour + later) % 24:00};BYMINUTE=00";

    private Task SweepAsync() => server.Services.GetRequiredService<AutoBindSweep>().SweepAsync(default);

    private Task PutClockAsync(TimeSpan forward) => server.Database.WriteAsync(
        async session => { await session.ExecuteAsync($"update installation_clock set elapsed_micros = elapsed_micros + {(long)forward.TotalMicroseconds}", default); },
        default);

    private Task<TestReply> BindAsync(VaultWorld world, string vault) => server.PostAsync(world.Caller, $"/strongroom/v1/{{project_id}}/vaults/{vault}/bind", null);

    private async Task<string> VaultAsync(
        VaultWorld world, string type = "disk", int sizeGb = 100, bool hasPolicy = true, JsonObject? policy = null, params (string Key, string Value)[] rules)
    {
        JsonObject body = VaultWorld.VaultBody(type, sizeGb);
        body["auto_bind"] = true;
        body["bind_rules"] = new JsonObject { ["tags"] = Tags(rules) };
        if (hasPolicy)
            body["backup_policy_id"] = await world.PolicyAsync(policy);
        server.Time.Advance(TimeSpan.FromSeconds(1));
        TestReply reply = await world.CreateAsync(body);
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["vault"]!["id"]!;
    }

    private async Task<string> DiskAsync(VaultWorld world, params (string Key, string Value)[] tags) => await DiskAsync(world, 1, tags);

    private async Task<string> DiskAsync(VaultWorld world, long sizeBytes, params (string Key, string Value)[] tags)
    {
        server.Time.Advance(TimeSpan.FromSeconds(1));
        TestReply reply = await world.RegisterAsync(
            new { type = ResourceTypes.Disk, name = "disk", path = world.ImageFile(sizeBytes), tags = tags.Select(tag => new { key = tag.Key, value = tag.Value }) });
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["resource"]!["id"]!;
    }

    private async Task<JsonNode> ResourceAsync(VaultWorld world, string id) =>
        (await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/resources/" + id)).Json["resource"]!;

    private Task<TestReply> ChangeAsync(VaultWorld world, string id, object change) =>
        server.PutAsync(world.Caller, "/strongroom/v1/{project_id}/resources/" + id, new { resource = change });

    private static async Task<string[]> MembersAsync(VaultWorld world, string vault) =>
        [.. (await world.ShowAsync(vault))["resources"]!.AsArray().Select(resource => (string)resource!["id"]!)];

    private static JsonArray Tags((string Key, string Value)[] tags) =>
        new([.. tags.Select(tag => new JsonObject { ["key"] = tag.Key, ["value"] = tag.Value })]);
}

public sealed class AutoBindOnSqliteTests(SqliteBindServer server) : AutoBindTests(server), IClassFixture<SqliteBindServer>;

public sealed class AutoBindOnPostgresTests : AutoBindTests, IClassFixture<PostgresBindServer>
{
    public AutoBindOnPostgresTests(PostgresBindServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}

/// <summary>Looks for what rules ask for only when the test does.</summary>
public sealed class SqliteBindServer : SqliteTaskServer
{
    protected override void Configure(ServerOptions options) => options.Vaults.BindInterval = TimeSpan.Zero;
}

public sealed class PostgresBindServer : PostgresTaskServer
{
    protected override void Configure(ServerOptions options) => options.Vaults.BindInterval = TimeSpan.Zero;
}
