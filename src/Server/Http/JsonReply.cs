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

    // As much as the connection takes before it makes writers wait.
    private const int FlushBytes = 64 << 10;

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

    /// <summary>Writes ready-made JSON: a list's items between its start and its end, as they come to hand.</summary>
    public static async Task WriteAsync(HttpContext context, byte[] start, IReadOnlyList<byte[]> items, byte[] end)
    {
        HttpResponse response = context.Response;
        response.ContentType = ErrorReply.MediaType;
        response.ContentLength = start.Length + items.Sum(item => (long)item.Length) + Math.Max(0, items.Count - 1) + end.Length;
        PipeWriter body = response.BodyWriter;
        body.Write(start);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                body.Write(","u8);
            body.Write(items[i]);
            if (body.UnflushedBytes > FlushBytes)
                await body.FlushAsync(context.RequestAborted);
        }

        body.Write(end);
        await body.FlushAsync(context.RequestAborted);
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
