using Strongroom.Server.Database;
using Strongroom.Server.Policies;

namespace Strongroom.Server.OrganizationPolicies;

public readonly record struct OrganizationPolicyId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static OrganizationPolicyId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}

/// <summary>One policy for several projects of a domain: each has a policy that follows it. Pure.</summary>
internal sealed record OrganizationPolicy
{
    public required OrganizationPolicyId Id { get; init; }

    public required string DomainId { get; init; }

    /// <summary>Where it was made.</summary>
    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public required string Description { get; init; }

    /// <summary>One of <see cref="Contract.Policies.PolicyTypes"/>; never changes.</summary>
    public required string OperationType { get; init; }

    public required string PolicyName { get; init; }

    public required bool PolicyEnabled { get; init; }

    public required PolicyDefinition Definition { get; init; }

    /// <summary>As sent, in that order.</summary>
    public required IReadOnlyList<string> Patterns { get; init; }

    public required string EffectiveScope { get; init; }

    /// <summary>Every project of the domain, those made later too.</summary>
    public required bool CoversDomain { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Members that are null stay as they are; the scope is somebody else's matter.</summary>
    public OrganizationPolicy Changed(OrganizationPolicyContent content) => this with
    {
        Name = content.Name ?? Name,
        Description = content.Description ?? Description,
        PolicyName = content.PolicyName ?? PolicyName,
        PolicyEnabled = content.PolicyEnabled ?? PolicyEnabled,
        Definition = content.Definition ?? Definition,
        Patterns = content.Patterns ?? Patterns,
    };

    /// <summary>A project's policy as it has to be.</summary>
    public PolicyChange ToChange() => new(PolicyName, PolicyEnabled, OperationType: null, Definition, Patterns, StartAt: null);

    public Policy ToPolicy(string projectId, DateTimeOffset now) =>
        new PolicyCreation(PolicyName, OperationType, PolicyEnabled, Definition, Patterns, StartAt: null).ToPolicy(projectId, now) with
        {
            OrganizationPolicyId = Id,
            PolicyType = Contract.Policies.PolicyOrigins.Organization,
        };
}

/// <summary>What create and update carry; in an update everything may be missing.</summary>
internal sealed record OrganizationPolicyContent(
    string? Name,
    string? Description,
    string? OperationType,
    string? PolicyName,
    bool? PolicyEnabled,
    PolicyDefinition? Definition,
    IReadOnlyList<string>? Patterns,
    string? EffectiveScope);
