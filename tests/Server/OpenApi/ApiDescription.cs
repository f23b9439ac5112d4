using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>An OpenAPI document, and what it says of single operations.</summary>
internal sealed partial class ApiDescription
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "head"];

    private readonly JsonNode document;
    private readonly Dictionary<string, DescribedOperation> operations = [];

    public ApiDescription(JsonNode document)
    {
        this.document = document;
        Schema = new JsonSchema(document);
        foreach ((string path, JsonNode? item) in document["paths"]!.AsObject())
        {
            foreach ((string method, JsonNode? operation) in item!.AsObject().Where(member => Methods.Contains(member.Key)))
            {
                string key = $"{method.ToUpperInvariant()} {Parameter().Replace(path, "{}")}";
                operations[key] = new DescribedOperation(this, $"{method.ToUpperInvariant()} {path}", operation!, item["parameters"]);
            }
        }
    }

    /// <summary>The contract this product is held against, in its two halves: facts of the wire from public sources.</summary>
    public static IReadOnlyList<ApiDescription> Contract { get; } = [Load("vaults.openapi.json"), Load("backups.openapi.json")];

    public JsonSchema Schema { get; }

    /// <summary>By method and path with the names of parameters left out, as in <c>GET /v3/{}/vaults/{}</c>.</summary>
    public IReadOnlyDictionary<string, DescribedOperation> Operations => operations;

    public static string ContractFolder => Path.Combine(Path.GetDirectoryName(ThisFile())!, "Contract");

    /// <summary>The operation a request was for; literal segments win over parameters. Null: none of this document.</summary>
    public DescribedOperation? Find(string method, string path)
    {
        string[] segments = path.Split('?')[0].Split('/');
        return operations
            .Where(candidate => Fits(candidate.Key, method, segments))
            .OrderBy(candidate => candidate.Key.Split("{}").Length)
            .Select(candidate => candidate.Value)
            .FirstOrDefault();
    }

    private static bool Fits(string key, string method, string[] segments)
    {
        string[] parts = key.Split(' ');
        string[] pattern = parts[1].Split('/');
        return parts[0] == method && pattern.Length == segments.Length
            && pattern.Zip(segments).All(pair => pair.First == "{}" ? pair.Second.Length > 0 : pair.First == pair.Second);
    }

    private static ApiDescription Load(string file) => new(JsonNode.Parse(File.ReadAllText(Path.Combine(ContractFolder, file)))!);

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}

/// <summary>One operation of a document.</summary>
internal sealed class DescribedOperation(ApiDescription api, string name, JsonNode operation, JsonNode? ofPath)
{
    public ApiDescription Api => api;

    /// <summary>As in <c>GET /v3/{project_id}/vaults</c>.</summary>
    public string Name => name;

    public JsonNode? RequestSchema => operation["requestBody"] is { } body ? SchemaOf(api.Schema.Resolve(body)) : null;

    /// <summary>Statuses of success, and what is answered then; null: no body.</summary>
    public IReadOnlyDictionary<int, JsonNode?> Answers => operation["responses"]!.AsObject()
        .Where(response => response.Key[0] is '2' or '3')
        .ToDictionary(response => int.Parse(response.Key, System.Globalization.CultureInfo.InvariantCulture), response => SchemaOf(api.Schema.Resolve(response.Value!)));

    /// <summary>False: nothing is said of that status. A null schema: it has no body, or it is not described.</summary>
    public bool TryGetAnswer(int status, out JsonNode? schema)
    {
        JsonObject responses = operation["responses"]!.AsObject();
        JsonNode? response = responses[$"{status}"] ?? responses[$"{status / 100}XX"];
        schema = response is null ? null : SchemaOf(api.Schema.Resolve(response));
        return response is not null;
    }

    public IReadOnlyDictionary<string, (JsonNode Schema, bool IsRequired)> QueryParameters =>
        Parameters(ofPath).Concat(Parameters(operation["parameters"]))
        .Select(parameter => api.Schema.Resolve(parameter!))
        .Where(parameter => (string?)parameter["in"] == "query")
        .ToDictionary(
            parameter => (string)parameter["name"]!,
            parameter => (parameter["schema"]!, (bool?)parameter["required"] ?? false));

    private static IEnumerable<JsonNode?> Parameters(JsonNode? list) => list?.AsArray() ?? [];

    private static JsonNode? SchemaOf(JsonObject holder) => holder["content"]?["application/json"]?["schema"];
}
