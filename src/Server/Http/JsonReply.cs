using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Strongroom.Contract;

namespace Strongroom.Server.Http;

/// <summary>Writes answers: one JSON value with its length, <c>application/json</c> without parameters, as the live service does.</summary>
internal static class JsonReply
{
    private const int BufferBytesKept = 1 << 20;

    // One writer and buffer per thread: an answer is complete before anything is awaited.
    [ThreadStatic]
    private static Scratch? scratch;

    public static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> shape, int status = StatusCodes.Status200OK)
    {
        Scratch ours = scratch ?? new Scratch();
        scratch = null;
        try
        {
            JsonSerializer.Serialize(ours.Writer, value, shape);
            ours.Writer.Flush();
            ReadOnlySpan<byte> body = ours.Buffer.WrittenSpan;
            HttpResponse response = context.Response;
            response.StatusCode = status;
            response.ContentType = ErrorReply.MediaType;
            response.ContentLength = body.Length;
            response.BodyWriter.Write(body);
        }
        finally
        {
            if (ours.Buffer.Capacity <= BufferBytesKept)
                scratch = ours.Emptied();
        }

        ValueTask<FlushResult> flushing = context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        return flushing.IsCompletedSuccessfully ? Task.CompletedTask : flushing.AsTask();
    }

    /// <summary>204: done, and nothing to say.</summary>
    public static void NoContent(HttpContext context) => context.Response.StatusCode = StatusCodes.Status204NoContent;

    private sealed class Scratch
    {
        public Scratch() => Writer = new Utf8JsonWriter(Buffer, WireJson.Writing);

        public ArrayBufferWriter<byte> Buffer { get; } = new(4096);

        public Utf8JsonWriter Writer { get; }

        public Scratch Emptied()
        {
            Buffer.ResetWrittenCount();
            Writer.Reset();
            return this;
        }
    }
}
