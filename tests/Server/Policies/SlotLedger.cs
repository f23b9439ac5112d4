using System.Text.Json.Nodes;
using Strongroom.Server.Database;
using Strongroom.Server.Schedules;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;

namespace Strongroom.Server.Tests.Policies;

/// <summary>
/// Vaults of one disk, each with a policy, and what has to hold of their slots however many processes ran them and however those
/// ended: each slot is run once, or is one of those a later run says it stands for, and each run has one task.
/// </summary>
internal sealed class SlotLedger
{
    private readonly ServerFixture server;
    private readonly List<(string Vault, string Policy, Schedule Schedule, DateTimeOffset At)> bound = [];

    private SlotLedger(ServerFixture server, TaskWorld world)
    {
        this.server = server;
        World = world;
    }

    public TaskWorld World { get; }

    /// <summary>What the test may be told from outside, to run longer or again.</summary>
    public static int Setting(string name, int standard) =>
        int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_" + name) ?? standard.ToString((IFormatProvider?)null), null);

    /// <param name="patterns">Of each policy in turn.</param>
    public static async Task<SlotLedger> NewAsync(ServerFixture server, int vaultCount, string[][] patterns, long diskBytes = VaultWorld.Gb)
    {
        var ledger = new SlotLedger(server, await TaskWorld.NewAsync(server));
        for (int i = 0; i < vaultCount; i++)
        {
            string[] own = patterns[i % patterns.Length];
            string policy = await ledger.World.Vaults.PolicyAsync(PolicyBody("{}", "p", "backup", own));
            DateTimeOffset from = Server.Policies.Policy.WholeSeconds(server.Time.GetUtcNow());
            (string vault, _) = await ledger.World.DiskVaultAsync(diskBytes);
            await ledger.World.Vaults.BindAsync(vault, policy);
            ledger.bound.Add((vault, policy, new Schedule(own.Select(SchedulePattern.Parse).ToList(), from, TimeZoneInfo.Utc), server.Time.GetUtcNow()));
        }

        return ledger;
    }

    /// <param name="now">What the latest clock showed.</param>
    /// <param name="isExact">No clock was ever wrong: a slot that was missed is then never run as well.</param>
    /// <param name="seed">For the message.</param>
    /// <returns>How many runs.</returns>
    public async Task<int> VerifyAsync(DateTimeOffset now, bool isExact, int seed)
    {
        int runs = 0;
        foreach ((string vault, string policy, Schedule schedule, DateTimeOffset at) in bound)
        {
            List<(long Slot, long Missed)> taken = await server.Database.ReadAsync(
                session => session.QueryAsync(
                    $"select slot_at, missed from policy_runs where vault_id = {vault} and policy_id = {policy} order by slot_at",
                    row => (row.GetInt64(0), row.GetInt64(1)),
                    default),
                default);
            var slots = new List<long>();
            for (DateTimeOffset slot = schedule.NextAfter(at); slot <= now; slot = schedule.NextAfter(slot))
                slots.Add(slot.ToMicroseconds());
            Assert.All(taken, run => Assert.Contains(run.Slot, slots));
            var covered = new HashSet<long>();
            foreach ((long slot, long missed) in taken)
                covered.UnionWith(slots.GetRange(slots.IndexOf(slot) - (int)missed, (int)missed + 1));
            Assert.True(covered.Count == slots.Count, $"seed {seed}: {slots.Count} slots, {covered.Count} run or missed");
            if (isExact)
                Assert.Equal(slots.Count, taken.Sum(run => 1 + run.Missed));

            List<string> plans = await server.Database.ReadAsync(
                session => session.QueryAsync($"select plan from tasks where vault_id = {vault} and kind = 'backup'", row => row.GetString(0), default), default);
            long[] ran = [.. plans.Select(plan => DateTimeOffset.Parse((string)JsonNode.Parse(plan)!["run"]!["slot_at"]!, null).ToMicroseconds()).Order()];
            Assert.Equal(taken.Select(run => run.Slot), ran);
            runs += taken.Count;
        }

        return runs;
    }
}
