using System.Collections;
using System.Runtime.CompilerServices;
using System.Text;

namespace Strongroom.Server.Database;

/// <summary>
/// SQL whose holes become parameters: <c>$"select … where id = {id}"</c>. A value can never be part of the text. A hole
/// holding a list becomes <c>(@p0,@p1,…)</c>, for <c>in</c>; an empty list becomes <c>(null)</c>, which matches nothing.
/// A hole holding another <see cref="Sql"/> is spliced in with its own parameters, for optional filters.
/// </summary>
[InterpolatedStringHandler]
public sealed class Sql
{
    private readonly StringBuilder text;
    private readonly List<object?> values;

    public Sql(int literalLength, int formattedCount)
    {
        text = new StringBuilder(literalLength + (formattedCount * 5));
        values = new List<object?>(formattedCount);
    }

    /// <summary>Nothing: a filter that is not there.</summary>
    public static Sql Empty => new(0, 0);

    public string Text => text.ToString();

    public IReadOnlyList<object?> Values => values;

    public override string ToString() => Text;

    public void AppendLiteral(string literal) => text.Append(literal);

    public void AppendFormatted(Sql part)
    {
        // Parameter names inside the part start at 0; renumber by re-reading its text.
        string partText = part.Text;
        int next = 0;
        int from = 0;
        for (int at = partText.IndexOf("@p", StringComparison.Ordinal); at >= 0; at = partText.IndexOf("@p", from, StringComparison.Ordinal))
        {
            text.Append(partText, from, at - from);
            from = at + 2;
            while (from < partText.Length && char.IsAsciiDigit(partText[from]))
                from++;
            AppendParameter(part.values[next++]);
        }

        text.Append(partText, from, partText.Length - from);
    }

    public void AppendFormatted<T>(T value)
    {
        if (value is IEnumerable list and not string and not byte[])
            AppendList(list);
        else
            AppendParameter(value);
    }

    private void AppendList(IEnumerable list)
    {
        int count = 0;
        foreach (object? item in list)
        {
            text.Append(count++ == 0 ? '(' : ',');
            AppendParameter(item);
        }

        text.Append(count == 0 ? "(null)" : ")");
    }

    private void AppendParameter(object? value)
    {
        text.Append("@p").Append(values.Count);
        values.Add(value);
    }
}
