using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace Strongroom.Server.Http;

/// <summary>
/// Which role may do what. An action is <c>service:noun:verb</c>; a rule names one, or a family with <c>*</c> at the end of
/// the verb or in place of everything after the service.
/// </summary>
public sealed class ActionPolicy
{
    /// <summary>Everything of the wire, and what only an operator may do, such as registering paths of the host.</summary>
    public const string AdminRole = "admin";

    public const string FullRole = "cbr_full";

    /// <summary>Everything but making, changing and deleting policies.</summary>
    public const string OperatorRole = "cbr_operator";

    public const string ReaderRole = "cbr_reader";

    // Actions are those of the routes: a few hundred.
    private readonly ConcurrentDictionary<string, FrozenSet<string>> rolesByAction = new(StringComparer.Ordinal);

    public static IReadOnlyList<string> Roles { get; } = [AdminRole, FullRole, OperatorRole, ReaderRole];

    public bool Allows(IReadOnlyList<string> roles, string action)
    {
        FrozenSet<string> allowed = rolesByAction.GetOrAdd(action, static action => Roles.Where(role => RoleAllows(role, action)).ToFrozenSet());
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

    private static bool RoleAllows(string role, string action)
    {
        string[] parts = action.Split(':');
        if (parts.Length != 3)
            throw new ArgumentException($"'{action}' is not service:noun:verb.", nameof(action));
        (string service, string noun, string verb) = (parts[0], parts[1], parts[2]);
        return role switch
        {
            AdminRole => true,
            FullRole => service == "cbr",
            OperatorRole => service == "cbr" && !(noun == "policies" && verb is "create" or "update" or "delete"),
            ReaderRole => service == "cbr" && Reads(action),
            _ => false,
        };
    }
}
