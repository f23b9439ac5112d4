using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Strongroom.Server.Policies;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;

namespace Strongroom.Server.Tests.Policies;

public abstract class PolicyRunTests(ServerFixture server)
{
    [Fact]
    public async Task A_slot_makes_one_checkpoint_and_a_task_per_resource()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, string[] disks) = await world.ProtectedAsync(diskCount: 2);

        world.GoTo(2, 59);
        await world.RunAsync();
        Assert.Empty(await world.BackupsAsync(vault));
        world.GoTo(3);
        await world.RunAsync();
        await world.RunAsync();

        JsonArray backups = await world.BackupsAsync(vault);
        Assert.Equal(disks.Order(), backups.Select(backup => (string)backup!["resource_id"]!).Order());
        Assert.Single(backups.Select(backup => (string)backup!["checkpoint_id"]!).Distinct());
        Assert.All(backups, backup => Assert.True((bool)backup!["extend_info"]!["auto_trigger"]!));
        Assert.All(backups, backup => Assert.Matches("^autobk_[0-9a-f]{4}_000[12]$", (string)backup!["name"]!));
        JsonArray logs = await world.Tasks.LogsAsync("operation_type=backup");
        Assert.Equal(2, logs.Count);
        Assert.All(logs, log => Assert.Equal((policy, "success"), ((string)log!["policy_id"]!, (string)log["status"]!)));
        JsonNode task = await world.OurTaskAsync(logs[0]!);
        Assert.EndsWith("T03:00:00.000000", (string)task["slot_at"]!, StringComparison.Ordinal);
        Assert.Null(task["notice"]);
    }

    [Fact]
    public async Task The_checkpoint_says_how_long_its_backups_are_kept()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, _) = await world.ProtectedAsync(RunWorld.Policy("""{"retention_duration_days":20}"""));

        world.GoTo(3);
        await world.RunAsync();

        JsonNode backup = (await world.BackupsAsync(vault))[0]!;
        JsonNode checkpoint = (await world.Tasks.GetAsync("checkpoints/" + (string)backup["checkpoint_id"]!))["checkpoint"]!;
        Assert.Equal(20, (int)checkpoint["extra_info"]!["retention_duration"]!);
        DateTime created = DateTime.Parse((string)backup["created_at"]!, null);
        Assert.Equal(created.AddDays(20), DateTime.Parse((string)backup["expired_at"]!, null));
    }

    [Fact]
    public async Task Nothing_runs_while_disabled_or_unbound_and_nothing_is_caught_up_afterwards()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string disabled, string policy, _) = await world.ProtectedAsync();
        (string unbound, string other, _) = await world.ProtectedAsync();
        await world.Vaults.UpdatePolicyAsync(policy, new { enabled = false });
        await world.Vaults.UnbindAsync(unbound, other);

        world.GoTo(4);
        await world.RunAsync();
        await world.Vaults.UpdatePolicyAsync(policy, new { enabled = true });
        await world.Vaults.BindAsync(unbound, other);
        await world.RunAsync();

        Assert.Empty(await world.BackupsAsync(disabled));
        Assert.Empty(await world.BackupsAsync(unbound));
        world.GoTo(3);
        await world.RunAsync();
        Assert.Single(await world.BackupsAsync(disabled));
        Assert.Single(await world.BackupsAsync(unbound));
    }

    [Fact]
    public async Task Suspended_resources_stay_out()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, string[] disks) = await world.ProtectedAsync(diskCount: 2);
        await world.Vaults.PutAsync($"vaults/{vault}/set-resources", new { resource_ids = new[] { disks[0] }, action = "suspend" });

        world.GoTo(3);
        await world.RunAsync();

        JsonNode backup = Assert.Single(await world.BackupsAsync(vault))!;
        Assert.Equal(disks[1], (string)backup["resource_id"]!);
        Assert.Single(await world.Tasks.LogsAsync());
    }

    [Fact]
    public async Task Names_begin_with_the_prefix_of_the_vault()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        string policy = await world.Vaults.PolicyAsync(RunWorld.Policy("{}"));
        JsonObject body = VaultWorld.VaultBody();
        body["backup_name_prefix"] = "shop-";
        body["backup_policy_id"] = policy;
        body["resources"] = new JsonArray(VaultWorld.Disk(await world.Vaults.NewDiskAsync()));
        string vault = (string)(await world.Vaults.CreateAsync(body)).Json["vault"]!["id"]!;

        world.GoTo(3);
        await world.RunAsync();

        Assert.Matches("^shop-autobk_[0-9a-f]{4}$", (string)(await world.BackupsAsync(vault))[0]!["name"]!);
    }

    [Fact]
    public async Task Missed_slots_have_one_catch_up_run_that_says_so()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, _) = await world.ProtectedAsync();

        world.GoTo(3);
        server.Time.Sleep(TimeSpan.FromDays(3.5));
        await world.RunAsync();

        JsonNode log = Assert.Single(await world.Tasks.LogsAsync())!;
        string notice = (string)(await world.OurTaskAsync(log))["notice"]!;
        Assert.Contains("3 earlier slots", notice, StringComparison.Ordinal);
        world.GoTo(3);
        await world.RunAsync();
        Assert.Equal(2, (await world.BackupsAsync(vault)).Count);
        Assert.Null((await world.OurTaskAsync((await world.Tasks.LogsAsync())[0]!))["notice"]);
    }

    [Fact]
    public async Task A_slot_whose_earlier_run_still_goes_is_skipped_and_the_next_is_normal()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        JsonObject hourly = PolicyBody("{}", "p", "backup", "FREQ=DAILY;INTERVAL=1;BYHOUR=3,4,5;BYMINUTE=00");
        (string vault, string policy, string[] disks) = await world.ProtectedAsync(hourly, diskCount: 2);
        Gate gate = world.Tasks.Engine.Hold(disks[0]);

        world.GoTo(3);
        await world.ScheduleAsync();
        await gate.Reached;
        await TaskWorld.UntilAsync(async () => (await world.Tasks.LogsAsync("status=success")).Count == 1);
        world.GoTo(4);
        await world.ScheduleAsync();
        JsonNode skipped = Assert.Single(await world.Tasks.LogsAsync("status=skipped"))!;
        gate.Open();
        await world.EndAsync();
        world.GoTo(5);
        await world.RunAsync();

        Assert.Equal((disks[0], policy, "BackupService.6125"), (
            (string)skipped["extra_info"]!["resource"]!["id"]!, (string)skipped["policy_id"]!, (string)skipped["error_info"]!["code"]!));
        Assert.Contains("running", (string)skipped["error_info"]!["message"]!, StringComparison.Ordinal);
        JsonArray backups = await world.BackupsAsync(vault);
        Assert.Equal(2, backups.Count(backup => (string)backup!["resource_id"]! == disks[0]));
        Assert.Equal(3, backups.Count(backup => (string)backup!["resource_id"]! == disks[1]));
    }

    [Fact]
    public async Task A_resource_that_is_gone_fails_at_every_slot_and_holds_up_nobody()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, string[] disks) = await world.ProtectedAsync(diskCount: 2);
        await server.DeleteAsync(world.Vaults.Caller, "/strongroom/v1/{project_id}/resources/" + disks[0]);

        world.GoTo(3);
        await world.RunAsync();

        JsonNode failed = Assert.Single(await world.Tasks.LogsAsync("status=failed"))!;
        Assert.Equal((disks[0], "BackupService.7000"), ((string)failed["extra_info"]!["resource"]!["id"]!, (string)failed["error_info"]!["code"]!));
        Assert.Equal(disks[1], (string)Assert.Single(await world.BackupsAsync(vault))!["resource_id"]!);
    }

    [Fact]
    public async Task A_full_vault_has_a_failed_task_and_no_backup()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, _) = await world.ProtectedAsync();
        await world.ExecuteAsync($"update vaults set used_bytes = {100 * VaultWorld.Gb} where id = {vault}");

        world.GoTo(3);
        await world.RunAsync();

        JsonNode log = Assert.Single(await world.Tasks.LogsAsync())!;
        Assert.Equal(("failed", "BackupService.6114", policy, vault), (
            (string)log["status"]!, (string)log["error_info"]!["code"]!, (string)log["policy_id"]!, (string)log["vault_id"]!));
        Assert.Empty(await world.BackupsAsync(vault));
    }

    [Fact]
    public async Task A_replication_policy_says_at_every_slot_that_nothing_is_replicated()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, _) = await world.Tasks.ServerVaultAsync();
        string destination = await world.Vaults.VaultAsync("server", protectType: "replication");
        string policy = await world.Vaults.PolicyAsync(ReplicationBody());
        Assert.Equal(200, (await world.Vaults.BindAsync(vault, policy, destination)).Status);

        world.GoTo(2);
        await world.RunAsync();
        Assert.Empty(await world.Tasks.LogsAsync());
        await world.Tasks.ProtectAsync(vault);
        world.GoTo(2);
        await world.RunAsync();
        await world.RunAsync();

        JsonNode log = Assert.Single(await world.Tasks.LogsAsync("operation_type=replication"))!;
        Assert.Equal(("failed", "BackupService.1011", policy, vault), (
            (string)log["status"]!, (string)log["error_info"]!["code"]!, (string)log["policy_id"]!, (string)log["vault_id"]!));
        Assert.Contains("no other site", (string)log["error_info"]!["message"]!, StringComparison.Ordinal);
        Assert.EndsWith("T01:30:00.000000", (string)(await world.OurTaskAsync(log))["slot_at"]!, StringComparison.Ordinal);
        Assert.Single(await world.BackupsAsync(vault));
    }

    [Theory]
    [InlineData(1, "FIFI")]
    [InlineData(2, "FIIF")]
    [InlineData(0, "FFFF")]
    [InlineData(-1, "IIII")]
    public async Task Full_backups_come_at_their_interval(int interval, string expected)
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, _) = await world.ProtectedAsync(RunWorld.Policy($$"""{"full_backup_interval":{{interval}}}"""));

        for (int day = 0; day < 4; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
        }

        Assert.Equal(expected, string.Concat((await world.BackupsAsync(vault)).Select(backup => (bool)backup!["incremental"]! ? 'I' : 'F')));
    }

    [Fact]
    public async Task A_clock_that_was_a_year_ahead_for_a_moment_costs_no_slot_and_repeats_none()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, _) = await world.ProtectedAsync();
        var clock = new FakeTimeProvider();
        clock.Advance(server.Time.GetUtcNow() - clock.GetUtcNow());
        using var scheduler = new PolicyScheduler(
            server.Database, server.Services.GetRequiredService<TaskSignal>(), new PolicyOptions(), clock, NullLogger<PolicyScheduler>.Instance);

        clock.Advance(TimeSpan.FromDays(365));
        await scheduler.RunDueAsync(default);
        await world.EndAsync();
        clock.Advance(TimeSpan.FromDays(-365));
        await scheduler.RunDueAsync(default);
        Assert.Single(await world.BackupsAsync(vault));
        for (int day = 0; day < 3; day++)
        {
            clock.Advance(TimeSpan.FromDays(1));
            await scheduler.RunDueAsync(default);
            await world.EndAsync();
            clock.Advance(TimeSpan.FromHours(-23));
            await scheduler.RunDueAsync(default);
            clock.Advance(TimeSpan.FromHours(23));
            await scheduler.RunDueAsync(default);
            await world.EndAsync();
        }

        Assert.Equal(4, (await world.BackupsAsync(vault)).Count);
    }

    [Fact]
    public async Task New_patterns_take_effect_and_a_slot_that_was_due_is_still_run()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, _) = await world.ProtectedAsync();
        object later = new { trigger = new { properties = new { pattern = new[] { "FREQ=DAILY;INTERVAL=1;BYHOUR=05;BYMINUTE=00" } } } };

        world.GoTo(3);
        await world.Vaults.UpdatePolicyAsync(policy, later);
        await world.RunAsync();
        Assert.Single(await world.BackupsAsync(vault));
        world.GoTo(5);
        await world.RunAsync();

        Assert.Equal(2, (await world.BackupsAsync(vault)).Count);
    }

    [Fact]
    public async Task A_policy_runs_on_the_wall_clock_of_its_zone()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, _) = await world.ProtectedAsync();
        string path = "/strongroom/v1/{project_id}/policies/" + policy;

        TestReply utc = await server.GetAsync(world.Vaults.Caller, path);
        TestReply zoned = await server.PutAsync(world.Vaults.Caller, path, new { policy = new { time_zone = "Asia/Tokyo" } });
        TestReply unknown = await server.PutAsync(world.Vaults.Caller, path, new { policy = new { time_zone = "Mars/Olympus" } });

        Assert.Null(utc.Json["policy"]!["time_zone"]);
        Assert.Equal("Asia/Tokyo", (string)zoned.Json["policy"]!["time_zone"]!);
        JsonNode next = zoned.Json["policy"]!["next_runs"]![0]!;
        Assert.EndsWith("T18:00:00.000000", (string)next["utc"]!, StringComparison.Ordinal);
        Assert.EndsWith("T03:00:00.000000", (string)next["local"]!, StringComparison.Ordinal);
        VaultWorld.AssertRefused(unknown, 400, "9900", "time_zone");
        Assert.Equal(
            (await server.GetAsync(world.Vaults.Caller, path)).Text, zoned.Text);
        world.GoTo(18);
        await world.RunAsync();
        Assert.Single(await world.BackupsAsync(vault));
    }

    [Theory]
    [InlineData("[\"freq=daily\"]")]
    [InlineData("[\"FREQ=WEEKLY;BYDAY=MO;BYHOUR=00;BYMINUTE=30\",\"FREQ=WEEKLY;BYDAY=SU;BYHOUR=23;BYMINUTE=45\"]")]
    [InlineData("[\"FREQ=DAILY;INTERVAL=31;BYHOUR=00;BYMINUTE=30\"]")]
    public async Task Patterns_keep_their_grammar_and_an_hour_between_them(string patterns)
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string id = await world.PolicyAsync();

        VaultWorld.AssertRefused(await world.CreatePolicyAsync(PolicyBody().With("trigger.properties.pattern", patterns)), 400, "9900", "pattern");
        VaultWorld.AssertRefused(
            await world.UpdatePolicyAsync(id, new { trigger = new { properties = new { pattern = JsonNode.Parse(patterns) } } }), 400, "9900", "pattern");
    }
}

public sealed class PolicyRunOnSqliteTests(SqlitePolicyServer server) : PolicyRunTests(server), IClassFixture<SqlitePolicyServer>;

public sealed class PolicyRunOnPostgresTests : PolicyRunTests, IClassFixture<PostgresPolicyServer>
{
    public PolicyRunOnPostgresTests(PostgresPolicyServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
