using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>The part of JSON schema that the descriptions here use, over one document with <c>#/…</c> references.</summary>
internal sealed class JsonSchema(JsonNode document)
{
    /// <summary>Follows references until there is none.</summary>
    public JsonObject Resolve(JsonNode schema)
    {
        while (schema["$ref"] is { } reference)
            schema = At((string)reference!);
        return schema.AsObject();
    }

    /// <summary>Where the value breaks the schema; empty when it keeps it. Places have no list positions, so that each rule shows once.</summary>
    public IReadOnlySet<string> Check(JsonNode? value, JsonNode schema)
    {
        var problems = new SortedSet<string>(StringComparer.Ordinal);
        Check(value, schema, "", problems);
        return problems;
    }

    private void Check(JsonNode? value, JsonNode unresolved, string place, ISet<string> problems)
    {
        JsonObject schema = Resolve(unresolved);
        foreach (JsonNode? part in schema["allOf"]?.AsArray() ?? [])
            Check(value, part!, place, problems);
        if ((schema["anyOf"] ?? schema["oneOf"])?.AsArray() is { } choices)
        {
            IReadOnlySet<string>[] tried = [.. choices.Select(choice => Check(value, choice!))];
            if (tried.All(found => found.Count > 0))
                problems.UnionWith(tried.OrderBy(found => found.Count).First().Select(problem => place + problem));
        }

        string kind = KindOf(value);
        if (schema["type"] is { } type && !Types(type).Contains(kind) && !(kind == "integer" && Types(type).Contains("number")))
        {
            problems.Add($"{place} is {kind}, not {string.Join(" or ", Types(type))}");
            return;
        }

        if (schema["enum"]?.AsArray() is { } words && !words.Any(word => JsonNode.DeepEquals(word, value)))
            problems.Add($"{place} is '{value}', none of the words allowed");
        switch (value)
        {
            case JsonObject members:
                CheckMembers(members, schema, place, problems);
                break;
            case JsonArray items:
                CheckItems(items, schema, place, problems);
                break;
            case JsonValue when kind == "string":
                CheckText((string)value!, schema, place, problems);
                break;
            case JsonValue when kind is "integer" or "number":
                CheckNumber(value.GetValue<JsonElement>().GetDouble(), schema, place, problems);
                break;
        }
    }

    private void CheckMembers(JsonObject members, JsonObject schema, string place, ISet<string> problems)
    {
        JsonObject? properties = schema["properties"]?.AsObject();
        foreach (JsonNode? name in schema["required"]?.AsArray() ?? [])
        {
            if (!members.ContainsKey((string)name!))
                problems.Add($"{place}.{name} is missing");
        }

        foreach ((string name, JsonNode? value) in members)
        {
            if (properties?[name] is { } property)
                Check(value, property, $"{place}.{name}", problems);
            else if (schema["additionalProperties"] is JsonObject other)
                Check(value, other, $"{place}.*", problems);
            else if (schema["additionalProperties"] is JsonValue allowed && !(bool)allowed)
                problems.Add($"{place}.{name} is not in the description");
        }
    }

    private void CheckItems(JsonArray items, JsonObject schema, string place, ISet<string> problems)
    {
        if (items.Count < ((int?)schema["minItems"] ?? 0) || items.Count > ((int?)schema["maxItems"] ?? int.MaxValue))
            problems.Add($"{place} has {items.Count} items");
        if (schema["items"] is not { } each)
            return;
        foreach (JsonNode? item in items)
            Check(item, each, place + "[]", problems);
    }

    private static void CheckText(string text, JsonObject schema, string place, ISet<string> problems)
    {
        int length = text.EnumerateRunes().Count();
        if (length < ((int?)schema["minLength"] ?? 0) || length > ((int?)schema["maxLength"] ?? int.MaxValue))
            problems.Add($"{place} is {length} characters long");
        if (schema["pattern"] is { } pattern && !Regex.IsMatch(text, (string)pattern!))
            problems.Add($"{place} does not match {pattern}");
        if ((string?)schema["format"] == "uuid" && !Guid.TryParseExact(text, "D", out _))
            problems.Add($"{place} is no UUID");
    }

    private static void CheckNumber(double number, JsonObject schema, string place, ISet<string> problems)
    {
        if (number < ((double?)schema["minimum"] ?? double.MinValue) || number > ((double?)schema["maximum"] ?? double.MaxValue))
            problems.Add($"{place} is out of range");
    }

    public static IReadOnlyList<string> Types(JsonNode type) => type is JsonArray several ? [.. several.Select(one => (string)one!)] : [(string)type!];

    private static string KindOf(JsonNode? value) => value switch
    {
        null => "null",
        JsonObject => "object",
        JsonArray => "array",
        _ => value.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => value.ToJsonString().AsSpan().IndexOfAny(".eE") < 0 ? "integer" : "number",
            _ => "boolean",
        },
    };

    private JsonNode At(string pointer)
    {
        JsonNode node = document;
        foreach (string step in pointer.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
            node = node[step.Replace("~1", "/", StringComparison.Ordinal)] ?? throw new InvalidDataException($"Nothing is at {pointer}.");
        return node;
    }
}
