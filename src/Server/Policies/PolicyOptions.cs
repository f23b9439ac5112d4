using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Policies;

public sealed class PolicyOptions
{
    /// <summary>Policies of each type per project: 32 on the public clouds.</summary>
    [Range(1, 10_000)]
    public int CountMax { get; set; } = 32;
}
