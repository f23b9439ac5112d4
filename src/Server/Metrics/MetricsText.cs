using System.Globalization;
using System.Text;
using Strongroom.Contract;

namespace Strongroom.Server.Metrics;

/// <summary>
/// The text format of Prometheus, version 0.0.4: per family a line of help, one of type, then the samples. Labels are ids and
/// words of ours, which need no escaping.
/// </summary>
internal static class MetricsText
{
    private static readonly Dictionary<string, string> Help = new(StringComparer.Ordinal)
    {
        ["cbr_task_duration_seconds"] = "How long tasks of this process ran, by type and result; partial ones are a result of their own.",
        ["cbr_store_request_duration_seconds"] = "How long attempts at calls of the object store took, failed ones included.",
        ["cbr_store_errors_total"] = "Attempts at calls of the object store that failed; those with the code transient are tried again.",
        ["cbr_store_retries_total"] = "Calls of the object store that were tried again.",
    };

    public static string Of(MetricsFigures figures, ProcessTotals totals, DateTimeOffset now)
    {
        var text = new StringBuilder(4096);
        AddVaults(text, figures);
        AddResources(text, figures);
        AddTasks(text, figures, now);
        AddTotals(text, totals);
        return text.ToString();
    }

    private static void AddVaults(StringBuilder text, MetricsFigures figures)
    {
        Family(text, "cbr_vault_size_bytes", "gauge", "Capacity of a vault.");
        foreach (VaultFigures vault in figures.Vaults)
            Sample(text, $"cbr_vault_size_bytes{Labels(vault)}", vault.SizeGb * WireUnits.BytesPerGb);
        Family(text, "cbr_vault_used_bytes", "gauge", "What the backups of a vault amount to.");
        foreach (VaultFigures vault in figures.Vaults)
            Sample(text, $"cbr_vault_used_bytes{Labels(vault)}", vault.UsedBytes);
        Family(text, "cbr_vault_stored_bytes", "gauge", "What the store grew by for the backups of a vault when they were made.");
        foreach (VaultFigures vault in figures.Vaults)
            Sample(text, $"cbr_vault_stored_bytes{Labels(vault)}", vault.StoredBytes);
        Family(text, "used_vault_size", "gauge", "Used capacity of a vault in GB, as the cloud's own monitoring has it.");
        foreach (VaultFigures vault in figures.Vaults)
            Sample(text, $"used_vault_size{Labels(vault)}", (double)vault.UsedBytes / WireUnits.BytesPerGb);
        Family(text, "vault_util", "gauge", "Percent of its capacity that a vault uses, as the cloud's own monitoring has it.");
        foreach (VaultFigures vault in figures.Vaults)
            Sample(text, $"vault_util{Labels(vault)}", 100.0 * vault.UsedBytes / (vault.SizeGb * WireUnits.BytesPerGb));
        Family(text, "cbr_vault_threshold_percent", "gauge", "From which use on people are told of a vault.");
        foreach (VaultFigures vault in figures.Vaults)
            Sample(text, $"cbr_vault_threshold_percent{Labels(vault)}", vault.Threshold);

        static string Labels(VaultFigures vault) => $"{{vault_id=\"{vault.Id}\",project_id=\"{vault.ProjectId}\"}}";
    }

    private static void AddResources(StringBuilder text, MetricsFigures figures)
    {
        Family(text, "cbr_backup_last_success_timestamp_seconds", "gauge", "When the newest complete backup of a protected resource was begun; 0: there is none.");
        foreach (ResourceFigures resource in figures.Resources)
        {
            Sample(
                text,
                $"cbr_backup_last_success_timestamp_seconds{{resource_id=\"{resource.ResourceId}\",vault_id=\"{resource.VaultId}\",project_id=\"{resource.ProjectId}\"}}",
                resource.LastGoodSeconds);
        }

        Family(text, "cbr_rpo_breach", "gauge", "1: the newest complete backup of a protected resource is older than its policy's schedule allows, an hour granted.");
        foreach (ResourceFigures resource in figures.Resources)
        {
            Sample(
                text,
                $"cbr_rpo_breach{{resource_id=\"{resource.ResourceId}\",vault_id=\"{resource.VaultId}\",project_id=\"{resource.ProjectId}\"}}",
                figures.Behind.Contains((resource.VaultId, resource.ResourceId)) ? 1 : 0);
        }

        Family(text, "cbr_rpo_breaches", "gauge", "How many resources that is, those not told one by one included.");
        Sample(text, "cbr_rpo_breaches", figures.BehindCount);
        Family(text, "cbr_backup_last_proven_timestamp_seconds", "gauge", "When a restore of a backup of a resource last ended well.");
        foreach ((string projectId, string resourceId, long at) in figures.Proven)
            Sample(text, $"cbr_backup_last_proven_timestamp_seconds{{resource_id=\"{resourceId}\",project_id=\"{projectId}\"}}", at);
        Family(text, "cbr_dedup_ratio", "gauge", "What the backups there are amount to when restored, by the bytes that the store grew by for them; 0: there are none.");
        Sample(text, "cbr_dedup_ratio", figures.Backups.StoredBytes == 0 ? 0 : (double)figures.Backups.LogicalBytes / figures.Backups.StoredBytes);
        Family(text, "cbr_series_left_out", "gauge", "Vaults and resources not told because there are more than Metrics__SeriesCountMax.");
        Sample(text, "cbr_series_left_out{kind=\"vault\"}", Math.Max(0, figures.VaultCount - figures.Vaults.Count));
        Sample(text, "cbr_series_left_out{kind=\"resource\"}", Math.Max(0, figures.ResourceCount - figures.Resources.Count));
    }

    private static void AddTasks(StringBuilder text, MetricsFigures figures, DateTimeOffset now)
    {
        string[] states = ["running", "waiting"];
        Family(text, "cbr_tasks", "gauge", "Tasks that wait or run.");
        foreach (string state in states)
            Sample(text, $"cbr_tasks{{state=\"{state}\"}}", figures.Tasks.FirstOrDefault(task => task.Status == state).Count);
        Family(text, "cbr_tasks_oldest_seconds", "gauge", "Age of the oldest of them.");
        foreach (string state in states)
        {
            (_, long count, DateTimeOffset oldest) = figures.Tasks.FirstOrDefault(task => task.Status == state);
            Sample(text, $"cbr_tasks_oldest_seconds{{state=\"{state}\"}}", count == 0 ? 0 : Math.Max(0, (now - oldest).TotalSeconds));
        }

        Family(text, "cbr_tasks_standing_seconds", "gauge", "How long the running task that stands longest has not moved; 0: none runs.");
        Sample(text, "cbr_tasks_standing_seconds", figures.StandingSince is { } since ? Math.Max(0, (now - since).TotalSeconds) : 0);
        Family(text, "cbr_notification_deliveries", "gauge", "Notifications that wait for their target, and that were given up within the time they are kept.");
        foreach (string state in (string[])["failed", "waiting"])
            Sample(text, $"cbr_notification_deliveries{{state=\"{state}\"}}", figures.Deliveries.FirstOrDefault(delivery => delivery.State == state).Count);
    }

    private static void AddTotals(StringBuilder text, ProcessTotals totals)
    {
        foreach (var family in totals.ReadDurations().GroupBy(pair => pair.Series.Name))
        {
            Family(text, family.Key, "histogram", Help.GetValueOrDefault(family.Key, "Of what this process has done."));
            foreach ((ProcessTotals.Series series, ProcessTotals.Durations measured) in family)
                AddHistogram(text, series, measured);
        }

        foreach (var family in totals.ReadCounters().GroupBy(pair => pair.Series.Name))
        {
            Family(text, family.Key, "counter", Help.GetValueOrDefault(family.Key, "Of what this process has done."));
            foreach ((ProcessTotals.Series series, long value) in family)
                Sample(text, series.Labels.Length == 0 ? series.Name : $"{series.Name}{{{series.Labels}}}", value);
        }

        foreach ((ProcessTotals.Series series, long value) in totals.ReadGauges())
        {
            Family(text, series.Name, "gauge", "As this process found it when it last freed space.");
            Sample(text, series.Name, value);
        }
    }

    private static void AddHistogram(StringBuilder text, ProcessTotals.Series series, ProcessTotals.Durations measured)
    {
        long below = 0;
        for (int i = 0; i < measured.Bounds.Length; i++)
        {
            below += measured.Counts[i];
            Sample(text, $"{series.Name}_bucket{{{series.Labels},le=\"{Number(measured.Bounds[i])}\"}}", below);
        }

        long count = below + measured.Counts[^1];
        Sample(text, $"{series.Name}_bucket{{{series.Labels},le=\"+Inf\"}}", count);
        Sample(text, $"{series.Name}_sum{{{series.Labels}}}", measured.SumSeconds);
        Sample(text, $"{series.Name}_count{{{series.Labels}}}", count);
    }

    private static void Family(StringBuilder text, string name, string type, string help) =>
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n').Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    private static void Sample(StringBuilder text, string series, double value) => text.Append(series).Append(' ').Append(Number(value)).Append('\n');

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
