using System.Text.Json.Serialization;
using Strongroom.Contract.Vaults;

namespace Strongroom.Contract.Requests;

// What the typed client sends. Members left null are left out of the request, and the service fills in its defaults.

public sealed record VaultCreation
{
    /// <summary>1 to 64 letters, digits, <c>_</c> and <c>-</c>.</summary>
    public required string Name { get; init; }

    public required VaultBillingCreation Billing { get; init; }

    /// <summary>Has to be there, even empty.</summary>
    public IReadOnlyList<ResourceReference> Resources { get; init; } = [];

    public string? Description { get; init; }

    public IReadOnlyList<TagShape>? Tags { get; init; }

    /// <summary>Resources that <see cref="BindRules"/> ask for join by themselves.</summary>
    public bool? AutoBind { get; init; }

    public BindRulesShape? BindRules { get; init; }
}

public sealed record VaultBillingCreation
{
    /// <summary>One of <see cref="ObjectTypes"/>.</summary>
    public required string ObjectType { get; init; }

    public string ProtectType { get; init; } = ProtectTypes.Backup;

    public string ConsistentLevel { get; init; } = ConsistentLevels.CrashConsistent;

    /// <summary>GB.</summary>
    public required int Size { get; init; }
}

/// <summary>What a change of a vault may touch; null keeps what is there.</summary>
public sealed record VaultChange
{
    public string? Name { get; init; }

    public VaultBillingChange? Billing { get; init; }

    /// <summary>Percent, 1 to 100.</summary>
    public int? Threshold { get; init; }

    /// <summary>Can be set, and never cleared.</summary>
    public bool? Locked { get; init; }

    public bool? AutoBind { get; init; }

    /// <summary>In place of all rules there are.</summary>
    public BindRulesShape? BindRules { get; init; }
}

/// <param name="Size">GB.</param>
public sealed record VaultBillingChange(int? Size);

/// <summary>A resource to be put into a vault, or again with other disks.</summary>
public sealed record ResourceReference
{
    public required string Id { get; init; }

    public required string Type { get; init; }

    public ResourceExtraInfoShape? ExtraInfo { get; init; }
}

public sealed record VaultFilter
{
    public string? Name { get; init; }

    public string? ObjectType { get; init; }

    public string? Status { get; init; }

    public string? ResourceId { get; init; }
}

public sealed record CheckpointCreation
{
    public required string VaultId { get; init; }

    public CheckpointParameters? Parameters { get; init; }
}

public sealed record CheckpointParameters
{
    /// <summary>1 to 64 letters, digits, <c>_</c> and <c>-</c>; made up by the service when null.</summary>
    public string? Name { get; init; }

    public string? Description { get; init; }

    /// <summary>False reads everything anew; the result is the same.</summary>
    public bool? Incremental { get; init; }

    /// <summary>True: counts as one of the policy's own, and so for retention and in a locked vault.</summary>
    public bool? AutoTrigger { get; init; }

    /// <summary>Ids; null takes every resource of the vault.</summary>
    public IReadOnlyList<string>? Resources { get; init; }
}

public sealed record BackupFilter
{
    public string? Name { get; init; }

    public string? VaultId { get; init; }

    public string? CheckpointId { get; init; }

    public string? ResourceId { get; init; }

    public string? Status { get; init; }

    /// <summary>The disks of this server backup; null lists only whole backups.</summary>
    public string? ParentId { get; init; }
}

/// <summary>Where a backup goes: one of the first three, by the kind of backup.</summary>
public sealed record RestoreTarget
{
    /// <summary>Of a server's backup: the server, with <see cref="Mappings"/>.</summary>
    public string? ServerId { get; init; }

    /// <summary>Of a disk's backup.</summary>
    public string? VolumeId { get; init; }

    /// <summary>Of any other backup.</summary>
    public string? ResourceId { get; init; }

    public IReadOnlyList<RestoreMapping>? Mappings { get; init; }

    public bool? PowerOn { get; init; }
}

/// <param name="BackupId">A disk's backup, child of the server's.</param>
/// <param name="VolumeId">The disk it is written to.</param>
public sealed record RestoreMapping(string BackupId, string VolumeId);

public sealed record TaskFilter
{
    /// <summary><c>backup</c>, <c>restore</c>, <c>delete</c> and so on.</summary>
    public string? OperationType { get; init; }

    public string? Status { get; init; }

    public string? VaultId { get; init; }

    public string? ResourceId { get; init; }
}

/// <summary>Which audit records; null takes all.</summary>
public sealed record AuditFilter
{
    /// <summary><c>cbr:vaults:create</c> and so on.</summary>
    public string? Action { get; init; }

    public string? UserName { get; init; }

    public string? ResourceId { get; init; }

    /// <summary>As in <c>2024-11-05T03:00:12Z</c>; included, as is the end.</summary>
    public string? StartTime { get; init; }

    public string? EndTime { get; init; }
}

internal sealed record VaultCreationBody(VaultCreation Vault);

internal sealed record VaultChangeBody(VaultChange Vault);

internal sealed record ResourceReferencesBody(IReadOnlyList<ResourceReference> Resources);

internal sealed record ResourceIdsBody(IReadOnlyList<string> ResourceIds);

internal sealed record CheckpointCreationBody(CheckpointCreation Checkpoint);

internal sealed record BackupChangeBody(BackupChange Backup);

internal sealed record BackupChange(string Name);

internal sealed record RestoreBody(RestoreTarget Restore);

internal sealed record MembersBody(IReadOnlyList<string> Members);

/// <param name="Status"><c>accepted</c> or <c>rejected</c>.</param>
/// <param name="VaultId">Of the recipient, to accept into.</param>
public sealed record ShareAnswerBody(string Status, string? VaultId);

/// <summary>Writers of the requests, made at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Default)]
[JsonSerializable(typeof(VaultCreationBody))]
[JsonSerializable(typeof(VaultChangeBody))]
[JsonSerializable(typeof(ResourceReferencesBody))]
[JsonSerializable(typeof(ResourceIdsBody))]
[JsonSerializable(typeof(CheckpointCreationBody))]
[JsonSerializable(typeof(BackupChangeBody))]
[JsonSerializable(typeof(RestoreBody))]
[JsonSerializable(typeof(MembersBody))]
[JsonSerializable(typeof(ShareAnswerBody))]
[JsonSerializable(typeof(PolicyCreationBody))]
[JsonSerializable(typeof(PolicyChangeBody))]
[JsonSerializable(typeof(PolicyIdBody))]
[JsonSerializable(typeof(PolicyPreview))]
[JsonSerializable(typeof(PolicyClockChangeBody))]
internal sealed partial class CbrRequestJson : JsonSerializerContext;
