using System.ComponentModel.DataAnnotations;

namespace Strongroom.Protection;

/// <summary>How much of the machine a run may use.</summary>
public sealed class ProtectionOptions
{
    /// <summary>
    /// Threads of one run; each has buffers, a segment and a pack of its own, some 40 MiB at level 3. More than four wait for the
    /// disk on most machines.
    /// </summary>
    [Range(1, 64)]
    public int Workers { get; set; } = Math.Min(Environment.ProcessorCount, 4);
}
