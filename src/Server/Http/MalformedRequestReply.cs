using System.Buffers;
using Microsoft.AspNetCore.Http.Features;
using Strongroom.Contract;

namespace Strongroom.Server.Http;

/// <summary>
/// Kestrel turns away what is not HTTP (bad request lines, NULs in paths, oversized headers) before any of our code runs,
/// with a bare status line. It announces that on its diagnostic source while the answer is still open; this adds the id, the
/// headers and the JSON body that every other refusal has.
/// </summary>
internal sealed class MalformedRequestReply : IObserver<KeyValuePair<string, object?>>
{
    public const string EventName = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    public void OnNext(KeyValuePair<string, object?> announced)
    {
        if (announced is not { Key: EventName, Value: IFeatureCollection features })
            return;
        var response = features.Get<IHttpResponseFeature>();
        var body = features.Get<IHttpResponseBodyFeature>();
        if (response is null || body is null || response.HasStarted || response.StatusCode < 400)
            return;

        string requestId = RequestShell.NewRequestId();
        (ErrorCode error, string message) = RequestShell.Describe(response.StatusCode);
        byte[] text = ErrorReply.Body(error, message, requestId, asIdentity: false);
        RequestShell.SetHeaders(response.Headers, requestId);
        response.Headers.ContentType = ErrorReply.MediaType;
        response.Headers.ContentLength = text.Length;
        body.Writer.Write(text);
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }
}
