using System.Data.Common;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Retention;

/// <summary>What an administrator's command must not take away, asked of the database and not of a service.</summary>
public static class LockedBackups
{
    /// <summary>The backups of a project that locked vaults hold and whose time is not over.</summary>
    /// <exception cref="StartRefusedException">The database cannot be asked; then nobody knows that there are none.</exception>
    public static async Task<int> CountAsync(ServerOptions options, string projectId, TimeProvider time, CancellationToken cancellationToken)
    {
        bool isOwnFile = options.Database.ConnectionString.Length == 0;
        if (isOwnFile && !File.Exists(Path.Combine(options.DataDirectory, DatabaseOptions.FileName)))
            throw new StartRefusedException(Unknown("it is not there"));
        try
        {
            await using MetadataDatabase database = options.Database.Open(options.DataDirectory);
            return await database.ReadAsync(
                async session =>
                {
                    DateTimeOffset now = time.GetStoredNow();
                    long tick = await InstallationClock.ReadAsync(session, cancellationToken);
                    List<Backup> held = await BackupTable.ListLockedAsync(session, projectId, cancellationToken);
                    return held.Count(backup => LockTerm.Of(backup, now, tick) > now);
                },
                cancellationToken);
        }
        catch (DbException error)
        {
            throw new StartRefusedException(Unknown(error.Message), error);
        }
    }

    private static string Unknown(string why) =>
        $"The database cannot be asked whether locked vaults hold backups of the project ({why}). Without it, name the repository with --repo and its key.";
}
