using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Strongroom.Server.Http;
using Strongroom.Server.Idempotency;

namespace Strongroom.Server.OpenApi;

/// <summary>The service's own description, OpenAPI 3.1, made from its routes, the types it writes and the functions that read requests.</summary>
internal static class OpenApiDocument
{
    private const string Json = "application/json";

    public static JsonObject Build(IEnumerable<RouteEndpoint> routes, IReadOnlyDictionary<string, Operation> operations)
    {
        var shapes = new ShapeSchemas();
        var paths = new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (RouteEndpoint route in routes)
        {
            string pattern = route.RoutePattern.RawText!;
            foreach (string method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [])
            {
                if (!paths.TryGetValue(pattern, out JsonObject? path))
                    paths.Add(pattern, path = []);
                path[method.ToLowerInvariant()] = Describe(route, operations.GetValueOrDefault($"{method} {pattern}"), shapes);
            }
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Strongroom", ["version"] = "3.0" },
            ["paths"] = new JsonObject(paths.Select(path => new KeyValuePair<string, JsonNode?>(path.Key, path.Value))),
            ["components"] = new JsonObject
            {
                ["schemas"] = With(shapes.Components, "Error", ErrorSchema()),
                ["securitySchemes"] = new JsonObject
                {
                    ["token"] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = RequestGate.TokenHeader },
                },
            },
            ["security"] = new JsonArray(new JsonObject { ["token"] = new JsonArray() }),
        };
    }

    private static JsonObject Describe(RouteEndpoint route, Operation? operation, ShapeSchemas shapes)
    {
        var description = new JsonObject();
        if (operation is not null)
            description["operationId"] = operation.Name;
        switch (route.Metadata.GetMetadata<RouteAccess>())
        {
            case RouteAccess.Action action:
                description["x-cbr-action"] = action.Name;
                break;
            case RouteAccess.Open:
                description["security"] = new JsonArray();
                break;
        }

        JsonNode[] parameters =
        [
            .. route.RoutePattern.Parameters.Select(parameter => Parameter(parameter.Name, "path", new JsonObject { ["type"] = "string" }, required: true)),
            .. operation?.Query is { } query ? QueryParameters(QueryTrace.Describe(query)) : [],
.. IsKeyed(route) ? [Parameter(RepeatedRequests.KeyHeader, "header", new JsonObject { ["type"] = "string", ["maxLength"] = RepeatedRequests.KeyLengthMax }, required: false)] : Array.Empty<JsonNode>(),
        ];
        if (parameters.Length > 0)
            description["parameters"] = new JsonArray(parameters);
        if (operation?.Body is { } body)
            description["requestBody"] = With(Content(BodyTrace.Describe(body)), "required", true);

        JsonObject refusal = Reference("Error");
        if (operation?.RefusesWithText == true)
            refusal = AnyOf(refusal, new JsonObject { ["type"] = "string" });
        var responses = new JsonObject { ["4XX"] = With(Content(refusal), "description", "Refused.") };
        if (operation is not null)
        {
            JsonObject success = operation switch
            {
                { Answer: null } => [],
                { OtherAnswer: { } other } => Content(AnyOf(shapes.Of(operation.Answer), shapes.Of(other))),
                _ => Content(shapes.Of(operation.Answer)),
            };
            success["description"] = "Done.";
            responses[$"{operation.Status}"] = success;
        }

        description["responses"] = responses;
        return description;
    }

    private static bool IsKeyed(RouteEndpoint route) =>
        route.Metadata.GetMetadata<RouteAccess>() is RouteAccess.Action action && !ActionPolicy.Reads(action.Name)
            && route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains(HttpMethods.Post);

    private static IEnumerable<JsonObject> QueryParameters(QueryTrace query) =>
        query.Parameters.Select(found => Parameter(found.Key, "query", found.Value, query.IsRequired(found.Key)));

    private static JsonObject Parameter(string name, string place, JsonObject schema, bool required) =>
        new() { ["name"] = name, ["in"] = place, ["required"] = required, ["schema"] = schema };

    private static JsonObject Content(JsonObject schema) => new() { ["content"] = new JsonObject { [Json] = new JsonObject { ["schema"] = schema } } };

    private static JsonObject AnyOf(JsonObject one, JsonObject other) => new() { ["anyOf"] = new JsonArray(one, other) };

    private static JsonObject Reference(string component) => new() { ["$ref"] = "#/components/schemas/" + component };

    /// <summary>As <see cref="ErrorReply"/> writes it.</summary>
    private static JsonObject ErrorSchema() => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject
        {
            ["error_code"] = new JsonObject { ["type"] = "string" },
            ["error_msg"] = new JsonObject { ["type"] = "string" },
            ["request_id"] = new JsonObject { ["type"] = "string" },
        },
        ["required"] = new JsonArray("error_code", "error_msg"),
    };

    private static JsonObject With(JsonObject node, string name, JsonNode value)
    {
        node[name] = value;
        return node;
    }
}
