using Strongroom.Server.Http;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Backups;

/// <summary>What a request to restore asks for (atlas of backups, section 4.5). Which members it needs depends on the backup.</summary>
internal sealed record RestoreOrder
{
    // A server has at most 60 disks.
    private const int MappingCountMax = 60;

    public ResourceId? ServerId { get; init; }

    public ResourceId? VolumeId { get; init; }

    public ResourceId? ResourceId { get; init; }

    public IReadOnlyList<RestoreMapping> Mappings { get; init; } = [];

    public static RestoreOrder Read(BodyValue body)
    {
        BodyValue restore = body["restore"].Object();
        // Nothing here is powered on or off; it must be well-formed all the same.
        restore["power_on"].FlagOrNull();
        restore["details"].ObjectOrNull()?["destination_path"].TextOrNull(1, 255);
        return new RestoreOrder
        {
            ServerId = Id(restore["server_id"]),
            VolumeId = Id(restore["volume_id"]),
            ResourceId = Id(restore["resource_id"]),
            Mappings = restore["mappings"].ListOrNull(
                0, MappingCountMax, item => new RestoreMapping(item["backup_id"].Id(), item["volume_id"].Id())) ?? [],
        };
    }

    private static ResourceId? Id(BodyValue value) => value.IdOrNull() is { } id ? new ResourceId(id) : null;
}
