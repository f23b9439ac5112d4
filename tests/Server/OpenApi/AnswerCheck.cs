using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>
/// Holds every answer a test gets against the contract and against the service's own description: status, and body to the
/// last member. Sits in <see cref="ServerFixture"/>, so that whatever a test is about, the shape of what it saw was right.
/// </summary>
internal sealed class AnswerCheck(ApiDescription ours)
{
    private readonly ConcurrentDictionary<string, bool> succeeded = new();

    /// <summary>Operations of the contract that were answered with success so far, by name.</summary>
    public IReadOnlyCollection<string> Succeeded => [.. succeeded.Keys];

    /// <exception cref="Xunit.Sdk.XunitException">The answer is not as described.</exception>
    public void Verify(string method, string path, int status, string body)
    {
        foreach (ApiDescription description in (ApiDescription[])[.. ApiDescription.Contract, ours])
        {
            if (description.Find(method, path) is not { } operation)
                continue;

            // One word as a path is a version only if it is one of these; /v3 speaks as Keystone does.
            if (operation.Name == "GET /{api_version}" && path is not ("/vbs" or "/csbs" or "/cbr"))
                continue;
            string[] problems = [.. Problems(operation, status, body)];
            Assert.True(
                problems.Length == 0,
                $"{method} {path} answered {status} against {(description == ours ? "its own description" : "the contract")}: {string.Join("; ", problems)}\n{body}");
            if (status < 400 && description != ours)
                succeeded[operation.Name] = true;
        }
    }

    private static IEnumerable<string> Problems(DescribedOperation operation, int status, string body)
    {
        if (!operation.TryGetAnswer(status, out JsonNode? schema))
            return status < 400 && operation.Answers.Count > 0 ? [$"{status} is not among its answers"] : [];
        // Where the contract has a bare text (features), what the gateway and the common checks refuse keeps their form.
        if (status >= 400 && (string?)schema?["type"] == "string" && body.StartsWith('{'))
            return [];
        if (schema is null)
            return status < 400 && body.Length > 0 ? ["there should be no body"] : [];
        try
        {
            return operation.Api.Schema.Check(JsonNode.Parse(body), schema);
        }
        catch (JsonException error)
        {
            return ["the body is no JSON: " + error.Message];
        }
    }
}
