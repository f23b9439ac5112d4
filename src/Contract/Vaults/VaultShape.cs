using System.Text.Json.Serialization;

namespace Strongroom.Contract.Vaults;

/// <summary>
/// A vault as every answer shows it. Members stand in the order the live service sends them, and all of them are always
/// sent: what is not set is null or empty as the live service has it (recordings of 2025).
/// </summary>
public sealed record VaultShape
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string? Description { get; init; }

    /// <summary>In the order they were added; empty, never null.</summary>
    public required IReadOnlyList<VaultResourceShape> Resources { get; init; }

    public required string ProviderId { get; init; }

    public required string CreatedAt { get; init; }

    public required string ProjectId { get; init; }

    public required string EnterpriseProjectId { get; init; }

    public required bool AutoBind { get; init; }

    public required BindRulesShape BindRules { get; init; }

    public required bool AutoExpand { get; init; }

    public required bool SmnNotify { get; init; }

    /// <summary>Percent of used to size.</summary>
    public required int Threshold { get; init; }

    public required string UserId { get; init; }

    public required BillingShape Billing { get; init; }

    public required IReadOnlyList<TagShape> Tags { get; init; }

    public required string? BackupNamePrefix { get; init; }

    public required bool DemandBilling { get; init; }

    public required int CbcDeleteCount { get; init; }

    public required bool Frozen { get; init; }

    public required string AvailabilityZone { get; init; }

    public required string SysLockSourceService { get; init; }

    public required string Supplier { get; init; }

    /// <summary>Write once, read many: can be set and never cleared. Not the status <c>lock</c>.</summary>
    public required bool Locked { get; init; }

    public required bool CrossAccount { get; init; }

    public required string CrossAccountUrn { get; init; }
}

public sealed record BillingShape
{
    /// <summary>GB, the sum of the resources' sizes; 0 on replication vaults.</summary>
    public required int Allocated { get; init; }

    public required string CloudType { get; init; }

    public required string ConsistentLevel { get; init; }

    public required string? FrozenScene { get; init; }

    public required string ChargingMode { get; init; }

    public required string? OrderId { get; init; }

    public required string? ProductId { get; init; }

    public required string ProtectType { get; init; }

    public required string ObjectType { get; init; }

    public required string SpecCode { get; init; }

    public required bool IsMultiAz { get; init; }

    public required bool IsDoubleAz { get; init; }

    /// <summary>MB.</summary>
    public required int Used { get; init; }

    public required string? StorageUnit { get; init; }

    public required string Status { get; init; }

    /// <summary>GB.</summary>
    public required int Size { get; init; }

    public required string? PartnerBpId { get; init; }
}

/// <summary>A resource in a vault. On replication vaults <c>protect_status</c> is null and <c>extra_info</c> is left out.</summary>
public sealed record VaultResourceShape
{
    public required string Id { get; init; }

    public required string Type { get; init; }

    public required string Name { get; init; }

    /// <summary>False while policies skip it.</summary>
    public required bool AutoProtect { get; init; }

    /// <summary>GB, of what is protected of it: excluded disks do not count.</summary>
    public required int Size { get; init; }

    /// <summary>MB, of its backups in this vault.</summary>
    public required int BackupSize { get; init; }

    public required int BackupCount { get; init; }

    public required string? ProtectStatus { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required ResourceExtraInfoShape? ExtraInfo { get; init; }
}

/// <summary>Which disks of a server are taken. Empty lists are left out.</summary>
public sealed record ResourceExtraInfoShape
{
    public static readonly ResourceExtraInfoShape Empty = new();

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ExcludeVolumes { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IncludeVolumeShape>? IncludeVolumes { get; init; }
}

public sealed record IncludeVolumeShape
{
    public required string Id { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OsVersion { get; init; }
}

/// <summary><c>{}</c> until rules are first set, then <c>{"tags":[…]}</c>.</summary>
public sealed record BindRulesShape
{
    public static readonly BindRulesShape NeverSet = new();

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TagShape>? Tags { get; init; }
}

/// <param name="Value">Empty, never null, for a tag without one.</param>
public sealed record TagShape(string Key, string Value);
