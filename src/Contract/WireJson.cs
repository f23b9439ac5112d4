using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Strongroom.Contract;

/// <summary>How every JSON text of the service is written: UTF-8 as it is, and only what JSON demands escaped.</summary>
public static class WireJson
{
    // The answers are application/json with nosniff, never part of a page, so names in any script stay readable.
    public static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static readonly JsonWriterOptions Writing = new() { Encoder = Encoder };

    /// <summary>A value as it goes out.</summary>
    public static byte[] Bytes<T>(T value, JsonTypeInfo<T> shape)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Writing))
            JsonSerializer.Serialize(writer, value, shape);
        return buffer.WrittenSpan.ToArray();
    }
}
