using System.Text.Json.Nodes;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

public abstract class ListVaultsTests(ServerFixture server)
{
    [Fact]
    public async Task An_empty_project_lists_nothing_and_echoes_the_defaults()
    {
        VaultWorld world = await NewAsync(server);

        Assert.Equal("""{"vaults":[],"count":0,"offset":0,"limit":1000}""", (await world.GetAsync("vaults")).Text);
    }

    [Fact]
    public async Task The_newest_comes_first_and_every_vault_is_shown_whole()
    {
        VaultWorld world = await NewAsync(server);
        string first = await world.VaultAsync("server");
        string second = await world.VaultAsync("disk");
        string disk = await world.NewDiskAsync();
        await world.AddAsync(second, Disk(disk));

        JsonNode list = (await world.GetAsync("vaults")).Json;

        Assert.Equal([second, first], Ids(list));
        Assert.Equal((await world.ShowAsync(second)).ToJsonString(), list["vaults"]![0]!.ToJsonString());
        Assert.Equal((await world.ShowAsync(first)).ToJsonString(), list["vaults"]![1]!.ToJsonString());
    }

    [Fact]
    public async Task Vaults_made_in_the_same_instant_keep_one_order_over_all_pages()
    {
        VaultWorld world = await NewAsync(server);
        for (int i = 0; i < 5; i++)
            await world.CreateAsync(VaultBody());

        string[] all = Ids((await world.GetAsync("vaults")).Json);
        List<string> paged = [];
        for (int offset = 0; offset < 5; offset++)
            paged.AddRange(Ids((await world.GetAsync($"vaults?limit=1&offset={offset}")).Json));

        Assert.Equal(5, all.Distinct().Count());
        Assert.Equal(all, paged);
    }

    [Fact]
    public async Task Pages_count_all_matches_and_past_the_end_are_empty()
    {
        VaultWorld world = await NewAsync(server);
        string[] ids = [await world.VaultAsync("disk"), await world.VaultAsync("server"), await world.VaultAsync("disk")];

        TestReply middle = await world.GetAsync("vaults?limit=1&offset=1");
        TestReply past = await world.GetAsync("vaults?object_type=disk&limit=2&offset=2");

        Assert.Equal([ids[1]], Ids(middle.Json));
        Assert.Equal((3, 1, 1), ((int)middle.Json["count"]!, (int)middle.Json["offset"]!, (int)middle.Json["limit"]!));
        Assert.Equal("""{"vaults":[],"count":2,"offset":2,"limit":2}""", past.Text);
    }

    [Fact]
    public async Task Paging_by_marker_sees_every_vault_once_and_ends()
    {
        VaultWorld world = await NewAsync(server);
        for (int i = 0; i < 5; i++)
            await world.CreateAsync(VaultBody());
        await world.VaultAsync();
        List<string> seen = [];

        string? marker = null;
        while (true)
        {
            TestReply page = await world.GetAsync("vaults?limit=2" + (marker is null ? "" : "&marker=" + marker));
            string[] ids = Ids(page.Json);
            Assert.Equal(6, (int)page.Json["count"]!);
            if (ids.Length == 0)
                break;
            seen.AddRange(ids);
            marker = ids[^1];
        }

        Assert.Equal(Ids((await world.GetAsync("vaults")).Json), seen);
    }

    [Fact]
    public async Task A_marker_that_was_deleted_meanwhile_still_marks_its_place_and_an_unknown_one_is_refused()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string[] ids = [await world.VaultAsync(), await world.VaultAsync(), await world.VaultAsync()];
        await world.DeleteAsync("vaults/" + ids[1]);

        Assert.Equal([ids[0]], Ids((await world.GetAsync("vaults?marker=" + ids[1])).Json));
        AssertRefused(await world.GetAsync("vaults?marker=" + UnknownId), 400, "9900", "marker");
        AssertRefused(await other.GetAsync("vaults?marker=" + ids[0]), 400, "9900", "marker");
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("limit=-1")]
    [InlineData("limit=ten")]
    [InlineData("limit=1.0")]
    [InlineData("limit=1e2")]
    [InlineData("limit=%201")]
    [InlineData("limit=")]
    [InlineData("limit=1&limit=2")]
    [InlineData("limit=99999999999")]
    [InlineData("offset=-1")]
    [InlineData("offset=x")]
    [InlineData("offset=2147483648")]
    [InlineData("marker=x")]
    [InlineData("id=x")]
    [InlineData("id=00000000-1111-4222-8333-444444444444,x")]
    [InlineData("resource_ids=x")]
    [InlineData("resources_ids=x")]
    [InlineData("policy_id=x")]
    [InlineData("cloud_type=private")]
    [InlineData("protect_type=Backup")]
    [InlineData("object_type=volume")]
    [InlineData("status=gone")]
    [InlineData("name=a%00b")]
    public async Task A_malformed_parameter_is_400_and_named(string query)
    {
        VaultWorld world = await NewAsync(server);

        AssertRefused(await world.GetAsync("vaults?" + query), 400, "9900", query[..query.IndexOf('=', StringComparison.Ordinal)]);
    }

    [Theory]
    [InlineData("limit=1")]
    [InlineData("limit=1000")]
    [InlineData("offset=0")]
    [InlineData("offset=2147483647")]
    [InlineData("name=")]
    [InlineData("name=no%20such%20name")]
    [InlineData("name=%ff%fe")]
    [InlineData("status=")]
    [InlineData("protect_type=hybrid")]
    [InlineData("anything=else&cloud_type=public")]
    [InlineData("external_project_id=x&region_id=y")]
    public async Task What_is_at_the_edge_or_unknown_passes(string query)
    {
        VaultWorld world = await NewAsync(server);

        Assert.Equal(200, (await world.GetAsync("vaults?" + query)).Status);
    }

    [Fact]
    public async Task Filters_hold_together()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject hybrid = VaultBody("server", name: "b");
        hybrid["billing"]!["cloud_type"] = "hybrid";
        hybrid["availability_zone"] = "az-7";
        hybrid["enterprise_project_id"] = "d522b930-e31e-455f-b54e-f8ebdd7c94cd";
        string a = await world.VaultAsync("disk", name: "a");
        server.Time.Advance(TimeSpan.FromSeconds(1));
        string b = (string)(await world.CreateAsync(hybrid)).Json["vault"]!["id"]!;
        string c = await world.VaultAsync("server", name: "a", protectType: "replication");
        string disk = await world.NewDiskAsync();
        await world.AddAsync(a, Disk(disk));
        await server.Database.WriteAsync(session => Strongroom.Server.Vaults.VaultTable.SetStatusAsync(session, new(c), "error", default), default);

        await AssertListsAsync(world, "id=" + a, a);
        await AssertListsAsync(world, $"id={a}&id={b}", b, a);
        await AssertListsAsync(world, $"id={a},{c}", c, a);
        await AssertListsAsync(world, $"id={a}&id={UnknownId}", a);
        await AssertListsAsync(world, "name=a", c, a);
        await AssertListsAsync(world, "name=A");
        await AssertListsAsync(world, "cloud_type=public", c, a);
        await AssertListsAsync(world, "cloud_type=hybrid", b);
        await AssertListsAsync(world, "protect_type=replication", c);
        await AssertListsAsync(world, "protect_type=hybrid");
        await AssertListsAsync(world, "object_type=server", c, b);
        await AssertListsAsync(world, "status=available", b, a);
        await AssertListsAsync(world, "status=error", c);
        await AssertListsAsync(world, "resource_ids=" + disk, a);
        await AssertListsAsync(world, $"resource_ids={UnknownId},{disk}", a);
        await AssertListsAsync(world, "resources_ids=" + disk, a);
        await AssertListsAsync(world, "resource_ids=" + UnknownId);
        await AssertListsAsync(world, "policy_id=" + UnknownId);
        await AssertListsAsync(world, "enterprise_project_id=0", c, a);
        await AssertListsAsync(world, "enterprise_project_id=d522b930-e31e-455f-b54e-f8ebdd7c94cd", b);
        await AssertListsAsync(world, "enterprise_project_id=all_granted_eps", c, b, a);
        await AssertListsAsync(world, "availability_zone=az-7", b);
        await AssertListsAsync(world, "name=a&object_type=server", c);
        await AssertListsAsync(world, "name=a&object_type=server&status=available");
    }

    [Fact]
    public async Task Each_project_lists_its_own()
    {
        VaultWorld one = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string mine = await one.VaultAsync();

        Assert.Empty(Ids((await other.GetAsync("vaults?id=" + mine)).Json));
        Assert.Equal([mine], Ids((await one.GetAsync("vaults")).Json));
    }

    private static async Task AssertListsAsync(VaultWorld world, string query, params string[] expected)
    {
        TestReply reply = await world.GetAsync("vaults?" + query);
        Assert.Equal(expected, Ids(reply.Json));
        Assert.Equal(expected.Length, (int)reply.Json["count"]!);
    }

    private static string[] Ids(JsonNode list) => [.. list["vaults"]!.AsArray().Select(vault => (string)vault!["id"]!)];
}

public sealed class ListVaultsOnSqliteTests(SqliteServer server) : ListVaultsTests(server), IClassFixture<SqliteServer>;

public sealed class ListVaultsOnPostgresTests : ListVaultsTests, IClassFixture<PostgresServer>
{
    public ListVaultsOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
