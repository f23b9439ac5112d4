using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;
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

        TaskEndTimes ends = server.Services.GetRequiredService<TaskEndTimes>();
        await TaskWorld.UntilAsync(() => Task.FromResult(ends.Count == DueCount));
        await AssertNothingStarvesAsync(queuedAt.ToMicroseconds(), ends);
    }

    /// <summary>
    /// A project that has something waiting and nothing running is passed over by each other project once at most, however the
    /// machine's threads ran: claims come one after the other, each having seen every end that was told of before its start.
    /// </summary>
    private async Task AssertNothingStarvesAsync(long queuedAt, TaskEndTimes ends)
    {
        List<(TaskId Id, string Project, long At)> claims = await server.Database.ReadAsync(
            session => session.QueryAsync(
                $"select id, project_id, started_at from tasks where kind = 'backup' order by claim",
                row => (new TaskId(row.GetString(0)), row.GetString(1), row.GetInt64(2)),
                default),
            default);
        Assert.Equal(DueCount, claims.Count);
        Assert.All(claims.Zip(claims.Skip(1)), pair => Assert.True(pair.First.At < pair.Second.At, "A claim's start is not after the one before."));
        var events = claims.Select(claim => (claim.Project, claim.At, Change: 1))
            .Concat(claims.Select(claim => (claim.Project, At: ends.Of(claim.Id), Change: -1)))
            .OrderBy(change => change.At);

        string[] projects = [.. claims.Select(claim => claim.Project).Distinct()];
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
            // Before all of them were queued there was nothing to be taken.
            if (at < queuedAt)
                continue;
            foreach (string other in projects.Where(other => other != project && waiting[other] > 0 && running[other] == 0))
                longest = Math.Max(longest, ++passedOver[other]);
        }

        Assert.InRange(longest, 1, ProjectCount - 1);
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

/// <summary>When the log told of each task's end. That is after everybody can see it, where <c>ended_at</c> is before.</summary>
internal sealed class TaskEndTimes(TimeProvider time) : ILoggerProvider, ILogger
{
    private readonly ConcurrentDictionary<string, long> times = new();

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<TaskEndTimes>();
        services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<TaskEndTimes>());
    }

    public int Count => times.Count;

    public long Of(TaskId id) => times[id.ToString()];

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Name == "Ended" && state is IEnumerable<KeyValuePair<string, object?>> values)
            times[values.First(value => value.Key == "TaskId").Value!.ToString()!] = time.GetUtcNow().ToMicroseconds();
    }

    public void Dispose()
    {
    }
}

public sealed class SqliteSmallServer : SqliteTaskServer
{
    protected override void Configure(ServerOptions options) => ManyDueLimits.Set(options);

    protected override void Customise(IServiceCollection services)
    {
        base.Customise(services);
        TaskEndTimes.Add(services);
    }
}

public sealed class PostgresSmallServer : PostgresTaskServer
{
    protected override void Configure(ServerOptions options) => ManyDueLimits.Set(options);

    protected override void Customise(IServiceCollection services)
    {
        base.Customise(services);
        TaskEndTimes.Add(services);
    }
}

public sealed class ManyDueOnSqliteTests(SqliteSmallServer server) : ManyDueTests(server), IClassFixture<SqliteSmallServer>;

public sealed class ManyDueOnPostgresTests : ManyDueTests, IClassFixture<PostgresSmallServer>
{
    public ManyDueOnPostgresTests(PostgresSmallServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
