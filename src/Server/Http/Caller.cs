namespace Strongroom.Server.Http;

/// <summary>Who sent the request, and in whose name.</summary>
/// <param name="UserId">The user the token was issued to.</param>
/// <param name="UserName">That user's name, for audit and messages.</param>
/// <param name="ProjectId">The project the token is for; empty for a token of a domain or of nothing. A route with
/// <c>{project_id}</c> is only reached when both are the same.</param>
/// <param name="DomainId">The domain of that project; the scope itself for a domain's token; else the user's domain.</param>
/// <param name="Roles">The roles the user has in the scope; may be empty.</param>
/// <param name="RequestId">32 hex digits, as in the answer's <c>X-Request-Id</c>.</param>
public sealed record Caller(
    string UserId,
    string UserName,
    string ProjectId,
    string DomainId,
    IReadOnlyList<string> Roles,
    string RequestId);

public static class CallerExtensions
{
    /// <summary>Who sent the request.</summary>
    /// <exception cref="InvalidOperationException">The route is open to all, so nobody was asked who they are.</exception>
    public static Caller Caller(this HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("This route is open to all: it has no caller.");

    /// <summary>The id of this request, 32 hex digits; also on routes open to all.</summary>
    public static string RequestId(this HttpContext context) => context.TraceIdentifier;
}
