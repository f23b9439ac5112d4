using System.Text.Json.Serialization;
using Strongroom.Contract.Vaults;

namespace Strongroom.Contract.Resources;

/// <summary>The types of resource, as they are spelt on the wire.</summary>
public static class ResourceTypes
{
    public const string Server = "OS::Nova::Server";
    public const string Disk = "OS::Cinder::Volume";
    public const string FileSystem = "OS::Sfs::Turbo";
}

/// <summary>Body of <c>POST /strongroom/v1/{project_id}/resources</c>.</summary>
public sealed record ResourceRegistration(ResourceRegistrationShape Resource);

/// <summary>What is to be protected: a path of the host, or a server made of disks.</summary>
public sealed record ResourceRegistrationShape
{
    /// <summary>One of <see cref="ResourceTypes"/>.</summary>
    public required string Type { get; init; }

    /// <summary>1 to 255 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Of a disk (image file or device) or a file system (directory): absolute, and it must exist.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Path { get; init; }

    /// <summary>Of a disk: the server it belongs to.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ServerId { get; init; }

    /// <summary>Of a server: 1 to 60 disks, the first one its system disk.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<DiskRegistrationShape>? Disks { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TagShape>? Tags { get; init; }
}

public sealed record DiskRegistrationShape
{
    public required string Path { get; init; }

    /// <summary>The server's name and the disk's number when left out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }
}

/// <summary>Body of <c>PUT /strongroom/v1/{project_id}/resources/{resource_id}</c>.</summary>
public sealed record ResourceChange(ResourceChangeShape Resource);

/// <summary>What of a resource is to be another; null leaves a member as it is.</summary>
public sealed record ResourceChangeShape
{
    /// <summary>1 to 255 characters.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    /// <summary>In place of all it has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TagShape>? Tags { get; init; }

    /// <summary>Whether the rules of vaults may bring it in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? AutoBind { get; init; }
}

public sealed record ResourceReply(ResourceShape Resource);

public sealed record ResourceListReply(IReadOnlyList<ResourceShape> Resources, int Count, int Offset, int Limit);

public sealed record ResourceShape
{
    public required string Id { get; init; }

    public required string Type { get; init; }

    public required string Name { get; init; }

    /// <summary>Null for servers.</summary>
    public required string? Path { get; init; }

    /// <summary>The driver that reads it; null for servers.</summary>
    public required string? Driver { get; init; }

    public required string? ServerId { get; init; }

    /// <summary>GB, rounded up, at least 1; of a server the sum of its disks.</summary>
    public required int Size { get; init; }

    /// <summary>As last measured; of a server the sum of its disks.</summary>
    public required long SizeBytes { get; init; }

    public required string CreatedAt { get; init; }

    public required IReadOnlyList<TagShape> Tags { get; init; }

    /// <summary>Whether the rules of vaults may bring it in; false after somebody took it out of one.</summary>
    public required bool AutoBind { get; init; }

    /// <summary>Nothing was at its path when that was last looked at; not looked at as long as its backups succeed.</summary>
    public required bool Missing { get; init; }

    /// <summary>Of a server, in order; empty for others.</summary>
    public required IReadOnlyList<ResourceShape> Disks { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ResourceRegistration))]
[JsonSerializable(typeof(ResourceChange))]
[JsonSerializable(typeof(ResourceReply))]
[JsonSerializable(typeof(ResourceListReply))]
public sealed partial class ResourceJson : JsonSerializerContext;
