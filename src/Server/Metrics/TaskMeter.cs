using System.Diagnostics.Metrics;
using Strongroom.Contract;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Metrics;

/// <summary>What the task runner measures; anything that listens to .NET meters can read it, <see cref="ProcessTotals"/> does.</summary>
internal static class TaskMeter
{
    public const string Name = "Strongroom.Tasks";

    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("cbr_task_duration_seconds", "s");
    private static readonly Counter<long> BytesRead = Meter.CreateCounter<long>("cbr_source_read_bytes_total", "By");
    private static readonly Counter<long> SkippedSlots = Meter.CreateCounter<long>("cbr_schedule_skipped_total");
    private static readonly Gauge<long> Reclaimable = Meter.CreateGauge<long>("cbr_gc_reclaimable_bytes", "By");
    private static readonly Gauge<long> Stored = Meter.CreateGauge<long>("cbr_store_bytes", "By");
    private static readonly Counter<long> BytesStored = Meter.CreateCounter<long>("cbr_stored_bytes_total", "By");

    /// <summary>Resources that a slot passed over because somebody was at work on them.</summary>
    public static void Skipped(int count) => SkippedSlots.Add(count);

    /// <summary>A pass over the whole store has ended.</summary>
    /// <param name="reclaimableBytes">Needed by no backup.</param>
    /// <param name="totalBytes">All objects of all projects.</param>
    public static void Collected(long reclaimableBytes, long totalBytes)
    {
        Reclaimable.Record(reclaimableBytes);
        Stored.Record(totalBytes);
    }

    /// <param name="task">As it was claimed.</param>
    /// <param name="end">How it ended; partial is a result of its own.</param>
    /// <param name="last">The last progress, if any was made since it was written.</param>
    /// <param name="now">When it ended.</param>
    public static void Ended(TaskRecord task, TaskEnd end, TaskProgress? last, DateTimeOffset now)
    {
        string result = end.ErrorCode == TaskFailure.Partial ? "partial" : WireWord.Of(end.State);
        Duration.Record(
            Math.Max(0, (now - (task.StartedAt ?? now)).TotalSeconds),
            new KeyValuePair<string, object?>("type", WireWord.Of(task.Kind)),
            new KeyValuePair<string, object?>("result", result));
        if (task.Kind != TaskKind.Backup)
            return;
        BytesRead.Add((last ?? task.Progress).BytesDone);
        BytesStored.Add(end.BytesStored);
    }
}
