using System.Diagnostics.Metrics;
using Strongroom.ObjectStores;

namespace Strongroom.Server.Metrics;

/// <summary>Sums up what the meters of tasks (<see cref="TaskMeter"/>) and of stores (<see cref="StoreMeter"/>) measure in this process since it started.</summary>
internal sealed class ProcessTotals : IDisposable
{
    // Upper bounds in seconds: tasks from a small directory to a day for a large server, requests from a local disk to a bucket that stalls.
    private static readonly Dictionary<string, double[]> Bounds = new(StringComparer.Ordinal)
    {
        ["cbr_task_duration_seconds"] = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400],
        ["cbr_store_request_duration_seconds"] = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30],
    };

    private readonly Lock gate = new();
    private readonly MeterListener listener = new();
    private readonly SortedDictionary<Series, Durations> durations = [];
    private readonly SortedDictionary<Series, long> counters = [];
    private readonly SortedDictionary<Series, long> gauges = [];

    public ProcessTotals()
    {
        // What never happened yet is told as 0, so that its first time is an increase.
        foreach (string name in (string[])["cbr_schedule_skipped_total", "cbr_source_read_bytes_total", "cbr_stored_bytes_total"])
            counters[new Series(name)] = 0;
        foreach (string operation in StoreMeter.Operations)
        {
            counters[new Series("cbr_store_retries_total", new Label("op", operation))] = 0;
            foreach (string code in StoreMeter.Codes)
                counters[new Series("cbr_store_errors_total", new Label("op", operation), new Label("code", code))] = 0;
        }

        listener.InstrumentPublished = (instrument, owner) =>
        {
            if (instrument.Meter.Name is TaskMeter.Name or StoreMeter.Name)
                owner.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((instrument, seconds, tags, _) => Add(Series.Of(instrument.Name, tags), seconds));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(Series.Of(instrument.Name, tags), value, isGauge: instrument is Gauge<long>));
        listener.Start();
    }

    /// <summary>Buckets are not cumulative, the last one is above all bounds.</summary>
    public IReadOnlyList<(Series Series, Durations Durations)> ReadDurations()
    {
        lock (gate)
            return [.. durations.Select(pair => (pair.Key, pair.Value with { Counts = [.. pair.Value.Counts] }))];
    }

    public IReadOnlyList<(Series Series, long Value)> ReadCounters()
    {
        lock (gate)
            return [.. counters.Select(pair => (pair.Key, pair.Value))];
    }

    /// <summary>What was measured last; not there before the first time.</summary>
    public IReadOnlyList<(Series Series, long Value)> ReadGauges()
    {
        lock (gate)
            return [.. gauges.Select(pair => (pair.Key, pair.Value))];
    }

    public void Dispose() => listener.Dispose();

    private void Add(Series series, double seconds)
    {
        double[] bounds = Bounds[series.Name];
        int bucket = Array.FindIndex(bounds, bound => seconds <= bound);
        lock (gate)
        {
            Durations before = durations.GetValueOrDefault(series) ?? new Durations(bounds, new long[bounds.Length + 1], 0);
            before.Counts[bucket < 0 ? bounds.Length : bucket]++;
            durations[series] = before with { SumSeconds = before.SumSeconds + seconds };
        }
    }

    private void Add(Series series, long value, bool isGauge)
    {
        lock (gate)
            (isGauge ? gauges : counters)[series] = isGauge ? value : counters.GetValueOrDefault(series) + value;
    }

    /// <param name="Bounds">Upper ones, in seconds.</param>
    /// <param name="Counts">One more than bounds.</param>
    internal sealed record Durations(double[] Bounds, long[] Counts, double SumSeconds);

    internal readonly record struct Label(string Name, string Value);

    /// <summary>A family and up to two labels; those of one family are neighbours in order.</summary>
    internal readonly record struct Series(string Name, Label? First = null, Label? Second = null) : IComparable<Series>
    {
        /// <summary>As between the braces of a sample; empty without any.</summary>
        public string Labels => First is { } first ? $"{first.Name}=\"{first.Value}\"" + (Second is { } second ? $",{second.Name}=\"{second.Value}\"" : "") : "";

        public static Series Of(string name, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            new(name, tags.Length > 0 ? Of(tags[0]) : null, tags.Length > 1 ? Of(tags[1]) : null);

        public int CompareTo(Series other)
        {
            int order = string.CompareOrdinal(Name, other.Name);
            order = order != 0 ? order : string.CompareOrdinal(First?.Value, other.First?.Value);
            return order != 0 ? order : string.CompareOrdinal(Second?.Value, other.Second?.Value);
        }

        private static Label Of(KeyValuePair<string, object?> tag) => new(tag.Key, (string)tag.Value!);
    }
}
