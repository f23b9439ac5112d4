using System.Text;
using Strongroom.Server.Database;

namespace Strongroom.Server.Tests;

/// <summary>All rows of all tables as text, to see that nothing changed, or that something is nowhere.</summary>
internal static class DatabaseDump
{
    public static Task<string> OfAsync(MetadataDatabase database, params string[] without) =>
        database.ReadAsync(
            async session =>
            {
                var text = new StringBuilder();
                foreach (string table in (await TablesAsync(session)).Except(without, StringComparer.Ordinal))
                {
                    var rows = await session.QueryAsync(
                        SelectAll(table),
                        row => string.Join(" | ", Enumerable.Range(0, row.FieldCount).Select(i => row.IsDBNull(i) ? "null" : Text(row.GetValue(i)))),
                        default);
                    rows.Sort(StringComparer.Ordinal);
                    text.Append("== ").AppendLine(table).AppendJoin('\n', rows).AppendLine();
                }

                return text.ToString();
            },
            default);

    private static ValueTask<List<string>> TablesAsync(DbSession session)
    {
        return session.QueryAsync(session.Dialect == Dialect.Sqlite ? Sqlite() : Postgres(), row => row.GetString(0), default);

        static Sql Sqlite() => $"select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";
        static Sql Postgres() => $"select table_name::text from information_schema.tables where table_schema = 'public' order by table_name";
    }

    // A name out of the database's own list cannot be a parameter.
    private static Sql SelectAll(string table)
    {
        var sql = new Sql(0, 0);
        sql.AppendLiteral($"select * from {table}");
        return sql;
    }

    private static string Text(object value) => value is byte[] bytes ? Convert.ToHexString(bytes) : $"{value}";
}
