using System.Text.Json.Nodes;
using Strongroom.Server.Backups;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

public abstract class UndoTests(ServerFixture server)
{
    [Fact]
    public async Task A_deleted_vault_comes_back_as_it_was_without_what_another_vault_took_meanwhile()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync(name: "lost");
        string[] disks = await world.NewDisksAsync(2);
        await world.AddAsync(vault, Disk(disks[0]), Disk(disks[1]));
        await world.PostAsync($"vault/{vault}/tags", """{"tag":{"key":"a","value":"b"}}""");
        await world.DeleteAsync("vaults/" + vault);
        string other = await world.VaultAsync(name: "other");
        await world.AddAsync(other, Disk(disks[1]));

        TestReply deleted = await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/deleted");
        TestReply undeleted = await UndeleteAsync(world.Caller, vault);
        TestReply shown = await world.GetAsync("vaults/" + vault);

        Assert.Equal($$"""{"vaults":[{"id":"{{vault}}","name":"lost"}],"backups":[]}""", deleted.Text);
        Assert.Equal(200, undeleted.Status);
        Assert.Equal(shown.Text, undeleted.Text);
        Assert.Equal([disks[0]], shown.Json["vault"]!["resources"]!.AsArray().Select(resource => (string)resource!["id"]!));
        Assert.Equal("""[{"key":"a","value":"b"}]""", shown.Json["vault"]!["tags"]!.ToJsonString());
        Assert.Equal("""{"vaults":[],"backups":[]}""", (await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/deleted")).Text);
        AssertRefused(await UndeleteAsync(world.Caller, vault), 404, "6105", vault);
    }

    [Fact]
    public async Task Backups_leave_with_their_resource_come_back_one_by_one_and_count_again()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync(sizeBytes: 1);
        await world.AddAsync(vault, Disk(disk));
        string[] backups = [await BackUpAsync(world, vault, disk, 3 << 20), await BackUpAsync(world, vault, disk, 5 << 20)];

        await world.RemoveAsync(vault, disk);
        Assert.Equal((0, 0), await UsedAsync(world, vault));
        Assert.Equal(2, (await DeletedAsync(world))["backups"]!.AsArray().Count);
        AssertRefused(await world.GetAsync("backups/" + backups[0]), 404, "6200");

        TestReply back = await server.PostAsync(world.Caller, $"/strongroom/v1/{{project_id}}/backups/{backups[1]}/undelete", null);
        Assert.Equal((204, ""), (back.Status, back.Text));
        Assert.Equal(200, (await world.GetAsync("backups/" + backups[1])).Status);
        Assert.Equal((5, 0), await UsedAsync(world, vault));

        await world.AddAsync(vault, Disk(disk));
        Assert.Equal((5, 1), await UsedAsync(world, vault));
        AssertRefused(await server.PostAsync(world.Caller, $"/strongroom/v1/{{project_id}}/backups/{backups[1]}/undelete", null), 404, "6200");
    }

    [Fact]
    public async Task A_deleted_vault_takes_its_backups_along_and_brings_them_back_but_not_those_deleted_before()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        await world.AddAsync(vault, Disk(disk));
        string before = await BackUpAsync(world, vault, disk, 1 << 20);
        string kept = await BackUpAsync(world, vault, disk, 2 << 20);
        await world.DeleteAsync("backups/" + before);
        await server.Database.WriteAsync(
            async session => await session.ExecuteAsync($"update installation_clock set elapsed_micros = elapsed_micros + 1", default), default);

        await world.DeleteAsync("vaults/" + vault);
        AssertRefused(await world.GetAsync("backups/" + kept), 404, "6200");
        AssertRefused(await server.PostAsync(world.Caller, $"/strongroom/v1/{{project_id}}/backups/{kept}/undelete", null), 404, "6105", vault);
        await UndeleteAsync(world.Caller, vault);

        Assert.Equal(200, (await world.GetAsync("backups/" + kept)).Status);
        AssertRefused(await world.GetAsync("backups/" + before), 404, "6200");
        Assert.Equal((2, 1), await UsedAsync(world, vault));
    }

    [Fact]
    public async Task Backups_move_with_their_resource()
    {
        VaultWorld world = await NewAsync(server);
        string source = await world.VaultAsync();
        string destination = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        await world.AddAsync(source, Disk(disk));
        string backup = await BackUpAsync(world, source, disk, 1 << 20);

        await world.PostAsync($"vaults/{source}/migrateresources", new { destination_vault_id = destination, resource_ids = new[] { disk } });

        Assert.Equal(destination, (string?)(await world.GetAsync("backups/" + backup)).Json["backup"]!["vault_id"]);
        Assert.Equal((0, 0), await UsedAsync(world, source));
        Assert.Equal((1, 1), await UsedAsync(world, destination));
    }

    [Fact]
    public async Task A_backup_tells_how_large_the_resource_has_become()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync(sizeBytes: 1);
        await world.AddAsync(vault, Disk(disk));
        string backup = await BackUpAsync(world, vault, disk, 1, sizeBytes: 7 * Gb);

        await server.Database.WriteAsync(
            async session =>
            {
                await Strongroom.Server.Resources.ResourceTable.KeepSizesAsync(session, new BackupId(backup), default);
                await VaultBinder.RefreshAsync(session, world.ProjectId, new(disk), default);
            },
            default);

        Assert.Equal(7, (int)(await world.ShowAsync(vault))["billing"]!["allocated"]!);
        Assert.Equal(
            7 * Gb, (long)(await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/resources/" + disk)).Json["resource"]!["size_bytes"]!);
    }

    [Fact]
    public async Task Only_an_administrator_of_the_project_brings_things_back()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld stranger = await NewAsync(server);
        string vault = await world.VaultAsync();
        await world.DeleteAsync("vaults/" + vault);
        TestCaller member = await server.CallerAsync(world.ProjectId, "cbr_full");

        Assert.Equal(403, (await UndeleteAsync(member, vault)).Status);
        AssertRefused(await UndeleteAsync(stranger.Caller, vault), 404, "6105");
        AssertRefused(await UndeleteAsync(world.Caller, UnknownId), 404, "6105");
        AssertRefused(await UndeleteAsync(world.Caller, "x"), 400, "9900");
        Assert.Equal(200, (await UndeleteAsync(world.Caller, vault)).Status);
    }

    [Fact]
    public async Task Past_the_undo_window_the_rows_are_dropped()
    {
        VaultWorld world = await NewAsync(server);
        string kept = await world.VaultAsync();
        string lost = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        (string serverId, _) = await world.NewServerAsync(1);
        await world.AddAsync(lost, Disk(disk));
        await world.DeleteAsync("vaults/" + lost);
        await server.DeleteAsync(world.Caller, "/strongroom/v1/{project_id}/resources/" + serverId);
        long tick = await server.Database.ReadAsync(session => InstallationClock.ReadAsync(session, default), default);

        await PurgeAsync(tick - 1);
        bool wasThere = await WasThereAsync(world, lost);
        await PurgeAsync(tick);

        Assert.True(wasThere);
        Assert.False(await WasThereAsync(world, lost));
        Assert.True(await WasThereAsync(world, kept));
        AssertRefused(await UndeleteAsync(world.Caller, lost), 404, "6105");
        Assert.Equal(
            [disk],
            (await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/resources")).Json["resources"]!.AsArray().Select(each => (string)each!["id"]!));
    }

    /// <summary>A backup as the worker would have left it.</summary>
    private async Task<string> BackUpAsync(VaultWorld world, string vault, string resource, long bytes, long sizeBytes = 1)
    {
        DateTimeOffset now = server.Time.GetUtcNow();
        var checkpoint = new Checkpoint
        {
            Id = CheckpointId.New(), ProjectId = world.ProjectId, VaultId = new(vault), Name = "n", Description = null, SkippedJson = "[]", CreatedAt = now,
        };
        var backup = new Backup
        {
            Id = BackupId.New(),
            ProjectId = world.ProjectId,
            CheckpointId = checkpoint.Id,
            VaultId = new(vault),
            Position = 0,
            ProviderId = "d1603440-187d-4516-af25-121250c7cc97",
            EnterpriseProjectId = "0",
            Name = "n",
            Description = null,
            ResourceId = new(resource),
            ResourceName = "disk",
            ResourceType = "OS::Cinder::Volume",
            SizeGb = 1,
            SizeBytes = sizeBytes,
            Status = BackupStatus.Available,
            AutoTrigger = false,
            Incremental = true,
            SystemDisk = false,
            ChangedBytes = bytes,
            CreatedAt = now,
            UpdatedAt = now,
        };
        await server.Database.WriteAsync(
            async session =>
            {
                await CheckpointTable.InsertAsync(session, checkpoint, default);
                await BackupTable.InsertAsync(session, backup, default);
                await VaultTable.AddUsageAsync(session, backup.VaultId, backup.ResourceId, bytes, 1, default);
            },
            default);
        return backup.Id.Value;
    }

    /// <summary>MB in the vault, and backups counted on its one resource.</summary>
    private static async Task<(int Mb, int Count)> UsedAsync(VaultWorld world, string vault)
    {
        JsonNode shown = await world.ShowAsync(vault);
        return ((int)shown["billing"]!["used"]!, shown["resources"]!.AsArray().Sum(resource => (int)resource!["backup_count"]!));
    }

    private async Task<JsonNode> DeletedAsync(VaultWorld world) => (await server.GetAsync(world.Caller, "/strongroom/v1/{project_id}/deleted")).Json;

    private Task<TestReply> UndeleteAsync(TestCaller caller, string vault) =>
        server.PostAsync(caller, $"/strongroom/v1/{{project_id}}/vaults/{vault}/undelete", null);

    private Task PurgeAsync(long tick) => server.Database.WriteAsync(
        async session =>
        {
            await VaultTable.PurgeAsync(session, tick, default);
            await Strongroom.Server.Resources.ResourceTable.PurgeAsync(session, tick, default);
        },
        default);

    private Task<bool> WasThereAsync(VaultWorld world, string vault) =>
        server.Database.ReadAsync(session => VaultTable.WasThereAsync(session, world.ProjectId, new VaultId(vault), default), default);
}

public sealed class UndoOnSqliteTests(SqliteServer server) : UndoTests(server), IClassFixture<SqliteServer>;

public sealed class UndoOnPostgresTests : UndoTests, IClassFixture<PostgresServer>
{
    public UndoOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
