using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Strongroom.Contract;

namespace Strongroom.Server.Http;

/// <summary>
/// Kestrel turns away what is not HTTP (bad request lines, NULs in paths, oversized headers) before any of our code runs,
/// with a bare status line. It announces that on its diagnostic source before it answers; the connection then sends our
/// refusal in place of Kestrel's, with the id, the headers and the JSON body that every other one has.
/// </summary>
internal sealed class MalformedRequestReply : IObserver<KeyValuePair<string, object?>>
{
    public const string EventName = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    /// <summary>Connection middleware: everything the connection sends passes through a writer that can be told to send something else.</summary>
    public static ConnectionDelegate Wrap(ConnectionDelegate next) => connection =>
    {
        var transport = new ReplaceableTransport(connection.Transport);
        connection.Transport = transport;
        connection.Features.Set(transport);
        return next(connection);
    };

    public void OnNext(KeyValuePair<string, object?> announced)
    {
        if (announced is { Key: EventName, Value: IFeatureCollection features }
            && features.Get<IHttpResponseFeature>() is { HasStarted: false } refusal)
        {
            features.Get<ReplaceableTransport>()?.ReplaceBy(Refusal(refusal));
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    private static byte[] Refusal(IHttpResponseFeature refusal)
    {
        // An unknown HTTP version is 505 to Kestrel, but it is the caller's mistake like all the others.
        int status = refusal.StatusCode is >= 400 and < 500 ? refusal.StatusCode : StatusCodes.Status400BadRequest;
        (ErrorCode error, string message) = RequestShell.Describe(status);
        string requestId = RequestShell.NewRequestId();
        byte[] body = ErrorReply.Body(error, message, requestId, asIdentity: false);

        IHeaderDictionary headers = new HeaderDictionary();
        RequestShell.SetHeaders(headers, requestId);
        headers.ContentType = ErrorReply.MediaType;
        headers.ContentLength = body.Length;
        headers.Connection = "close";
        headers.Allow = refusal.Headers.Allow;
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {ReasonPhrases.GetReasonPhrase(status)}\r\n");
        foreach (var header in headers)
            head.Append(CultureInfo.InvariantCulture, $"{header.Key}: {header.Value}\r\n");
        head.Append("\r\n");
        return [.. Encoding.ASCII.GetBytes(head.ToString()), .. body];
    }

    private sealed class ReplaceableTransport(IDuplexPipe inner) : PipeWriter, IDuplexPipe
    {
        private readonly PipeWriter output = inner.Output;
        private byte[]? replacement;
        private byte[] discarded = [];
        private bool sent;

        public PipeReader Input => inner.Input;

        public PipeWriter Output => this;

        public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;

        public override long UnflushedBytes => output.UnflushedBytes;

        /// <summary>From here on nothing goes out but this, once. What was written before still goes out before it.</summary>
        public void ReplaceBy(byte[] reply) => replacement ??= reply;

        public override Memory<byte> GetMemory(int sizeHint = 0) => replacement is null ? output.GetMemory(sizeHint) : Discarded(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => replacement is null ? output.GetSpan(sizeHint) : Discarded(sizeHint);

        public override void Advance(int bytes)
        {
            if (replacement is null)
                output.Advance(bytes);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            SendReplacement();
            return output.FlushAsync(cancellationToken);
        }

        public override void CancelPendingFlush() => output.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            SendReplacement();
            output.Complete(exception);
        }

        private void SendReplacement()
        {
            if (replacement is null || sent)
                return;
            sent = true;
            output.Write(replacement);
        }

        private byte[] Discarded(int sizeHint)
        {
            if (discarded.Length < Math.Max(sizeHint, 1))
                discarded = new byte[Math.Max(sizeHint, 4096)];
            return discarded;
        }
    }
}
