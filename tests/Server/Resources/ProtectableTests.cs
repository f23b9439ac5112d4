using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Resources;

public abstract class ProtectableTests(ServerFixture server)
{
    [Fact]
    public async Task A_server_is_offered_with_its_disks_and_the_vault_it_is_in()
    {
        VaultWorld world = await NewAsync(server);
        (string id, string[] disks) = await world.NewServerAsync(Gb, 2 * Gb);
        string vault = await world.VaultAsync("server");
        TestReply free = await world.GetAsync("protectables/server/instances");
        await world.AddAsync(vault, ServerOf(id));

        TestReply bound = await world.GetAsync("protectables/server/instances?limit=100&offset=0");

        GoldenReply.AssertMatches("ListProtectables.server.json", free.Text, (id, "{server}"), (disks[0], "{disk-1}"), (disks[1], "{disk-2}"));
        JsonNode server1 = bound.Json["instances"]![0]!;
        Assert.Equal((await world.ShowAsync(vault)).ToJsonString(), server1["protectable"]!["vault"]!.ToJsonString());
        Assert.True((bool)server1["protectable"]!["result"]!);
        Assert.Equal(vault, (string?)server1["children"]![0]!["vault_id"]);
        Assert.Equal("vault-1", (string?)server1["children"]![1]!["vault_name"]);
        Assert.Equal(server1.ToJsonString(), (await world.GetAsync($"protectables/server/instances/{id}")).Json["instance"]!.ToJsonString());
    }

    [Fact]
    public async Task Disks_and_file_systems_are_offered_each_under_its_word()
    {
        VaultWorld world = await NewAsync(server);
        string disk = await world.NewDiskAsync("root", 60 * Gb);
        string files = await world.NewFileSystemAsync("files");

        TestReply disks = await world.GetAsync("protectables/disk/instances?limit=50");
        TestReply trees = await world.GetAsync("protectables/turbo/instances");

        GoldenReply.AssertMatches("ListProtectables.disk.json", disks.Text, (disk, "{disk}"));
        Assert.Equal(files, (string?)trees.Json["instances"]![0]!["id"]);
        Assert.Equal("""{"instances":[],"count":0}""", (await world.GetAsync("protectables/workspace/instances")).Text);
        Assert.Equal("""{"instances":[],"count":0}""", (await world.GetAsync("protectables/workspace_v2/instances")).Text);
        AssertRefused(await world.GetAsync("protectables/volume/instances"), 400, "6116", "volume");
    }

    [Fact]
    public async Task Filters_and_pages_hold()
    {
        VaultWorld world = await NewAsync(server);
        (string serverId, string[] attached) = await world.NewServerAsync(1);
        server.Time.Advance(TimeSpan.FromSeconds(1));
        string first = await world.NewDiskAsync("first");
        server.Time.Advance(TimeSpan.FromSeconds(1));
        string second = await world.NewDiskAsync("second");

        await AssertListsAsync(world, "", 3, second, first, attached[0]);
        await AssertListsAsync(world, "limit=1&offset=1", 3, first);
        await AssertListsAsync(world, "limit=2&marker=" + second, 3, first, attached[0]);
        await AssertListsAsync(world, "offset=9", 3);
        await AssertListsAsync(world, "name=first", 1, first);
        await AssertListsAsync(world, "id=" + second, 1, second);
        await AssertListsAsync(world, "server_id=" + serverId, 1, attached[0]);
        await AssertListsAsync(world, "status=in-use", 1, attached[0]);
        await AssertListsAsync(world, "status=available", 2, second, first);
        await AssertListsAsync(world, "status=error", 0);
        AssertRefused(await world.GetAsync("protectables/disk/instances?limit=1001"), 400, "9900", "limit");
        AssertRefused(await world.GetAsync("protectables/disk/instances?id=x"), 400, "9900", "id");
    }

    [Fact]
    public async Task What_is_not_there_is_404_with_the_code_of_its_kind()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string disk = await other.NewDiskAsync();
        string mine = await world.NewDiskAsync();

        AssertRefused(await world.GetAsync("protectables/server/instances/" + UnknownId), 404, "7100", UnknownId);
        AssertRefused(await world.GetAsync("protectables/server/instances/" + mine), 404, "7100");
        AssertRefused(await world.GetAsync("protectables/disk/instances/" + disk), 404, "7000", disk);
        AssertRefused(await world.GetAsync("protectables/turbo/instances/" + UnknownId), 404, "6302");
        AssertRefused(await world.GetAsync("protectables/disk/instances/x"), 400, "9900", "instance_id");
    }

    private static async Task AssertListsAsync(VaultWorld world, string query, int count, params string[] expected)
    {
        TestReply reply = await world.GetAsync("protectables/disk/instances?" + query);
        Assert.Equal(expected, reply.Json["instances"]!.AsArray().Select(instance => (string)instance!["id"]!));
        Assert.Equal(count, (int)reply.Json["count"]!);
    }
}

public sealed class ProtectableOnSqliteTests(SqliteServer server) : ProtectableTests(server), IClassFixture<SqliteServer>;

public sealed class ProtectableOnPostgresTests : ProtectableTests, IClassFixture<PostgresServer>
{
    public ProtectableOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
