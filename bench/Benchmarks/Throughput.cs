using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Mathematics;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Strongroom.Benchmarks;

/// <summary>GB/s (10^9 bytes) of one core, from the parameter <c>Bytes</c>: how many bytes one operation works on.</summary>
internal sealed class Throughput : IColumn
{
    private readonly Func<Summary, BenchmarkCase, double?> value;

    private Throughput(string name, string legend, Func<Summary, BenchmarkCase, double?> value)
    {
        ColumnName = name;
        Legend = legend;
        this.value = value;
    }

    public static IColumn OfMedian { get; } = new Throughput("GB/s", "10^9 bytes a second of one core, median", (summary, benchmark) =>
        Rate(benchmark, Of(summary, benchmark)?.Median));

    public static IColumn OfBest { get; } = new Throughput("best GB/s", "the same of the fastest iteration", (summary, benchmark) =>
        Rate(benchmark, Of(summary, benchmark)?.Min));

    public static IColumn OfBaseline { get; } = new Throughput("x baseline", "fastest iteration against the baseline's", (summary, benchmark) =>
    {
        BenchmarkCase? baseline = summary.BenchmarksCases.FirstOrDefault(other =>
            other.Descriptor.Baseline && other.Descriptor.Type == benchmark.Descriptor.Type && Bytes(other) == Bytes(benchmark));
        return baseline is null ? null : Of(summary, baseline)?.Min / Of(summary, benchmark)?.Min;
    });

    public string Id => ColumnName;

    public string ColumnName { get; }

    public string Legend { get; }

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
        value(summary, benchmarkCase)?.ToString("F2", CultureInfo.InvariantCulture) ?? "-";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    private static Statistics? Of(Summary summary, BenchmarkCase benchmark) => summary[benchmark]?.ResultStatistics;

    private static int Bytes(BenchmarkCase benchmark) => (int)benchmark.Parameters["Bytes"];

    private static double? Rate(BenchmarkCase benchmark, double? nanoseconds) => Bytes(benchmark) / nanoseconds;
}
