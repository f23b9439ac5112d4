using System.Buffers;
using System.Text;
using System.Text.Json;
using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Backups;

/// <summary>
/// The resource as it was when a backup was asked for, kept with it in the form of the compute and volume services, as far
/// as this service knows it: names, sizes, tags, which disks.
/// </summary>
internal static class BackupMetadata
{
    /// <param name="resource">What is backed up.</param>
    /// <param name="disks">Of a server: the disks that are taken.</param>
    public static string Of(Resource resource, IReadOnlyList<Resource> disks)
    {
        bool isServer = resource.Path is null;
        return Write(json =>
        {
            json.WriteStartObject("server");
            if (isServer)
            {
                json.WriteString("id", resource.Id.Value);
                json.WriteString("name", resource.Name);
                WriteTags(json, resource.Tags);
            }

            json.WriteEndObject();
            json.WriteStartArray("volumes");
            foreach (Resource disk in isServer ? disks : [resource])
            {
                json.WriteStartObject();
                json.WriteString("id", disk.Id.Value);
                json.WriteString("name", disk.Name);
                json.WriteNumber("size", disk.SizeGb);
                WriteTags(json, disk.Tags);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    public static BackupMetadataReply ToReply(SeenBackup seen, IReadOnlyList<Backup> children)
    {
        Backup backup = seen.Backup;
        using JsonDocument kept = JsonDocument.Parse(backup.Metadata ?? """{"server":{},"volumes":[]}""");
        return new BackupMetadataReply
        {
            BackupId = backup.Id.Value,
            Backups = JsonSerializer.Serialize(seen.ToShape(children), BackupJson.Default.BackupShape),
            Flavor = """{"flavor":{}}""",
            Floatingips = [],
            Interface = """{"interfaceAttachments":[]}""",
            Ports = [],
            Server = $$"""{"server":{{kept.RootElement.GetProperty("server").GetRawText()}}}""",
            Volumes = kept.RootElement.GetProperty("volumes").EnumerateArray().Select(volume => $$"""{"volume":{{volume.GetRawText()}}}""").ToList(),
        };
    }

    private static void WriteTags(Utf8JsonWriter json, IReadOnlyList<TagShape> tags)
    {
        json.WriteStartObject("tags");
        foreach (TagShape tag in tags)
            json.WriteString(tag.Key, tag.Value);
        json.WriteEndObject();
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, WireJson.Writing))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
