using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>
/// Service time: how long the installation has been running, kept in the database. It never runs backwards and never
/// faster than real time, whatever the clocks of the machines say, because it only goes by what single processes measured
/// with their own monotonic clocks. Windows that protect data (the undo window, locked vaults) are measured with it.
/// </summary>
/// <remarks>
/// A process that saw a reading knows how much real time has passed since, and may put the clock forward to just that: with
/// any number of processes it then shows at most the real time since the first of them started, and no second counts
/// twice. Time in which nothing runs does not count: windows get longer by it, never shorter.
/// </remarks>
internal sealed class InstallationClock(TimeProvider time)
{
    // A reading of the clock, and an instant of this process's own at which it was true.
    private (long Micros, long At)? seen;

    /// <summary>Microseconds of service time so far.</summary>
    public static async ValueTask<long> ReadAsync(DbSession session, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select elapsed_micros from installation_clock where id = 1", cancellationToken);

    /// <summary>Puts the clock forward by what this process knows has passed. Called by one loop per process.</summary>
    public async Task BeatAsync(MetadataDatabase database, CancellationToken cancellationToken)
    {
        long now = time.GetTimestamp();
        long due = seen is { } last ? last.Micros + (long)time.GetElapsedTime(last.At, now).TotalMicroseconds : 0;
        long reading = await database.WriteRelaxedAsync(
            session => session.QueryLongAsync(
                $"""
                update installation_clock set
                    elapsed_micros = case when elapsed_micros < {due} then {due} else elapsed_micros end, beats = beats + 1
                where id = 1 returning elapsed_micros
                """,
                cancellationToken),
            cancellationToken);

        // One's own reading is true of the instant it was worked out for; another's is not older than its arrival.
        seen = (reading, reading == due ? now : time.GetTimestamp());
    }
}
