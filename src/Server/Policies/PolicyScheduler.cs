using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Metrics;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>
/// Starts what policies are due for. Any number of processes run it on one database: a slot is taken, its run started and the
/// next slot planned in one transaction, and the taken slot is a primary key, so each runs once, and one whose process was
/// killed is found due by the next (docs/decisions/0008-slots-in-a-table.md).
/// </summary>
internal sealed partial class PolicyScheduler(
    MetadataDatabase database, TaskSignal signal, PolicyOptions options, TimeProvider time, ILogger<PolicyScheduler> logger) : BackgroundService
{
    // A year and a month: policies that run yearly do not exist, clocks that are a year wrong do.
    private static readonly TimeSpan RunsKept = TimeSpan.FromDays(400);

    private DateTimeOffset purgedAt = DateTimeOffset.MinValue;

    /// <summary>Runs every slot that is due now, the longest due first. What fails is left due and tried again the next time.</summary>
    /// <returns>How many slots.</returns>
    public async Task<int> RunDueAsync(CancellationToken cancellationToken)
    {
        int count = 0;
        var failed = new HashSet<VaultId>();
        while (await database.ReadAsync(session => PolicyBindingTable.AnyDueAsync(session, time.GetStoredNow(), cancellationToken), cancellationToken))
        {
            DueSlot? current = null;
            try
            {
                (bool ran, int skippedCount) = await database.WriteAsync(
                    async session =>
                    {
                        DateTimeOffset now = time.GetStoredNow();
                        current = await PolicyBindingTable.TakeDueAsync(session, failed, now, cancellationToken);
                        return current is null ? default : await RunAsync(session, current, now, cancellationToken);
                    },
                    cancellationToken);
                if (current is null)
                    break;
                if (!ran)
                    continue;
                count++;
                TaskMeter.Skipped(skippedCount);
                Log.Ran(logger, current.PolicyId, current.VaultId, current.NextAt);
                signal.Notify();
            }
            catch (Exception error) when (error is not OperationCanceledException && current is not null)
            {
                Log.RunFailed(logger, error, current.PolicyId, current.VaultId, current.NextAt);
                failed.Add(current.VaultId);
            }
        }

        return count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.ScheduleInterval, time, stoppingToken);
            try
            {
                await RunDueAsync(stoppingToken);
                await PurgeAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error);
            }
        }
    }

    /// <returns>Not ran: there was nothing to run, and the next slot was planned.</returns>
    private static async ValueTask<(bool Ran, int SkippedCount)> RunAsync(DbSession session, DueSlot due, DateTimeOffset now, CancellationToken cancellationToken)
    {
        Policy policy = await PolicyTable.GetAsync(session, due.PolicyId, cancellationToken);
        bool runs = false;
        int skippedCount = 0;
        if (policy.Enabled && due.NextAt <= now)
        {
            ScheduledRun run = ElapsedSlots.Run(policy.Schedule(), due.NextAt, now);
            runs = await PolicyRunTable.TakeAsync(session, due, run.SlotAt, run.MissedCount, now, cancellationToken);
            Vault? vault = runs ? await VaultTable.FindAsync(session, policy.ProjectId, due.VaultId, cancellationToken) : null;
            if (vault is not null)
            {
                (CheckpointId? started, skippedCount) = await PolicyRun.StartAsync(
                    session, policy, vault, run, RandomNumberGenerator.GetInt32(1 << 16), now, cancellationToken);
                if (started is { } checkpoint)
                    await PolicyRunTable.SetCheckpointAsync(session, due, run.SlotAt, checkpoint, cancellationToken);
            }
        }

        await PolicyBindingTable.PlanAsync(session, due, await NextAsync(session, policy, due, now, cancellationToken), now, cancellationToken);
        return (runs, skippedCount);
    }

    /// <summary>The first slot that comes and was not run before: after a clock was turned back, some were.</summary>
    private static async ValueTask<DateTimeOffset?> NextAsync(
        DbSession session, Policy policy, DueSlot due, DateTimeOffset now, CancellationToken cancellationToken)
    {
        DateTimeOffset? next = policy.NextAfter(now);
        while (next is { } slot && await PolicyRunTable.WasRunAsync(session, due, slot, cancellationToken))
            next = policy.NextAfter(slot);
        return next;
    }

    private async Task PurgeAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetStoredNow();
        if (now - purgedAt < TimeSpan.FromDays(1) && now >= purgedAt)
            return;
        await database.WriteRelaxedAsync(session => PolicyRunTable.PurgeAsync(session, now - RunsKept, cancellationToken), cancellationToken);
        purgedAt = now;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "policy {PolicyId} ran on vault {VaultId} (slot planned for {SlotAt:u})")]
        public static partial void Ran(ILogger logger, PolicyId policyId, VaultId vaultId, DateTimeOffset slotAt);

        [LoggerMessage(2, LogLevel.Error, "policy {PolicyId} could not run on vault {VaultId} (slot planned for {SlotAt:u}); it is tried again")]
        public static partial void RunFailed(ILogger logger, Exception error, PolicyId policyId, VaultId vaultId, DateTimeOffset slotAt);

        [LoggerMessage(3, LogLevel.Error, "looking for due policies failed; it is tried again")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
