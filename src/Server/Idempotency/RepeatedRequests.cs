using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Idempotency;

/// <summary>
/// Makes a POST with an <c>Idempotency-Key</c> safe to repeat: within a day the same request of the same user in the same
/// project gets the same answer, and changes nothing more.
/// <para>
/// The key is taken in the transaction of the change, so there is never one without the other. Such a request runs to its end
/// whether or not the client is still there, and its answer is stored before the first byte of it goes out. Should the process
/// end in between, a repeat finds the key without an answer: it is shown what was made, or told that it was done. A refusal
/// changes nothing and so takes no key: the same key may be tried again.
/// </para>
/// </summary>
internal sealed partial class RepeatedRequests(
    RequestDelegate next, MetadataDatabase database, TimeProvider time, ActionPolicy actions, EndpointDataSource endpoints, ILogger<RepeatedRequests> logger)
{
    public const string KeyHeader = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotent-Replayed";

    public const int KeyLengthMax = 255;

    private static readonly TimeSpan KeyLifetime = TimeSpan.FromHours(24);

    public Task InvokeAsync(HttpContext context) =>
        HttpMethods.IsPost(context.Request.Method) && context.Request.Headers.ContainsKey(KeyHeader)
            && context.Features.Get<Token>() is { ProjectId.Length: > 0 } token
            && context.GetEndpoint() is RouteEndpoint endpoint && endpoint.Metadata.GetMetadata<RouteAccess>() is RouteAccess.Action
            ? RunAsync(context, token, endpoint)
            : next(context);

    private async Task RunAsync(HttpContext context, Token token, RouteEndpoint endpoint)
    {
        string key = ReadKey(context.Request);
        string hash = await HashAsync(context);
        DateTimeOffset now = time.GetStoredNow();
        var request = new KeyedRequest(key, token.ProjectId, token.UserId, context.TraceIdentifier, hash, now + KeyLifetime);
        if (await FindAsync(request, context.RequestAborted) is { } known)
        {
            await RepeatAsync(context, token, endpoint, request, known);
            return;
        }

        bool isTaken = false;
        Func<DbSession, ValueTask>? others = database.BeforeCommit;
        CancellationToken aborted = context.RequestAborted;
        Stream body = context.Response.Body;
        using var answer = new MemoryStream();
        database.BeforeCommit = async session =>
        {
            await KeyedRequestTable.TakeAsync(session, request with { ResourceId = MadeBy(context) }, time.GetStoredNow(), CancellationToken.None);
            if (others is not null)
                await others(session);
        };
        try
        {
            context.RequestAborted = CancellationToken.None;
            context.Response.Body = answer;
            await next(context);
        }
        catch (KeyTakenException)
        {
            isTaken = true;
        }
        finally
        {
            context.Response.Body = body;
            context.RequestAborted = aborted;
            database.BeforeCommit = others;
        }

        if (isTaken)
        {
            KeyedRequest first = await FindAsync(request, aborted) ?? throw new InvalidOperationException("A key was taken and is gone.");
            await RepeatAsync(context, token, endpoint, request, first);
            return;
        }

        await StoreAsync(request, context.Response.StatusCode, answer);
        answer.Position = 0;
        await answer.CopyToAsync(body, aborted);
    }

    private Task<KeyedRequest?> FindAsync(KeyedRequest request, CancellationToken cancellationToken) => database.ReadAsync(
        session => KeyedRequestTable.FindAsync(session, request, time.GetStoredNow(), cancellationToken), cancellationToken);

    private async Task RepeatAsync(HttpContext context, Token token, RouteEndpoint endpoint, KeyedRequest request, KeyedRequest known)
    {
        if (known.RequestHash != request.RequestHash)
        {
            throw new RefusedException(
                ErrorCodes.IdempotencyKeyReused,
                $"{KeyHeader} {ShownText.Quoted(request.Key)} came with another request before ({known.RequestId}): use a new key for each.");
        }

        if (known.Answer is { } answer)
        {
            context.Response.Headers[ReplayedHeader] = "true";
            context.Response.StatusCode = answer.Status;
            if (answer.Body.Length == 0)
                return;
            byte[] bytes = Encoding.UTF8.GetBytes(answer.Body);
            context.Response.ContentType = ErrorReply.MediaType;
            context.Response.ContentLength = bytes.Length;
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
            return;
        }

        if (known.ResourceId is { } id && FindShowing(endpoint, token) is var (show, parameter))
        {
            context.Response.Headers[ReplayedHeader] = "true";
            context.Request.Method = HttpMethods.Get;
            context.Request.RouteValues[parameter] = id;
            await show.RequestDelegate!(context);
            return;
        }

        throw new RefusedException(
            ErrorCodes.IdempotencyKeyReused,
            $"The request with {KeyHeader} {ShownText.Quoted(request.Key)} was carried out ({known.RequestId}), and its answer is not known any more: look at what it was about.");
    }

    /// <summary>The route that shows one of what this route makes, with the name of its last parameter, if the caller may use it.</summary>
    private (RouteEndpoint Endpoint, string Parameter)? FindShowing(RouteEndpoint making, Token token)
    {
        string collection = making.RoutePattern.RawText! + "/{";
        RouteEndpoint? show = endpoints.Endpoints.OfType<RouteEndpoint>().FirstOrDefault(
            other => other.RoutePattern.RawText!.StartsWith(collection, StringComparison.Ordinal)
                && other.RoutePattern.PathSegments.Count == making.RoutePattern.PathSegments.Count + 1
                && other.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains(HttpMethods.Get));
        return show?.Metadata.GetMetadata<RouteAccess>() is RouteAccess.Action action && actions.Allows(token.Roles, action.Name)
            ? (show, show.RoutePattern.Parameters[^1].Name)
            : null;
    }

    // What the audit has from the path is what the request was about, not what it made.
    private static string? MadeBy(HttpContext context) =>
        context.Features.Get<AuditRecord>()?.ResourceId is { } id && !context.Request.RouteValues.Values.Contains(id) ? id : null;

    private async Task StoreAsync(KeyedRequest request, int status, MemoryStream answer)
    {
        if (status >= StatusCodes.Status400BadRequest)
            return;
        var kept = new KeyedAnswer(status, Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length));
        try
        {
            await database.WriteRelaxedAsync(
                session => KeyedRequestTable.AnswerAsync(session, request, kept, CancellationToken.None), CancellationToken.None);
        }
        catch (Exception error)
        {
            // The change is made and its key taken: the caller gets the answer, and a repeat is shown what was made.
            Log.NotStored(logger, error, request.RequestId);
        }
    }

    private static string ReadKey(HttpRequest request)
    {
        string key = request.Headers[KeyHeader].ToString();
        return key.Length is >= 1 and <= KeyLengthMax && request.Headers[KeyHeader].Count == 1 && key.All(c => c is >= '!' and <= '~')
            ? key
            : throw BodyReader.Refused($"The header {KeyHeader} must be 1 to {KeyLengthMax} printable ASCII characters without blanks: it is {ShownText.Quoted(key)}.");
    }

    private static async ValueTask<string> HashAsync(HttpContext context)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{context.Request.Method}\n{context.Request.Path}\n{context.Request.QueryString}\n"));
        hash.AppendData((await ReceivedBody.ReadAsync(context)).Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The answer to request {RequestId} was not kept for its repeats")]
        public static partial void NotStored(ILogger logger, Exception error, string requestId);
    }
}
