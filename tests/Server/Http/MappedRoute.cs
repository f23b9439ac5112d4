using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Strongroom.Server.Http;

namespace Strongroom.Server.Tests.Http;

/// <summary>One route of the running service, so that a test can go over all there are and none is forgotten.</summary>
internal sealed record MappedRoute(string Method, string Pattern, RouteAccess Access, IReadOnlyList<string> Parameters)
{
    public const string ProjectParameter = "project_id";

    public bool IsOpen => Access is RouteAccess.Open;

    // Some of our own additions are bare commands: whatever body comes with them is not looked at.
    private static readonly string[] BareCommands = ["/unsubscribe", "/undelete", "/cancel", "/bind", "/test"];

    public bool TakesBody => Method is "POST" or "PUT" or "PATCH" && !BareCommands.Any(command => Pattern.EndsWith(command, StringComparison.Ordinal));

    public bool HasProject => Parameters.Contains(ProjectParameter);

    /// <summary>Whether it names one thing inside the project.</summary>
    public bool NamesOne => Parameters.Any(parameter => parameter.EndsWith("_id", StringComparison.Ordinal) && parameter != ProjectParameter);

    public static IReadOnlyList<MappedRoute> All(WebApplication app) =>
    [
        .. ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods, (endpoint, method) => new MappedRoute(
                method,
                endpoint.RoutePattern.RawText!,
                endpoint.Metadata.GetMetadata<RouteAccess>()!,
                [.. endpoint.RoutePattern.Parameters.Select(parameter => parameter.Name)]))
            .OrderBy(route => route.Pattern, StringComparer.Ordinal).ThenBy(route => route.Method, StringComparer.Ordinal),
    ];

    /// <summary>The path with each parameter replaced.</summary>
    public string Path(Func<string, string> value) =>
        Parameters.Aggregate(Pattern, (path, parameter) => path.Replace($"{{{parameter}}}", value(parameter), StringComparison.Ordinal));

    public override string ToString() => $"{Method} {Pattern}";
}
