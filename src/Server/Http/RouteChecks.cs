using Microsoft.AspNetCore.Routing;

namespace Strongroom.Server.Http;

internal static class RouteChecks
{
    /// <summary>A route that forgot to say who may use it would be open to every valid token: better not to start.</summary>
    public static void RequireAccess(IEndpointRouteBuilder routes)
    {
        foreach (Endpoint endpoint in routes.DataSources.SelectMany(source => source.Endpoints))
        {
            if (endpoint.Metadata.GetMetadata<RouteAccess>() is null)
                throw new InvalidOperationException($"The route {endpoint.DisplayName} does not say who may use it: WithAction, ForAnyCaller or OpenToAll.");
        }
    }

    /// <summary>The actions that routes ask for, each once, in alphabetical order.</summary>
    public static IReadOnlyList<string> Actions(IEndpointRouteBuilder routes) =>
    [
        .. routes.DataSources.SelectMany(source => source.Endpoints)
            .Select(endpoint => endpoint.Metadata.GetMetadata<RouteAccess>())
            .OfType<RouteAccess.Action>()
            .Select(action => action.Name)
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];
}
