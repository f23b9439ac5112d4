using Npgsql;
using Strongroom.Server.Database;

namespace Strongroom.Server.Tests;

/// <summary>
/// An empty database of its own for one fixture, removed with it. PostgreSQL needs <c>STRONGROOM_TEST_POSTGRES</c>, an
/// Npgsql connection string of a role that may create databases.
/// </summary>
public sealed class TestDatabase : IAsyncDisposable
{
    public const string PostgresVariable = "STRONGROOM_TEST_POSTGRES";

    private static readonly string? PostgresServer = Environment.GetEnvironmentVariable(PostgresVariable);

    private readonly string? postgresName;

    private TestDatabase(string? postgresName)
    {
        this.postgresName = postgresName;
        DataDirectory = Directory.CreateTempSubdirectory("strongroom-test-").FullName;
        ConnectionString = postgresName is null ? "" : new NpgsqlConnectionStringBuilder(PostgresServer) { Database = postgresName }.ToString();
    }

    public static bool HasPostgres => PostgresServer is not null;

    public string DataDirectory { get; }

    /// <summary>As in the settings: empty for SQLite.</summary>
    public string ConnectionString { get; }

    public static void SkipUnlessPostgres() =>
        Assert.SkipUnless(HasPostgres, $"Needs a PostgreSQL server: set {PostgresVariable} to its connection string.");

    public static TestDatabase Sqlite() => new(null);

    public static async Task<TestDatabase> PostgresAsync()
    {
        string name = "strongroom_test_" + Guid.NewGuid().ToString("N")[..16];
        await RunOnServerAsync($"create database {name}");
        return new TestDatabase(name);
    }

    /// <summary>Another view of it, as another process would have; the caller disposes of it.</summary>
    public MetadataDatabase Open() => new DatabaseOptions { ConnectionString = ConnectionString }.Open(DataDirectory);

    /// <summary>Takes the PostgreSQL database away under its users.</summary>
    public Task DropAsync() => RunOnServerAsync($"drop database if exists {postgresName} with (force)");

    public async ValueTask DisposeAsync()
    {
        if (postgresName is not null)
            await DropAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }

    private static async Task RunOnServerAsync(string statement)
    {
        await using var connection = new NpgsqlConnection(PostgresServer);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }
}
