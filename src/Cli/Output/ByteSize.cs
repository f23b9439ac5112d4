using System.Globalization;

namespace Strongroom.Cli.Output;

/// <summary>A number of bytes: exact in JSON, in IEC units for people.</summary>
internal readonly record struct ByteSize(long Bytes)
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    public override string ToString()
    {
        decimal value = Bytes;
        int unit = 0;
        // 1023.95 would be shown as 1024.0: step up as soon as rounding does.
        while (Math.Round(Math.Abs(value), 1) >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return value.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + Units[unit];
    }
}
