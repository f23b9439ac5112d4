using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Strongroom.Drivers;
using Strongroom.Protection;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Tasks;

public abstract class TaskLogTests(ServerFixture server)
{
    protected static readonly TimeSpan HistoryRetention = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_backups_log_shows_every_member()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault, new { name = "n" });

        TestReply reply = await world.Vaults.GetAsync("operation-logs?operation_type=backup");

        JsonNode log = Assert.Single(reply.Json["operation_logs"]!.AsArray())!;
        GoldenReply.AssertMatches(
            "ListOpLogs.backup.json",
            reply.Text,
            ((string)log["id"]!, "{task}"), (checkpoint, "{checkpoint}"), (world.ProjectId, "{project}"), (vault, "{vault}"), (disk, "{disk}"),
            (backups[0], "{backup}"), ((string)log["extra_info"]!["common"]!["request_id"]!, "{request}"));
    }

    [Fact]
    public async Task The_request_id_is_that_of_the_answer()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();

        TestReply reply = await world.CheckpointAsync(vault);

        JsonNode log = Assert.Single(await world.LogsAsync("operation_type=backup"))!;
        Assert.Equal("req-" + reply.Message.Headers.GetValues("X-Request-Id").Single(), (string?)log["extra_info"]!["common"]!["request_id"]);
    }

    [Fact]
    public async Task Every_filter_selects_what_it_says()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        server.Time.Advance(TimeSpan.FromSeconds(2));
        string between = server.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        server.Time.Advance(TimeSpan.FromSeconds(2));
        await world.EndOfAsync((string)(await world.RestoreAsync(backups[0], new { volume_id = disk })).Json["job_id"]!);
        server.Time.Advance(TimeSpan.FromSeconds(2));
        world.Engine.OnBackup(disk, _ => throw new InvalidOperationException("no"));
        await world.ProtectAsync(vault);

        (string Query, string[] Kinds)[] cases =
        [
            ("", ["backup", "restore", "backup"]),
            ("operation_type=restore", ["restore"]),
            ("operation_type=vault_delete", []),
            ("status=failed", ["backup"]),
            ("status=success", ["restore", "backup"]),
            ("status=skipped", []),
            ("resource_id=" + disk, ["backup", "restore", "backup"]),
            ("resource_name=disk-1&status=success", ["restore", "backup"]),
            ("resource_name=nobody", []),
            ("vault_id=" + vault, ["backup", "restore", "backup"]),
            ("vault_name=vault-1", ["backup", "restore", "backup"]),
            ("vault_name=vault", []),
            ("provider_id=d1603440-187d-4516-af25-121250c7cc97", ["backup", "restore", "backup"]),
            ("provider_id=0daac4c5-6707-4851-97ba-169e36266b66", []),
            ("start_time=" + between, ["backup", "restore"]),
            ("end_time=" + between, ["backup"]),
            ("enterprise_project_id=all_granted_eps", ["backup", "restore", "backup"]),
            ("enterprise_project_id=1", []),
            ("limit=1", ["backup"]),
            ("limit=1&offset=1", ["restore"]),
            ("offset=3", []),
            ("sort=created_at:asc&limit=2", ["backup", "restore"]),
        ];
        foreach ((string query, string[] kinds) in cases)
        {
            JsonArray found = await world.LogsAsync(query);
            Assert.True(kinds.SequenceEqual(found.Select(log => (string)log!["operation_type"]!)), query);
        }

        JsonNode first = Assert.Single(await world.LogsAsync("limit=1"))!;
        Assert.Equal(["restore", "backup"], (await world.LogsAsync("limit=5&marker=" + (string)first["id"]!)).Select(log => (string)log!["operation_type"]!));
        Assert.Equal(3, (int)(await world.GetAsync("operation-logs?limit=1"))["count"]!);
    }

    [Theory]
    [InlineData("operation_type=gone")]
    [InlineData("status=gone")]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("offset=-1")]
    [InlineData("marker=x")]
    [InlineData("marker=00000000-1111-4222-8333-444444444444")]
    [InlineData("sort=size")]
    [InlineData("start_time=x")]
    [InlineData("end_time=x")]
    public async Task A_malformed_query_is_9900_and_names_the_parameter(string query)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);

        VaultWorld.AssertRefused(await world.Vaults.GetAsync("operation-logs?" + query), 400, "9900", query.Split('=')[0]);
    }

    [Fact]
    public async Task Unknown_malformed_and_foreign_ids_are_refused()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TaskWorld other = await TaskWorld.NewAsync(server);
        (string vault, _) = await owner.DiskVaultAsync();
        await owner.ProtectAsync(vault);
        string id = (string)Assert.Single(await owner.LogsAsync())!["id"]!;

        VaultWorld.AssertRefused(await other.Vaults.GetAsync("operation-logs/" + VaultWorld.UnknownId), 404, "6500", VaultWorld.UnknownId);
        VaultWorld.AssertRefused(await other.Vaults.GetAsync("operation-logs/" + id), 404, "6500", id);
        VaultWorld.AssertRefused(await other.Vaults.GetAsync("operation-logs/name"), 400, "9900", "name");
        VaultWorld.AssertRefused(await server.GetAsync(other.Vaults.Caller, "/strongroom/v1/{project_id}/tasks/" + id), 404, "6501", id);
        VaultWorld.AssertRefused(await server.PostAsync(other.Vaults.Caller, $"/strongroom/v1/{{project_id}}/tasks/{id}/cancel", null), 404, "6501", id);
    }

    [Fact]
    public async Task A_partial_backup_can_be_restored_and_its_task_says_what_is_missing()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string vault = await world.Vaults.VaultAsync("turbo");
        string files = await world.Vaults.NewFileSystemAsync();
        await world.AddAsync(vault, VaultWorld.FileSystem(files));
        world.Engine.BePartial(files, 5, "a/secret: permission denied", "b/gone: vanished", "c: torn", "d: torn", "e: torn");

        (string checkpoint, string[] backups) = await world.ProtectAsync(vault);

        Assert.Equal("available", (string?)(await world.GetAsync("checkpoints/" + checkpoint))["checkpoint"]!["status"]);
        Assert.Equal("available", (string?)(await world.BackupAsync(backups[0]))["status"]);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, files));
        JsonNode log = Assert.Single(await world.LogsAsync())!;
        Assert.Equal("failed", (string?)log["status"]);
        Assert.Equal("Strongroom.0001", (string?)log["error_info"]!["code"]);
        Assert.Contains("5 entries", (string?)log["error_info"]!["message"], StringComparison.Ordinal);
        Assert.Contains("a/secret: permission denied; b/gone: vanished; c: torn; …", (string?)log["error_info"]!["message"], StringComparison.Ordinal);
        JsonNode task = await world.TaskAsync((string)log["id"]!);
        Assert.Equal("partial", (string?)task["status"]);
        Assert.Equal(100, (int)task["progress"]!);
        Assert.Equal(5, (int)task["problem_count"]!);
        Assert.Equal(5, task["problems"]!.AsArray().Count);
    }

    [Theory]
    [InlineData(DriverFailure.Missing, "BackupService.7000", "error")]
    [InlineData(DriverFailure.Denied, "BackupService.6215", "available")]
    [InlineData(DriverFailure.InUse, "BackupService.7003", "available")]
    [InlineData(DriverFailure.Failed, "BackupService.6215", "available")]
    public async Task A_backup_that_fails_names_the_resource_and_the_step(DriverFailure failure, string code, string protectStatus)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        world.Engine.OnBackup(disk, _ => throw new DriverException(failure, "/images/a", "open", "as the test wants it"));

        await world.ProtectAsync(vault);

        JsonNode log = Assert.Single(await world.LogsAsync())!;
        Assert.Equal(("failed", code), ((string)log["status"]!, (string)log["error_info"]!["code"]!));
        Assert.Equal("/images/a: open: as the test wants it", (string?)log["error_info"]!["message"]);
        Assert.NotEqual("", (string?)(await world.TaskAsync((string)log["id"]!))["remedy"]);
        Assert.Equal(protectStatus, await world.ProtectStatusAsync(vault, disk));
        world.Engine.OnBackup(disk, _ => Task.CompletedTask);
        await world.ProtectAsync(vault);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
    }

    [Fact]
    public async Task Progress_is_written_while_it_runs_and_never_falls()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        world.Engine.ToReport.Enqueue(new RunProgress(RunPhase.Reading, 70, 100, 30, 20));
        world.Engine.ToReport.Enqueue(new RunProgress(RunPhase.Committing, 60, 200, 25, 20));
        Gate gate = world.Engine.Hold(disk);
        await world.CheckpointAsync(vault);
        await gate.Reached;
        string id = (string)Assert.Single(await world.LogsAsync())!["id"]!;

        JsonNode task = await world.TaskAsync(id);
        await TaskWorld.UntilAsync(async () =>
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            task = await world.TaskAsync(id);
            return (int)task["progress"]! > 0;
        });
        gate.Open();

        Assert.Equal(("running", "committing", 70), ((string)task["status"]!, (string)task["phase"]!, (int)task["progress"]!));
        Assert.Equal((70L, 200L, 30L, 20L), ((long)task["bytes_done"]!, (long)task["bytes_total"]!, (long)task["bytes_changed"]!, (long)task["bytes_stored"]!));
        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal(100, (int)(await world.TaskAsync(id))["progress"]!);
    }

    [Fact]
    public async Task A_running_task_can_be_cancelled_and_leaves_nothing_behind()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        Gate gate = world.Engine.Hold(disk);
        await world.CheckpointAsync(vault);
        await gate.Reached;
        string id = (string)Assert.Single(await world.LogsAsync())!["id"]!;

        TestReply reply = await server.PostAsync(world.Vaults.Caller, $"/strongroom/v1/{{project_id}}/tasks/{id}/cancel", null);

        Assert.Equal(202, reply.Status);
        Assert.True((bool)reply.Json["task"]!["cancel_requested"]!);
        JsonNode? log = null;
        await TaskWorld.UntilAsync(async () =>
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            log = (await world.GetAsync("operation-logs/" + id))["operation_log"]!;
            return (string?)log["status"] != "running";
        });
        Assert.Equal(("failed", "Strongroom.0002"), ((string)log!["status"]!, (string)log["error_info"]!["code"]!));
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
        Assert.Empty(world.Engine.Roots.Keys.Intersect((await world.BackupsAsync("")).Select(row => (string)row!["id"]!)));
        world.Engine.OnBackup(disk, _ => Task.CompletedTask);
        (_, string[] next) = await world.ProtectAsync(vault);
        Assert.Equal("available", (string?)(await world.BackupAsync(next[0]))["status"]);
    }

    [Fact]
    public async Task A_waiting_task_shows_its_place_and_can_be_cancelled_before_it_starts()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string vault = await world.Vaults.VaultAsync("disk");
        var gates = new List<Gate>();
        var disks = new List<string>();
        for (int i = 0; i < 4; i++)
        {
            disks.Add(await world.Vaults.NewDiskAsync("disk-" + i));
            gates.Add(world.Engine.Hold(disks[i]));
            await world.AddAsync(vault, VaultWorld.Disk(disks[i]));
        }

        await world.CheckpointAsync(vault);
        await TaskWorld.UntilAsync(async () => (await world.LogsAsync("status=running")).Count == 2);
        JsonArray waiting = await world.LogsAsync("status=waiting");
        JsonNode[] tasks = await Task.WhenAll(waiting.Select(log => world.TaskAsync((string)log!["id"]!)));
        int?[] places = [.. tasks.Select(task => (int?)task["queue_position"])];
        Assert.All(tasks, task => Assert.Contains("every worker is busy: 2 tasks run", (string?)task["waits_for"], StringComparison.Ordinal));
        string cancelled = (string)waiting[0]!["id"]!;
        await server.PostAsync(world.Vaults.Caller, $"/strongroom/v1/{{project_id}}/tasks/{cancelled}/cancel", null);
        gates.ForEach(gate => gate.Open());

        JsonNode log = await world.EndOfAsync(cancelled);
        Assert.Equal([0, 1], places.Order());
        Assert.Equal("Strongroom.0002", (string?)log["error_info"]!["code"]);
        await TaskWorld.UntilAsync(async () => (await world.LogsAsync("status=success")).Count == 3);
        Assert.Equal(3, (await world.BackupsAsync("status=available")).Count);
        Assert.Empty(await world.BackupsAsync("status=error"));
    }

    [Fact]
    public async Task Places_are_in_the_order_in_which_tasks_were_asked_for()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        var gates = new List<Gate>();
        for (int i = 0; i < 5; i++)
        {
            (string vault, string disk) = await world.DiskVaultAsync();
            gates.Add(world.Engine.Hold(disk));
            await world.CheckpointAsync(vault);
            server.Time.Advance(TimeSpan.FromMilliseconds(10));
            await TaskWorld.UntilAsync(async () => (await world.LogsAsync("status=running")).Count == int.Min(i + 1, 2));
        }

        JsonArray waiting = await world.LogsAsync("status=waiting&sort=created_at:asc");
        JsonNode[] tasks = await Task.WhenAll(waiting.Select(log => world.TaskAsync((string)log!["id"]!)));
        gates.ForEach(gate => gate.Open());
        await TaskWorld.UntilAsync(async () => (await world.LogsAsync("status=success")).Count == 5);

        Assert.Equal([0, 1, 2], tasks.Select(task => (int)task["queue_position"]!));
    }

    [Fact]
    public async Task Tasks_that_ended_are_kept_for_the_set_time_and_those_in_work_for_ever()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (string slow, string slowDisk) = await world.DiskVaultAsync();
        Gate gate = world.Engine.Hold(slowDisk);
        await world.CheckpointAsync(slow);
        await gate.Reached;
        string inWork = (string)Assert.Single(await world.LogsAsync())!["id"]!;
        await world.ProtectAsync(vault);
        ExpirySweep sweep = server.Services.GetServices<IHostedService>().OfType<ExpirySweep>().Single();

        server.Time.Sleep(HistoryRetention - TimeSpan.FromMinutes(1));
        world = await world.RenewedAsync();
        (_, string[] second) = await world.ProtectAsync(vault);
        await sweep.SweepAsync(default);
        JsonArray before = await world.LogsAsync();
        server.Time.Sleep(TimeSpan.FromMinutes(2));
        await sweep.SweepAsync(default);
        JsonArray left = await world.LogsAsync();
        JsonArray backups = await world.BackupsAsync("");
        gate.Open();
        await world.EndOfAsync(inWork);

        Assert.Equal(3, before.Count);
        Assert.Equal(2, left.Count);
        Assert.Equal(inWork, (string?)left[1]!["id"]);
        Assert.Equal(second[0], (string?)left[0]!["extra_info"]!["backup"]!["backup_id"]);
        Assert.Equal(3, backups.Count);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
    }
}

public sealed class TaskLogOnSqliteTests(TaskLogOnSqliteTests.TaskServer server) : TaskLogTests(server), IClassFixture<TaskLogOnSqliteTests.TaskServer>
{
    public sealed class TaskServer : SqliteTaskServer
    {
        protected override void Configure(ServerOptions options) => options.Tasks.HistoryRetention = HistoryRetention;
    }
}

public sealed class TaskLogOnPostgresTests : TaskLogTests, IClassFixture<TaskLogOnPostgresTests.TaskServer>
{
    public TaskLogOnPostgresTests(TaskServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();

    public sealed class TaskServer : PostgresTaskServer
    {
        protected override void Configure(ServerOptions options) => options.Tasks.HistoryRetention = HistoryRetention;
    }
}
