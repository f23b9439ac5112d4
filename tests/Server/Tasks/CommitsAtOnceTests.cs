using System.Text.Json.Nodes;
using Strongroom.Server.Database;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>Where several backups of one vault run at once, and come to their commits together.</summary>
public abstract class CommitsAtOnceTests(ServerFixture server)
{
    [Fact]
    public async Task However_many_backups_commit_at_once_a_vault_never_holds_more_than_its_size()
    {
        int seed = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_SEED") ?? "20261125", null);
        var random = new Random(seed);
        TaskWorld world = await TaskWorld.NewAsync(server);
        int full = 0;
        int made = 0;
        for (int round = 0; round < 12; round++)
        {
            string vault = await world.Vaults.VaultAsync(sizeGb: 10);
            string[] disks = await world.Vaults.NewDisksAsync(6);
            await world.AddAsync(vault, [.. disks.Select(VaultWorld.Disk)]);
            long used = 0;
            var sizes = disks.ToDictionary(disk => disk, _ => random.NextInt64(VaultWorld.Gb, 8 * VaultWorld.Gb));
            var together = new Meeting(4);
            var committing = new Meeting(2);

            // Two that have both looked how much room there is, if that is possible at all, commit together.
            world.Engine.BeforeCommit = () => server.Database.BeforeCommit = _ =>
            {
                committing.Wait(20);
                return ValueTask.CompletedTask;
            };
            foreach (string disk in disks)
            {
                world.Engine.Sizes[disk] = () => sizes[disk];
                // As many as run at once come to their commits in the same moment.
                world.Engine.OnBackup(disk, token => Task.Run(() => together.Wait(50), token));
            }

            (_, string[] backups) = await world.ProtectAsync(vault);
            world.Engine.BeforeCommit = () => { };

            foreach (string id in backups)
            {
                JsonNode backup = await world.BackupAsync(id);
                bool isMade = (string?)backup["status"] == "available";
                Assert.Equal(isMade, world.Engine.Roots.ContainsKey(id));
                long size = sizes[(string)backup["resource_id"]!];
                used += isMade ? size : 0;
                made += isMade ? 1 : 0;
                full += isMade ? 0 : 1;
            }

            long counted = await server.Database.ReadAsync(
                session => session.QueryLongAsync($"select used_bytes from vaults where id = {vault}", default), default);
            Assert.True(counted == used && counted <= 10 * VaultWorld.Gb, $"seed {seed}, round {round}: {counted} counted, {used} made");
        }

        JsonArray failed = await world.LogsAsync("status=failed");
        Assert.Equal(full, failed.Count);
        Assert.All(failed, log => Assert.StartsWith("BackupService.6114: ", $"{(string)log!["error_info"]!["code"]!}: {(string)log["error_info"]!["message"]!}"));
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {made} made, {full} did not fit");
        Assert.True(made > 10 && full > 10);
    }

    /// <summary>Lets threads go on together as soon as so many are there; a barrier fails when more come than it was made for.</summary>
    private sealed class Meeting(int size)
    {
        private readonly Lock gate = new();
        private ManualResetEventSlim complete = new();
        private int waiting;

        /// <param name="timeoutMs">A thread that has waited so long goes on alone.</param>
        public void Wait(int timeoutMs)
        {
            ManualResetEventSlim mine;
            lock (gate)
            {
                mine = complete;
                if (++waiting == size)
                {
                    complete = new ManualResetEventSlim();
                    waiting = 0;
                    mine.Set();
                }
            }

            if (mine.Wait(timeoutMs))
                return;
            lock (gate)
            {
                if (mine == complete)
                    waiting--;
            }
        }
    }
}

public sealed class CommitsAtOnceOnSqliteTests(SqliteWideServer server) : CommitsAtOnceTests(server), IClassFixture<SqliteWideServer>;

public sealed class CommitsAtOnceOnPostgresTests : CommitsAtOnceTests, IClassFixture<PostgresWideServer>
{
    public CommitsAtOnceOnPostgresTests(PostgresWideServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}

/// <summary>Runs six tasks at once, all of one vault if need be.</summary>
public sealed class SqliteWideServer : SqliteTaskServer
{
    internal static void Widen(ServerOptions options)
    {
        options.Tasks.ParallelRunsMax = 6;
        options.Tasks.ParallelRunsInstallationMax = 6;
        options.Tasks.ParallelRunsPerVaultMax = 6;
    }

    protected override void Configure(ServerOptions options) => Widen(options);
}

public sealed class PostgresWideServer : PostgresTaskServer
{
    protected override void Configure(ServerOptions options) => SqliteWideServer.Widen(options);
}
