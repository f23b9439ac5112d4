using System.Globalization;
using Strongroom.Contract;
using Strongroom.Contract.Policies;
using Strongroom.Server.Http;
using Strongroom.Server.Schedules;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>The bodies of the policy operations, member by member (atlas of backups, section 6; of vaults, 3.10 and 3.11).</summary>
internal static class PolicyRequests
{
    public const string StartTimeFormat = "yyyy-MM-dd HH:mm:ss";

    private const int NameLengthMax = 64;
    private const int PolicyCountMax = 10;

    public static PolicyCreation Creation(BodyValue body)
    {
        BodyValue policy = body["policy"].Object();
        string name = policy["name"].Text(1, NameLengthMax, TextRule.Name);
        string type = OperationType(policy["operation_type"]) ?? PolicyTypes.Backup;
        bool enabled = policy["enabled"].FlagOrNull() ?? true;
        PolicyDefinition definition = PolicyDefinition.Read(policy["operation_definition"]);
        BodyValue properties = policy["trigger"]["properties"].Object();
        DateTimeOffset? startAt = StartAt(properties["start_time"]);
        return new PolicyCreation(name, type, enabled, definition, Patterns(properties["pattern"]), startAt);
    }

    public static PolicyChange Change(BodyValue body)
    {
        BodyValue policy = body["policy"].Object();
        BodyValue? properties = policy["trigger"].ObjectOrNull()?["properties"].ObjectOrNull();
        return new PolicyChange(
            policy["name"].TextOrNull(1, NameLengthMax, TextRule.Name),
            policy["enabled"].FlagOrNull(),
            OperationType(policy["operation_type"]),
            policy["operation_definition"].IsGiven ? PolicyDefinition.Read(policy["operation_definition"]) : null,
            properties is { } given && given["pattern"].IsGiven ? Patterns(given["pattern"]) : null,
            properties is { } sent ? StartAt(sent["start_time"]) : null);
    }

    /// <summary>Body of <c>associatepolicy</c>: one policy, or several of different types.</summary>
    public static (IReadOnlyList<PolicyId> Policies, VaultId? Destination) Association(BodyValue body)
    {
        bool isOne = body["policy_id"].IsGiven;
        if (isOne == body["add_policy_ids"].IsGiven)
            throw BodyReader.Refused("Exactly one of policy_id and add_policy_ids must be there.");
        List<PolicyId> policies = isOne
            ? [new PolicyId(body["policy_id"].Id())]
            : body["add_policy_ids"].List(1, PolicyCountMax, item => new PolicyId(item.Id()));

        // Some clients send the empty text with policies that have no destination.
        string? destination = body["destination_vault_id"].TextOrNull(0, 255) is { Length: 0 } ? null : body["destination_vault_id"].IdOrNull();
        return (policies, destination is null ? null : new VaultId(destination));
    }

    /// <summary>Body of our own <c>PUT …/policies/{policy_id}</c>: the zone to read the patterns in; null is UTC again.</summary>
    public static string? TimeZone(BodyValue body)
    {
        BodyValue zone = body["policy"].Object()["time_zone"];
        TimeZones.ReadOrNull(zone);
        return zone.TextOrNull(0, 255);
    }

    public static PolicyId Dissociation(BodyValue body) => new(body["policy_id"].Id());

    /// <exception cref="RefusedException">6117: it is none.</exception>
    public static string? OperationType(BodyValue value)
    {
        string? type = value.TextOrNull(0, 255);
        return type is null || PolicyTypes.All.Contains(type)
            ? type
            : throw new RefusedException(ErrorCodes.PolicyTypeUnknown, $"{value.Path} must be {string.Join(" or ", PolicyTypes.All)}: it is {ShownText.Quoted(type)}.");
    }

    public static List<string> Patterns(BodyValue value) => Schedule.ReadPatterns(value).ConvertAll(pattern => pattern.Text);

    private static DateTimeOffset? StartAt(BodyValue value)
    {
        if (!value.IsGiven)
            return null;
        return DateTimeOffset.TryParseExact(
            value.Text(0, 255), StartTimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset instant)
            ? instant
            : throw value.Refused("must look like 2024-11-05 02:41:07");
    }
}
