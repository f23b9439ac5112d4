using System.Diagnostics;
using System.Globalization;
using Strongroom.Repository;
using Strongroom.Server.Database;
using Strongroom.Server.Tests.Tasks;

namespace Strongroom.Server.Tests.Policies;

/// <summary>
/// Two worker processes of the product on one database and one repository, with a clock that the test drives, either killed with SIGKILL
/// at random while ten days pass: every slot is run once, or is one of those a later run says it stands for; every run is one task that
/// ends as a backup, or as a failed or skipped one with its cause; and the database and the repository tell the same backups.
/// </summary>
public abstract class KilledServersTests(ServerFixture server, ITestOutputHelper output)
{
    /// <summary>How many simulated days, unless it is said from outside.</summary>
    protected virtual int Days => 10;

    private static readonly TimeSpan Step = TimeSpan.FromMinutes(20);

    // More than a run takes, less than a test may: what runs in a process that was killed is waited for no longer.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(150);

    private static readonly string[][] Patterns =
    [
        ["FREQ=DAILY;INTERVAL=1;BYHOUR=0,2,4,6,8,10,12,14,16,18,20,22;BYMINUTE=17"],
        ["FREQ=DAILY;INTERVAL=2;BYHOUR=02;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=MO,TH,SU;BYHOUR=14;BYMINUTE=00"],
        ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=6,12,18;BYMINUTE=00"],
        ["FREQ=DAILY;BYHOUR=12;BYMINUTE=00"],
    ];

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Every_slot_ends_in_one_task_and_every_task_in_a_backup_or_a_cause_while_either_process_is_killed_at_random()
    {
        int days = SlotLedger.Setting("SCHEDULER_DAYS", Days);
        int seed = SlotLedger.Setting("SEED", 20261125);
        var random = new Random(seed);
        SlotLedger ledger = await SlotLedger.NewAsync(server, Patterns.Length, Patterns, 1 << 20);
        string projectId = ledger.World.ProjectId;
        DateTimeOffset now = server.Time.GetUtcNow();
        DateTimeOffset end = now.AddDays(days);
        int kills = 0;
        int killsInWork = 0;
        ServerProcess?[] both = await Task.WhenAll(StartAsync(now), StartAsync(now));
        try
        {
            while (now < end)
            {
                now += Step;
                await Task.WhenAll(both.OfType<ServerProcess>().Select(process => process.AdvanceAsync(Step)));
                for (var waited = Stopwatch.StartNew(); waited.Elapsed < Patience && await TasksInWorkAsync(projectId) > 0;)
                {
                    if (random.Next(60) == 0 && both[random.Next(2)] is { } busy)
                    {
                        await busy.DisposeAsync();
                        both[Array.IndexOf(both, busy)] = null;
                        kills++;
                        killsInWork++;
                    }

                    await Task.Delay(4);
                }

                for (int i = 0; i < both.Length; i++)
                {
                    // Down for some hours, now and then both at once.
                    if (both[i] is { } running && random.Next(250) == 0)
                    {
                        await running.DisposeAsync();
                        both[i] = null;
                        kills++;
                    }
                    else if (both[i] is null && random.Next(6) == 0)
                    {
                        both[i] = await StartAsync(now);
                    }
                }
            }

            for (int i = 0; i < both.Length; i++)
                both[i] ??= await StartAsync(now);
            now = await EndAsync(projectId, both!, now);
        }
        finally
        {
            foreach (ServerProcess process in both.OfType<ServerProcess>())
                await process.DisposeAsync();
        }

        int runs = await ledger.VerifyAsync(now, isExact: true, seed);
        Dictionary<string, int> ends = await VerifyTasksAsync(projectId);
        int backups = await VerifyRepositoryAsync(projectId);
        output.WriteLine($"{days} days, {runs} runs: {string.Join(", ", ends.Select(pair => $"{pair.Value} {pair.Key}"))}; {kills} kills, {killsInWork} in the middle, seed {seed}");
        Assert.Equal(ends["success "], backups);
        Assert.True(killsInWork > 0, $"only {killsInWork} of {kills} kills were in the middle of a run");
        Assert.True(backups > runs / 2, $"{backups} backups of {runs} runs");
    }

    private Task<ServerProcess> StartAsync(DateTimeOffset now) =>
        ServerProcess.StartAsync(server.TestDatabase.DataDirectory, server.TestDatabase.ConnectionString, now);

    /// <summary>Until nothing is due and nothing is in work any more.</summary>
    private async Task<DateTimeOffset> EndAsync(string projectId, ServerProcess[] both, DateTimeOffset now)
    {
        var limit = Stopwatch.StartNew();
        while (await TasksInWorkAsync(projectId) + await DueAsync(now) > 0)
        {
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(90), "tasks or slots are left over that nobody does");
            now += TimeSpan.FromSeconds(1);
            await Task.WhenAll(both.Select(process => process.AdvanceAsync(now - process.Now)));
            await Task.Delay(20);
        }

        return now;
    }

    private Task<long> TasksInWorkAsync(string projectId) => server.Database.ReadAsync(
        session => session.QueryLongAsync(
            $"select count(*) from tasks where project_id = {projectId} and status in ('waiting', 'running')", default),
        default);

    private Task<long> DueAsync(DateTimeOffset now) => server.Database.ReadAsync(
        session => session.QueryLongAsync($"select count(*) from policy_vaults where next_at <= {now.ToMicroseconds()}", default), default);

    /// <returns>How many tasks ended how: status and code.</returns>
    private async Task<Dictionary<string, int>> VerifyTasksAsync(string projectId)
    {
        List<(string Status, string Code, string Message, string Backup)> tasks = await server.Database.ReadAsync(
            session => session.QueryAsync(
                $"""
                select t.status, t.error_code, t.error_message, coalesce(b.status, '') from tasks t left join backups b on b.id = t.backup_id
                where t.project_id = {projectId} and t.kind = 'backup'
                """,
                row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)),
                default),
            default);
        Assert.All(tasks, task => Assert.True(
            task.Status switch
            {
                "success" => task is { Code: "", Backup: "available" },
                "failed" => task is { Code: "Strongroom.0003", Message.Length: > 0, Backup: "error" },
                "skipped" => task is { Code.Length: > 0, Message.Length: > 0, Backup: "" },
                _ => false,
            },
            task.ToString()));
        return tasks.GroupBy(task => $"{task.Status} {task.Code}").OrderBy(group => group.Key).ToDictionary(group => group.Key, group => group.Count());
    }

    /// <returns>How many backups there are.</returns>
    private async Task<int> VerifyRepositoryAsync(string projectId)
    {
        List<string> available = await server.Database.ReadAsync(
            session => session.QueryAsync(
                $"select id from backups where project_id = {projectId} and status = 'available'", row => row.GetString(0), default),
            default);
        List<(long Used, long Counted)> vaults = await server.Database.ReadAsync(
            session => session.QueryAsync(
                $"""
                select used_bytes, (select cast(coalesce(sum(changed_bytes), 0) as bigint) from backups b where b.vault_id = v.id and b.status = 'available')
                from vaults v where project_id = {projectId}
                """,
                row => (row.GetInt64(0), row.GetInt64(1)),
                default),
            default);
        Assert.All(vaults, vault => Assert.Equal(vault.Counted, vault.Used));
        await using InstallationRepository installation = await InstallationRepository.OpenAsync(
            new ServerOptions { DataDirectory = server.TestDatabase.DataDirectory }, new RepositoryOptions(), readOnly: true, TimeProvider.System, default);
        await using RepositoryDomain domain = await installation.Repository.OpenDomainAsync(projectId, create: false, default);
        string[] stored = await domain.ListBackupsAsync(default).Select(backup => backup.Id).ToArrayAsync();
        Assert.Equal(available.Order(StringComparer.Ordinal), stored.Order(StringComparer.Ordinal));
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

/// <summary>Two processes of one machine may share a file too, an old one and its successor above all.</summary>
public sealed class KilledServersOnSqliteTests(SqliteApiServer server, ITestOutputHelper output)
    : KilledServersTests(server, output), IClassFixture<SqliteApiServer>
{
    protected override int Days => 2;
}

public sealed class KilledServersOnPostgresTests : KilledServersTests, IClassFixture<PostgresApiServer>
{
    public KilledServersOnPostgresTests(PostgresApiServer server, ITestOutputHelper output)
        : base(server, output) => TestDatabase.SkipUnlessPostgres();
}
