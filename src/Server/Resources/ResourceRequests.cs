using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Http;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Resources;

/// <summary>A registration as asked for: a server with its disks, a disk or a file system.</summary>
/// <param name="Path">Null for a server.</param>
/// <param name="Disks">Empty for anything but a server.</param>
internal sealed record Registration(
    string Type,
    string Name,
    string? Path,
    ResourceId? ServerId,
    IReadOnlyList<DiskRegistration> Disks,
    IReadOnlyList<TagShape> Tags)
{
    /// <summary>As many disks as the clouds let a server have.</summary>
    public const int DiskCountMax = 60;

    private const int NameLengthMax = 255;
    private const int PathLengthMax = 4095;
    private const int TagCountMax = 100;

    private static readonly string[] Types = [ResourceTypes.Server, ResourceTypes.Disk, ResourceTypes.FileSystem];

    public static Registration Read(BodyValue body)
    {
        BodyValue resource = body["resource"].Object();
        string type = resource["type"].Word(Types);
        string name = resource["name"].Text(1, NameLengthMax, TextRule.Printable);
        List<TagShape> tags = resource["tags"].ListOrNull(0, TagCountMax, TagRules.Rule) ?? [];
        if (type == ResourceTypes.Server)
        {
            Refuse(resource["path"], "belongs to the disks of a server, not to the server");
            Refuse(resource["server_id"], "belongs to a disk");
            return new Registration(type, name, null, null, resource["disks"].List(1, DiskCountMax, ReadDisk), tags);
        }

        Refuse(resource["disks"], "belong to a server");
        string path = ReadPath(resource["path"]);
        if (type != ResourceTypes.Disk)
            Refuse(resource["server_id"], "belongs to a disk");
        ResourceId? server = resource["server_id"].IdOrNull() is { } id ? new ResourceId(id) : null;
        return new Registration(type, name, path, server, [], tags);
    }

    public static ResourceChangeShape ReadChange(BodyValue body)
    {
        BodyValue resource = body["resource"].Object();
        return new ResourceChangeShape
        {
            Name = resource["name"].TextOrNull(1, NameLengthMax, TextRule.Printable),
            Tags = resource["tags"].ListOrNull(0, TagCountMax, TagRules.Rule),
            AutoBind = resource["auto_bind"].FlagOrNull(),
        };
    }

    private static DiskRegistration ReadDisk(BodyValue disk) =>
        new(ReadPath(disk["path"]), disk["name"].TextOrNull(1, NameLengthMax, TextRule.Printable));

    private static string ReadPath(BodyValue value)
    {
        string path = value.Text(1, PathLengthMax);
        return path[0] == '/' ? path : throw value.Refused("must be an absolute path of this host");
    }

    private static void Refuse(BodyValue value, string why)
    {
        if (value.IsGiven)
            throw value.Refused(why);
    }
}

/// <param name="Name">Null: the server's name and the disk's number.</param>
internal sealed record DiskRegistration(string Path, string? Name);
