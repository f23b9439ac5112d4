using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Contract;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Identity;
using Strongroom.Server.Policies;
using Strongroom.Server.Retention;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Tests.Retention;

/// <summary>
/// Somebody with a full user's token, an administrator's, and the hand on the wall clock tries everything there is on a locked vault: no
/// backup that a schedule or <c>auto_trigger</c> made in it vanishes, from the API or from the store, before it has lain there for
/// as long as it was stamped with, in time that really passed.
/// </summary>
public abstract class LockedVaultTests(ServerFixture server, ITestOutputHelper output)
{
    [Fact]
    [Trait("Category", "Slow")]
    public async Task Nothing_but_time_takes_a_backup_out_of_a_locked_vault()
    {
        int seeds = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_LOCKED_SEEDS") ?? "2", null);
        int first = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_SEED") ?? "1", null);
        var totals = new Totals();
        for (int seed = first; seed < first + seeds; seed++)
        {
            var attack = await Attack.BeginAsync(server, seed, totals);
            for (int step = 0; step < 60; step++)
                await attack.StepAsync(step);
            await attack.EndAsync();
        }

        output.WriteLine($"seeds {first} to {first + seeds - 1}: {totals}");
        Assert.True(totals is { Held: > 0, Refused: > 0, Gone: > 0, Taken: > 0 }, totals.ToString());
    }

    private sealed class Totals
    {
        /// <summary>Backups that were locked.</summary>
        public int Held { get; set; }

        /// <summary>Of those, the ones that went when their time was over.</summary>
        public int Gone { get; set; }

        public int Taken { get; set; }

        public int Refused { get; set; }

        public override string ToString() => $"{Held} backups locked, {Gone} gone in time, {Taken} calls taken, {Refused} refused";
    }

    private sealed class Attack(ServerFixture server, Random random, int seed, TaskWorld world, User user, string vault, string other, string policy, Totals totals)
    {
        // What is locked: until when by the monotonic clock at least; null: for good.
        private readonly Dictionary<string, long?> held = [];
        private readonly HashSet<string> gone = [];
        private readonly List<string> disks = [];
        private readonly List<string> all = [];
        private readonly InstallationClock clock = new(server.Time);
        private string last = "nothing";

        private string ProjectId => world.ProjectId;

        public static async Task<Attack> BeginAsync(ServerFixture server, int seed, Totals totals)
        {
            TaskWorld world = await TaskWorld.NewAsync(server);
            User user = await server.Administration.CreateUserAsync("attacker-" + world.ProjectId, null, ServerFixture.AdminPassword, default);
            foreach (string role in new[] { "cbr_full", "admin" })
                await server.Administration.AddRoleAsync(user.Id, role, ScopeKind.Project, world.ProjectId, null, default);
            string policy = await world.Vaults.PolicyAsync(RunWorld.Policy("{\"retention_duration_days\":5}"));
            string vault = await world.Vaults.VaultAsync();
            string other = await world.Vaults.VaultAsync(name: "other");
            await world.Vaults.BindAsync(vault, policy);
            var attack = new Attack(server, new Random(seed), seed, world, user, vault, other, policy, totals);
            for (int i = 0; i < 2; i++)
            {
                string disk = await world.Vaults.NewDiskAsync($"disk-{i}", VaultWorld.Gb);
                await world.AddAsync(vault, VaultWorld.Disk(disk));
                attack.disks.Add(disk);
            }

            await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { locked = true } });
            await attack.clock.BeatAsync(server.Database, default);
            return attack;
        }

        public async Task StepAsync(int step)
        {
            TestCaller caller = await server.TokenAsync(user.Id, ProjectId);
            await (random.Next(4) == 0 ? PassAsync() : CallAsync(caller));
            await SettleAsync();
            await CheckAsync(step);
        }

        /// <summary>With the clock right again and time enough, what has served its time does go.</summary>
        public async Task EndAsync()
        {
            for (int day = 0; day < 14; day++)
            {
                await PassAsync(TimeSpan.FromDays(1));
                await SettleAsync();
                await CheckAsync(1000 + day);
            }

            totals.Held += held.Count;
            totals.Gone += gone.Count;
        }

        private async Task CallAsync(TestCaller caller)
        {
            string backup = all.Count == 0 ? VaultWorld.UnknownId : all[random.Next(all.Count)];
            string disk = disks[random.Next(disks.Count)];
            (string Method, string Path, object? Body)[] calls =
            [
                ("DELETE", $"backups/{backup}", null),
                ("DELETE", $"backups/{backup}", null),
                ("DELETE", $"vaults/{vault}", null),
                ("PUT", $"policies/{policy}", new { policy = new { operation_definition = Definition() } }),
                ("PUT", $"policies/{policy}", new { policy = new { operation_definition = Definition() } }),
                ("PUT", $"policies/{policy}", new { policy = new { enabled = random.Next(3) > 0 } }),
                ("DELETE", $"policies/{policy}", null),
                ("POST", $"vaults/{vault}/dissociatepolicy", new { policy_id = policy }),
                ("POST", $"vaults/{vault}/removeresources", new { resource_ids = new[] { disk } }),
                ("POST", $"vaults/{vault}/migrateresources", new { destination_vault_id = other, resource_ids = new[] { disk } }),
                ("PUT", $"vaults/{vault}/set-resources", new { resource_ids = new[] { disk }, action = random.Next(2) == 0 ? "suspend" : "unsuspend" }),
                ("PUT", $"vaults/{vault}", new { vault = new { locked = false } }),
                ("PUT", $"vaults/{vault}", new { vault = new { threshold = random.Next(1, 101), billing = new { size = random.Next(10, 200) } } }),
                ("PUT", $"vaults/{vault}", new { vault = new { auto_bind = random.Next(2) == 0, auto_expand = random.Next(2) == 0 } }),
                ("PUT", "vaults/batch-update", new { vault = new { threshold = 1, smn_notify = false } }),
                ("POST", "checkpoints", new { checkpoint = new { vault_id = vault, parameters = new { auto_trigger = true } } }),
                ("POST", "checkpoints", new { checkpoint = new { vault_id = vault, parameters = new { auto_trigger = false } } }),
                ("POST", $"vaults/{vault}/addresources", new { resources = new[] { new { id = disk, type = "OS::Cinder::Volume" } } }),
                ("POST", "vaults/change-charge-mode", new { vault_ids = new[] { vault }, charging_mode = "pre_paid", period_type = "month", period_num = 1 }),
                ("OURS", $"vaults/{vault}/unsubscribe", null),
                ("OURS", $"vaults/{vault}/bind", null),
                ("OURS", $"vaults/{vault}/undelete", null),
                ("OURS", $"backups/{backup}/undelete", null),
                ("OURS", $"tasks/{await AnyTaskAsync()}/cancel", null),
                ("POST", $"backups/{backup}/members", new { members = new[] { server.DemoProjectId } }),
                ("DELETE", $"backups/{backup}/members/{server.DemoProjectId}", null),
                ("PUT", $"backups/{backup}", new { backup = new { name = "renamed" } }),
                ("POST", $"backups/{backup}/restore", new { restore = new { volume_id = disk } }),
                ("POST", $"vault/{vault}/tags/action", new { action = "create", tags = new[] { new { key = "k", value = "v" } } }),
                ("DELETE", $"vault/{vault}/tags/k", null),
                ("RESOURCE", disk, null),
                ("PROJECT", "", null),
                ("FLOOD", "", null),
            ];
            (string method, string path, object? body) = calls[random.Next(calls.Length)];
            last = $"{method} {path}";
            int status = method switch
            {
                "OURS" => (await server.PostAsync(caller, "/strongroom/v1/{project_id}/" + path, body)).Status,
                "RESOURCE" when disks.Count > 1 => await DropResourceAsync(caller, disk),
                "RESOURCE" => 404,
                "PROJECT" => await DropProjectAsync(),
                "FLOOD" => await FloodAsync(caller),
                _ => (await server.SendAsync(caller, method, "/v3/{project_id}/" + path, body)).Status,
            };
            totals.Taken += status < 300 ? 1 : 0;
            totals.Refused += status >= 400 ? 1 : 0;
        }

        private object Definition() => random.Next(4) switch
        {
            0 => new { max_backups = 1 },
            1 => new { retention_duration_days = 1 },
            2 => new { retention_duration_days = random.Next(1, 8) },
            _ => new { max_backups = -1, retention_duration_days = -1 },
        };

        private async Task<int> DropResourceAsync(TestCaller caller, string disk)
        {
            int status = (await server.DeleteAsync(caller, "/strongroom/v1/{project_id}/resources/" + disk)).Status;
            if (status < 300)
                disks.Remove(disk);
            return status;
        }

        private async Task<int> DropProjectAsync()
        {
            RefusedException refused = await Assert.ThrowsAsync<RefusedException>(() => server.Administration.DeleteProjectAsync(ProjectId, null, default));
            return refused.Error.Status;
        }

        private async Task<int> FloodAsync(TestCaller caller)
        {
            for (int i = 0; i < 4; i++)
            {
                server.Time.Advance(TimeSpan.FromMilliseconds(10));
                await server.PostAsync(caller, "/v3/{project_id}/checkpoints", new { checkpoint = new { vault_id = vault, parameters = new { auto_trigger = true } } });
                await IdleAsync();
            }

            return 200;
        }

        private async Task<string> AnyTaskAsync() => await server.Database.ReadAsync(
            session => session.QueryFirstAsync($"select id from tasks where project_id = {ProjectId} order by created_at desc limit 1", row => row.GetString(0), default), default)
            ?? VaultWorld.UnknownId;

        /// <summary>Time passes, or the wall clock is put somewhere else.</summary>
        private async Task PassAsync(TimeSpan? time = null)
        {
            last = "time";
            if (time is null && random.Next(3) == 0)
            {
                TimeSpan jump = TimeSpan.FromHours(random.Next(1, 24 * 400) * (random.Next(2) == 0 ? 1 : -1));
                if ((server.Time.GetUtcNow() + jump).Year is > 1990 and < 2100)
                    server.Time.SetWall(jump);
                last = $"the wall clock by {jump}";
            }
            else
            {
                server.Time.Sleep(time ?? TimeSpan.FromHours(random.Next(1, 40)));
                await clock.BeatAsync(server.Database, default);
            }
        }

        /// <summary>Everything the service does by itself, once.</summary>
        private async Task SettleAsync()
        {
            await server.Services.GetRequiredService<AutoBindSweep>().SweepAsync(default);
            await server.Services.GetRequiredService<PolicyScheduler>().RunDueAsync(default);
            await IdleAsync();
            await NoteAsync();
            await server.Services.GetRequiredService<RetentionSweep>().SweepAsync(default);
            await server.Services.GetRequiredService<BackupPurge>().PurgeAsync(default);
        }

        private Task IdleAsync() => TaskWorld.UntilAsync(async () => await server.Database.ReadAsync(
            session => session.QueryLongAsync($"select count(*) from tasks where project_id = {ProjectId} and status in ('waiting', 'running')", default), default) == 0);

        /// <summary>Remembers what was made in the vault since.</summary>
        private async Task NoteAsync()
        {
            List<(string Id, bool IsLocked, long? Micros)> made = await server.Database.ReadAsync(
                session => session.QueryAsync(
                    $"""
                    select id, auto_trigger, created_at, expired_at from backups
                    where vault_id = {vault} and status = 'available' and deleted_at_tick is null and parent_id is null
                    """,
                    row => (row.GetString(0), row.GetBoolean(1), row.IsDBNull(3) ? null : (long?)(row.GetInt64(3) - row.GetInt64(2))),
                    default),
                default);
            foreach ((string id, bool isLocked, long? micros) in made.Where(backup => !all.Contains(backup.Id)))
            {
                all.Add(id);
                if (isLocked)
                    held.Add(id, micros is { } term ? server.Time.GetTimestamp() + TimeSpan.FromMicroseconds(term).Ticks : null);
            }
        }

        private async Task CheckAsync(int step)
        {
            TestCaller caller = await server.TokenAsync(user.Id, ProjectId);
            TestReply shown = await server.GetAsync(caller, "/v3/{project_id}/backups?limit=1000&vault_id=" + vault);
            HashSet<string> listed = [.. shown.Json["backups"]!.AsArray().Select(backup => (string)backup!["id"]!)];
            foreach ((string id, long? until) in held)
            {
                bool isThere = listed.Contains(id) && world.Engine.Roots.ContainsKey(id);
                bool mayGo = until is { } end && end <= server.Time.GetTimestamp();
                Assert.True(
                    isThere || mayGo,
                    string.Create(CultureInfo.InvariantCulture, $"STRONGROOM_TEST_SEED={seed} STRONGROOM_TEST_LOCKED_SEEDS=1: after step {step} ({last}) backup {id} is gone"));
                if (!isThere)
                    gone.Add(id);
            }
        }
    }
}

public sealed class LockedVaultOnSqliteTests(SqliteLockedServer server, ITestOutputHelper output)
    : LockedVaultTests(server, output), IClassFixture<SqliteLockedServer>;

public sealed class LockedVaultOnPostgresTests : LockedVaultTests, IClassFixture<PostgresLockedServer>
{
    public LockedVaultOnPostgresTests(PostgresLockedServer server, ITestOutputHelper output)
        : base(server, output) => TestDatabase.SkipUnlessPostgres();
}

/// <summary>What is deleted is gone from the store an hour later, so that nothing is saved by the undo window.</summary>
public sealed class SqliteLockedServer : SqlitePolicyServer
{
    protected override void Configure(ServerOptions options) => Forget(options);

    internal static void Forget(ServerOptions options)
    {
        LetTheTestLook(options);
        options.Vaults.BindInterval = TimeSpan.Zero;
        options.Tasks.UndoWindow = TimeSpan.FromHours(1);
        options.Tasks.PurgeInterval = Timeout.InfiniteTimeSpan;
        options.Tasks.CollectionInterval = TimeSpan.Zero;
        options.Retention.ExpiryFromHour = 0;
        options.Retention.ExpiryUntilHour = 0;
    }
}

public sealed class PostgresLockedServer : PostgresPolicyServer
{
    protected override void Configure(ServerOptions options) => SqliteLockedServer.Forget(options);
}
