using System.Globalization;

namespace Strongroom.Contract;

/// <summary>
/// The units of the wire. Inside, stored sizes are bytes; on the wire <c>size</c> and <c>allocated</c> count GB
/// (2^30 bytes) while <c>used</c> and <c>backup_size</c> count MB (2^20), all of them as JSON integers within int32, and
/// instants are UTC text with six fraction digits and no zone.
/// </summary>
public static class WireUnits
{
    public const long BytesPerGb = 1L << 30;
    public const long BytesPerMb = 1L << 20;

    /// <summary>What a resource of so many bytes takes of a vault's size: whole GB, rounded up, at least 1.</summary>
    public static int ResourceSizeGb(long sizeBytes) => Math.Max(1, RoundUp(sizeBytes, BytesPerGb));

    /// <summary>Stored bytes in MB, rounded up, so that what is not empty never shows as 0.</summary>
    public static int UsedMb(long usedBytes) => RoundUp(usedBytes, BytesPerMb);

    /// <summary>The project summary's <c>used_size</c>: GB, rounded up.</summary>
    public static int UsedGb(long usedBytes) => RoundUp(usedBytes, BytesPerGb);

    /// <summary>A sum of GB as an int32; sums past it (over 200 of the largest vaults) show as its maximum.</summary>
    public static int SumGb(long sumGb) => (int)Math.Min(sumGb, int.MaxValue);

    /// <summary>As in <c>2024-11-05T03:00:12.415902</c>; the fraction is there even when it is zero.</summary>
    public static string Instant(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    /// <summary>A number where the wire wants it as text.</summary>
    public static string Decimal(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static int RoundUp(long bytes, long unit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long whole = (bytes / unit) + (bytes % unit == 0 ? 0 : 1);
        return (int)Math.Min(whole, int.MaxValue);
    }
}
