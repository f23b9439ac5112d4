using Microsoft.AspNetCore.Http.Features;
using Strongroom.Contract;

namespace Strongroom.Server.Http;

/// <summary>
/// Outermost: gives every request its id and the answer its fixed headers, and turns whatever went wrong inside into one
/// JSON refusal. Nothing leaves without a body that says what happened.
/// </summary>
internal sealed partial class RequestShell(RequestDelegate next, ILogger<RequestShell> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        context.TraceIdentifier = NewRequestId();
        SetHeaders(context.Response.Headers, context.TraceIdentifier);
        try
        {
            await next(context);
            if (context.Response.StatusCode >= 400 && !context.Response.HasStarted)
                await ReplyToBareStatusAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer.
        }
        catch (RefusedException refusal)
        {
            await ReplyAsync(context, refusal.Error, refusal.Message);
        }
        catch (BadHttpRequestException error)
        {
            await ReplyAsync(context, ErrorCodes.ParameterInvalid with { Status = error.StatusCode }, error.Message);
        }
        catch (Exception error)
        {
            Log.Failed(logger, error, context.Request.Method, context.Request.Path, context.TraceIdentifier);
            await ReplyAsync(
                context,
                ErrorCodes.Unknown,
                $"The service failed on this request. Its log tells more under the request id {context.TraceIdentifier}.");
        }
    }

    /// <summary>32 hex digits. Nothing rests on their being hard to guess, so they need no system call.</summary>
    public static string NewRequestId()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>The fixed headers of every answer, as recorded from the public clouds (atlas of the vault API, section 1.3).</summary>
    public static void SetHeaders(IHeaderDictionary headers, string requestId)
    {
        headers["X-Request-Id"] = requestId;
        headers.Server = "api-gateway";
        headers.StrictTransportSecurity = "max-age=31536000; includeSubdomains;";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "SAMEORIGIN";
        headers.XXSSProtection = "1; mode=block;";
        headers["X-Download-Options"] = "noopen";
    }

    /// <summary>The words for a status that was set without a body: by routing, or by the server.</summary>
    public static (ErrorCode Error, string Message) Describe(int status) => status switch
    {
        StatusCodes.Status404NotFound => (ErrorCodes.RouteUnknown,
            "The API does not exist or has not been published in the environment."),
        StatusCodes.Status405MethodNotAllowed => (ErrorCodes.MethodUnknown,
            "The API does not offer this method; the Allow header lists those it does."),
        StatusCodes.Status408RequestTimeout => (ErrorCodes.ParameterInvalid with { Status = status }, "The request did not arrive in time."),
        StatusCodes.Status413PayloadTooLarge => (ErrorCodes.ParameterInvalid with { Status = status }, "The request body is larger than 4 MiB."),
        StatusCodes.Status414UriTooLong => (ErrorCodes.ParameterInvalid with { Status = status }, "The request line is too long."),
        StatusCodes.Status415UnsupportedMediaType => (ErrorCodes.ParameterInvalid with { Status = status }, "The request body must be application/json."),
        StatusCodes.Status431RequestHeaderFieldsTooLarge => (ErrorCodes.ParameterInvalid with { Status = status }, "The request headers are too large or too many."),
        >= 500 => (ErrorCodes.Unknown with { Status = status }, "The service failed on this request."),
        _ => (ErrorCodes.ParameterInvalid with { Status = status }, "The request is not well-formed HTTP."),
    };

    private static Task ReplyToBareStatusAsync(HttpContext context)
    {
        (ErrorCode error, string message) = Describe(context.Response.StatusCode);
        return ErrorReply.WriteAsync(context, error, message);
    }

    private static async Task ReplyAsync(HttpContext context, ErrorCode error, string message)
    {
        if (context.Response.HasStarted)
        {
            // Half an answer is out: only a broken connection tells the client that it is not whole.
            context.Abort();
            return;
        }

        context.Response.Clear();
        SetHeaders(context.Response.Headers, context.TraceIdentifier);
        await ErrorReply.WriteAsync(context, error, message);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed; request {RequestId}")]
        public static partial void Failed(ILogger logger, Exception error, string method, string path, string requestId);
    }
}
