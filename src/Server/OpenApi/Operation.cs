using System.Text.Json.Serialization.Metadata;
using Strongroom.Server.Http;

namespace Strongroom.Server.OpenApi;

/// <summary>What <see cref="OpenApiDocument"/> says of a route beyond its method, path and action.</summary>
/// <param name="Name">As the SDKs call it.</param>
/// <param name="Answer">The type that is written; null: no body.</param>
/// <param name="Status">Of a success.</param>
internal sealed record Operation(string Name, JsonTypeInfo? Answer, int Status)
{
    /// <summary>What may be written in place of the answer.</summary>
    public JsonTypeInfo? OtherAnswer { get; init; }

    /// <summary>Some refusals are a bare text.</summary>
    public bool RefusesWithText { get; init; }

    /// <summary>The function that reads the body; null: none is looked at.</summary>
    public Action<BodyValue>? Body { get; init; }

    /// <summary>The function that reads the query; null: nothing in it is looked at.</summary>
    public Action<HttpRequest>? Query { get; init; }

    public Operation Takes<T>(Func<BodyValue, T> read) => this with { Body = body => read(body) };

    public Operation Asks<T>(Func<HttpRequest, T> read) => this with { Query = request => read(request) };
}
