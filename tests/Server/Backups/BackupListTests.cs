using System.Globalization;
using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Backups;

public abstract class BackupListTests(ServerFixture server)
{
    [Fact]
    public async Task Lists_are_newest_first_and_echo_limit_and_offset()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string[] ids = await SeveralAsync(world, 5);

        JsonNode all = await world.GetAsync("backups");
        JsonNode page = await world.GetAsync("backups?limit=2&offset=1");
        JsonNode past = await world.GetAsync("backups?limit=2&offset=5");

        Assert.Equal(ids.Reverse(), Ids(all));
        Assert.Equal((5, 1000, 0), Figures(all));
        Assert.Equal(ids.Reverse().Skip(1).Take(2), Ids(page));
        Assert.Equal((5, 2, 1), Figures(page));
        Assert.Empty(Ids(past));
        Assert.Equal((5, 2, 5), Figures(past));
        Assert.Single(all.AsObject(), member => member.Value is JsonArray);
    }

    [Theory]
    [InlineData("")]
    [InlineData("created_at:asc")]
    [InlineData("name")]
    [InlineData("name:asc,created_at:desc")]
    [InlineData("status:asc,name:desc")]
    [InlineData("protected_at:asc")]
    [InlineData("updated_at")]
    [InlineData("id:asc")]
    public async Task Paging_by_marker_gives_every_row_once_in_the_order_of_the_list(string sort)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        await SeveralAsync(world, 7);
        string query = sort.Length == 0 ? "" : "sort=" + sort + "&";
        string[] whole = Ids(await world.GetAsync("backups?" + query));

        var paged = new List<string>();
        string marker = "";
        while (Ids(await world.GetAsync($"backups?{query}limit=3{marker}")) is { Length: > 0 } page)
        {
            paged.AddRange(page);
            marker = "&marker=" + page[^1];
        }

        Assert.Equal(whole, paged);
        Assert.Equal(7, whole.Length);
    }

    [Fact]
    public async Task Sorting_by_name_sorts_by_name()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        await SeveralAsync(world, 4);

        string[] names = (await world.BackupsAsync("sort=name:asc")).Select(row => (string)row!["name"]!).ToArray();

        Assert.Equal(names.Order(StringComparer.Ordinal), names);
    }

    [Fact]
    public async Task A_marker_still_works_when_its_backup_was_deleted_meanwhile()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string[] ids = await SeveralAsync(world, 4);
        string[] page = Ids(await world.GetAsync("backups?limit=2"));
        Assert.Equal(204, (await world.Vaults.DeleteAsync("backups/" + page[1])).Status);

        Assert.Equal(ids.Reverse().Skip(2), Ids(await world.GetAsync("backups?limit=10&marker=" + page[1])));
    }

    [Fact]
    public async Task Every_filter_selects_what_it_says()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string diskVault, string disk) = await world.DiskVaultAsync();
        (string serverVault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (string first, string[] a) = await world.ProtectAsync(diskVault, new { name = "a" });
        string beforeB = Stamp();
        server.Time.Advance(TimeSpan.FromSeconds(2));
        (string second, string[] b) = await world.ProtectAsync(serverVault, new { name = "b", incremental = false });
        string atB = Stamp();
        server.Time.Advance(TimeSpan.FromSeconds(2));
        world.Engine.OnBackup(disk, _ => throw new InvalidOperationException("no"));
        (_, string[] c) = await world.ProtectAsync(diskVault, new { name = "c" });
        string[] all = [.. c, .. b, .. a];

        (string Query, string[] Expected)[] cases =
        [
            ("checkpoint_id=" + first, a),
            ("checkpoint_id=" + second, b),
            ("vault_id=" + diskVault, [.. c, .. a]),
            ("resource_id=" + serverId, b),
            ("resource_id=" + disks[0], []),
            ("resource_name=disk-1", [.. c, .. a]),
            ("resource_name=disk", []),
            ("resource_type=OS::Nova::Server", b),
            ("resource_type=OS::Sfs::Turbo", []),
            ("name=b", b),
            ("name=" + Uri.EscapeDataString("' or 1=1 --"), []),
            ("status=error", c),
            ("status=available", [.. b, .. a]),
            ("status=available&status=error", all),
            ("status=deleting", []),
            ("image_type=backup", all),
            ("image_type=replication", []),
            ("own_type=private", all),
            ("own_type=all_granted", all),
            ("own_type=shared", []),
            ("own_type=shared&member_status=accept", []),
            ("incremental=true", [.. c, .. a]),
            ("incremental=false", all),
            ("dec=false&show_replication=true", all),
            ("resource_az=az-1", []),
            ("enterprise_project_id=0", all),
            ("enterprise_project_id=all_granted_eps", all),
            ("enterprise_project_id=" + VaultWorld.UnknownId, []),
            ("end_time=" + beforeB, a),
            ("start_time=" + atB + "&end_time=" + atB, b),
            ("start_time=" + atB, [.. c, .. b]),
            ("used_percent=1", []),
            ("vault_id=" + diskVault + "&status=available", a),
            ("vault_id=some-name", []),
            ("unknown=1", all),
            ("checkpoint_id=", all),
        ];
        foreach ((string query, string[] expected) in cases)
        {
            string[] found = Ids(await world.GetAsync("backups?" + query));
            Assert.True(expected.SequenceEqual(found), query);
        }
    }

    [Fact]
    public async Task A_servers_disks_show_only_under_their_parent()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, string[] disks) = await world.ServerVaultAsync(3);
        (_, string[] backups) = await world.ProtectAsync(vault);

        JsonArray top = await world.BackupsAsync("");
        JsonArray children = await world.BackupsAsync("parent_id=" + backups[0]);

        Assert.Empty(Assert.Single(top)!["children"]!.AsArray());
        Assert.Equal(disks.Order(), children.Select(row => (string)row!["resource_id"]!).Order());
    }

    [Fact]
    public async Task Used_percent_selects_by_how_full_the_vault_is()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update vaults set used_bytes = {40 * VaultWorld.Gb} where id = {vault}", default); }, default);

        Assert.Equal(backups, Ids(await world.GetAsync("backups?used_percent=40")));
        Assert.Empty(Ids(await world.GetAsync("backups?used_percent=41")));
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("limit=x")]
    [InlineData("limit=1.5")]
    [InlineData("offset=-1")]
    [InlineData("offset=x")]
    [InlineData("marker=x")]
    [InlineData("marker=00000000-1111-4222-8333-444444444444")]
    [InlineData("sort=size")]
    [InlineData("sort=name:up")]
    [InlineData("sort=name:asc:desc")]
    [InlineData("sort=,")]
    [InlineData("sort=name;drop table backups")]
    [InlineData("status=gone")]
    [InlineData("status=AVAILABLE")]
    [InlineData("image_type=copy")]
    [InlineData("own_type=mine")]
    [InlineData("member_status=maybe")]
    [InlineData("used_percent=0")]
    [InlineData("used_percent=101")]
    [InlineData("incremental=maybe")]
    [InlineData("show_replication=1")]
    [InlineData("start_time=yesterday")]
    [InlineData("start_time=2024-11-05 03:00:12")]
    [InlineData("end_time=2024-13-05T03:00:12Z")]
    [InlineData("end_time=9999-12-31T23:59:59Z0")]
    public async Task A_malformed_query_is_9900_and_names_the_parameter(string query)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);

        VaultWorld.AssertRefused(await world.Vaults.GetAsync("backups?" + query), 400, "9900", query.Split('=')[0]);
    }

    [Theory]
    [InlineData("end_time=9999-12-31T23:59:59Z")]
    [InlineData("start_time=0001-01-01T00:00:00Z")]
    [InlineData("offset=2147483647")]
    public async Task Extreme_but_legal_values_are_answered(string query)
    {
        TaskWorld world = await TaskWorld.NewAsync(server);

        Assert.Equal(200, (await world.Vaults.GetAsync("backups?" + query)).Status);
        Assert.Equal(200, (await world.Vaults.GetAsync("operation-logs?" + query)).Status);
    }

    [Fact]
    public async Task Another_project_sees_nothing()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        TaskWorld other = await TaskWorld.NewAsync(server);
        (string vault, _) = await owner.DiskVaultAsync();
        (string checkpoint, string[] backups) = await owner.ProtectAsync(vault);

        Assert.Equal(0, (int)(await other.GetAsync("backups"))["count"]!);
        Assert.Equal(0, (int)(await other.GetAsync("backups?vault_id=" + vault))["count"]!);
        Assert.Equal(0, (int)(await other.GetAsync("backups?checkpoint_id=" + checkpoint))["count"]!);
        Assert.Equal(0, (int)(await other.GetAsync("operation-logs"))["count"]!);
        VaultWorld.AssertRefused(await other.Vaults.GetAsync("backups?marker=" + backups[0]), 400, "9900", "marker");
    }

    private string Stamp() => server.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Backups of one disk, oldest first; every second one carries the same name, one has failed.</summary>
    private static async Task<string[]> SeveralAsync(TaskWorld world, int count)
    {
        (string vault, string disk) = await world.DiskVaultAsync();
        var ids = new List<string>();
        for (int i = 0; i < count; i++)
        {
            bool fails = i == 2;
            world.Engine.OnBackup(disk, _ => fails ? throw new InvalidOperationException("no") : Task.CompletedTask);
            ids.Add(Assert.Single((await world.ProtectAsync(vault, new { name = i % 2 == 0 ? "even" : "odd-" + (9 - i) })).Backups));
        }

        return [.. ids];
    }

    private static string[] Ids(JsonNode list) => list["backups"]!.AsArray().Select(row => (string)row!["id"]!).ToArray();

    private static (int Count, int Limit, int Offset) Figures(JsonNode list) => ((int)list["count"]!, (int)list["limit"]!, (int)list["offset"]!);
}

public sealed class BackupListOnSqliteTests(SqliteTaskServer server) : BackupListTests(server), IClassFixture<SqliteTaskServer>;

public sealed class BackupListOnPostgresTests : BackupListTests, IClassFixture<PostgresTaskServer>
{
    public BackupListOnPostgresTests(PostgresTaskServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
