using System.Text.Json.Serialization;
using Strongroom.Contract.Vaults;

namespace Strongroom.Contract.Resources;

/// <param name="Count">Resources matching the filters, not the length of this page.</param>
public sealed record ProtectableListReply(IReadOnlyList<ProtectableShape> Instances, int Count);

public sealed record ProtectableReply(ProtectableShape Instance);

/// <summary>A resource as it is offered for protection. Disks of a server stand inside it and do not name its vault again.</summary>
public sealed record ProtectableShape
{
    public required string Id { get; init; }

    public required string Type { get; init; }

    public required string Name { get; init; }

    /// <summary>GB; of a server the sum of its disks.</summary>
    public required int Size { get; init; }

    /// <summary>In the resource service's own words: <c>ACTIVE</c>, <c>in-use</c>, <c>available</c>.</summary>
    public required string Status { get; init; }

    public required ProtectableVerdictShape Protectable { get; init; }

    public required ProtectableDetailShape Detail { get; init; }

    public required IReadOnlyList<ProtectableShape> Children { get; init; }

    /// <summary>On the disks of a server that is in a vault.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? VaultId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? VaultName { get; init; }
}

/// <param name="Result">Whether it can be backed up at all; also true for what is in a vault already.</param>
/// <param name="Code">Empty when it can.</param>
/// <param name="Vault">The vault it is in.</param>
public sealed record ProtectableVerdictShape(bool Result, string Code, string Reason, VaultShape? Vault);

/// <summary>What the compute and disk services of a cloud would tell, as far as it is known here.</summary>
public sealed record ProtectableDetailShape
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string Status { get; init; }

    /// <summary>Of a server: <c>key=value</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Of a disk or file system: GB.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Size { get; init; }

    /// <summary>Of a disk: the server it belongs to.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<DiskAttachmentShape>? Attachments { get; init; }

    [JsonPropertyName("os-extended-volumes:volumes_attached")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AttachedDiskShape>? AttachedDisks { get; init; }
}

public sealed record DiskAttachmentShape(string ServerId, string VolumeId);

public sealed record AttachedDiskShape(string Id);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ProtectableListReply))]
[JsonSerializable(typeof(ProtectableReply))]
public sealed partial class ProtectableJson : JsonSerializerContext;
