using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>
/// Upkeep that one process does for all of them: whoever takes the turn does it, and for most of an interval nobody else can.
/// Measured with the installation's clock. It only saves work: what is kept safe is kept safe by the upkeep itself.
/// </summary>
internal static class UpkeepTurn
{
    // Whoever waits for a whole interval by its own clock is a little early by the installation's, which never runs ahead.
    private const double Tolerance = 0.9;

    /// <returns>False: another process did it less than the interval ago, or is doing it.</returns>
    public static async ValueTask<bool> TakeAsync(DbSession session, string name, TimeSpan interval, CancellationToken cancellationToken)
    {
        long tick = await InstallationClock.ReadAsync(session, cancellationToken);
        return await session.ExecuteAsync(
            $"""
            insert into upkeep_turns (name, begun_at_tick) values ({name}, {tick})
            on conflict (name) do update set begun_at_tick = excluded.begun_at_tick
            where upkeep_turns.begun_at_tick <= {tick - (long)(interval.TotalMicroseconds * Tolerance)}
            """,
            cancellationToken) == 1;
    }
}
