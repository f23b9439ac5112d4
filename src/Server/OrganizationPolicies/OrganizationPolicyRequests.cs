using Strongroom.Contract.Policies;
using Strongroom.Server.Http;
using Strongroom.Server.Policies;

namespace Strongroom.Server.OrganizationPolicies;

/// <summary>The bodies and the query of the organization policy operations (atlas of backups, section 11).</summary>
internal static class OrganizationPolicyRequests
{
    private const int NameLengthMax = 64;
    private const int TextLengthMax = 255;

    /// <summary>Everything but description and scope is there.</summary>
    public static OrganizationPolicyContent Creation(BodyValue body)
    {
        BodyValue policy = body["policy"].Object();
        string? scope = policy["effective_scope"].TextOrNull(0, TextLengthMax);
        policy["operation_type"].Text(0, TextLengthMax);
        return new OrganizationPolicyContent(
            policy["name"].Text(1, NameLengthMax),
            policy["description"].TextOrNull(0, TextLengthMax),
            OperationType: null,
            policy["policy_name"].Text(1, NameLengthMax),
            policy["policy_enabled"].Flag(),
            PolicyDefinition.Read(policy["policy_operation_definition"]),
            PolicyRequests.Patterns(policy["policy_trigger"]["properties"]["pattern"]),
            scope)
        {
            // Last, as it has a code of its own: what is malformed comes first.
            OperationType = PolicyRequests.OperationType(policy["operation_type"]),
        };
    }

    public static OrganizationPolicyContent Change(BodyValue body)
    {
        BodyValue policy = body["policy"].Object();
        BodyValue? properties = policy["policy_trigger"].ObjectOrNull()?["properties"].ObjectOrNull();
        return new OrganizationPolicyContent(
            policy["name"].TextOrNull(1, NameLengthMax),
            policy["description"].TextOrNull(0, TextLengthMax),
            PolicyRequests.OperationType(policy["operation_type"]),
            policy["policy_name"].TextOrNull(1, NameLengthMax),
            policy["policy_enabled"].FlagOrNull(),
            policy["policy_operation_definition"].IsGiven ? PolicyDefinition.Read(policy["policy_operation_definition"]) : null,
            properties is { } given && given["pattern"].IsGiven ? PolicyRequests.Patterns(given["pattern"]) : null,
            policy["effective_scope"].TextOrNull(0, TextLengthMax));
    }

    public static OrganizationPolicyQuery List(HttpRequest request)
    {
        var query = new QueryReader(request);
        return new OrganizationPolicyQuery(
            query.Limit(),
            query.Offset(),
            query.Word("operation_type", PolicyTypes.All),
            query.Marker() is { } marker ? new OrganizationPolicyId(marker) : null);
    }

    public static (int Limit, int Offset) Detail(HttpRequest request)
    {
        var query = new QueryReader(request);
        return (query.Limit(), query.Offset());
    }
}

/// <param name="OperationType">Null: both.</param>
/// <param name="Marker">Only those after it.</param>
internal sealed record OrganizationPolicyQuery(int Limit, int Offset, string? OperationType, OrganizationPolicyId? Marker);
