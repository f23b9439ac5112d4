using System.Text.Json;

namespace Strongroom.Server.Http;

/// <summary>A role and its rules: what one of them allows and none forbids.</summary>
internal sealed record PolicyRole(string Name, IReadOnlyList<ActionRule> Rules)
{
    public bool Allows(string action) =>
        Rules.Any(rule => !rule.Forbids && rule.Matches(action)) && !Rules.Any(rule => rule.Forbids && rule.Matches(action));
}

/// <summary>
/// One line of a role: <c>*</c> for everything, <c>cbr:*</c> for all of a service, or <c>service:noun:verb</c>, each of which
/// may end in <c>*</c>. With <c>!</c> before it, it forbids.
/// </summary>
internal sealed record ActionRule(string Text, bool Forbids, IReadOnlyList<string> Parts)
{
    /// <summary>Null when it is none.</summary>
    public static ActionRule? Parse(string text)
    {
        bool forbids = text.StartsWith('!');
        string[] parts = text[(forbids ? 1 : 0)..].Split(':');
        bool isWhole = parts.Length == 3 || (parts.Length <= 2 && parts[^1] == "*");
        return isWhole && parts.All(IsPattern) ? new ActionRule(text, forbids, parts) : null;
    }

    public bool Matches(string action)
    {
        string[] words = action.Split(':');
        for (int i = 0; i < Parts.Count; i++)
        {
            bool isFamily = Parts[i].EndsWith('*');
            string start = Parts[i].TrimEnd('*');
            if (isFamily ? !words[i].StartsWith(start, StringComparison.Ordinal) : words[i] != start)
                return false;
        }

        return true;
    }

    private static bool IsPattern(string part)
    {
        string word = part.EndsWith('*') ? part[..^1] : part;
        return part.Length > 0 && word.All(char.IsAsciiLetterOrDigit);
    }
}

/// <summary>
/// The policy file: <c>{"roles": {"name": ["rule", …], …}}</c>. A role named there has these rules and no others; the
/// built-in roles it does not name stay. Comments and a comma too many are allowed, as in every file people write.
/// </summary>
internal static class PolicyFile
{
    private const int FileBytesMax = 1 << 20;
    private const int RoleNameLengthMax = 64;

    private static readonly JsonDocumentOptions Parsing = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
    };

    /// <exception cref="StartRefusedException">It is missing or wrong; the message says what and where.</exception>
    public static IReadOnlyList<PolicyRole> Read(string file)
    {
        string Wrong(string reason) => $"The policy file {file} cannot be used: {reason}";
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > FileBytesMax } large)
                throw new StartRefusedException(Wrong($"it has {large.Length} bytes, and {FileBytesMax} are the most."));
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file), Parsing);
            return ReadRoles(document.RootElement, reason => new StartRefusedException(Wrong(reason)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new StartRefusedException(Wrong(error.Message), error);
        }
    }

    private static List<PolicyRole> ReadRoles(JsonElement root, Func<string, StartRefusedException> wrong)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("roles", out JsonElement roles) || roles.ValueKind != JsonValueKind.Object)
            throw wrong("it must look like {\"roles\": {\"name\": [\"cbr:vaults:get\", …], …}}.");
        if (root.EnumerateObject().Select(member => member.Name).FirstOrDefault(name => name != "roles") is { } other)
            throw wrong($"it has a member '{other}'; 'roles' is the only one there is.");
        var read = new List<PolicyRole>();
        foreach (JsonProperty role in roles.EnumerateObject())
        {
            if (role.Name == ActionPolicy.AdminRole)
                throw wrong($"the role '{ActionPolicy.AdminRole}' may do everything and cannot be written down.");
            if (role.Name.Length is 0 or > RoleNameLengthMax || !role.Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
                throw wrong($"the role name '{role.Name}' must have 1 to {RoleNameLengthMax} letters, digits, '_' and '-'.");
            if (role.Value.ValueKind != JsonValueKind.Array)
                throw wrong($"the rules of the role '{role.Name}' must be a list of texts.");
            read.Add(new PolicyRole(role.Name, [.. role.Value.EnumerateArray().Select(rule => ReadRule(role.Name, rule, wrong))]));
        }

        return read;
    }

    private static ActionRule ReadRule(string role, JsonElement rule, Func<string, StartRefusedException> wrong) =>
        (rule.ValueKind == JsonValueKind.String ? ActionRule.Parse(rule.GetString()!) : null)
            ?? throw wrong($"the role '{role}' has the rule {rule.GetRawText()}; a rule is *, service:* or service:noun:verb, each part may end in *, and ! before it forbids.");
}
