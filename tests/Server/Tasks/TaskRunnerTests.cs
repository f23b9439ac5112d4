using System.Text.Json.Nodes;
using Strongroom.ObjectStores;
using Strongroom.Protection;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>What becomes of tasks when their processes die, freeze or meet. The server of these tests runs none itself.</summary>
public abstract class TaskRunnerTests(ServerFixture server) : IAsyncLifetime
{
    /// <summary>Nothing of the test before: its workers are gone.</summary>
    public async ValueTask InitializeAsync()
    {
        await server.Database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync($"delete from workers", default);
                await session.ExecuteAsync($"update tasks set status = 'failed' where status in ('waiting', 'running')", default);
            },
            default);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_run_shorter_than_the_progress_interval_still_shows_what_it_read()
    {
        (TaskWorld world, _, _, string id) = await OrderedAsync();
        world.Engine.ToReport.Enqueue(new RunProgress(RunPhase.Reading, 7 * FakeEngine.Mb, 7 * FakeEngine.Mb, 1, 1));

        await using TestWorker worker = await TestWorker.StartAsync(server, world.Engine);

        JsonNode task = await world.EndOfAsync(id);
        Assert.Equal("success", (string?)task["status"]);
        Assert.Equal(7 * FakeEngine.Mb, (long)(await world.TaskAsync(id))["bytes_total"]!);
    }

    [Fact]
    public async Task A_run_that_stands_says_whether_its_source_or_the_store_keeps_it_and_one_that_moves_says_nothing()
    {
        (TaskWorld world, _, string disk, string id) = await OrderedAsync();
        world.Engine.ToReport.Enqueue(new RunProgress(RunPhase.Reading, 40, 100, 30, 20));
        Gate gate = world.Engine.Hold(disk);
        using var cutOff = new CancellationTokenSource();
        var clock = new FakeTimeProvider(server.Time.GetUtcNow());
        var activity = new StoreActivity(clock);
        await using var store = new ObservedObjectStore(new SilentStore(), activity);
        Assert.Equal("no process of the role worker is running.", (string?)(await world.TaskAsync(id))["waits_for"]);
        await using TestWorker worker = await TestWorker.StartAsync(server, world.Engine, store: activity);
        await gate.Reached;

        await BeatUntilAsync(worker, async () => (int)(await world.TaskAsync(id))["progress"]! == 40, 10);
        Assert.Null((await world.TaskAsync(id))["stall"]);
        await BeatUntilAsync(worker, async () => (await world.TaskAsync(id))["stall"] is not null, 90);
        JsonNode standing = await world.TaskAsync(id);
        Assert.Contains("source to be read", (string?)standing["stall"]!["cause"], StringComparison.Ordinal);
        Assert.Equal(0, (long)standing["bytes_per_second"]!);
        ValueTask<ObjectStat?> asked = store.StatAsync("packs/a", cutOff.Token);
        clock.Advance(TimeSpan.FromSeconds(11));
        await BeatUntilAsync(worker, async () => ((string?)(await world.TaskAsync(id))["stall"]!["cause"])!.Contains("stat of packs/a", StringComparison.Ordinal), 20);
        Assert.Equal((string?)standing["stall"]!["since"], (string?)(await world.TaskAsync(id))["stall"]!["since"]);

        await cutOff.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked.AsTask());
        gate.Open();
        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Null((await world.TaskAsync(id))["stall"]);
    }

    [Fact]
    public async Task A_killed_workers_backup_is_made_by_the_next_one_on_the_machine_at_once()
    {
        (TaskWorld world, string vault, string disk, string id) = await OrderedAsync();
        Gate gate = world.Engine.Hold(disk);
        await using TestWorker first = await TestWorker.StartAsync(server, world.Engine);
        await gate.Reached;
        await first.KillAsync();
        Assert.Equal("running", (string?)(await world.TaskAsync(id))["status"]);
        world.Engine.OnBackup(disk, _ => Task.CompletedTask);

        await using TestWorker second = await TestWorker.StartAsync(server, world.Engine);

        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
        Assert.Equal(2, (int)(await world.TaskAsync(id))["attempts"]!);
        Assert.Equal("available", (string?)Assert.Single(await world.BackupsAsync(""))!["status"]);
    }

    [Fact]
    public async Task A_backup_committed_by_a_worker_that_died_is_completed_from_the_repository()
    {
        (TaskWorld world, string vault, string disk, string id) = await OrderedAsync();
        var gate = new Gate();
        world.Engine.AfterCommit = gate.PassAsync;
        await using TestWorker first = await TestWorker.StartAsync(server, world.Engine);
        await gate.Reached;
        await first.KillAsync();
        world.Engine.AfterCommit = _ => Task.CompletedTask;

        await using TestWorker second = await TestWorker.StartAsync(server, world.Engine);

        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Single(world.Engine.Backups, run => run.ResourceId == disk);
        JsonNode shown = await world.Vaults.ShowAsync(vault);
        Assert.Equal(5, (int)shown["billing"]!["used"]!);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
    }

    [Fact]
    public async Task A_task_that_kills_its_process_every_time_is_given_up_and_nothing_stays_busy()
    {
        (TaskWorld world, string vault, string disk, string id) = await OrderedAsync();
        for (int i = 0; i < 3; i++)
        {
            Gate gate = world.Engine.Hold(disk);
            await using TestWorker dying = await TestWorker.StartAsync(server, world.Engine);
            await gate.Reached;
            await dying.KillAsync();
        }

        await using TestWorker last = await TestWorker.StartAsync(server, world.Engine);

        JsonNode log = await world.EndOfAsync(id);
        Assert.Equal(("failed", "Strongroom.0003"), ((string)log["status"]!, (string)log["error_info"]!["code"]!));
        Assert.Contains("3 times", (string?)log["error_info"]!["message"], StringComparison.Ordinal);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
        Assert.Equal("error", (string?)Assert.Single(await world.BackupsAsync(""))!["status"]);
        Assert.Equal(3, world.Engine.Backups.Count(run => run.ResourceId == disk));
    }

    [Fact]
    public async Task A_killed_workers_restore_is_run_again()
    {
        (TaskWorld world, string vault, string disk, _) = await OrderedAsync();
        await using (TestWorker maker = await TestWorker.StartAsync(server, world.Engine))
            await TaskWorld.UntilAsync(async () => (await world.BackupsAsync("status=available")).Count == 1);
        string backup = (string)Assert.Single(await world.BackupsAsync(""))!["id"]!;
        Gate gate = world.Engine.HoldRestore(backup);
        string id = (string)(await world.RestoreAsync(backup, new { volume_id = disk })).Json["job_id"]!;
        await using TestWorker first = await TestWorker.StartAsync(server, world.Engine);
        await gate.Reached;
        await first.KillAsync();
        Assert.Equal("restoring", await world.ProtectStatusAsync(vault, disk));
        world.Engine.HoldRestore(backup).Open();

        await using TestWorker second = await TestWorker.StartAsync(server, world.Engine);

        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
        Assert.Equal("available", (string?)(await world.BackupAsync(backup))["status"]);
    }

    [Fact]
    public async Task A_restore_given_up_shows_on_its_target()
    {
        (TaskWorld world, string vault, string disk, _) = await OrderedAsync();
        await using (TestWorker maker = await TestWorker.StartAsync(server, world.Engine))
            await TaskWorld.UntilAsync(async () => (await world.BackupsAsync("status=available")).Count == 1);
        string backup = (string)Assert.Single(await world.BackupsAsync(""))!["id"]!;
        string id = (string)(await world.RestoreAsync(backup, new { volume_id = disk })).Json["job_id"]!;
        for (int i = 0; i < 3; i++)
        {
            Gate gate = world.Engine.HoldRestore(backup);
            await using TestWorker dying = await TestWorker.StartAsync(server, world.Engine);
            await gate.Reached;
            await dying.KillAsync();
        }

        await using TestWorker last = await TestWorker.StartAsync(server, world.Engine);

        Assert.Equal("Strongroom.0003", (string?)(await world.EndOfAsync(id))["error_info"]!["code"]);
        Assert.Equal("error", await world.ProtectStatusAsync(vault, disk));
        Assert.Equal("available", (string?)(await world.BackupAsync(backup))["status"]);
    }

    [Fact]
    public async Task A_worker_that_is_stopped_gives_its_task_back_and_that_is_no_attempt()
    {
        (TaskWorld world, _, string disk, string id) = await OrderedAsync();
        Gate gate = world.Engine.Hold(disk);
        await using (TestWorker first = await TestWorker.StartAsync(server, world.Engine))
            await gate.Reached;
        JsonNode between = await world.TaskAsync(id);
        world.Engine.OnBackup(disk, _ => Task.CompletedTask);

        await using TestWorker second = await TestWorker.StartAsync(server, world.Engine);

        Assert.Equal(("waiting", 0), ((string)between["status"]!, (int)between["attempts"]!));
        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal(1, (int)(await world.TaskAsync(id))["attempts"]!);
    }

    [Fact]
    public async Task A_worker_elsewhere_is_dead_only_after_its_counter_stood_still_for_a_whole_lease_period()
    {
        (TaskWorld world, _, string disk, string id) = await OrderedAsync();
        Gate gate = world.Engine.Hold(disk);
        await using TestWorker frozen = await TestWorker.StartAsync(server, world.Engine, "there");
        await gate.Reached;
        string ranBy = await WorkerOfAsync(id);
        await using TestWorker observer = await TestWorker.StartAsync(server, world.Engine, "here");
        await WorkersAsync(2);

        // It has seen the counter once, at its start: until the period is over nothing happens, whatever it does meanwhile.
        for (int second = 1; second < 30; second++)
            await BeatAsync(observer);
        Assert.Equal(ranBy, await WorkerOfAsync(id));
        world.Engine.OnBackup(disk, _ => Task.CompletedTask);
        await BeatUntilAsync(observer, async () => await WorkerOfAsync(id) != ranBy, 12);

        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal(2, (int)(await world.TaskAsync(id))["attempts"]!);
    }

    [Fact]
    public async Task A_worker_that_renews_is_never_taken_for_dead()
    {
        (TaskWorld world, _, string disk, string id) = await OrderedAsync();
        Gate gate = world.Engine.Hold(disk);
        await using TestWorker living = await TestWorker.StartAsync(server, world.Engine, "there");
        await gate.Reached;
        string ranBy = await WorkerOfAsync(id);
        await using TestWorker observer = await TestWorker.StartAsync(server, world.Engine, "here");
        await WorkersAsync(2);

        for (int second = 0; second < 90; second++)
        {
            await BeatAsync(living);
            await BeatAsync(observer);
        }

        Assert.Equal(ranBy, await WorkerOfAsync(id));
        gate.Open();
        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal(1, (int)(await world.TaskAsync(id))["attempts"]!);
    }

    [Fact]
    public async Task A_stale_owner_can_neither_commit_nor_settle()
    {
        (TaskWorld world, string vault, string disk, string id) = await OrderedAsync();
        Gate stale = world.Engine.Hold(disk);
        await using TestWorker frozen = await TestWorker.StartAsync(server, world.Engine, "there");
        await stale.Reached;
        TaskLease old = await LeaseOfAsync(id);
        Gate newer = world.Engine.Hold(disk);
        await using TestWorker observer = await TestWorker.StartAsync(server, world.Engine, "here");
        await WorkersAsync(2);
        await BeatUntilAsync(observer, async () => (await LeaseOfAsync(id)).Token != old.Token, 45);
        await newer.Reached;

        stale.Open();
        await TaskWorld.UntilAsync(() => Task.FromResult(world.Engine.Refused.Count == 1));
        bool settled = await server.Database.WriteAsync(
            session => TaskTable.FinishAsync(session, old, TaskEnd.Success, server.Time.GetStoredNow(), default), default);
        string between = (string)(await world.TaskAsync(id))["status"]!;
        newer.Open();

        Assert.False(settled);
        Assert.Equal("running", between);
        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal(5, (int)(await world.Vaults.ShowAsync(vault))["billing"]!["used"]!);
    }

    [Fact]
    public async Task When_the_stale_owner_commits_first_its_root_is_the_backup()
    {
        (TaskWorld world, string vault, string disk, string id) = await OrderedAsync();
        Gate newer = world.Engine.Hold(disk);
        await using TestWorker worker = await TestWorker.StartAsync(server, world.Engine);
        await newer.Reached;

        // Its fence was asked just before it lost the lease, and its root went in just after.
        BackupRequest request = world.Engine.Backups.Single(run => run.ResourceId == disk);
        Assert.True(world.Engine.Roots.TryAdd(request.BackupId, world.Engine.Outcome(request)));
        newer.Open();

        Assert.Equal("success", (string?)(await world.EndOfAsync(id))["status"]);
        Assert.Equal(5, (int)(await world.Vaults.ShowAsync(vault))["billing"]!["used"]!);
    }

    [Fact]
    public async Task A_worker_that_cannot_renew_stops_its_runs_by_itself()
    {
        (TaskWorld world, _, string disk, _) = await OrderedAsync();
        var stopped = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        world.Engine.OnBackup(disk, async cancellationToken =>
        {
            await using CancellationTokenRegistration registration = cancellationToken.Register(() => stopped.TrySetResult());
            started.TrySetResult();
            await stopped.Task.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        });
        await using TestWorker worker = await TestWorker.StartAsync(server, world.Engine);
        await started.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await worker.CutOffAsync();
        worker.Time.Advance(TimeSpan.FromSeconds(19));
        bool early = stopped.Task.IsCompleted;
        worker.Time.Advance(TimeSpan.FromSeconds(1));

        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(early);
    }

    [Fact]
    public async Task Eight_workers_run_every_task_exactly_once()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string vault = await world.Vaults.VaultAsync("disk");
        foreach (string disk in await world.Vaults.NewDisksAsync(40))
            await world.AddAsync(vault, VaultWorld.Disk(disk));
        Assert.Equal(200, (await world.CheckpointAsync(vault)).Status);

        var workers = new List<TestWorker>();
        for (int i = 0; i < 8; i++)
            workers.Add(await TestWorker.StartAsync(server, world.Engine));
        await TaskWorld.UntilAsync(async () =>
        {
            // All of them look at once, again and again.
            workers.ForEach(worker => worker.Signal.Notify());
            return (await world.LogsAsync("status=success")).Count == 40;
        });

        Assert.Equal(40, world.Engine.Backups.Count(run => run.DomainId == world.ProjectId));
        Assert.Equal(40, world.Engine.Backups.Where(run => run.DomainId == world.ProjectId).Select(run => run.BackupId).Distinct().Count());
        Assert.Equal(200, (int)(await world.Vaults.ShowAsync(vault))["billing"]!["used"]!);
        foreach (TestWorker worker in workers)
            await worker.DisposeAsync();
    }

    [Fact]
    public async Task No_more_tasks_run_at_once_than_the_setting_says()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string vault = await world.Vaults.VaultAsync("disk");
        int running = 0;
        int most = 0;
        foreach (string disk in await world.Vaults.NewDisksAsync(20))
        {
            await world.AddAsync(vault, VaultWorld.Disk(disk));
            world.Engine.OnBackup(disk, async _ =>
            {
                int now = Interlocked.Increment(ref running);
                most = Math.Max(most, now);
                // The first ones wait for company, however slow the machine.
                for (int i = 0; i < 2000 && most < 2; i++)
                    await Task.Delay(5, CancellationToken.None);
                Interlocked.Decrement(ref running);
            });
        }

        Assert.Equal(200, (await world.CheckpointAsync(vault)).Status);
        await using TestWorker worker = await TestWorker.StartAsync(server, world.Engine, options: new TaskOptions { ParallelRunsMax = 3 });

        await TaskWorld.UntilAsync(async () => (await world.LogsAsync("status=success")).Count == 20);
        Assert.InRange(most, 2, 3);
    }

    [Fact]
    public async Task A_project_with_many_tasks_does_not_hold_up_one_with_few()
    {
        TaskWorld many = await TaskWorld.NewAsync(server);
        TaskWorld few = await TaskWorld.NewAsync(server);
        string vault = await many.Vaults.VaultAsync("disk");
        foreach (string disk in await many.Vaults.NewDisksAsync(10))
            await many.AddAsync(vault, VaultWorld.Disk(disk));
        (string other, _) = await few.DiskVaultAsync();
        Assert.Equal(200, (await many.CheckpointAsync(vault)).Status);
        server.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, (await few.CheckpointAsync(other)).Status);

        await using TestWorker worker = await TestWorker.StartAsync(server, many.Engine, options: new TaskOptions { ParallelRunsMax = 1 });
        await TaskWorld.UntilAsync(async () => (await many.LogsAsync("status=success")).Count == 10 && (await few.LogsAsync("status=success")).Count == 1);

        string[] order = many.Engine.Backups.Select(run => run.DomainId).Where(id => id == many.ProjectId || id == few.ProjectId).ToArray();
        Assert.InRange(Array.IndexOf(order, few.ProjectId), 0, 1);
    }

    /// <summary>A store that answers nothing.</summary>
    private sealed class SilentStore : IObjectStore
    {
        public string Address => "silent:";

        public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return null;
        }

        public ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DeleteAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>A vault with a disk, and a backup of it that waits.</summary>
    private async Task<(TaskWorld World, string Vault, string Disk, string TaskId)> OrderedAsync()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        TestReply reply = await world.CheckpointAsync(vault);
        Assert.True(reply.Status == 200, reply.Text);
        return (world, vault, disk, (string)Assert.Single(await world.LogsAsync())!["id"]!);
    }

    /// <summary>Lets one of its seconds pass, and gives its loop the real time to do what it does then.</summary>
    private static async Task BeatAsync(TestWorker worker)
    {
        worker.Time.Advance(TimeSpan.FromSeconds(1));
        await Task.Delay(10);
    }

    private static async Task BeatUntilAsync(TestWorker worker, Func<Task<bool>> holds, int secondsMax)
    {
        for (int i = 0; i < secondsMax; i++)
        {
            await BeatAsync(worker);
            if (await holds())
                return;
        }

        Assert.Fail($"It did not happen within {secondsMax} of the worker's seconds.");
    }

    private Task WorkersAsync(int count) => TaskWorld.UntilAsync(async () =>
        await server.Database.ReadAsync(session => session.QueryLongAsync($"select count(*) from workers", default), default) == count);

    private async Task<string> WorkerOfAsync(string taskId) => (await LeaseOfAsync(taskId)).WorkerId;

    private Task<TaskLease> LeaseOfAsync(string taskId) => server.Database.ReadAsync(
        session => session.QueryFirstAsync(
            $"select coalesce(worker_id, ''), token from tasks where id = {taskId}",
            row => new TaskLease(new TaskId(taskId), row.GetString(0), row.GetInt64(1)),
            default),
        default);
}

public sealed class TaskRunnerOnSqliteTests(SqliteApiServer server) : TaskRunnerTests(server), IClassFixture<SqliteApiServer>;

public sealed class TaskRunnerOnPostgresTests : TaskRunnerTests, IClassFixture<PostgresApiServer>
{
    public TaskRunnerOnPostgresTests(PostgresApiServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
