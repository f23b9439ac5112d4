using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Database;

public sealed class DatabaseOptions
{
    internal const string FileName = "strongroom.db";

    /// <summary>Empty: SQLite under the data directory. Else an Npgsql connection string: PostgreSQL.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>Connections of this process. PostgreSQL allows 100 for all processes together by default.</summary>
    [Range(2, 1000)]
    public int ConnectionCountMax { get; set; } = 32;

    /// <summary>Opens the database these settings name; it connects at first use. The data directory must be there.</summary>
    internal MetadataDatabase Open(string dataDirectory)
    {
        if (ConnectionString.Length > 0)
        {
            try
            {
                return new MetadataDatabase(Dialect.Postgres, ConnectionString, ConnectionCountMax);
            }
            catch (ArgumentException error)
            {
                throw new StartRefusedException($"Database:ConnectionString is not an Npgsql connection string: {error.Message}", error);
            }
        }

        return new MetadataDatabase(Dialect.Sqlite, $"Data Source={Path.Combine(dataDirectory, FileName)}", ConnectionCountMax);
    }
}
