using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Protection;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>What a vault holds, and what is left of a run that was cancelled.</summary>
public abstract class CapacityTests(ServerFixture server)
{
    [Fact]
    public async Task A_vault_that_filled_up_while_the_task_waited_fails_it_before_it_reads()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string vault = await world.Vaults.VaultAsync();
        string[] disks = await world.Vaults.NewDisksAsync(2);
        foreach (string disk in disks)
            await world.AddAsync(vault, VaultWorld.Disk(disk));
        Gate[] gates = [.. disks.Select(world.Engine.Hold)];
        await world.CheckpointAsync(vault);
        await Task.WhenAny(gates.Select(gate => gate.Reached));
        string waiting = (string)(await world.LogsAsync("status=waiting"))[0]!["extra_info"]!["resource"]!["id"]!;

        await UseAsync(vault, 100 * VaultWorld.Gb);
        foreach (Gate gate in gates)
            gate.Open();
        await TaskWorld.UntilAsync(async () => (await world.LogsAsync("status=failed")).Count == 2);

        // The one that was read already is not committed: there is no room for it any more.
        Assert.All(await world.LogsAsync("status=failed"), log => Assert.Equal("BackupService.6114", (string)log!["error_info"]!["code"]!));
        Assert.DoesNotContain(world.Engine.Backups, run => disks.Contains(run.ResourceId) && world.Engine.Roots.ContainsKey(run.BackupId));
        Assert.DoesNotContain(world.Engine.Backups, run => run.ResourceId == waiting);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, waiting));
    }

    [Fact]
    public async Task A_run_that_finds_more_than_the_vault_has_room_for_ends_cleanly_in_the_middle()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        await UseAsync(vault, (100 * VaultWorld.Gb) - 1000);
        world.Engine.OnBackup(disk, cancellationToken => Task.Delay(Timeout.Infinite, cancellationToken));
        world.Engine.ToReport.Enqueue(new RunProgress(RunPhase.Reading, 1000, 5000, 1000, 500));
        world.Engine.ToReport.Enqueue(new RunProgress(RunPhase.Reading, 1001, 5000, 1001, 500));

        (_, string[] backups) = await world.ProtectAsync(vault);

        JsonNode log = (await world.LogsAsync())[0]!;
        Assert.Equal(("failed", "BackupService.6114"), ((string)log["status"]!, (string)log["error_info"]!["code"]!));
        Assert.Equal("error", (string)(await world.BackupAsync(backups[0]))["status"]!);
        Assert.Empty(world.Engine.Roots.Keys.Intersect(backups));
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
    }

    [Fact]
    public async Task A_vault_is_not_made_smaller_than_what_is_being_committed_needs()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        world.Engine.Sizes[disk] = () => 20 * VaultWorld.Gb;
        var committed = new Gate();
        world.Engine.AfterCommit = committed.PassAsync;
        await world.CheckpointAsync(vault);
        await committed.Reached;

        TestReply refused = await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { billing = new { size = 15 } } });
        TestReply done = await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { billing = new { size = 20 } } });
        committed.Open();
        world.Engine.AfterCommit = _ => Task.CompletedTask;
        await TaskWorld.UntilAsync(async () => (await world.LogsAsync("status=success")).Count == 1);

        VaultWorld.AssertRefused(refused, 400, "6101");
        Assert.Equal(200, done.Status);
        Assert.Equal(20 * VaultWorld.Gb, await UsedAsync(vault));
    }

    [Fact]
    public async Task A_run_whose_vault_fills_up_meanwhile_is_stopped_in_the_middle()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        var reading = new TaskCompletionSource();
        world.Engine.OnBackup(disk, async cancellationToken =>
        {
            reading.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        world.Engine.ToReport.Enqueue(new RunProgress(RunPhase.Reading, 1000, 5000, 1000, 500));
        await world.CheckpointAsync(vault);
        await reading.Task;

        await UseAsync(vault, (100 * VaultWorld.Gb) - 999);
        await TaskWorld.UntilAsync(async () =>
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            return (await world.LogsAsync("status=failed")).Count == 1;
        });

        Assert.Equal("BackupService.6114", (string)(await world.LogsAsync())[0]!["error_info"]!["code"]!);
    }

    [Theory]
    [InlineData(100L << 30, 125)]
    [InlineData((100L << 30) - 1, 100)]
    public async Task A_vault_that_grows_by_itself_does_so_by_a_quarter_when_it_is_used_up(long usedBytes, int expectedGb)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { auto_expand = true } });
        await UseAsync(vault, usedBytes - FakeEngine.FirstBytes);

        await world.ProtectAsync(vault);

        JsonNode shown = await world.Vaults.ShowAsync(vault);
        Assert.Equal(expectedGb, (int)shown["billing"]!["size"]!);
        await UseAsync(vault, 0);
        TestReply repeated = await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { billing = new { size = 100 } } });
        Assert.Equal(expectedGb, (int)repeated.Json["vault"]!["billing"]!["size"]!);
    }

    [Fact]
    public async Task A_cancelled_backup_leaves_nothing_but_its_task()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        await world.ProtectAsync(vault);
        string before = (await world.Vaults.ShowAsync(vault)).ToJsonString();
        world.Engine.OnBackup(disk, cancellationToken => Task.Delay(Timeout.Infinite, cancellationToken));
        server.Time.Advance(TimeSpan.FromMilliseconds(10));
        JsonNode checkpoint = (await world.CheckpointAsync(vault)).Json["checkpoint"]!;
        string id = (string)(await world.LogsAsync())[0]!["id"]!;
        string backup = (string)(await world.LogsAsync())[0]!["extra_info"]!["backup"]!["backup_id"]!;

        await server.PostAsync(world.Vaults.Caller, $"/strongroom/v1/{{project_id}}/tasks/{id}/cancel", null);
        await TaskWorld.UntilAsync(async () =>
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            return (string?)(await world.GetAsync("operation-logs/" + id))["operation_log"]!["status"] == "failed";
        });

        VaultWorld.AssertRefused(await world.Vaults.GetAsync("backups/" + backup), 404, "6200");
        VaultWorld.AssertRefused(await world.Vaults.GetAsync("checkpoints/" + (string)checkpoint["id"]!), 404, "6217");
        Assert.Single(await world.BackupsAsync("vault_id=" + vault));
        Assert.Equal(before, (await world.Vaults.ShowAsync(vault)).ToJsonString());
        TestReply deleted = await server.GetAsync(world.Vaults.Caller, "/strongroom/v1/{project_id}/deleted");
        Assert.DoesNotContain(backup, deleted.Text, StringComparison.Ordinal);
        await server.Services.GetRequiredService<BackupPurge>().PurgeAsync(default);
        long rows = await server.Database.ReadAsync(
            session => session.QueryLongAsync(
                $"select (select count(*) from backups where id = {backup}) + (select count(*) from checkpoints where id = {(string)checkpoint["id"]!})", default),
            default);
        Assert.Equal(0, rows);
        world.Engine.OnBackup(disk, _ => Task.CompletedTask);
        Assert.Single((await world.ProtectAsync(vault)).Backups);
    }

    [Fact]
    public async Task Of_a_cancelled_backup_of_a_server_no_disk_is_left()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string machine, string[] disks) = await world.ServerVaultAsync();
        world.Engine.OnBackup(machine, cancellationToken => Task.Delay(Timeout.Infinite, cancellationToken));
        await world.CheckpointAsync(vault);
        JsonNode log = Assert.Single(await world.LogsAsync())!;
        string backup = (string)log["extra_info"]!["backup"]!["backup_id"]!;
        string[] children = [.. (await world.BackupAsync(backup))["children"]!.AsArray().Select(child => (string)child!["id"]!)];
        Assert.Equal(disks.Length, children.Length);

        await server.PostAsync(world.Vaults.Caller, $"/strongroom/v1/{{project_id}}/tasks/{(string)log["id"]!}/cancel", null);
        await TaskWorld.UntilAsync(async () =>
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            return (string?)(await world.GetAsync("operation-logs/" + (string)log["id"]!))["operation_log"]!["status"] == "failed";
        });

        foreach (string id in children.Append(backup))
            VaultWorld.AssertRefused(await world.Vaults.GetAsync("backups/" + id), 404, "6200");
        await server.Services.GetRequiredService<BackupPurge>().PurgeAsync(default);
        Assert.Equal(
            0,
            await server.Database.ReadAsync(
                session => session.QueryLongAsync($"select count(*) from backups where id = {backup} or parent_id = {backup}", default), default));
    }

    [Fact]
    public async Task A_vault_takes_no_more_backups_at_once_than_the_setting_says_and_lets_others_pass()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string full = await world.Vaults.VaultAsync();
        string[] disks = await world.Vaults.NewDisksAsync(3);
        Gate[] gates = [.. disks.Select(world.Engine.Hold)];
        foreach (string disk in disks)
            await world.AddAsync(full, VaultWorld.Disk(disk));
        (string other, _) = await world.DiskVaultAsync();

        await world.CheckpointAsync(full);
        await Task.WhenAny(gates.Select(gate => gate.Reached));
        await world.ProtectAsync(other);

        Assert.Single(await world.LogsAsync($"vault_id={full}&status=running"));
        JsonArray waiting = await world.LogsAsync($"vault_id={full}&status=waiting");
        Assert.Equal(2, waiting.Count);
        Assert.StartsWith(
            "1 backups of its vault run", (string?)(await world.TaskAsync((string)waiting[0]!["id"]!))["waits_for"], StringComparison.Ordinal);
        foreach (Gate gate in gates)
            gate.Open();
        await TaskWorld.UntilAsync(async () => (await world.LogsAsync($"vault_id={full}&status=success")).Count == 3);
    }

    private Task<long> UsedAsync(string vault) => server.Database.ReadAsync(
        session => session.QueryLongAsync($"select used_bytes from vaults where id = {vault}", default), default);

    private Task UseAsync(string vault, long bytes) => server.Database.WriteAsync(
        async session => { await session.ExecuteAsync($"update vaults set used_bytes = {bytes}, version = version + 1 where id = {vault}", default); }, default);
}

public sealed class CapacityOnSqliteTests(SqliteNarrowServer server) : CapacityTests(server), IClassFixture<SqliteNarrowServer>;

public sealed class CapacityOnPostgresTests : CapacityTests, IClassFixture<PostgresNarrowServer>
{
    public CapacityOnPostgresTests(PostgresNarrowServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}

/// <summary>Runs two tasks at once, one of a vault.</summary>
public sealed class SqliteNarrowServer : SqliteTaskServer
{
    protected override void Configure(ServerOptions options) => options.Tasks.ParallelRunsPerVaultMax = 1;
}

public sealed class PostgresNarrowServer : PostgresTaskServer
{
    protected override void Configure(ServerOptions options) => options.Tasks.ParallelRunsPerVaultMax = 1;
}
