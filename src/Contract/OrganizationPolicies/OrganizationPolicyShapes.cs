using System.Text.Json.Serialization;
using Strongroom.Contract.Policies;

namespace Strongroom.Contract.OrganizationPolicies;

/// <summary>Answer to create, show and update.</summary>
public sealed record OrganizationPolicyReply(OrganizationPolicyShape Policy);

/// <param name="Policies">Newest first.</param>
/// <param name="Count">Those matching the filters, not the length of this page.</param>
public sealed record OrganizationPolicyListReply(IReadOnlyList<OrganizationPolicyShape> Policies, long Count, int Limit, int Offset);

/// <summary>A policy for several projects of a domain (atlas of backups, section 11).</summary>
public sealed record OrganizationPolicyShape
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>May be empty.</summary>
    public required string Description { get; init; }

    /// <summary>One of <see cref="PolicyTypes"/>.</summary>
    public required string OperationType { get; init; }

    public required string DomainId { get; init; }

    public required string DomainName { get; init; }

    /// <summary>What the policy is called in each project.</summary>
    public required string PolicyName { get; init; }

    public required bool PolicyEnabled { get; init; }

    /// <summary>JSON text of the object, byte for byte as the client sent it.</summary>
    [JsonConverter(typeof(RawJsonConverter))]
    public required string PolicyOperationDefinition { get; init; }

    public required OrganizationTriggerShape PolicyTrigger { get; init; }

    /// <summary><c>all</c>, or projects by name or id with commas between them. Never empty.</summary>
    public required string EffectiveScope { get; init; }

    /// <summary>Always <c>available</c>: the policies of the projects change in the same transaction.</summary>
    public string Status { get; init; } = "available";
}

public sealed record OrganizationTriggerShape(OrganizationTriggerPropertiesShape Properties);

/// <param name="Pattern">As sent, in that order; never empty.</param>
public sealed record OrganizationTriggerPropertiesShape(IReadOnlyList<string> Pattern);

/// <summary>Answer to <c>policy-detail</c>: the policy of each project.</summary>
public sealed record OrganizationPolicyDetailReply(IReadOnlyList<DeployedPolicyShape> Policies, long Count, int Limit, int Offset);

/// <param name="Status">Always <c>available</c>.</param>
public sealed record DeployedPolicyShape(string PolicyId, string DomainId, string ProjectId, string Status = "available");

/// <summary>Writers and readers, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(OrganizationPolicyReply))]
[JsonSerializable(typeof(OrganizationPolicyListReply))]
[JsonSerializable(typeof(OrganizationPolicyDetailReply))]
public sealed partial class OrganizationPolicyJson : JsonSerializerContext;
