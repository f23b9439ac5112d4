using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Strongroom.Server.Tests.Http;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>
/// The description the service gives of itself, against the contract. Where the two differ on purpose stands in
/// <c>Contract/differences.txt</c>, a line each with its reason; a line that is not needed any more fails as well.
/// </summary>
public sealed class OpenApiTests(SqliteServer server) : IClassFixture<SqliteServer>
{
    [Fact]
    public async Task The_service_differs_from_the_contract_only_where_it_is_meant_to()
    {
        IReadOnlySet<string> found = Comparison.Of(ApiDescription.Contract, await OursAsync());
        string[] meant = Differences();

        string[] unexpected = [.. found.Where(line => !meant.Any(pattern => Covers(pattern, line)))];
        string[] unneeded = [.. meant.Where(pattern => !found.Any(line => Covers(pattern, line)))];
        string report = string.Join('\n', [.. unexpected.Select(line => "differs: " + line), .. unneeded.Select(line => "not needed any more: " + line)]);
        Assert.True(report.Length == 0, report);
    }

    [Fact]
    public async Task Every_route_is_described()
    {
        JsonNode document = (await server.GetAsync(null, "/openapi/v3.json")).Json;

        foreach (MappedRoute route in MappedRoute.All(server.App).Where(route => !route.IsOpen))
        {
            JsonNode? operation = document["paths"]![route.Pattern]?[route.Method.ToLowerInvariant()];
            Assert.True(operation?["operationId"] is not null, $"{route} is not in OperationCatalog");
            Assert.True(route.TakesBody == operation!["requestBody"] is not null, $"{route}: is a body read?");
        }
    }

    [Fact]
    public async Task Names_are_unique_and_references_lead_somewhere()
    {
        JsonNode document = (await server.GetAsync(null, "/openapi/v3.json")).Json;
        var schema = new JsonSchema(document);
        string[] names = [.. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).Select(operation => (string?)operation.Value!["operationId"]).OfType<string>()];

        Assert.Equal(names.Length, names.Distinct().Count());
        Walk(document);

        void Walk(JsonNode? node)
        {
            if (node is JsonObject members)
            {
                if (members["$ref"] is JsonValue)
                    Assert.NotEmpty(schema.Resolve(members));
                foreach ((_, JsonNode? member) in members)
                    Walk(member);
            }
            else if (node is JsonArray items)
            {
                foreach (JsonNode? item in items)
                    Walk(item);
            }
        }
    }

    [Fact]
    public void A_wrong_answer_is_noticed()
    {
        AnswerCheck answers = server.Answers!;

        foreach ((string path, int status, string body) in (IEnumerable<(string, int, string)>)
        [
            ("/v3/p/vaults/v", 200, "{}"),
            ("/v3/p/vaults/v", 200, """{"vault":{"id":1}}"""),
            ("/v3/p/vaults/v", 201, "{}"),
            ("/v3/p/vaults/summary", 200, """{"size":"1","used_size":1}"""),
            ("/v3/p/vaults/summary", 200, """{"size":1,"used_size":1,"more":1}"""),
            ("/v3/p/vaults/v", 404, """{"error_code":"BackupService.6105"}"""),
            ("/v3/p/backups/b/members/m", 200, """{"member":{"status":"perhaps"}}"""),
        ])
        {
            Assert.ThrowsAny<Exception>(() => answers.Verify("GET", path, status, body));
        }

        answers.Verify("GET", "/v3/p/vaults/summary?x=y", 200, """{"size":1,"used_size":1}""");
        Assert.Contains("GET /v3/{project_id}/vaults/summary", answers.Succeeded);
    }

    /// <summary>Whether the differences say that there is no such operation, or that it never succeeds.</summary>
    internal static bool IsAbsent(string operation) => Differences().Any(
        line => Covers(line, operation + ": absent") || Covers(line, operation + ": never answers 200") || Covers(line, operation + ": never answers 202"));

    private async Task<ApiDescription> OursAsync()
    {
        TestReply reply = await server.GetAsync(null, "/openapi/v3.json");
        Assert.True(reply.Status == 200, reply.Text);
        return new ApiDescription(reply.Json);
    }

    /// <summary>A star stands for any text.</summary>
    private static bool Covers(string pattern, string line) =>
        Regex.IsMatch(line, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal) + "$");

    /// <summary>The lines without comments and reasons.</summary>
    private static string[] Differences() =>
    [
        .. File.ReadLines(Path.Combine(ApiDescription.ContractFolder, "differences.txt"))
            .Select(line => line.Split(" -- ")[0].Trim())
            .Where(line => line.Length > 0 && !line.StartsWith('#')),
    ];
}
