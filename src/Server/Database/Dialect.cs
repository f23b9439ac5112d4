using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Strongroom.Server.Database;

/// <summary>
/// All that differs between the two databases: how a connection is made ready, how a writing transaction begins, what
/// its errors mean. Everything else is one SQL text (docs/decisions/0002-one-sql-text.md).
/// </summary>
public abstract class Dialect
{
    public static Dialect Sqlite { get; } = new SqliteDialect();

    public static Dialect Postgres { get; } = new PostgresDialect();

    /// <summary>The word in the names of migrations that exist once per database: <c>0001_x.sqlite.sql</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Appended to a select that claims rows, so that two workers do not claim the same one. Empty where writers run one at a time anyway.</summary>
    public abstract string ClaimLockClause { get; }

    /// <summary>True when only one writer can run at a time; the process then queues its own, fairly.</summary>
    public abstract bool HasSingleWriter { get; }

    public abstract DbDataSource CreateDataSource(string connectionString);

    /// <summary>Run once on every new connection.</summary>
    public abstract string ConnectionSettings { get; }

    /// <summary>Holds off every other process that would change the schema, from here to <see cref="SchemaUnlock"/>. Empty: the writing transaction itself does.</summary>
    public abstract string SchemaLock { get; }

    public abstract string SchemaUnlock { get; }

    /// <summary>Begins a transaction that reads what it will write: serialisable on both.</summary>
    public abstract DbTransaction BeginWrite(DbConnection connection);

    /// <summary>Begins a transaction whose statements each see the newest committed state.</summary>
    public abstract DbTransaction BeginRelaxedWrite(DbConnection connection);

    public abstract bool IsUniqueViolation(DbException error);

    /// <summary>The transaction lost against another one and may simply be run again.</summary>
    public abstract bool IsRetryable(DbException error);

    /// <summary>The server went away or was restarted: the statement may be run again on another connection, unless it was the commit.</summary>
    public abstract bool IsConnectionLost(DbException error);

    private sealed class SqliteDialect : Dialect
    {
        private const int Busy = 5;
        private const int Locked = 6;
        private const int ConstraintUnique = 2067;
        private const int ConstraintPrimaryKey = 1555;

        public override string Name => "sqlite";

        public override string ClaimLockClause => "";

        public override bool HasSingleWriter => true;

        // synchronous=full: a 2xx answer is durable (promise 6). The busy timeout covers other processes, such as an
        // administrator's command beside the running service.
        public override string ConnectionSettings =>
            "pragma busy_timeout=10000; pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on; pragma cache_size=-8000;";

        public override string SchemaLock => "";

        public override string SchemaUnlock => "";

        // MetadataDatabase keeps the connections; a second pool below it would keep the file open after it is disposed of.
        public override DbDataSource CreateDataSource(string connectionString) =>
            SqliteFactory.Instance.CreateDataSource(new SqliteConnectionStringBuilder(connectionString) { Pooling = false }.ToString());

        public override DbTransaction BeginWrite(DbConnection connection) =>
            ((SqliteConnection)connection).BeginTransaction(IsolationLevel.Serializable, deferred: false);

        public override DbTransaction BeginRelaxedWrite(DbConnection connection) => BeginWrite(connection);

        public override bool IsUniqueViolation(DbException error) =>
            error is SqliteException { SqliteExtendedErrorCode: ConstraintUnique or ConstraintPrimaryKey };

        public override bool IsRetryable(DbException error) => error is SqliteException { SqliteErrorCode: Busy or Locked };

        public override bool IsConnectionLost(DbException error) => false;
    }

    private sealed class PostgresDialect : Dialect
    {
        public override string Name => "postgres";

        public override string ClaimLockClause => "for update skip locked";

        public override bool HasSingleWriter => false;

        // synchronous_commit is said again here because a server or role may have switched it off: a 2xx answer is durable.
        public override string ConnectionSettings =>
            "set statement_timeout = '60s'; set timezone = 'UTC'; set synchronous_commit = on;";

        // Any number that no other user of the same database takes: "strngrm" in ASCII.
        public override string SchemaLock => "select pg_advisory_lock(32497657149092461)";

        public override string SchemaUnlock => "select pg_advisory_unlock(32497657149092461)";

        public override DbDataSource CreateDataSource(string connectionString)
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            if (!settings.ShouldSerialize("Max Auto Prepare"))
                settings.MaxAutoPrepare = 200;
            return NpgsqlDataSource.Create(settings);
        }

        public override DbTransaction BeginWrite(DbConnection connection) => connection.BeginTransaction(IsolationLevel.Serializable);

        public override DbTransaction BeginRelaxedWrite(DbConnection connection) => connection.BeginTransaction(IsolationLevel.ReadCommitted);

        public override bool IsUniqueViolation(DbException error) => error is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

        public override bool IsRetryable(DbException error) =>
            error is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected };

        // What Npgsql throws of itself is about the connection; the server's own words are PostgresExceptions.
        public override bool IsConnectionLost(DbException error) => error is PostgresException
        {
            SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
        } or NpgsqlException { InnerException: IOException or System.Net.Sockets.SocketException };
    }
}
