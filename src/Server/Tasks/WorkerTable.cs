using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>A process that runs tasks.</summary>
/// <param name="Renewals">Grows as long as it lives.</param>
/// <param name="RunsMax">Tasks it runs at once.</param>
internal sealed record WorkerRecord(string Id, string Machine, long Renewals, long RunsMax);

/// <summary>The processes that run tasks, each with a counter that grows while it lives.</summary>
internal static class WorkerTable
{
    public static async ValueTask InsertAsync(DbSession session, string id, string machine, int runsMax, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"insert into workers (id, machine, renewals, runs_max) values ({id}, {machine}, 0, {runsMax})", cancellationToken);

    public static async ValueTask<List<WorkerRecord>> ListAsync(DbSession session, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"select id, machine, renewals, runs_max from workers order by id",
            row => new WorkerRecord(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3)),
            cancellationToken);

    /// <returns>False when others have taken this worker for dead: it owns nothing any more.</returns>
    public static async ValueTask<bool> RenewAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update workers set renewals = renewals + 1 where id = {id}", cancellationToken) == 1;

    /// <summary>Removes a worker, if its counter is still the one that was seen.</summary>
    public static async ValueTask<bool> RemoveAsync(DbSession session, WorkerRecord seen, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from workers where id = {seen.Id} and renewals = {seen.Renewals}", cancellationToken) == 1;

    public static async ValueTask RemoveSelfAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from workers where id = {id}", cancellationToken);
}
