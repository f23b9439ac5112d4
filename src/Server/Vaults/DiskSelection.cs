using Strongroom.Contract.Vaults;
using Strongroom.Server.Http;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>Which disks of a server are taken; <c>extra_info</c> on the wire. Lists stand in the order they were first given.</summary>
internal sealed record DiskSelection(IReadOnlyList<ResourceId> Excluded, IReadOnlyList<IncludedDisk> Included)
{
    // No server has nearly as many; the disks it really has are the limit that counts.
    private const int NamedCountMax = 256;

    public static DiskSelection All { get; } = new([], []);

    /// <summary>Reads <c>extra_info</c>; absent or null is all disks.</summary>
    public static DiskSelection Read(BodyValue extraInfo)
    {
        if (!extraInfo.IsGiven)
            return All;
        List<ResourceId>? excluded = extraInfo["exclude_volumes"].ListOrNull(0, NamedCountMax, item => new ResourceId(item.Id()));
        List<IncludedDisk>? included = extraInfo["include_volumes"].ListOrNull(
            0, NamedCountMax, item => new IncludedDisk(new ResourceId(item["id"].Id()), item["os_version"].TextOrNull(0, 255)));
        return new DiskSelection([.. (excluded ?? []).Distinct()], [.. (included ?? []).DistinctBy(disk => disk.Id)]);
    }

    public static DiskSelection Of(ResourceExtraInfoShape shape) => new(
        [.. (shape.ExcludeVolumes ?? []).Select(id => new ResourceId(id))],
        [.. (shape.IncludeVolumes ?? []).Select(disk => new IncludedDisk(new ResourceId(disk.Id), disk.OsVersion))]);

    public ResourceExtraInfoShape ToShape() => Excluded.Count == 0 && Included.Count == 0
        ? ResourceExtraInfoShape.Empty
        : new ResourceExtraInfoShape
        {
            ExcludeVolumes = Excluded.Count == 0 ? null : [.. Excluded.Select(id => id.Value)],
            IncludeVolumes = Included.Count == 0
                ? null
                : [.. Included.Select(disk => new IncludeVolumeShape { Id = disk.Id.Value, OsVersion = disk.OsVersion })],
        };

    /// <summary>Disks attached later join by themselves, unless those to take were named one by one.</summary>
    public bool Takes(ResourceId disk)
    {
        if (Excluded.Contains(disk))
            return false;
        foreach (IncludedDisk included in Included)
        {
            if (included.Id == disk)
                return true;
        }

        return Included.Count == 0;
    }

    public bool Equals(DiskSelection? other) =>
        other is not null && Excluded.SequenceEqual(other.Excluded) && Included.SequenceEqual(other.Included);

    public override int GetHashCode() => HashCode.Combine(Excluded.Count, Included.Count);
}

/// <param name="OsVersion">Kept and shown; nothing here depends on it.</param>
internal readonly record struct IncludedDisk(ResourceId Id, string? OsVersion);
