using Strongroom.Contract;
using Strongroom.Contract.Vaults;

namespace Strongroom.Server.Resources;

/// <summary>Something registered to be protected: a server (made of disks), a disk or a file system.</summary>
internal sealed record Resource
{
    public required ResourceId Id { get; init; }

    public required string ProjectId { get; init; }

    /// <summary>One of <see cref="Contract.Resources.ResourceTypes"/>.</summary>
    public required string Type { get; init; }

    public required string Name { get; init; }

    /// <summary>The driver that reads and writes it; null for a server.</summary>
    public string? Driver { get; init; }

    /// <summary>What the driver opens; null for a server.</summary>
    public string? Path { get; init; }

    /// <summary>Of a disk: the server it belongs to.</summary>
    public ResourceId? ServerId { get; init; }

    /// <summary>Among the disks of a server; the lowest is the system disk.</summary>
    public long Position { get; init; }

    /// <summary>As last measured; 0 for a server.</summary>
    public long SizeBytes { get; init; }

    public IReadOnlyList<TagShape> Tags { get; init; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The rules of a vault may bring it in; false after somebody took it out of one.</summary>
    public bool AutoBind { get; init; } = true;

    /// <summary>The installation clock when it was found that nothing is at its path; null while there is, as far as anybody looked.</summary>
    public long? MissingSinceTick { get; init; }

    /// <summary>Unregistered; the row is kept for its backups.</summary>
    public bool IsDeleted { get; init; }

    /// <summary>What it takes of a vault's size when it is no server.</summary>
    public int SizeGb => WireUnits.ResourceSizeGb(SizeBytes);
}
