using System.Globalization;
using System.Text;

namespace Strongroom.Cli.Output;

/// <summary>Results as bare values for scripts, and the text of one value for both people and scripts.</summary>
internal static class ValueText
{
    public static string OfList<T>(IReadOnlyList<Column<T>> columns, IReadOnlyList<T> rows)
    {
        var text = new StringBuilder();
        foreach (T row in rows)
            text.AppendJoin('\t', columns.Select(column => Plain(column.Value(row)))).Append('\n');
        return text.ToString();
    }

    public static string OfOne<T>(IReadOnlyList<Column<T>> columns, T item)
    {
        var text = new StringBuilder();
        foreach (Column<T> column in columns)
            text.Append(Plain(column.Value(item))).Append('\n');
        return text.ToString();
    }

    /// <summary>
    /// One line, sizes in IEC units. Control characters are shown as <c>\xNN</c>: names come from file systems and other
    /// people, and must not steer the terminal or tear a row apart.
    /// </summary>
    public static string ForPeople(object? value) => Printable(value switch
    {
        null => "",
        bool flag => flag ? "yes" : "no",
        WireInstant instant => instant.ForPeople(),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable<string> texts when value is not string => string.Join(", ", texts),
        _ => value.ToString() ?? "",
    });

    private static string Plain(object? value) => value switch
    {
        ByteSize size => size.Bytes.ToString(CultureInfo.InvariantCulture),
        WireInstant instant => Printable(instant.ToString()),
        bool flag => flag ? "true" : "false",
        IEnumerable<string> texts when value is not string => Printable(string.Join(",", texts)),
        _ => ForPeople(value),
    };

    private static string Printable(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        var shown = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            if (char.IsControl(c))
                shown.Append("\\x").Append(((int)c).ToString("x2", CultureInfo.InvariantCulture));
            else
                shown.Append(c);
        }

        return shown.ToString();
    }
}
