using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;
using Strongroom.Contract;

namespace Strongroom.Server.Http;

/// <summary>
/// Takes a request's body as one JSON object and hands it to a function that reads it member by member
/// (<see cref="BodyValue"/>). Whatever is not one sound JSON object is <c>BackupService.9900</c>: wrong media type, empty,
/// not UTF-8, more than one value, a member named twice, nested deeper than 32, half a surrogate pair, a null character
/// (which no database text can hold).
/// </summary>
internal static class BodyReader
{
    // Grown as bytes arrive, not as a header promises them; the host ends bodies over 4 MiB with 413.
    private const int FirstBufferBytes = 16 << 10;

    private const int DepthMax = 32;

    private static readonly JsonDocumentOptions Parsing = new() { MaxDepth = DepthMax, AllowDuplicateProperties = false };

    /// <exception cref="RefusedException">The body, or what <paramref name="read"/> finds in it, is not as it must be.</exception>
    public static async ValueTask<T> ReadAsync<T>(HttpContext context, Func<BodyValue, T> read)
    {
        RefuseOtherMediaTypes(context.Request.ContentType);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
        try
        {
            int length = 0;
            int got;
            while ((got = await ReadPartAsync(context, buffer.AsMemory(length))) > 0)
            {
                length += got;
                if (length == buffer.Length)
                    buffer = Grow(buffer);
            }

            return Parse(buffer.AsMemory(0, length), read);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask<int> ReadPartAsync(HttpContext context, Memory<byte> into)
    {
        try
        {
            return await context.Request.Body.ReadAsync(into, context.RequestAborted);
        }
        catch (IOException error) when (error is not BadHttpRequestException)
        {
            // A chunk size past all bounds comes out of Kestrel like a failure of its own.
            throw new BadHttpRequestException("The body is not sent as its headers say.", StatusCodes.Status400BadRequest, error);
        }
    }

    internal static T Parse<T>(ReadOnlyMemory<byte> body, Func<BodyValue, T> read)
    {
        if (body.IsEmpty)
            throw Refused("The request has no body: a JSON object is needed.");
        if (!Utf8.IsValid(body.Span))
            throw Refused("The body is not UTF-8.");
        try
        {
            RefuseUnsoundText(body.Span);
            using JsonDocument document = JsonDocument.Parse(body, Parsing);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? read(new BodyValue(document.RootElement))
                : throw Refused("The body is not a JSON object.");
        }
        catch (JsonException error)
        {
            throw Refused($"The body is not sound JSON: {error.Message}");
        }
    }

    public static RefusedException Refused(string message) => new(ErrorCodes.ParameterInvalid, message);

    // Escapes can spell what UTF-8 cannot. The parser takes them as they come and only fails when they are first read.
    private static void RefuseUnsoundText(ReadOnlySpan<byte> body)
    {
        if (body.IndexOf("\\u"u8) < 0)
            return;
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = DepthMax });
        while (reader.Read())
        {
            if (!reader.ValueIsEscaped)
                continue;
            try
            {
                if (reader.GetString()!.Contains('\0', StringComparison.Ordinal))
                    throw Refused("The body holds a null character (\\u0000).");
            }
            catch (InvalidOperationException)
            {
                throw Refused("The body holds half a surrogate pair (\\ud800 to \\udfff alone).");
            }
        }
    }

    private static void RefuseOtherMediaTypes(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)
            || !type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || (type.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            throw Refused("The body must be sent as Content-Type: application/json, in UTF-8.");
        }
    }

    private static byte[] Grow(byte[] full)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(full.Length * 2);
        full.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(full);
        return larger;
    }
}
