using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Primitives;
using Strongroom.Contract;
using Strongroom.Server.Audit;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Http;

/// <summary>
/// Who may pass, asked once for every route, in a fixed order: a valid token or signature (else 401), a route at all (404, 405), its
/// own project in the path (403), a role that allows the route's action (403). A valid token never meets 401:
/// clients answer that with a new log-in, some without an end.
/// </summary>
internal sealed class RequestGate(RequestDelegate next, TokenAuthenticator authenticator, SignatureAuthenticator signatures, ActionPolicy policy, AuditTrail audit)
{
    public const string TokenHeader = "X-Auth-Token";

    public Task InvokeAsync(HttpContext context)
    {
        var endpoint = context.GetEndpoint() as RouteEndpoint;
        RouteAccess? access = endpoint?.Metadata.GetMetadata<RouteAccess>();
        if (access is RouteAccess.Open)
            return next(context);

        StringValues sent = context.Request.Headers[TokenHeader];
        if (sent.Count == 0 && context.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization && SignatureHeader.IsSignature(authorization))
            return CheckSignatureAndPassAsync(context, authorization, endpoint, access);
        if (sent.Count != 1 || string.IsNullOrEmpty(sent[0]))
            return RefuseUnknownAsync(context);
        ValueTask<Token?> finding = authenticator.FindAsync(sent[0]!, context.RequestAborted);
        return finding.IsCompletedSuccessfully
            ? PassAsync(context, finding.Result, endpoint, access)
            : WaitAndPassAsync(context, finding, endpoint, access);
    }

    private async Task CheckSignatureAndPassAsync(HttpContext context, string authorization, RouteEndpoint? endpoint, RouteAccess? access) =>
        await PassAsync(context, await signatures.FindAsync(context, authorization), endpoint, access);

    private async Task WaitAndPassAsync(HttpContext context, ValueTask<Token?> finding, RouteEndpoint? endpoint, RouteAccess? access) =>
        await PassAsync(context, await finding, endpoint, access);

    private Task PassAsync(HttpContext context, Token? token, RouteEndpoint? endpoint, RouteAccess? access)
    {
        if (token is null)
            return RefuseUnknownAsync(context);

        // No route, or routing's own answer to a wrong method: the shell words it.
        if (endpoint is null)
            return next(context);

        return Changes(context.Request.Method, access)
            ? AuditAndAuthoriseAsync(context, token, endpoint, access)
            : AuthoriseAsync(context, token, access, changes: false);
    }

    // On its own: a lambda in the method before would cost every read an object.
    private Task AuditAndAuthoriseAsync(HttpContext context, Token token, RouteEndpoint endpoint, RouteAccess? access) =>
        audit.RunAsync(context, ActionOf(access, endpoint), token, () => AuthoriseAsync(context, token, access, changes: true));

    private Task AuthoriseAsync(HttpContext context, Token token, RouteAccess? access, bool changes)
    {
        if (context.Request.RouteValues.TryGetValue("project_id", out object? projectId)
            && !string.Equals((string?)projectId, token.ProjectId, StringComparison.Ordinal))
        {
            return ErrorReply.WriteAsync(
                context,
                ErrorCodes.NotAllowed,
                (token.AccessKey, token.ProjectId) switch
                {
                    (null, "") => "The token is not for a project: get one that is scoped to the project in the path.",
                    (null, _) => $"The token is for project {token.ProjectId}, not for the project in the path.",
                    (_, "") => $"The access key {token.AccessKey} has no role in the project it is used for.",
                    _ => $"X-Project-Id names project {token.ProjectId}, not the project in the path.",
                });
        }

        if (access is RouteAccess.Action action && !policy.Allows(token.Roles, action.Name))
            return ErrorReply.WriteAsync(context, ErrorCodes.NotAllowed, $"Policy doesn't allow {action.Name} to be performed.");

        context.Features.Set(token);
        context.Features.Set(token.ToCaller(context.TraceIdentifier));
        return token.AccessKey is not null && changes
            ? UseUpSignatureAndPassAsync(context)
            : next(context);
    }

    private async Task UseUpSignatureAndPassAsync(HttpContext context)
    {
        await signatures.UseUpAsync(context);
        await next(context);
    }

    // What any caller may do has no action in the policy; the audit needs a word for it.
    private static string ActionOf(RouteAccess? access, RouteEndpoint endpoint) =>
        access is RouteAccess.Action action ? action.Name : $"identity:{endpoint.RoutePattern.RawText}";

    // A few reads are POSTs: their actions say so.
    private static bool Changes(string method, RouteAccess? access) =>
        !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && !(access is RouteAccess.Action action && ActionPolicy.Reads(action.Name));

    private static Task RefuseUnknownAsync(HttpContext context) =>
        ErrorReply.WriteAsync(context, ErrorCodes.NotAuthenticated, "Incorrect IAM authentication information: decrypt token fail");
}
