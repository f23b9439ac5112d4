using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Strongroom.Cli.Output;

/// <summary>Results as JSON: exact bytes, one key a column.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string OfList<T>(IReadOnlyList<Column<T>> columns, IReadOnlyList<T> rows) => Write(writer =>
    {
        writer.WriteStartArray();
        foreach (T row in rows)
            WriteObject(writer, columns, row);
        writer.WriteEndArray();
    });

    public static string OfOne<T>(IReadOnlyList<Column<T>> columns, T item) => Write(writer => WriteObject(writer, columns, item));

    private static string Write(Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer, Options))
            content(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void WriteObject<T>(Utf8JsonWriter writer, IReadOnlyList<Column<T>> columns, T row)
    {
        writer.WriteStartObject();
        foreach (Column<T> column in columns)
        {
            writer.WritePropertyName(column.Name);
            WriteValue(writer, column.Value(row));
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case int number:
                writer.WriteNumberValue(number);
                break;
            case long number:
                writer.WriteNumberValue(number);
                break;
            case decimal number:
                writer.WriteNumberValue(number);
                break;
            case ByteSize size:
                writer.WriteNumberValue(size.Bytes);
                break;
            case WireInstant instant:
                writer.WriteStringValue(instant.Wire);
                break;
            case IEnumerable<string> texts:
                writer.WriteStartArray();
                foreach (string text in texts)
                    writer.WriteStringValue(text);
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue(value.ToString());
                break;
        }
    }
}
