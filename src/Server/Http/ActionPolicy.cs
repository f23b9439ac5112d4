using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace Strongroom.Server.Http;

/// <summary>
/// Which role may do what: the built-in roles, and what a policy file adds to them or puts in their place
/// (<see cref="PolicyFile"/>). Roles add up; a role nobody wrote down may do nothing.
/// </summary>
public sealed class ActionPolicy
{
    /// <summary>Everything of the wire, and what only an operator may do, such as registering paths of the host.</summary>
    public const string AdminRole = "admin";

    public const string FullRole = "cbr_full";

    /// <summary>Everything but making, changing and deleting policies and the targets of notifications.</summary>
    public const string OperatorRole = "cbr_operator";

    public const string ReaderRole = "cbr_reader";

    private static readonly (string Role, string[] Rules)[] BuiltIn =
    [
        (AdminRole, ["*"]),
        (FullRole, ["cbr:*"]),
        (
            OperatorRole,
            [
                "cbr:*", "!cbr:policies:create", "!cbr:policies:update", "!cbr:policies:delete",
                "!cbr:organizationPolicies:create", "!cbr:organizationPolicies:update", "!cbr:organizationPolicies:delete",
                "!cbr:notificationTargets:create", "!cbr:notificationTargets:update", "!cbr:notificationTargets:delete",
            ]),
        (ReaderRole, ["cbr:*:get*", "cbr:*:list*", "cbr:*:show*"]),
    ];

    private readonly IReadOnlyList<PolicyRole> roles;

    // Actions are those of the routes: a few hundred.
    private readonly ConcurrentDictionary<string, FrozenSet<string>> rolesByAction = new(StringComparer.Ordinal);

    /// <summary>The built-in roles alone.</summary>
    public ActionPolicy()
        : this([])
    {
    }

    private ActionPolicy(IReadOnlyList<PolicyRole> written)
    {
        IEnumerable<PolicyRole> kept = BuiltIn
            .Where(role => written.All(other => other.Name != role.Role))
            .Select(role => new PolicyRole(role.Role, [.. role.Rules.Select(rule => ActionRule.Parse(rule)!)]));
        roles = [.. kept.Concat(written).OrderBy(role => Array.FindIndex(BuiltIn, other => other.Role == role.Name) is >= 0 and var at ? at : int.MaxValue)];
    }

    /// <summary>The names of all roles, the built-in ones first.</summary>
    public IReadOnlyList<string> Roles => [.. roles.Select(role => role.Name)];

    /// <summary>The built-in roles with a file's.</summary>
    /// <param name="file">Null: there is none.</param>
    /// <exception cref="StartRefusedException">The file is missing or wrong; the message says where.</exception>
    public static ActionPolicy Load(string? file) => string.IsNullOrEmpty(file) ? new ActionPolicy() : new ActionPolicy(PolicyFile.Read(file));

    /// <summary>All roles with their rules as a policy file, to begin one's own with.</summary>
    public string ToFileText()
    {
        IEnumerable<string> lines = roles
            .Where(role => role.Name != AdminRole)
            .Select(role => $"    \"{role.Name}\": [{string.Join(", ", role.Rules.Select(rule => $"\"{rule.Text}\""))}]");
        return $"{{\n  \"roles\": {{\n{string.Join(",\n", lines)}\n  }}\n}}\n";
    }

    public bool Allows(IReadOnlyList<string> roles, string action)
    {
        FrozenSet<string> allowed = rolesByAction.GetOrAdd(action, RolesFor);
        for (int i = 0; i < roles.Count; i++)
        {
            if (allowed.Contains(roles[i]))
                return true;
        }

        return false;
    }

    /// <summary>Whether an action only looks, by its verb.</summary>
    public static bool Reads(string action)
    {
        string verb = action[(action.LastIndexOf(':') + 1)..];
        return verb.StartsWith("get", StringComparison.Ordinal)
            || verb.StartsWith("list", StringComparison.Ordinal)
            || verb.StartsWith("show", StringComparison.Ordinal);
    }

    /// <summary>A rule that no action matches is a slip of the pen, and would silently allow or forbid nothing.</summary>
    /// <exception cref="StartRefusedException">There is one; the message names it.</exception>
    internal void RequireMatches(IReadOnlyCollection<string> actions, string? file)
    {
        foreach (PolicyRole role in roles.Where(role => BuiltIn.All(other => other.Role != role.Name || !other.Rules.SequenceEqual(role.Rules.Select(rule => rule.Text)))))
        {
            foreach (ActionRule rule in role.Rules)
            {
                if (!actions.Any(rule.Matches))
                    throw new StartRefusedException($"The policy file {file}: no action matches the rule '{rule.Text}' of the role '{role.Name}'; 'strongroom role policy' lists the actions.");
            }
        }
    }

    private FrozenSet<string> RolesFor(string action) => action.Count(c => c == ':') == 2
        ? roles.Where(role => role.Allows(action)).Select(role => role.Name).ToFrozenSet(StringComparer.Ordinal)
        : throw new ArgumentException($"'{action}' is not service:noun:verb.", nameof(action));
}
