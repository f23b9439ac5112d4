using System.Data.Common;

namespace Strongroom.Server.Database;

/// <summary>
/// One connection in use by one caller, with its prepared commands. Got from <see cref="MetadataDatabase"/>, which takes
/// it back; a table class receives it as its first parameter and never keeps it.
/// </summary>
public sealed class DbSession
{
    // The texts of the product are a few hundred; lists of different lengths make a few more. Past this the cache starts over.
    private const int CommandCountMax = 400;

    private readonly Dictionary<string, DbCommand> commands = new(StringComparer.Ordinal);

    internal DbSession(DbConnection connection, Dialect dialect)
    {
        Connection = connection;
        Dialect = dialect;
    }

    public Dialect Dialect { get; }

    internal DbConnection Connection { get; }

    internal DbTransaction? Transaction { get; set; }

    /// <summary>Runs a statement.</summary>
    /// <returns>The number of rows it changed.</returns>
    public async ValueTask<int> ExecuteAsync(Sql sql, CancellationToken cancellationToken) =>
        await Prepare(sql).ExecuteNonQueryAsync(cancellationToken);

    /// <summary>All rows, in the statement's order.</summary>
    public async ValueTask<List<T>> QueryAsync<T>(Sql sql, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        await using var reader = await Prepare(sql).ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>Shows every row to <paramref name="read"/>, in the statement's order: for rows of a join that make up one record together.</summary>
    public async ValueTask ForEachAsync(Sql sql, Action<DbDataReader> read, CancellationToken cancellationToken)
    {
        await using var reader = await Prepare(sql).ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            read(reader);
    }

    /// <summary>The first row, or the type's default (null for a record) when there is none.</summary>
    public async ValueTask<T?> QueryFirstAsync<T>(Sql sql, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var reader = await Prepare(sql).ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? read(reader) : default;
    }

    /// <summary>The first column of the first row as a whole number: counts, sums (null counts as 0).</summary>
    public async ValueTask<long> QueryLongAsync(Sql sql, CancellationToken cancellationToken)
    {
        object? value = await Prepare(sql).ExecuteScalarAsync(cancellationToken);
        return value is null or DBNull ? 0 : Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture);
    }

    private DbCommand Prepare(Sql sql)
    {
        string text = sql.Text;
        if (!commands.TryGetValue(text, out DbCommand? command))
        {
            if (commands.Count >= CommandCountMax)
                DropCommands();
            command = Connection.CreateCommand();
            command.CommandText = text;
            for (int i = 0; i < sql.Values.Count; i++)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = "@p" + i;
                command.Parameters.Add(parameter);
            }

            commands.Add(text, command);
        }

        command.Transaction = Transaction;
        for (int i = 0; i < sql.Values.Count; i++)
            command.Parameters[i].Value = ToStored(sql.Values[i]);
        return command;
    }

    /// <summary>The plain stored types of STYLE section 5: text, bigint, boolean, bytes.</summary>
    private static object ToStored(object? value) => value switch
    {
        null => DBNull.Value,
        string or long or bool or byte[] or double => value,
        // One type for all whole numbers: a command that was prepared with the one misreads the other, or is refused.
        int number => (long)number,
        IStoredAsText id => id.StoredText,
        _ => throw new ArgumentException($"A {value.GetType().Name} has no stored form; convert it first."),
    };

    internal void DropCommands()
    {
        foreach (var command in commands.Values)
            command.Dispose();
        commands.Clear();
    }
}

/// <summary>An id or enum that knows its stored text.</summary>
public interface IStoredAsText
{
    string StoredText { get; }
}
