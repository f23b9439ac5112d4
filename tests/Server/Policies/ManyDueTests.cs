using System.Collections.Concurrent;
using System.Diagnostics;
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
        var ended = new ConcurrentQueue<string>();
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
                        // The next to start is of the project that was served longest ago, so the clock has to go on.
                        server.Time.Advance(TimeSpan.FromMilliseconds(1));
                        Most(ref mostRunning, Interlocked.Increment(ref running));
                        Most(ref mostOfVault, runningByVault.AddOrUpdate(vault, 1, (_, count) => count + 1));
                        await Task.Delay(2, cancellationToken);
                        runningByVault.AddOrUpdate(vault, 0, (_, count) => count - 1);
                        Interlocked.Decrement(ref running);
                        ended.Enqueue(world.Tasks.ProjectId);
                    });
                }
            }
        }

        worlds[0].GoTo(3);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long peak = before;
        var watch = Stopwatch.StartNew();
        await worlds[0].ScheduleAsync();
        TimeSpan scheduled = watch.Elapsed;
        int endedWhenQueued = ended.Count;
        while (ended.Count < DueCount && watch.Elapsed < TimeSpan.FromMinutes(5))
        {
            peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: false));
            await Task.Delay(20);
        }

        watch.Stop();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{DueCount} due: queued in {scheduled.TotalSeconds:0.0} s, done in {watch.Elapsed.TotalSeconds:0.0} s; at most {mostRunning} at once, "
            + $"{mostOfVault} of one vault; managed memory {before >> 20} MiB before, {peak >> 20} MiB at most");
        Assert.Equal(DueCount, ended.Count);
        Assert.InRange(mostRunning, 1, ManyDueLimits.Parallel);
        Assert.InRange(mostOfVault, 1, ManyDueLimits.PerVault);

        // As long as all of them have something waiting, none waits long for its turn.
        var sums = new Dictionary<string, int>(StringComparer.Ordinal);
        var lastTurn = worlds.ToDictionary(world => world.Tasks.ProjectId, _ => endedWhenQueued, StringComparer.Ordinal);
        foreach ((int turn, string project) in ended.Index())
        {
            sums[project] = sums.GetValueOrDefault(project) + 1;
            if (sums[project] == VaultCount * DiskCount)
                break;
            if (turn < endedWhenQueued)
                continue;
            lastTurn[project] = turn;
            Assert.InRange(turn - lastTurn.Values.Min(), 0, ProjectCount * ManyDueLimits.Parallel);
        }
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
