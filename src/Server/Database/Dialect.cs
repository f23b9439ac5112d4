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

    /// <summary>Begins a transaction that reads what it will write: serialisable on both.</summary>
    public abstract DbTransaction BeginWrite(DbConnection connection);

    public abstract bool IsUniqueViolation(DbException error);

    /// <summary>The transaction lost against another one and may simply be run again.</summary>
    public abstract bool IsRetryable(DbException error);

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
            "pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on; pragma busy_timeout=10000; pragma cache_size=-8000;";

        public override DbDataSource CreateDataSource(string connectionString) => SqliteFactory.Instance.CreateDataSource(connectionString);

        public override DbTransaction BeginWrite(DbConnection connection) =>
            ((SqliteConnection)connection).BeginTransaction(IsolationLevel.Serializable, deferred: false);

        public override bool IsUniqueViolation(DbException error) =>
            error is SqliteException { SqliteExtendedErrorCode: ConstraintUnique or ConstraintPrimaryKey };

        public override bool IsRetryable(DbException error) => error is SqliteException { SqliteErrorCode: Busy or Locked };
    }

    private sealed class PostgresDialect : Dialect
    {
        public override string Name => "postgres";

        public override string ClaimLockClause => "for update skip locked";

        public override bool HasSingleWriter => false;

        public override string ConnectionSettings => "set statement_timeout = '60s'; set timezone = 'UTC';";

        public override DbDataSource CreateDataSource(string connectionString)
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            if (!settings.ContainsKey("Max Auto Prepare"))
                settings.MaxAutoPrepare = 200;
            return NpgsqlDataSource.Create(settings);
        }

        public override DbTransaction BeginWrite(DbConnection connection) => connection.BeginTransaction(IsolationLevel.Serializable);

        public override bool IsUniqueViolation(DbException error) => error is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

        public override bool IsRetryable(DbException error) =>
            error is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected };
    }
}
