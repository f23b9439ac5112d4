using Strongroom.Server.Retention;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Retention;

/// <summary>What the administrator's commands are told before they destroy a project's key.</summary>
public abstract class LockedBackupsTests(ServerFixture server)
{
    [Fact]
    public async Task Scheduled_backups_of_locked_vaults_count_until_their_time_is_over_also_deleted_ones_that_are_still_stored()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string open, _) = await world.DiskVaultAsync();
        (string vault, _) = await world.DiskVaultAsync();
        await world.Vaults.BindAsync(vault, await world.Vaults.PolicyAsync(RunWorld.Policy("{\"retention_duration_days\":5}")));
        foreach (string one in new[] { open, vault })
            await world.ProtectAsync(one, new { auto_trigger = true });
        (_, string[] deleted) = await world.ProtectAsync(vault, new { auto_trigger = true });
        await world.ProtectAsync(vault, new { auto_trigger = false });
        Assert.Equal(0, await CountAsync(world));

        // Deleted before the lock was set, and still to be had back.
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + deleted[0])).Status);
        await world.Vaults.PutAsync("vaults/" + vault, new { vault = new { locked = true } });

        Assert.Equal(2, await CountAsync(world));
        Assert.Equal(0, await CountAsync(await TaskWorld.NewAsync(server)));
        server.Time.SetWall(TimeSpan.FromDays(4000));
        Assert.Equal(2, await CountAsync(world));
        server.Time.SetWall(TimeSpan.FromDays(-4000));
    }

    private Task<int> CountAsync(TaskWorld world)
    {
        var options = new ServerOptions { DataDirectory = server.TestDatabase.DataDirectory };
        options.Database.ConnectionString = server.TestDatabase.ConnectionString;
        return LockedBackups.CountAsync(options, world.ProjectId, server.Time, default);
    }
}

public sealed class LockedBackupsOnSqliteTests(SqlitePolicyServer server) : LockedBackupsTests(server), IClassFixture<SqlitePolicyServer>;

public sealed class LockedBackupsOnPostgresTests : LockedBackupsTests, IClassFixture<PostgresPolicyServer>
{
    public LockedBackupsOnPostgresTests(PostgresPolicyServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
