using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>A resource in a vault: the binding, not the resource itself.</summary>
internal sealed record VaultResource
{
    public required ResourceId Id { get; init; }

    /// <summary>As on the wire: <c>OS::Nova::Server</c>.</summary>
    public required string Type { get; init; }

    public required string Name { get; init; }

    /// <summary>Bindings are shown in this order; gaps mean nothing.</summary>
    public required long Position { get; init; }

    /// <summary>False while policies skip it.</summary>
    public bool AutoProtect { get; init; } = true;

    /// <summary>Of what is protected of it: excluded disks do not count.</summary>
    public required long SizeGb { get; init; }

    public long BackupBytes { get; init; }

    public int BackupCount { get; init; }

    /// <summary>One of <see cref="ProtectStatuses"/>.</summary>
    public string Status { get; init; } = ProtectStatuses.Available;

    public DiskSelection Disks { get; init; } = DiskSelection.All;

    public required DateTimeOffset AddedAt { get; init; }
}
