using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Strongroom.Contract;
using Strongroom.Server.Audit;

namespace Strongroom.Server.Http;

/// <summary>
/// The body of every refusal: <c>{"error_msg", "error_code"}</c>, with <c>request_id</c> where the gateway speaks (a code
/// <c>APIG.…</c>). On routes of the identity service Keystone's own <c>{"error": {"code", "message", "title"}}</c> stands
/// beside them, so that clients of either kind find what they read.
/// </summary>
internal static class ErrorReply
{
    public const string MediaType = "application/json";

    // Messages quote what the caller sent. A reply must stay small whatever that was.
    private const int MessageCharsMax = 1000;

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task WriteAsync(HttpContext context, ErrorCode error, string message)
    {
        if (context.Features.Get<AuditRecord>() is { } record)
            record.ErrorCode = error.Code;
        byte[] body = Body(error, message, context.RequestId(), context.GetEndpoint()?.Metadata.GetMetadata<IdentityRoute>() is not null);
        context.Response.StatusCode = error.Status;
        context.Response.ContentType = MediaType;
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    public static byte[] Body(ErrorCode error, string message, string requestId, bool asIdentity)
    {
        message = Printable(message);
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, Relaxed))
        {
            json.WriteStartObject();
            if (asIdentity)
            {
                json.WriteStartObject("error");
                json.WriteNumber("code", error.Status);
                json.WriteString("message", message);
                json.WriteString("title", Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(error.Status));
                json.WriteEndObject();
            }

            json.WriteString("error_msg", message);
            json.WriteString("error_code", error.Code);
            if (asIdentity || error.Code.StartsWith("APIG.", StringComparison.Ordinal))
                json.WriteString("request_id", requestId);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The message without halves of surrogate pairs and control characters, which JSON writers and terminals choke on.</summary>
    private static string Printable(string message)
    {
        var text = new StringBuilder(Math.Min(message.Length, MessageCharsMax));
        foreach (Rune rune in message.EnumerateRunes())
        {
            if (text.Length >= MessageCharsMax)
            {
                text.Append('…');
                break;
            }

            text.Append(Rune.IsControl(rune) ? "\uFFFD" : rune.ToString());
        }

        return text.Length == 0 ? "no further detail" : text.ToString();
    }
}

/// <summary>Marks the routes that speak as Keystone.</summary>
internal sealed record IdentityRoute;
