using System.Data.Common;

namespace Strongroom.Server.Database;

/// <summary>Instants as they are stored: whole microseconds since 1970-01-01 UTC, the precision of the wire and of both databases.</summary>
public static class StoredInstant
{
    public static long ToMicroseconds(this DateTimeOffset instant) =>
        (instant.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset FromMicroseconds(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>Now, cut to what the database keeps, so that a value answered before and after storing is the same.</summary>
    public static DateTimeOffset GetStoredNow(this TimeProvider time) => FromMicroseconds(time.GetUtcNow().ToMicroseconds());

    public static DateTimeOffset GetInstant(this DbDataReader row, int ordinal) => FromMicroseconds(row.GetInt64(ordinal));

    public static DateTimeOffset? GetInstantOrNull(this DbDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetInstant(ordinal);

    public static string? GetTextOrNull(this DbDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetString(ordinal);
}
