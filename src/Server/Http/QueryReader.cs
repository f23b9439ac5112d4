using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Primitives;
using Strongroom.Contract;

namespace Strongroom.Server.Http;

/// <summary>
/// The query of a list. Unknown names are ignored, a filter without a value counts as not given, and what is malformed is
/// <c>BackupService.9900</c> naming the parameter, the value and the limit.
/// </summary>
internal readonly struct QueryReader(HttpRequest request)
{
    public const int LimitMax = 1000;

    /// <summary>In place of an enterprise project: all the caller may see.</summary>
    public const string AllEnterpriseProjects = "all_granted_eps";

    private readonly IQueryCollection query = request.Query;

    // Of a reader that is run to describe itself.
    private readonly QueryTrace? trace = request.Query as QueryTrace;

    public int Limit() => Int("limit", 1, LimitMax) ?? LimitMax;

    public int Offset() => Int("offset", 0, int.MaxValue) ?? 0;

    /// <summary>The last id of the page before, for clients that page by it.</summary>
    public string? Marker() => Id("marker");

    public int? Int(string name, int min, int max)
    {
        trace?.Add(name, new JsonObject { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max });
        if (!query.TryGetValue(name, out StringValues values))
            return null;
        string text = values.ToString();
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= min && value <= max
            ? value
            : throw Refused(name, text, $"must be a whole number, {min} to {max}");
    }

    /// <summary>The last value given.</summary>
    public string? Text(string name)
    {
        trace?.Add(name, new JsonObject { ["type"] = "string" });
        if (!query.TryGetValue(name, out StringValues values) || values.Count == 0 || string.IsNullOrEmpty(values[^1]))
            return null;
        string text = values[^1]!;
        return text.Contains('\0', StringComparison.Ordinal) ? throw Refused(name, text, "must not hold a null character") : text;
    }

    /// <summary>One that must be there.</summary>
    public string RequiredText(string name)
    {
        string? text = Text(name);
        if (trace is null)
            return text ?? throw BodyReader.Refused($"{name} is missing.");
        trace.Require(name);
        return "";
    }

    public string? Word(string name, string[] words)
    {
        trace?.Add(name, new JsonObject { ["type"] = "string", ["enum"] = Words(words) });
        string? text = Text(name);
        return text is null || words.Contains(text, StringComparer.Ordinal) ? text : throw Refused(name, text, $"must be {string.Join(", ", words)}");
    }

    /// <summary>The words of an enum, each as the wire spells it, from a name that may be repeated: any of them will do. Empty: not given.</summary>
    public List<string> Words<T>(string name)
        where T : struct, Enum
    {
        var words = new List<string>();
        trace?.Add(name, new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string", ["enum"] = Words(WireWord.List<T>().Split(", ")) } });
        foreach (string? word in query[name])
        {
            if (string.IsNullOrEmpty(word))
                continue;
            if (!WireWord.TryParse<T>(word, out _))
                throw Refused(name, word, $"must be one of {WireWord.List<T>()}");
            words.Add(word);
        }

        return words;
    }

    public bool? Flag(string name)
    {
        trace?.Add(name, new JsonObject { ["type"] = "boolean" });
        return Text(name)?.ToLowerInvariant() switch
        {
            null => null,
            // One client writes booleans as its language does.
            "true" => true,
            "false" => false,
            var text => throw Refused(name, text, "must be true or false"),
        };
    }

    /// <summary>As in <c>2024-11-05T03:00:12Z</c>.</summary>
    public DateTimeOffset? Instant(string name)
    {
        string? text = Text(name);
        if (text is null)
            return null;
        return DateTimeOffset.TryParseExact(
            text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset instant)
            ? instant
            : throw Refused(name, text, "must look like 2024-11-05T03:00:12Z");
    }

    public string? Id(string name)
    {
        trace?.Add(name, new JsonObject { ["type"] = "string", ["format"] = "uuid" });
        return Text(name) is { } text ? Checked(name, text) : null;
    }

    /// <summary>Ids from a name that may be repeated, comma lists included. Null: not given.</summary>
    public IReadOnlyList<string>? Ids(string name)
    {
        trace?.Add(name, new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string", ["format"] = "uuid" } });
        if (!query.TryGetValue(name, out StringValues values))
            return null;
        var ids = new List<string>();
        foreach (string? value in values)
        {
            foreach (string id in (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                ids.Add(Checked(name, id));
        }

        return ids.Count == 0 ? null : ids;
    }

    private static JsonArray Words(string[] words) => [.. words.Select(word => (JsonNode)word)];

    private static string Checked(string name, string id) =>
        WireId.IsWellFormed(id) ? id : throw Refused(name, id, "must be a UUID in lower case with dashes");

    private static RefusedException Refused(string name, string value, string rule) =>
        BodyReader.Refused($"{name} {rule}: it is {ShownText.Quoted(value)}.");
}
