using System.Diagnostics.Metrics;

namespace Strongroom.Server.Metrics;

/// <summary>Sums up what <see cref="TaskMeter"/> measures in this process since it started.</summary>
internal sealed class TaskTotals : IDisposable
{
    /// <summary>Upper bounds in seconds: from a small directory to a day for a large server.</summary>
    public static readonly double[] Bounds = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

    private readonly Lock gate = new();
    private readonly MeterListener listener = new();
    private readonly SortedDictionary<(string Type, string Result), Durations> durations = [];
    // What never happened yet is told as 0, so that its first time is an increase.
    private readonly SortedDictionary<string, long> counters = new(StringComparer.Ordinal)
    {
        ["cbr_schedule_skipped_total"] = 0, ["cbr_source_read_bytes_total"] = 0, ["cbr_stored_bytes_total"] = 0,
    };

    private readonly SortedDictionary<string, long> gauges = new(StringComparer.Ordinal);

    public TaskTotals()
    {
        listener.InstrumentPublished = (instrument, owner) =>
        {
            if (instrument.Meter.Name == TaskMeter.Name)
                owner.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, tags, _) => Add(seconds, (string)tags[0].Value!, (string)tags[1].Value!));
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument.Name, value, isGauge: instrument is Gauge<long>));
        listener.Start();
    }

    /// <summary>The totals so far; buckets are not cumulative, the last one is above all bounds.</summary>
    public (IReadOnlyList<((string Type, string Result) Labels, Durations Durations)> Durations, IReadOnlyList<(string Name, long Value)> Counters) Read()
    {
        lock (gate)
        {
            return (
                [.. durations.Select(pair => (pair.Key, pair.Value with { Counts = [.. pair.Value.Counts] }))],
                [.. counters.Select(pair => (pair.Key, pair.Value))]);
        }
    }

    /// <summary>What was measured last; not there before the first time.</summary>
    public IReadOnlyList<(string Name, long Value)> ReadGauges()
    {
        lock (gate)
            return [.. gauges.Select(pair => (pair.Key, pair.Value))];
    }

    public void Dispose() => listener.Dispose();

    private void Add(double seconds, string type, string result)
    {
        int bucket = Array.FindIndex(Bounds, bound => seconds <= bound);
        lock (gate)
        {
            Durations before = durations.GetValueOrDefault((type, result)) ?? new Durations(new long[Bounds.Length + 1], 0);
            before.Counts[bucket < 0 ? Bounds.Length : bucket]++;
            durations[(type, result)] = before with { SumSeconds = before.SumSeconds + seconds };
        }
    }

    private void Add(string name, long value, bool isGauge)
    {
        lock (gate)
            (isGauge ? gauges : counters)[name] = isGauge ? value : counters.GetValueOrDefault(name) + value;
    }

    internal sealed record Durations(long[] Counts, double SumSeconds);
}
