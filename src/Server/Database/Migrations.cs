using System.Data;
using System.Data.Common;
using System.Globalization;

namespace Strongroom.Server.Database;

/// <summary>
/// Brings the database to the shape this version needs. Everything missing is applied in one transaction under a lock
/// that all processes share, so two that start at once do it once; a failed migration leaves the database as it was.
/// </summary>
internal static class Migrations
{
    /// <exception cref="StartRefusedException">The database was made by a newer version, or by one whose scripts differ.</exception>
    public static Task ApplyAsync(MetadataDatabase database, TimeProvider time, CancellationToken cancellationToken) =>
        ApplyAsync(database, MigrationScript.BuiltIn(database.Dialect), time, cancellationToken);

    internal static async Task ApplyAsync(
        MetadataDatabase database,
        IReadOnlyList<MigrationScript> scripts,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using DbConnection connection = await database.OpenConnectionAsync(cancellationToken);
        // The lock is taken before the transaction begins: PostgreSQL fixes what a transaction sees at its first statement.
        if (database.Dialect.SchemaLock.Length > 0)
            await RunAsync(connection, null, database.Dialect.SchemaLock, cancellationToken);
        try
        {
            await using DbTransaction transaction = database.Dialect.BeginWrite(connection);
            await ApplyMissingAsync(connection, transaction, scripts, time, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        finally
        {
            if (database.Dialect.SchemaUnlock.Length > 0 && connection.State == ConnectionState.Open)
                await RunAsync(connection, null, database.Dialect.SchemaUnlock, CancellationToken.None);
        }
    }

    private static async Task ApplyMissingAsync(
        DbConnection connection,
        DbTransaction transaction,
        IReadOnlyList<MigrationScript> scripts,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        await RunAsync(
            connection,
            transaction,
            "create table if not exists schema_migrations (number bigint primary key, name text not null, checksum text not null, applied_at bigint not null)",
            cancellationToken);

        Dictionary<long, (string Name, string Checksum)> applied = await ReadAppliedAsync(connection, transaction, cancellationToken);
        foreach (long number in applied.Keys.Where(number => number > scripts[^1].Number).Order())
        {
            throw new StartRefusedException(
                $"The database is of a newer version (migration {number}, {applied[number].Name}): start the version that made it, or a newer one.");
        }

        foreach (MigrationScript script in scripts)
        {
            if (applied.TryGetValue(script.Number, out var known))
            {
                if (known.Checksum != script.Checksum)
                {
                    throw new StartRefusedException(
                        $"Migration {script.Number} ({script.Name}) is not the one this database was made with: start a released version.");
                }

                continue;
            }

            await RunAsync(connection, transaction, script.Text, cancellationToken);
            await RecordAsync(connection, transaction, script, time, cancellationToken);
        }
    }

    private static async Task<Dictionary<long, (string Name, string Checksum)>> ReadAppliedAsync(
        DbConnection connection,
        DbTransaction transaction,
        CancellationToken cancellationToken)
    {
        await using DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "select number, name, checksum from schema_migrations order by number";
        await using DbDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var applied = new Dictionary<long, (string, string)>();
        while (await reader.ReadAsync(cancellationToken))
            applied.Add(reader.GetInt64(0), (reader.GetString(1), reader.GetString(2)));
        return applied;
    }

    private static Task RecordAsync(
        DbConnection connection,
        DbTransaction transaction,
        MigrationScript script,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        // Numbers, a name from a file name and a hex sum: nothing here that a caller could have written.
        string appliedAt = time.GetUtcNow().ToMicroseconds().ToString(CultureInfo.InvariantCulture);
        return RunAsync(
            connection,
            transaction,
            $"insert into schema_migrations (number, name, checksum, applied_at) values ({script.Number}, '{script.Name}', '{script.Checksum}', {appliedAt})",
            cancellationToken);
    }

    private static async Task RunAsync(DbConnection connection, DbTransaction? transaction, string text, CancellationToken cancellationToken)
    {
        await using DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // The text is one of our own embedded scripts.
        command.CommandText = text;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
