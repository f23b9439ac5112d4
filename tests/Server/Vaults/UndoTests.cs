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
