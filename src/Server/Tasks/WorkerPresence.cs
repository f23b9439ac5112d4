using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>
/// This process among the workers: it is registered, renews its counter, and watches the others'. A worker is taken for
/// dead when its lock file on this machine is free, or when its counter stood still for a whole lease period by this
/// process's own monotonic clock. No two machines' clocks are ever compared.
/// </summary>
internal sealed class WorkerPresence : IAsyncDisposable
{
    private readonly MetadataDatabase database;
    private readonly TimeProvider time;
    private readonly WorkerLock ownLock;
    private readonly Dictionary<string, (long Renewals, long SeenAt)> seen = new(StringComparer.Ordinal);
    private bool isRegistered = true;
    private bool hasSwept;

    private WorkerPresence(MetadataDatabase database, TimeProvider time, string id, WorkerLock ownLock)
    {
        this.database = database;
        this.time = time;
        Id = id;
        this.ownLock = ownLock;
    }

    public string Id { get; }

    /// <param name="runsMax">Tasks this process runs at once.</param>
    /// <param name="lockDirectory">A directory of this machine, shared by all workers on it that share the data directory.</param>
    public static async Task<WorkerPresence> JoinAsync(
        MetadataDatabase database, TimeProvider time, int runsMax, string lockDirectory, CancellationToken cancellationToken)
    {
        string id = Guid.NewGuid().ToString();
        var taken = WorkerLock.Take(lockDirectory, id);
        try
        {
            await database.WriteRelaxedAsync(session => WorkerTable.InsertAsync(session, id, Environment.MachineName, runsMax, cancellationToken), cancellationToken);
            return new WorkerPresence(database, time, id, taken);
        }
        catch
        {
            taken.RemoveOwn();
            taken.Dispose();
            throw;
        }
    }

    /// <returns>False when others have taken this worker for dead: it owns nothing any more and must join anew.</returns>
    public async Task<bool> RenewAsync(CancellationToken cancellationToken) =>
        isRegistered = await database.WriteRelaxedAsync(session => WorkerTable.RenewAsync(session, Id, cancellationToken), cancellationToken);

    /// <summary>Looks at the others once, and puts the tasks of the dead back into the queue.</summary>
    /// <returns>How many tasks.</returns>
    public async Task<int> TakeOverAsync(CancellationToken cancellationToken)
    {
        List<WorkerRecord> others = await database.ReadAsync(session => WorkerTable.ListAsync(session, cancellationToken), cancellationToken);
        others.RemoveAll(worker => worker.Id == Id);
        List<string> unlocked = ownLock.FindDead().ToList();
        long now = time.GetTimestamp();

        var dead = new List<WorkerRecord>();
        foreach (WorkerRecord worker in others)
        {
            if (unlocked.Contains(worker.Id) && IsOnThisMachine(worker))
                dead.Add(worker);
            else if (!seen.TryGetValue(worker.Id, out var last) || last.Renewals != worker.Renewals)
                seen[worker.Id] = (worker.Renewals, now);
            else if (time.GetElapsedTime(last.SeenAt, now) >= LeaseTimings.LeasePeriod)
                dead.Add(worker);
        }

        // The first look also finds what a process left that never got to register anew.
        if (dead.Count == 0 && unlocked.Count == 0 && hasSwept)
            return 0;
        int count = await database.WriteRelaxedAsync(
            async session =>
            {
                foreach (WorkerRecord worker in dead)
                    await WorkerTable.RemoveAsync(session, worker, cancellationToken);
                return await TaskTable.RequeueOrphansAsync(session, time.GetStoredNow(), cancellationToken);
            },
            cancellationToken);

        hasSwept = true;
        foreach (WorkerRecord worker in dead)
            seen.Remove(worker.Id);
        foreach (string id in unlocked.Where(id => others.All(worker => worker.Id != id) || dead.Any(worker => worker.Id == id)))
            ownLock.Remove(id);
        return count;
    }

    /// <summary>Leaves: what is still running goes back into the queue.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // When the database cannot be reached, the lock file stays behind and tells the others.
            if (isRegistered)
            {
                await database.WriteRelaxedAsync(
                    async session =>
                    {
                        await WorkerTable.RemoveSelfAsync(session, Id, CancellationToken.None);
                        await TaskTable.RequeueOrphansAsync(session, time.GetStoredNow(), CancellationToken.None);
                    },
                    CancellationToken.None);
            }

            ownLock.RemoveOwn();
        }
        finally
        {
            ownLock.Dispose();
        }
    }

    // An SQLite database is on one machine by nature, whatever that machine is called today.
    private bool IsOnThisMachine(WorkerRecord worker) => database.Dialect.HasSingleWriter || worker.Machine == Environment.MachineName;
}
