using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace Strongroom.Benchmarks;

/// <summary>
/// Many short iterations in this process: a second a benchmark. On a machine that does other things, the best of many short
/// ones is nearer the truth than the mean of a few long ones, and nothing has to be built a second time.
/// </summary>
internal sealed class ShortRuns : ManualConfig
{
    public ShortRuns()
    {
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(50)
            .WithIterationCount(200)
            .WithIterationTime(TimeInterval.FromMilliseconds(2)));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddLogger(ConsoleLogger.Default);
        AddExporter(MarkdownExporter.GitHub);
        AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params, DefaultColumnProviders.Metrics);
        AddColumn(StatisticColumn.Median, Throughput.OfMedian, Throughput.OfBest, Throughput.OfBaseline);
    }
}
