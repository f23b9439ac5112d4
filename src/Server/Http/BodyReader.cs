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
    private const int DepthMax = 32;

    private static readonly JsonDocumentOptions Parsing = new() { MaxDepth = DepthMax, AllowDuplicateProperties = false };

    /// <exception cref="RefusedException">The body, or what <paramref name="read"/> finds in it, is not as it must be.</exception>
    public static async ValueTask<T> ReadAsync<T>(HttpContext context, Func<BodyValue, T> read)
    {
        RefuseOtherMediaTypes(context.Request.ContentType);
        return Parse(await ReceivedBody.ReadAsync(context), read);
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
}
