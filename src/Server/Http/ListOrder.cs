using Strongroom.Server.Database;

namespace Strongroom.Server.Http;

/// <summary>
/// The order of a list, as <c>sort=name:asc,created_at</c> asks for it, and the page after a marker in that order. The
/// direction is descending unless said; without <c>sort</c> the newest come first; the id breaks ties, so the order is total.
/// </summary>
internal sealed class ListOrder
{
    private const int SortCharsMax = 255;

    private readonly string table;
    private readonly List<(string Column, bool Ascending)> keys = [];

    private ListOrder(string table) => this.table = table;

    /// <param name="table">Where the marker's row is found.</param>
    /// <param name="columns">What may be sorted by: the wire's word, and the expression. An expression is never null.</param>
    public static ListOrder Parse(string? sort, string table, IReadOnlyDictionary<string, string> columns)
    {
        if (sort is { Length: > SortCharsMax })
            throw BodyReader.Refused($"sort is {sort.Length} characters long; at most {SortCharsMax} are allowed.");
        var order = new ListOrder(table);
        foreach (string part in (sort ?? "created_at").Split(','))
        {
            string[] words = part.Split(':');
            if (words.Length > 2 || !columns.TryGetValue(words[0], out string? column))
                throw Refused(part, $"is not one of {string.Join(", ", columns.Keys)}");
            bool ascending = words.Length == 2 && words[1] switch
            {
                "asc" => true,
                "desc" => false,
                _ => throw Refused(part, "has a direction other than asc and desc"),
            };
            if (order.keys.All(key => key.Column != column))
                order.keys.Add((column, ascending));
        }

        if (order.keys.All(key => key.Column != "id"))
            order.keys.Add(("id", order.keys[^1].Ascending));
        return order;
    }

    /// <summary>What stands after <c>order by</c>.</summary>
    public Sql OrderBy()
    {
        Sql sql = Sql.Empty;
        sql.AppendLiteral(string.Join(", ", keys.Select(key => key.Column + (key.Ascending ? " asc" : " desc"))));
        return sql;
    }

    /// <summary>The condition on rows strictly after the marker's; nothing matches when the marker's row is not there.</summary>
    public Sql After(string marker)
    {
        // k1 > m1 or (k1 = m1 and (k2 > m2 or …)), innermost first.
        Sql after = Sql.Empty;
        for (int i = keys.Count - 1; i >= 0; i--)
        {
            (string column, bool ascending) = keys[i];
            Sql outer = Sql.Empty;
            outer.AppendLiteral($"({column} {(ascending ? '>' : '<')} ");
            AppendMarkerValue(outer, column, marker);
            if (i < keys.Count - 1)
            {
                outer.AppendLiteral($" or ({column} = ");
                AppendMarkerValue(outer, column, marker);
                outer.AppendLiteral(" and ");
                outer.AppendFormatted(after);
                outer.AppendLiteral(")");
            }

            outer.AppendLiteral(")");
            after = outer;
        }

        return after;
    }

    private void AppendMarkerValue(Sql sql, string column, string marker)
    {
        sql.AppendLiteral($"(select {column} from {table} where id = ");
        sql.AppendFormatted(marker);
        sql.AppendLiteral(")");
    }

    private static Contract.RefusedException Refused(string part, string rule) =>
        BodyReader.Refused($"sort: {ShownText.Quoted(part)} {rule}.");
}
