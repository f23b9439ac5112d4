using System.Text.Json.Nodes;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>What differs between the contract and the service's own description, one line each.</summary>
internal sealed class Comparison
{
    private const int DepthMax = 8;

    private static readonly string[] Limits = ["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"];

    private readonly SortedSet<string> differences = new(StringComparer.Ordinal);

    public static IReadOnlySet<string> Of(IEnumerable<ApiDescription> contract, ApiDescription ours)
    {
        var comparison = new Comparison();
        foreach ((string key, DescribedOperation wanted) in contract.SelectMany(half => half.Operations))
        {
            if (ours.Operations.TryGetValue(key, out DescribedOperation? ownOperation))
                comparison.Compare(wanted, ownOperation);
            else
                comparison.differences.Add($"{wanted.Name}: absent");
        }

        return comparison.differences;
    }

    private void Compare(DescribedOperation wanted, DescribedOperation ours)
    {
        foreach ((string name, (JsonNode schema, bool isRequired)) in wanted.QueryParameters)
        {
            string place = $"{wanted.Name}: query {name} ";
            if (!ours.QueryParameters.TryGetValue(name, out (JsonNode Schema, bool IsRequired) own))
            {
                differences.Add(place + "is not read");
                continue;
            }

            if (own.IsRequired != isRequired)
                differences.Add(place + (own.IsRequired ? "is required here" : "is not required here"));
            CompareParameters(place, View(wanted.Api, schema), View(ours.Api, own.Schema));
        }

        foreach ((int status, JsonNode? schema) in wanted.Answers)
        {
            if (!ours.Answers.TryGetValue(status, out JsonNode? own))
                differences.Add($"{wanted.Name}: never answers {status}");
            else if (schema is null != own is null)
                differences.Add($"{wanted.Name}: {status} {(own is null ? "without" : "with")} a body");
            else if (schema is not null)
                CompareAnswers($"{wanted.Name}: answer ", View(wanted.Api, schema), View(ours.Api, own!), 0);
        }

        if (wanted.RequestSchema is null != ours.RequestSchema is null)
            differences.Add($"{wanted.Name}: {(ours.RequestSchema is null ? "no body is read" : "a body is read")}");
        else if (wanted.RequestSchema is { } request)
            CompareRequests($"{wanted.Name}: request ", View(wanted.Api, request), View(ours.Api, ours.RequestSchema!), 0);
    }

    /// <summary>Whatever may be answered must be allowed, and what is promised must be there.</summary>
    private void CompareAnswers(string place, SchemaView wanted, SchemaView ours, int depth)
    {
        if (depth > DepthMax || wanted.IsAny || ours.IsAny)
            return;
        if (!ours.Types.All(type => wanted.Types.Contains(type) || (type == "integer" && wanted.Types.Contains("number"))))
            differences.Add($"{place}is {string.Join("/", ours.Types)} instead of {string.Join("/", wanted.Types)}");
        if (wanted.Items is { } items && ours.Items is { } ownItems)
            CompareAnswers(place.TrimEnd() + "[] ", items, ownItems, depth + 1);
        foreach ((string name, Func<SchemaView> member) in wanted.Members)
        {
            string there = Under(place, name);
            if (!ours.Members.TryGetValue(name, out Func<SchemaView>? own))
            {
                if (ours.Members.Count > 0)
                    differences.Add($"{there}is not there");
                continue;
            }

            if (wanted.Required.Contains(name) && !ours.Required.Contains(name))
                differences.Add($"{there}is not always there");
            CompareAnswers(there, member(), own(), depth + 1);
        }

        if (wanted.Members.Count > 0)
        {
            foreach (string name in ours.Members.Keys.Except(wanted.Members.Keys))
                differences.Add($"{Under(place, name)}is added");
        }
    }

    /// <summary>A list of one is written as the one.</summary>
    private void CompareParameters(string place, SchemaView wanted, SchemaView ours)
    {
        if (ours.Items is { } items && wanted.Items is null)
            ours = items;
        CompareRequests(place, wanted, ours, 0);
    }

    /// <summary>Whatever may be sent must be taken.</summary>
    private void CompareRequests(string place, SchemaView wanted, SchemaView ours, int depth)
    {
        if (depth > DepthMax || wanted.IsAny || ours.IsAny)
            return;
        if (!wanted.Types.All(type => ours.Types.Contains(type) || type == "null" || (type == "integer" && ours.Types.Contains("number"))))
            differences.Add($"{place}takes {string.Join("/", ours.Types)} instead of {string.Join("/", wanted.Types)}");
        foreach (string limit in Limits)
        {
            if (wanted.Limits.TryGetValue(limit, out double documented) && ours.Limits.TryGetValue(limit, out double own)
                && (limit.StartsWith("min", StringComparison.Ordinal) ? own > documented : own < documented))
                differences.Add($"{place}{limit} is {own} instead of {documented}");
        }

        string[] refused = [.. wanted.Words.Except(ours.Words)];
        if (ours.Words.Count > 0 && refused.Length > 0)
            differences.Add($"{place}does not take {string.Join(", ", refused)}");
        if (wanted.Items is { } items && ours.Items is { } ownItems)
            CompareRequests(place.TrimEnd() + "[] ", items, ownItems, depth + 1);
        foreach ((string name, Func<SchemaView> member) in wanted.Members)
        {
            string there = Under(place, name);
            if (!ours.Members.TryGetValue(name, out Func<SchemaView>? own))
                differences.Add($"{there}is not read");
            else
                CompareRequests(there, member(), own(), depth + 1);
        }

        foreach (string name in ours.Required.Except(wanted.Required).Where(wanted.Members.ContainsKey))
            differences.Add($"{Under(place, name)}is required here");
    }

    private static string Under(string place, string name) =>
        place.EndsWith("answer ", StringComparison.Ordinal) || place.EndsWith("request ", StringComparison.Ordinal)
            ? $"{place}{name} " : $"{place.TrimEnd()}.{name} ";

    private static SchemaView View(ApiDescription api, JsonNode schema) => new(api.Schema, schema);

    /// <summary>A schema with its references followed and its alternatives put together.</summary>
    private sealed class SchemaView
    {
        public SchemaView(JsonSchema document, JsonNode schema) => Add(document, document.Resolve(schema));

        public SortedSet<string> Types { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Words { get; } = [];

        public Dictionary<string, double> Limits { get; } = [];

        public Dictionary<string, Func<SchemaView>> Members { get; } = [];

        public HashSet<string> Required { get; } = [];

        public SchemaView? Items { get; private set; }

        public bool IsAny => Types.Count == 0;

        private void Add(JsonSchema document, JsonObject schema)
        {
            foreach (string combined in (string[])["allOf", "anyOf", "oneOf"])
            {
                foreach (JsonNode? part in schema[combined]?.AsArray() ?? [])
                    Add(document, document.Resolve(part!));
            }

            Types.UnionWith(schema["type"] is { } type ? JsonSchema.Types(type) : []);
            Words.UnionWith(schema["enum"]?.AsArray().Where(word => word is not null).Select(word => word!.ToString()) ?? []);
            foreach (string limit in Comparison.Limits)
            {
                if (schema[limit] is { } value)
                    Limits[limit] = (double)value;
            }

            foreach ((string name, JsonNode? member) in schema["properties"]?.AsObject() ?? [])
                Members[name] = () => new SchemaView(document, member!);
            Required.UnionWith(schema["required"]?.AsArray().Select(name => (string)name!) ?? []);
            if (schema["items"] is { } items)
                Items = new SchemaView(document, items);
        }
    }
}
