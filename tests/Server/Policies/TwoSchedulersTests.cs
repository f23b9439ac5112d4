using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Schedules;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;

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
        int days = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_SCHEDULER_DAYS") ?? "10", null);
        int seed = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_SEED") ?? "20261125", null);
        TestContext.Current.SendDiagnosticMessage("seed {0}", seed);
        var random = new Random(seed);
        TaskWorld world = await TaskWorld.NewAsync(server);
        var bound = new List<(string Vault, string Policy, Schedule Schedule, DateTimeOffset At)>();
        for (int i = 0; i < 8; i++)
        {
            string policy = await world.Vaults.PolicyAsync(PolicyBody("{}", "p", "backup", Patterns[i % Patterns.Length]));
            DateTimeOffset from = Truncated(server.Time.GetUtcNow());
            (string vault, _) = await world.DiskVaultAsync();
            await world.Vaults.BindAsync(vault, policy);
            bound.Add((vault, policy, new Schedule(Patterns[i % Patterns.Length].Select(SchedulePattern.Parse).ToList(), from, TimeZoneInfo.Utc), server.Time.GetUtcNow()));
        }

        DateTimeOffset now = server.Time.GetUtcNow();
        DateTimeOffset end = now.AddDays(days);
        int kills = 0;
        while (now < end)
        {
            now += TimeSpan.FromMinutes(random.Next(100) == 0 ? random.Next(60, 600) : random.Next(5, 40));
            Task<bool>[] both = [RunAsync(now.AddSeconds(random.Next(-3, 4)), random), RunAsync(now.AddSeconds(random.Next(-3, 4)), random)];
            foreach (Task<bool> one in both)
                kills += await one ? 1 : 0;
            await EndAllAsync(world.ProjectId);
        }

        await RunToEndAsync(now);
        await EndAllAsync(world.ProjectId);

        int runs = 0;
        foreach ((string vault, string policy, Schedule schedule, DateTimeOffset at) in bound)
        {
            List<(long Slot, long Missed)> taken = await server.Database.ReadAsync(
                session => session.QueryAsync(
                    $"select slot_at, missed from policy_runs where vault_id = {vault} and policy_id = {policy} order by slot_at",
                    row => (row.GetInt64(0), row.GetInt64(1)),
                    default),
                default);
            long expected = 0;
            var slots = new HashSet<long>();
            for (DateTimeOffset slot = schedule.NextAfter(at); slot <= now; slot = schedule.NextAfter(slot))
            {
                slots.Add(slot.ToMicroseconds());
                expected++;
            }

            Assert.Equal(expected, taken.Sum(run => 1 + run.Missed));
            Assert.All(taken, run => Assert.Contains(run.Slot, slots));
            List<string> tasks = await server.Database.ReadAsync(
                session => session.QueryAsync($"select plan from tasks where vault_id = {vault}", row => row.GetString(0), default), default);
            string[] ran = [.. tasks.Select(plan => (string)JsonNode.Parse(plan)!["run"]!["slot_at"]!)];
            Assert.Equal(taken.Count, ran.Length);
            Assert.Equal(ran.Length, ran.Distinct().Count());
            runs += taken.Count;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{days} days, {runs} runs, {kills} kills, seed {seed}");
        Assert.True(kills > 0, "nothing was ever killed");
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

    private static DateTimeOffset Truncated(DateTimeOffset instant) => Policy.WholeSeconds(instant);
}

public sealed class TwoSchedulersOnSqliteTests(SqliteApiServer server) : TwoSchedulersTests(server), IClassFixture<SqliteApiServer>;

public sealed class TwoSchedulersOnPostgresTests : TwoSchedulersTests, IClassFixture<PostgresApiServer>
{
    public TwoSchedulersOnPostgresTests(PostgresApiServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
