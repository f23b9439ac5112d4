using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Strongroom.Repository;
using Strongroom.Server.Database;
using Strongroom.Server.Schedules;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;

namespace Strongroom.Server.Tests.Policies;

/// <summary>
/// Two worker processes of the product on one database and one repository, with a clock that the test drives, either killed with SIGKILL
/// at random while ten days pass: every slot is run once, or is one of those a later run says it stands for; every task ends; and
/// what is called available is in the repository.
/// </summary>
public abstract class KilledServersTests(ServerFixture server, ITestOutputHelper output)
{
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(20);

    private static readonly string[][] Patterns =
    [
        ["FREQ=DAILY;INTERVAL=1;BYHOUR=0,2,4,6,8,10,12,14,16,18,20,22;BYMINUTE=17"],
        ["FREQ=DAILY;INTERVAL=2;BYHOUR=02;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=MO,TH,SU;BYHOUR=14;BYMINUTE=00"],
        ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=6,12,18;BYMINUTE=00"],
        ["FREQ=DAILY;BYHOUR=12;BYMINUTE=00"],
    ];

    [Fact]
    [Trait("Category", "Slow")]
    public async Task No_slot_runs_twice_and_none_is_lost_while_either_process_is_killed_at_random()
    {
        int days = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_SCHEDULER_DAYS") ?? "10", null);
        int seed = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_SEED") ?? "20261125", null);
        var random = new Random(seed);
        TaskWorld world = await TaskWorld.NewAsync(server);
        var bound = new List<(string Vault, string Policy, Schedule Schedule, DateTimeOffset At)>();
        foreach (string[] patterns in Patterns)
        {
            string policy = await world.Vaults.PolicyAsync(PolicyBody("{}", "p", "backup", patterns));
            DateTimeOffset from = Server.Policies.Policy.WholeSeconds(server.Time.GetUtcNow());
            (string vault, _) = await world.DiskVaultAsync(1 << 20);
            await world.Vaults.BindAsync(vault, policy);
            bound.Add((vault, policy, new Schedule(patterns.Select(SchedulePattern.Parse).ToList(), from, TimeZoneInfo.Utc), server.Time.GetUtcNow()));
        }

        DateTimeOffset now = server.Time.GetUtcNow();
        DateTimeOffset end = now.AddDays(days);
        int kills = 0;
        int killEvery = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_KILL_EVERY") ?? "60", null);
        ServerProcess?[] both = await Task.WhenAll(StartAsync(now), StartAsync(now));
        try
        {
            while (now < end)
            {
                now += Step;
                await Task.WhenAll(both.OfType<ServerProcess>().Select(process => process.AdvanceAsync(Step)));
                await Task.Delay(random.Next(2, 12));
                for (int i = 0; i < both.Length; i++)
                {
                    // Down for some hours, now and then both at once.
                    if (both[i] is { } running && random.Next(killEvery) == 0)
                    {
                        await running.DisposeAsync();
                        both[i] = null;
                        kills++;
                    }
                    else if (both[i] is null && random.Next(10) == 0)
                    {
                        both[i] = await StartAsync(now);
                    }
                }
            }

            for (int i = 0; i < both.Length; i++)
                both[i] ??= await StartAsync(now);
            now = await EndAsync(world.ProjectId, both!, now);
        }
        finally
        {
            foreach (ServerProcess process in both.OfType<ServerProcess>())
                await process.DisposeAsync();
        }

        int runs = 0;
        foreach ((string vault, string policy, Schedule schedule, DateTimeOffset at) in bound)
            runs += await VerifyAsync(vault, policy, schedule, at, now, seed);
        int backups = await VerifyRepositoryAsync(world.ProjectId);
        output.WriteLine($"{days} days, {runs} runs, {backups} backups, {kills} kills, seed {seed}");
        Assert.True(kills > 5 && backups > days, $"{kills} kills, {backups} backups");
    }

    private Task<ServerProcess> StartAsync(DateTimeOffset now) =>
        ServerProcess.StartAsync(server.TestDatabase.DataDirectory, server.TestDatabase.ConnectionString, now);

    /// <summary>Until nothing is due and nothing is in work any more.</summary>
    private async Task<DateTimeOffset> EndAsync(string projectId, ServerProcess[] both, DateTimeOffset now)
    {
        var limit = Stopwatch.StartNew();
        while (await InWorkAsync(projectId, now) > 0)
        {
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(90), "tasks or slots are left over that nobody does");
            now += TimeSpan.FromSeconds(1);
            await Task.WhenAll(both.Select(process => process.AdvanceAsync(now - process.Now)));
            await Task.Delay(20);
        }

        return now;
    }

    private Task<long> InWorkAsync(string projectId, DateTimeOffset now) => server.Database.ReadAsync(
        session => session.QueryLongAsync(
            $"""
            select (select count(*) from tasks where project_id = {projectId} and status in ('waiting', 'running'))
                + (select count(*) from policy_vaults where next_at <= {now.ToMicroseconds()})
            """,
            default),
        default);

    private async Task<int> VerifyAsync(string vault, string policy, Schedule schedule, DateTimeOffset at, DateTimeOffset now, int seed)
    {
        List<(long Slot, long Missed)> taken = await server.Database.ReadAsync(
            session => session.QueryAsync(
                $"select slot_at, missed from policy_runs where vault_id = {vault} and policy_id = {policy} order by slot_at",
                row => (row.GetInt64(0), row.GetInt64(1)),
                default),
            default);
        var slots = new HashSet<long>();
        for (DateTimeOffset slot = schedule.NextAfter(at); slot <= now; slot = schedule.NextAfter(slot))
            slots.Add(slot.ToMicroseconds());
        Assert.True(slots.Count == taken.Sum(run => 1 + run.Missed), $"seed {seed}: {slots.Count} slots, {taken.Sum(run => 1 + run.Missed)} run or missed");
        Assert.All(taken, run => Assert.Contains(run.Slot, slots));
        List<string> plans = await server.Database.ReadAsync(
            session => session.QueryAsync($"select plan from tasks where vault_id = {vault} and kind = 'backup'", row => row.GetString(0), default), default);
        string[] ran = [.. plans.Select(plan => (string)JsonNode.Parse(plan)!["run"]!["slot_at"]!)];
        Assert.Equal(taken.Count, ran.Length);
        Assert.Equal(ran.Length, ran.Distinct().Count());
        return taken.Count;
    }

    private async Task<int> VerifyRepositoryAsync(string projectId)
    {
        List<string> available = await server.Database.ReadAsync(
            session => session.QueryAsync(
                $"select id from backups where project_id = {projectId} and status = 'available' order by id", row => row.GetString(0), default),
            default);
        await using InstallationRepository installation = await InstallationRepository.OpenAsync(
            new ServerOptions { DataDirectory = server.TestDatabase.DataDirectory }, new RepositoryOptions(), readOnly: true, TimeProvider.System, default);
        await using RepositoryDomain domain = await installation.Repository.OpenDomainAsync(projectId, create: false, default);
        HashSet<string> stored = [.. await domain.ListBackupsAsync(default).Select(backup => backup.Id).ToListAsync()];
        Assert.Subset(stored, available.ToHashSet());
        return available.Count;
    }

    /// <summary>tests/ServerProcess.Testing, running.</summary>
    private sealed class ServerProcess : IAsyncDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

        private readonly Process process;

        private ServerProcess(Process process, DateTimeOffset now)
        {
            this.process = process;
            Now = now;
        }

        public DateTimeOffset Now { get; private set; }

        public static async Task<ServerProcess> StartAsync(string dataDirectory, string connectionString, DateTimeOffset now)
        {
            // Built along with these tests: artifacts/bin/PROJECT/CONFIGURATION.
            string own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
            string built = Path.Combine(own, "..", "..", "Strongroom.ServerProcess.Testing", Path.GetFileName(own), "strongroom-server-process");
            var start = new ProcessStartInfo(
                Path.GetFullPath(built), [dataDirectory, connectionString, now.ToString("O", CultureInfo.InvariantCulture)])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            var started = new ServerProcess(Process.Start(start)!, now);
            started.process.ErrorDataReceived += (_, _) => { };
            started.process.BeginErrorReadLine();
            await started.HearAsync("ready");
            return started;
        }

        public async Task AdvanceAsync(TimeSpan by)
        {
            if (by <= TimeSpan.Zero)
                return;
            Now += by;
            await process.StandardInput.WriteLineAsync(by.ToString("c", CultureInfo.InvariantCulture));
            await process.StandardInput.FlushAsync();
            await HearAsync("done");
        }

        /// <summary>kill -9: no handler runs, nothing is flushed.</summary>
        public async ValueTask DisposeAsync()
        {
            if (!process.HasExited)
                process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        private async Task HearAsync(string word)
        {
            string? line = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
            Assert.True(line == word, $"the process said '{line}' and not '{word}'");
        }
    }
}

/// <summary>Only where there is no PostgreSQL: that is what several servers are for, and once is long enough.</summary>
public sealed class KilledServersOnSqliteTests : KilledServersTests, IClassFixture<SqliteApiServer>
{
    public KilledServersOnSqliteTests(SqliteApiServer server, ITestOutputHelper output)
        : base(server, output) => Assert.SkipWhen(TestDatabase.HasPostgres, "runs on PostgreSQL");
}

public sealed class KilledServersOnPostgresTests : KilledServersTests, IClassFixture<PostgresApiServer>
{
    public KilledServersOnPostgresTests(PostgresApiServer server, ITestOutputHelper output)
        : base(server, output) => TestDatabase.SkipUnlessPostgres();
}
