using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Metrics;

/// <summary>What <c>/metrics</c> tells, and whom.</summary>
public sealed class MetricsOptions
{
    /// <summary>Asked for as <c>Authorization: Bearer …</c>. Empty: only callers on this machine are answered.</summary>
    public string Token { get; set; } = "";

    /// <summary>Series with a vault or a resource in their labels, of each kind; the rest is left out and counted.</summary>
    [Range(0, 100_000)]
    public int SeriesCountMax { get; set; } = 2_000;

    /// <summary>How long figures from the database are told again before they are read anew.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromSeconds(15);
}
