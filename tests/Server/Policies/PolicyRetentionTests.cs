using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Policies;

public abstract class PolicyRetentionTests(ServerFixture server)
{
    [Fact]
    public async Task The_newest_stay_by_number_and_manual_ones_neither_go_nor_count()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, _) = await world.ProtectedAsync(RunWorld.Policy("""{"max_backups":2}"""));
        string[] made = new string[4];
        string manual = "";
        for (int day = 0; day < 4; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
            made[day] = (string)(await world.BackupsAsync(vault))[^1]!["id"]!;
            if (day == 0)
                manual = (await world.Tasks.ProtectAsync(vault)).Backups[0];
            await world.SweepAsync();
        }

        Assert.Equal([manual, made[2], made[3]], Ids(await world.BackupsAsync(vault)));
        JsonArray logs = await world.Tasks.LogsAsync("operation_type=delete");
        Assert.Equal(2, logs.Count);
        Assert.All(logs, log => Assert.Equal((policy, "success"), ((string)log!["policy_id"]!, (string)log["status"]!)));
        Assert.Equal("beyond the newest 2", (string)(await world.OurTaskAsync(logs[0]!))["notice"]!);
        JsonNode shown = await world.Vaults.ShowAsync(vault);
        Assert.Equal(3, (int)shown["resources"]![0]!["backup_count"]!);
    }

    [Fact]
    public async Task Expired_ones_go_in_the_hours_for_it_but_never_the_newest()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, _) = await world.ProtectedAsync(RunWorld.Policy("""{"retention_duration_days":2}"""));
        for (int day = 0; day < 2; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
        }

        string[] made = Ids(await world.BackupsAsync(vault));
        await world.Vaults.UpdatePolicyAsync(policy, new { enabled = false });
        world.GoTo(4, daysLater: 1);
        await world.SweepAsync();
        string[] before = Ids(await world.BackupsAsync(vault));
        world.GoTo(8);
        await world.SweepAsync();
        string[] after = Ids(await world.BackupsAsync(vault));
        server.Time.Sleep(TimeSpan.FromDays(20));
        await world.SweepAsync();

        Assert.Equal(made, before);
        Assert.Equal([made[1]], after);
        Assert.Equal([made[1]], Ids(await world.BackupsAsync(vault)));
    }

    [Fact]
    public async Task A_changed_policy_deletes_nothing_until_the_next_backup()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, _) = await world.ProtectedAsync(RunWorld.Policy("""{"max_backups":5}"""));
        for (int day = 0; day < 4; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
        }

        await world.SweepAsync();
        await world.Vaults.UpdatePolicyAsync(policy, new { operation_definition = new { max_backups = 1 } });
        await world.SweepAsync();
        int at = (await world.BackupsAsync(vault)).Count;
        world.GoTo(3);
        await world.RunAsync();
        await world.SweepAsync();

        Assert.Equal(4, at);
        Assert.Single(await world.BackupsAsync(vault));
    }

    [Fact]
    public async Task A_flood_of_requests_with_auto_trigger_drives_no_scheduled_backup_out()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, _) = await world.ProtectedAsync(RunWorld.Policy("""{"max_backups":2}"""));
        for (int day = 0; day < 2; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
        }

        string[] scheduled = Ids(await world.BackupsAsync(vault));
        for (int i = 0; i < 5; i++)
        {
            await world.Tasks.ProtectAsync(vault, new { auto_trigger = true });
            await world.SweepAsync();
        }

        string[] left = Ids(await world.BackupsAsync(vault));
        Assert.Subset(left.ToHashSet(), scheduled.ToHashSet());
        Assert.Equal(4, left.Length);
    }

    [Fact]
    public async Task The_preview_lets_go_exactly_what_the_sweep_does_after_it()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        JsonObject body = RunWorld.Policy("""{"max_backups":2}""");
        (string vault, _, _) = await world.ProtectedAsync(body);
        TestCaller other = await server.NewProjectAsync();
        for (int day = 0; day < 5; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
            if (day == 0)
            {
                string shared = Ids(await world.BackupsAsync(vault))[0];
                TestReply added = await world.Vaults.PostAsync($"backups/{shared}/members", new { members = new[] { other.ProjectId } });
                Assert.True(added.Status is 200 or 201, added.Text);
            }

            if (day == 1)
                await world.Tasks.ProtectAsync(vault);
            await world.Tasks.ProtectAsync(vault, new { auto_trigger = true });
        }

        string[] before = Ids(await world.BackupsAsync(vault));
        TestReply preview = await server.PostAsync(
            world.Vaults.Caller, "/strongroom/v1/{project_id}/policies/preview",
            new JsonObject { ["policy"] = body.DeepClone(), ["vault_id"] = vault });
        Assert.True(preview.Status == 200, preview.Text);
        string[] told = [.. preview.Json["deleted"]!.AsArray().Select(item => (string)item!["backup_id"]!).Order(StringComparer.Ordinal)];
        await world.SweepAsync();

        string[] gone = [.. before.Except(Ids(await world.BackupsAsync(vault))).Order(StringComparer.Ordinal)];
        Assert.NotEmpty(gone);
        Assert.Equal(gone, told);
    }

    [Fact]
    public async Task In_a_locked_vault_nothing_but_time_lets_a_scheduled_backup_go()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, string policy, string[] disks) = await world.ProtectedAsync(RunWorld.Policy("""{"retention_duration_days":3}"""));
        await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { locked = true } });
        for (int day = 0; day < 2; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
        }

        string[] made = Ids(await world.BackupsAsync(vault));

        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("backups/" + made[0]), 400, "6220");
        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("vaults/" + vault), 400, "6111");
        VaultWorld.AssertRefused(await world.Vaults.RemoveAsync(vault, disks[0]), 400, "6110");
        VaultWorld.AssertRefused(await world.Vaults.DeleteAsync("policies/" + policy), 400, "6110");
        await world.Vaults.UpdatePolicyAsync(policy, new { operation_definition = new { max_backups = 1 } });
        for (int i = 0; i < 3; i++)
            await world.Tasks.ProtectAsync(vault, new { auto_trigger = true });
        await world.SweepAsync();
        Assert.Subset(Ids(await world.BackupsAsync(vault)).ToHashSet(), made.ToHashSet());

        // The calendar is past the stamp; the installation's own clock, which nobody can put forward, is not.
        await world.ExecuteAsync($"update backups set created_at = created_at - {9 * 86_400_000_000L}, expired_at = expired_at - {9 * 86_400_000_000L} where vault_id = {vault} and policy_id is not null");
        world.GoTo(9);
        await world.ExecuteAsync(
            $"update backups set completed_at_tick = (select elapsed_micros from installation_clock) + {30 * 86_400_000_000L} where vault_id = {vault}");
        await world.SweepAsync();
        Assert.Subset(Ids(await world.BackupsAsync(vault)).ToHashSet(), made.ToHashSet());
        await world.ExecuteAsync(
            $"update backups set completed_at_tick = (select elapsed_micros from installation_clock) - {3 * 86_400_000_000L} where vault_id = {vault}");
        await world.SweepAsync();
        Assert.Empty(Ids(await world.BackupsAsync(vault)).Intersect(made));
    }

    [Fact]
    public async Task The_preview_of_a_locked_vault_knows_that_the_installations_clock_counts_too()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        JsonObject policy = RunWorld.Policy("""{"retention_duration_days":3}""");
        (string vault, _, _) = await world.ProtectedAsync(policy);
        await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { locked = true } });
        world.GoTo(3);
        await world.RunAsync();
        string old = Ids(await world.BackupsAsync(vault))[0];
        world.GoTo(3);
        await world.RunAsync();

        // For the installation's clock it is young: its calendar was put forward. The few days of this test may pass for it, or not.
        await world.ExecuteAsync($"update backups set completed_at_tick = (select elapsed_micros from installation_clock) + {100 * 86_400_000_000L} where id = {old}");
        world.GoTo(3, 30, daysLater: 3);

        Assert.Contains("locked", await ReasonAsync(0));
        Assert.Contains("locked", await ReasonAsync(90));
        Assert.Equal(["older than 3 days"], await ReasonAsync(110));

        async Task<string[]> ReasonAsync(int days)
        {
            string on = server.Time.GetUtcNow().AddDays(days).ToString("yyyy-MM-ddT12:00:00Z", null);
            var body = new JsonObject { ["policy"] = policy.DeepClone(), ["vault_id"] = vault, ["on"] = on };
            TestReply reply = await server.PostAsync(world.Vaults.Caller, "/strongroom/v1/{project_id}/policies/preview", body);
            Assert.True(reply.Status == 200, reply.Text);
            JsonNode row = reply.Json["kept"]!.AsArray().Concat(reply.Json["deleted"]!.AsArray()).Single(one => (string?)one!["backup_id"] == old)!;
            return [.. row["reasons"]!.AsArray().Select(reason => (string)reason!)];
        }
    }

    [Fact]
    public async Task The_preview_of_a_locked_vault_keeps_what_will_be_made_in_it_and_has_no_term()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        JsonObject policy = RunWorld.Policy("""{"max_backups":1}""");
        (string vault, _, _) = await world.ProtectedAsync(policy);

        Assert.True(await KeptAsync() < 5);
        await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { locked = true } });
        Assert.InRange(await KeptAsync(), 5, 60);

        async Task<int> KeptAsync()
        {
            string on = server.Time.GetUtcNow().AddDays(7).ToString("yyyy-MM-ddT12:00:00Z", null);
            var body = new JsonObject { ["policy"] = policy.DeepClone(), ["vault_id"] = vault, ["on"] = on };
            TestReply reply = await server.PostAsync(world.Vaults.Caller, "/strongroom/v1/{project_id}/policies/preview", body);
            Assert.True(reply.Status == 200, reply.Text);
            return reply.Json["kept"]!.AsArray().Count;
        }
    }

    [Fact]
    public async Task What_was_brought_back_by_hand_stays()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, _) = await world.ProtectedAsync(RunWorld.Policy("""{"max_backups":1}"""));
        world.GoTo(3);
        await world.RunAsync();
        string first = Ids(await world.BackupsAsync(vault))[0];
        world.GoTo(3);
        await world.RunAsync();
        await world.SweepAsync();
        Assert.DoesNotContain(first, Ids(await world.BackupsAsync(vault)));

        TestReply back = await server.PostAsync(world.Vaults.Caller, $"/strongroom/v1/{{project_id}}/backups/{first}/undelete", null);
        world.GoTo(3);
        await world.RunAsync();
        await world.SweepAsync();

        Assert.Equal(204, back.Status);
        Assert.Contains(first, Ids(await world.BackupsAsync(vault)));
        Assert.Equal(2, (await world.BackupsAsync(vault)).Count);
    }

    [Fact]
    public async Task Of_failed_scheduled_backups_the_newest_ten_stay_for_a_month()
    {
        RunWorld world = await RunWorld.NewAsync(server);
        (string vault, _, string[] disks) = await world.ProtectedAsync();
        world.Tasks.Engine.OnBackup(disks[0], _ => throw new Drivers.DriverException(Drivers.DriverFailure.InUse, "disk", "read", "as the test wants it"));
        for (int day = 0; day < 12; day++)
        {
            world.GoTo(3);
            await world.RunAsync();
        }

        await world.SweepAsync();
        int kept = (await world.BackupsAsync(vault)).Count;
        world.Tasks.Engine.OnBackup(disks[0], _ => Task.CompletedTask);
        await world.ExecuteAsync($"update backups set created_at = created_at - {31 * 86_400_000_000L} where vault_id = {vault}");
        world.GoTo(3);
        await world.RunAsync();
        await world.SweepAsync();

        Assert.Equal(10, kept);
        Assert.Single(await world.BackupsAsync(vault));
    }

    private static string[] Ids(JsonArray backups) => [.. backups.Select(backup => (string)backup!["id"]!)];
}

public sealed class PolicyRetentionOnSqliteTests(SqlitePolicyServer server) : PolicyRetentionTests(server), IClassFixture<SqlitePolicyServer>;

public sealed class PolicyRetentionOnPostgresTests : PolicyRetentionTests, IClassFixture<PostgresPolicyServer>
{
    public PolicyRetentionOnPostgresTests(PostgresPolicyServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
