using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Policies;

public sealed class PolicyOptions
{
    /// <summary>Policies of each type per project: 32 on the public clouds.</summary>
    [Range(1, 10_000)]
    public int CountMax { get; set; } = 32;

    /// <summary>How often due slots are looked for. Slots are whole minutes, so a run starts this much after its slot at most.</summary>
    public TimeSpan ScheduleInterval { get; set; } = TimeSpan.FromSeconds(5);
}
