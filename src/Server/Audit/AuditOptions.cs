using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Audit;

public sealed class AuditOptions
{
    /// <summary>How long records are kept; a little over a year, so that a year can be looked back on.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3660.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(400);
}
