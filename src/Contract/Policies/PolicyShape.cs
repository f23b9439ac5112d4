using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strongroom.Contract.Policies;

/// <summary>Answer to create, show and update.</summary>
public sealed record PolicyReply(PolicyShape Policy);

/// <param name="Policies">Newest first.</param>
/// <param name="Count">Policies matching the filters, not the length of this page.</param>
public sealed record PolicyListReply(IReadOnlyList<PolicyShape> Policies, long Count, int Limit, int Offset);

/// <summary>A policy as CBR clients see it (atlas of backups, section 15.4).</summary>
public sealed record PolicyShape
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required bool Enabled { get; init; }

    /// <summary>One of <see cref="PolicyTypes"/>.</summary>
    public required string OperationType { get; init; }

    /// <summary>JSON text of the object, byte for byte as the client sent it: one Terraform provider sees any other form as drift.</summary>
    [JsonConverter(typeof(RawJsonConverter))]
    public required string OperationDefinition { get; init; }

    public required PolicyTriggerShape Trigger { get; init; }

    /// <summary>Null in the answer to create, as in the live service's; else a list.</summary>
    public required IReadOnlyList<AssociatedVaultShape>? AssociatedVaults { get; init; }

    /// <summary>One of <see cref="PolicyOrigins"/>.</summary>
    public string PolicyType { get; init; } = PolicyOrigins.Custom;
}

/// <param name="Name"><c>default</c>.</param>
/// <param name="Type"><c>time</c>.</param>
public sealed record PolicyTriggerShape(string Id, string Name, string Type, PolicyTriggerPropertiesShape Properties);

/// <param name="Pattern">As sent, in that order; never empty.</param>
/// <param name="StartTime">UTC, with a blank and without fraction: <c>2024-11-05 02:41:07</c>.</param>
public sealed record PolicyTriggerPropertiesShape(IReadOnlyList<string> Pattern, string StartTime);

/// <param name="DestinationVaultId">Null for backup policies.</param>
public sealed record AssociatedVaultShape(string VaultId, string? DestinationVaultId);

/// <summary>Answer to <c>associatepolicy</c>.</summary>
public sealed record AssociatePolicyReply(AssociatedPolicyShape AssociatePolicy);

/// <param name="DestinationVaultId">Only there for replication policies.</param>
public sealed record AssociatedPolicyShape(
    string VaultId,
    string PolicyId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? DestinationVaultId);

/// <summary>Answer to <c>dissociatepolicy</c>.</summary>
public sealed record DissociatePolicyReply(DissociatedPolicyShape DissociatePolicy);

public sealed record DissociatedPolicyShape(string VaultId, string PolicyId);

/// <summary>The words of <c>operation_type</c>.</summary>
public static class PolicyTypes
{
    public const string Backup = "backup";
    public const string Replication = "replication";

    public static readonly string[] All = [Backup, Replication];
}

/// <summary>The words of <c>policy_type</c>: who made a policy.</summary>
public static class PolicyOrigins
{
    public const string Custom = "custom_policy";

    /// <summary>It follows an organization policy.</summary>
    public const string Organization = "organization_policy_v1";

    /// <summary>It followed one: vaults that have it keep it, and no other gets it.</summary>
    public const string Left = "organization_policy_removed";
}

/// <summary>A member whose text is kept and written as it came.</summary>
public sealed class RawJsonConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.GetRawText();
    }

    // What is written here was parsed when it came in.
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value, skipInputValidation: true);
}
