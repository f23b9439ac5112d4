namespace Strongroom.Server.Http;

/// <summary>
/// What a caller needs to use a route: every route says one of these, and the service does not start when one does not.
/// </summary>
public abstract record RouteAccess
{
    /// <summary>A token for the route's project, with a role that allows <paramref name="Name"/>, such as <c>cbr:vaults:get</c>.</summary>
    public sealed record Action(string Name) : RouteAccess;

    /// <summary>Any valid token.</summary>
    public sealed record AnyCaller : RouteAccess;

    /// <summary>No token.</summary>
    public sealed record Open : RouteAccess;
}

public static class RouteAccessExtensions
{
    /// <summary>Lets callers in whose roles allow <paramref name="action"/> (<see cref="ActionPolicy"/>).</summary>
    public static TBuilder WithAction<TBuilder>(this TBuilder builder, string action)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RouteAccess.Action(action));

    public static TBuilder ForAnyCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RouteAccess.AnyCaller());

    public static TBuilder OpenToAll<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RouteAccess.Open());
}
