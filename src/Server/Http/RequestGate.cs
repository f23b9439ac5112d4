using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Primitives;
using Strongroom.Contract;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Http;

/// <summary>
/// Who may pass, asked once for every route, in a fixed order: a valid token (else 401), a route at all (404, 405), the
/// token's own project in the path (403), a role that allows the route's action (403). A valid token never meets 401:
/// clients answer that with a new log-in, some without an end.
/// </summary>
internal sealed class RequestGate(RequestDelegate next, TokenAuthenticator authenticator, ActionPolicy policy)
{
    public const string TokenHeader = "X-Auth-Token";

    public Task InvokeAsync(HttpContext context)
    {
        var endpoint = context.GetEndpoint() as RouteEndpoint;
        RouteAccess? access = endpoint?.Metadata.GetMetadata<RouteAccess>();
        if (access is RouteAccess.Open)
            return next(context);

        StringValues sent = context.Request.Headers[TokenHeader];
        if (sent.Count != 1 || string.IsNullOrEmpty(sent[0]))
            return RefuseUnknownAsync(context);
        ValueTask<Token?> finding = authenticator.FindAsync(sent[0]!, context.RequestAborted);
        return finding.IsCompletedSuccessfully
            ? PassAsync(context, finding.Result, endpoint, access)
            : WaitAndPassAsync(context, finding, endpoint, access);
    }

    private async Task WaitAndPassAsync(HttpContext context, ValueTask<Token?> finding, RouteEndpoint? endpoint, RouteAccess? access) =>
        await PassAsync(context, await finding, endpoint, access);

    private Task PassAsync(HttpContext context, Token? token, RouteEndpoint? endpoint, RouteAccess? access)
    {
        if (token is null)
            return RefuseUnknownAsync(context);

        // No route, or routing's own answer to a wrong method: the shell words it.
        if (endpoint is null)
            return next(context);

        if (context.Request.RouteValues.TryGetValue("project_id", out object? projectId)
            && !string.Equals((string?)projectId, token.ProjectId, StringComparison.Ordinal))
        {
            return ErrorReply.WriteAsync(
                context,
                ErrorCodes.NotAllowed,
                token.ProjectId.Length == 0
                    ? "The token is not for a project: get one that is scoped to the project in the path."
                    : $"The token is for project {token.ProjectId}, not for the project in the path.");
        }

        if (access is RouteAccess.Action action && !policy.Allows(token.Roles, action.Name))
            return ErrorReply.WriteAsync(context, ErrorCodes.NotAllowed, $"Policy doesn't allow {action.Name} to be performed.");

        context.Features.Set(token);
        context.Features.Set(token.ToCaller(context.TraceIdentifier));
        return next(context);
    }

    private static Task RefuseUnknownAsync(HttpContext context)
    {
        string reason = context.Request.Headers.Authorization.ToString() is { Length: > 0 } signature && AccessKey(signature) is { } key
            ? $"Get secretKey failed,ak:{key},err:ak not exist"
            : "decrypt token fail";
        return ErrorReply.WriteAsync(context, ErrorCodes.NotAuthenticated, $"Incorrect IAM authentication information: {reason}");
    }

    // Both forms of a signed request name their key: Access=<ak>, or Credential=<ak>/<date>/….
    private static string? AccessKey(string authorization)
    {
        foreach (string label in (ReadOnlySpan<string>)["Access=", "Credential="])
        {
            int at = authorization.IndexOf(label, StringComparison.Ordinal);
            if (at < 0)
                continue;
            ReadOnlySpan<char> rest = authorization.AsSpan(at + label.Length);
            int end = rest.IndexOfAny(", /");
            ReadOnlySpan<char> key = end < 0 ? rest : rest[..end];
            return key.Length is > 0 and <= 64 ? key.ToString() : null;
        }

        return null;
    }
}
