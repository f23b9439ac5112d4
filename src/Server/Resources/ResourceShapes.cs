using Strongroom.Contract;
using Strongroom.Contract.Resources;

namespace Strongroom.Server.Resources;

internal static class ResourceShapes
{
    /// <param name="disks">Of a server; ignored for anything else.</param>
    public static ResourceShape ToShape(this Resource resource, IEnumerable<Resource> disks)
    {
        bool isServer = resource.Type == ResourceTypes.Server;
        ResourceShape[] shown = isServer ? [.. disks.Select(disk => disk.ToShape([]))] : [];
        return new ResourceShape
        {
            Id = resource.Id.Value,
            Type = resource.Type,
            Name = resource.Name,
            Path = resource.Path,
            Driver = resource.Driver,
            ServerId = resource.ServerId?.Value,
            Size = isServer ? WireUnits.SumGb(shown.Sum(disk => (long)disk.Size)) : resource.SizeGb,
            SizeBytes = isServer ? shown.Sum(disk => disk.SizeBytes) : resource.SizeBytes,
            CreatedAt = WireUnits.Instant(resource.CreatedAt),
            Tags = resource.Tags,
            AutoBind = resource.AutoBind,
            Missing = resource.MissingSinceTick is not null,
            Disks = shown,
        };
    }
}
