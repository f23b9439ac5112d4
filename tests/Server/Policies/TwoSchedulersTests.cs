using Microsoft.Extensions.Logging.Abstractions;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Tasks;

namespace Strongroom.Server.Tests.Policies;

/// <summary>
/// Two schedulers as two processes would be, with connections and clocks of their own, that are killed at random while ten
/// days pass: every slot is run once, or is one of those a later run says it stands for.
/// </summary>
public abstract class TwoSchedulersTests(ServerFixture server)
{
    private static readonly string[][] Patterns =
    [
        ["FREQ=DAILY;INTERVAL=1;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=17"],
        ["FREQ=DAILY;INTERVAL=2;BYHOUR=02;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=MO,TH,SU;BYHOUR=14;BYMINUTE=00"],
        ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=6,18;BYMINUTE=00"],
        ["FREQ=DAILY;BYHOUR=12;BYMINUTE=00"],
    ];

    [Fact]
    [Trait("Category", "Slow")]
    public async Task No_slot_runs_twice_and_none_is_lost_while_either_is_killed_at_random()
    {
        int days = SlotLedger.Setting("SCHEDULER_DAYS", 10);
        int seed = SlotLedger.Setting("SEED", 20261125);
        var random = new Random(seed);
        SlotLedger ledger = await SlotLedger.NewAsync(server, 8, Patterns);

        DateTimeOffset now = server.Time.GetUtcNow();
        DateTimeOffset end = now.AddDays(days);
        int kills = 0;
        while (now < end)
        {
            now += TimeSpan.FromMinutes(random.Next(100) == 0 ? random.Next(60, 600) : random.Next(5, 40));
            Task<bool>[] both = [RunAsync(now.AddSeconds(random.Next(-3, 4)), random), RunAsync(now.AddSeconds(random.Next(-3, 4)), random)];
            foreach (Task<bool> one in both)
                kills += await one ? 1 : 0;
            await EndAllAsync(ledger.World.ProjectId);
        }

        await RunToEndAsync(now);
        await EndAllAsync(ledger.World.ProjectId);

        int runs = await ledger.VerifyAsync(now, isExact: true, seed);
        TestContext.Current.TestOutputHelper?.WriteLine($"{days} days, {runs} runs, {kills} kills, seed {seed}");
        Assert.True(kills > 0, "nothing was ever killed");
    }

    /// <summary>
    /// A clock that is wrong costs punctuality and nothing else: what it took too early is not run again, what it never saw is run by
    /// the others, and when it is gone they go on where it was.
    /// </summary>
    [Fact]
    public async Task Servers_whose_clocks_are_hours_apart_run_each_slot_once_and_lose_none()
    {
        SlotLedger ledger = await SlotLedger.NewAsync(server, 4, Patterns);
        DateTimeOffset now = server.Time.GetUtcNow();
        DateTimeOffset end = now.AddDays(4);
        while (now < end)
        {
            now += TimeSpan.FromMinutes(20);
            bool isAheadThere = now < end.AddDays(-2);
            if (isAheadThere)
                await RunToEndAsync(now.AddHours(7));
            await Task.WhenAll(RunToEndAsync(now.AddHours(-5)), RunToEndAsync(now));
            await EndAllAsync(ledger.World.ProjectId);
        }

        int runs = await ledger.VerifyAsync(now, isExact: false, seed: 0);
        Assert.InRange(runs, 4 * (24 + 1 + 2 + 1) - 30, 4 * (24 + 1 + 2 + 1) + 30);
    }

    /// <returns>True: it was killed in the middle.</returns>
    private async Task<bool> RunAsync(DateTimeOffset now, Random random)
    {
        TimeSpan? killAfter = random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.NextDouble() * 20) : null;
        MetadataDatabase database = server.TestDatabase.Open();
        using var kill = new CancellationTokenSource();
        try
        {
            using var scheduler = new PolicyScheduler(database, new TaskSignal(), new PolicyOptions(), ClockAt(now), NullLogger<PolicyScheduler>.Instance);
            Task running = Task.Run(() => scheduler.RunDueAsync(kill.Token));
            if (killAfter is { } after)
                kill.CancelAfter(after);
            await running;
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        finally
        {
            await database.DisposeAsync();
        }
    }

    private async Task RunToEndAsync(DateTimeOffset now)
    {
        using var scheduler = new PolicyScheduler(
            server.Database, new TaskSignal(), new PolicyOptions(), ClockAt(now), NullLogger<PolicyScheduler>.Instance);
        await scheduler.RunDueAsync(default);
    }

    /// <summary>The backups end before the next slot, so that none is skipped for them.</summary>
    private Task EndAllAsync(string projectId) => server.Database.WriteAsync(
        async session =>
        {
            await session.ExecuteAsync($"update backups set status = 'available' where project_id = {projectId}", default);
            await session.ExecuteAsync($"update tasks set status = 'success' where project_id = {projectId}", default);
            await session.ExecuteAsync(
                $"update vault_resources set protect_status = 'available' where vault_id in (select id from vaults where project_id = {projectId})", default);
        },
        default);

    private static FakeTimeProvider ClockAt(DateTimeOffset now)
    {
        var clock = new FakeTimeProvider();
        clock.Advance(now - clock.GetUtcNow());
        return clock;
    }
}

public sealed class TwoSchedulersOnSqliteTests(SqliteApiServer server) : TwoSchedulersTests(server), IClassFixture<SqliteApiServer>;

public sealed class TwoSchedulersOnPostgresTests : TwoSchedulersTests, IClassFixture<PostgresApiServer>
{
    public TwoSchedulersOnPostgresTests(PostgresApiServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
