using Strongroom.Server.Database;

namespace Strongroom.Server.Tasks;

/// <summary>
/// Service time: how long the installation has been running, kept in the database. It never runs backwards and never
/// faster than real time, whatever the clocks of the machines say, because it only adds up what single processes measured
/// with their own monotonic clocks. Windows that protect data (the undo window) are measured with it.
/// </summary>
/// <remarks>
/// A process may add the time since its own last beat only when nobody else beat in between, so that two processes never
/// count the same second twice. Time in which nothing runs does not count: windows get longer by it, never shorter.
/// </remarks>
internal sealed class InstallationClock(TimeProvider time)
{
    private long? seenBeats;
    private long seenAt;

    /// <summary>Microseconds of service time so far.</summary>
    public static async ValueTask<long> ReadAsync(DbSession session, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select elapsed_micros from installation_clock where id = 1", cancellationToken);

    /// <summary>Adds the time since this process's last beat. Called by one loop per process.</summary>
    public async Task BeatAsync(MetadataDatabase database, CancellationToken cancellationToken)
    {
        long now = time.GetTimestamp();
        long elapsed = seenBeats is null ? 0 : (long)time.GetElapsedTime(seenAt, now).TotalMicroseconds;
        seenBeats = await database.WriteRelaxedAsync(
            session => session.QueryLongAsync(
                $"""
                update installation_clock set
                    elapsed_micros = elapsed_micros + case when beats = {seenBeats ?? -1} then {elapsed} else 0 end, beats = beats + 1
                where id = 1 returning beats
                """,
                cancellationToken),
            cancellationToken);
        seenAt = now;
    }
}
