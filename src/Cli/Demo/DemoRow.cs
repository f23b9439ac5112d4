using System.Globalization;
using Strongroom.Cli.Output;

namespace Strongroom.Cli.Demo;

/// <summary>A line of the demo's table.</summary>
internal sealed record DemoRow(string Step, string What, long LogicalBytes, long? StoredBytes, double Seconds, string Verdict)
{
    public static readonly Column<DemoRow>[] Columns =
    [
        new("step", row => row.Step),
        new("what", row => row.What),
        new("logical_bytes", row => new ByteSize(row.LogicalBytes)),
        new("stored_bytes", row => row.StoredBytes is { } bytes ? new ByteSize(bytes) : null),
        new("seconds", row => Rounded(row.Seconds)),
        new("mb_per_second", row => Rounded(row.Seconds > 0 ? row.LogicalBytes / 1e6 / row.Seconds : 0)) { Header = "MB/s" },
        new("verdict", row => row.Verdict),
    ];

    private static decimal Rounded(double value) => decimal.Round((decimal)value, 1);
}
