using Strongroom.Server.Identity;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

/// <summary>What concerns all vaults of a project, or another project's.</summary>
public abstract class VaultReportTests(ServerFixture server)
{
    private const string Region = "RegionOne";

    [Fact]
    public async Task A_batch_update_reaches_every_vault_that_takes_changes()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string[] vaults = [await world.VaultAsync(), await world.VaultAsync(), await world.VaultAsync()];
        string theirs = await other.VaultAsync();
        await server.Database.WriteAsync(session => VaultTable.SetStatusAsync(session, new(vaults[1]), "deleting", default), default);

        TestReply both = await world.PutAsync("vaults/batch-update", """{"vault":{"smn_notify":false,"threshold":70}}""");
        TestReply one = await world.PutAsync("vaults/batch-update", """{"vault":{"threshold":60}}""");
        TestReply none = await world.PutAsync("vaults/batch-update", """{"vault":{}}""");

        Assert.Equal($$"""{"updated_vaults_id":["{{vaults[2]}}","{{vaults[0]}}"]}""", both.Text);
        Assert.Equal(both.Text, one.Text);
        Assert.Equal(both.Text, none.Text);
        Assert.Equal((false, 60), await SettingsAsync(world, vaults[0]));
        Assert.Equal((true, 80), await SettingsAsync(world, vaults[1]));
        Assert.Equal((true, 80), await SettingsAsync(other, theirs));
    }

    [Theory]
    [InlineData("{}", "vault")]
    [InlineData("""{"vault":null}""", "vault")]
    [InlineData("""{"vault":{"threshold":0}}""", "vault.threshold")]
    [InlineData("""{"vault":{"threshold":101}}""", "vault.threshold")]
    [InlineData("""{"vault":{"smn_notify":"x"}}""", "vault.smn_notify")]
    public async Task A_batch_update_that_breaks_a_rule_is_refused(string body, string expected)
    {
        VaultWorld world = await NewAsync(server);

        AssertRefused(await world.PutAsync("vaults/batch-update", body), 400, "9900", expected);
    }

    [Fact]
    public async Task The_summary_adds_up_sizes_and_uses_in_GB()
    {
        VaultWorld world = await NewAsync(server);
        string first = await world.VaultAsync(sizeGb: 300);
        string second = await world.VaultAsync(sizeGb: 400);
        string disk = await world.NewDiskAsync();
        await world.AddAsync(first, Disk(disk));
        await UseAsync(first, disk, 2 * Gb, 1);
        await UseAsync(second, UnknownId, 1, 1);

        Assert.Equal("""{"size":700,"used_size":3}""", (await world.GetAsync("vaults/summary")).Text);
    }

    [Fact]
    public async Task The_summary_of_the_largest_vaults_stays_a_32_bit_number()
    {
        VaultWorld world = await NewAsync(server);
        var vault = VaultBody(sizeGb: 10485760);
        for (int i = 0; i < 205; i++)
            await world.CreateAsync(vault);

        Assert.Equal("""{"size":2147483647,"used_size":0}""", (await world.GetAsync("vaults/summary")).Text);
    }

    [Fact]
    public async Task Storage_use_is_told_per_resource_over_all_vaults()
    {
        VaultWorld world = await NewAsync(server);
        string backups = await world.VaultAsync("server");
        string replicas = await world.VaultAsync("server", protectType: "replication");
        (string first, _) = await world.NewServerAsync(1);
        (string second, _) = await world.NewServerAsync(1);
        await world.AddAsync(backups, ServerOf(first));
        server.Time.Advance(TimeSpan.FromSeconds(1));
        await world.AddAsync(backups, ServerOf(second));
        await world.AddAsync(replicas, ServerOf(first));
        await UseAsync(backups, first, 3 << 20, 4);
        await UseAsync(replicas, first, 1, 1);

        TestReply all = await world.GetAsync("storage_usage");
        TestReply one = await world.GetAsync("storage_usage?resource_id=" + first);
        TestReply page = await world.GetAsync("storage_usage?limit=1&offset=1");
        TestReply disks = await world.GetAsync("storage_usage?resource_type=OS::Cinder::Volume");

        Assert.Equal(2, (int)all.Json["resource_count"]!);
        Assert.Equal(
            $$"""{"resource_count":1,"storage_usage":[{"resource_id":"{{first}}","resource_name":"web","resource_type":"OS::Nova::Server","backup_count":5,"backup_size":4,"backup_size_multiaz":0}]}""",
            one.Text);
        Assert.Single(page.Json["storage_usage"]!.AsArray());
        Assert.Equal(2, (int)page.Json["resource_count"]!);
        Assert.Equal("""{"resource_count":0,"storage_usage":[]}""", disks.Text);
        AssertRefused(await world.GetAsync("storage_usage?resource_id=x"), 400, "9900", "resource_id");
        AssertRefused(await world.GetAsync("storage_usage?limit=0"), 400, "9900", "limit");
    }

    [Fact]
    public async Task Vaults_of_another_project_are_shown_to_those_who_may_list_them_there()
    {
        VaultWorld mine = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string disk = await other.VaultAsync("disk");
        string turbo = await other.VaultAsync("turbo");
        User user = await server.Administration.CreateUserAsync("traveller-" + Guid.NewGuid().ToString("N"), null, ServerFixture.AdminPassword, default);
        await server.Administration.AddRoleAsync(user.Id, "cbr_full", ScopeKind.Project, mine.ProjectId, null, default);
        await server.Administration.AddRoleAsync(user.Id, "cbr_reader", ScopeKind.Project, other.ProjectId, null, default);
        TestCaller caller = await server.TokenAsync(user.Id, mine.ProjectId);
        string path = $"/v3/{{project_id}}/vaults/external?external_project_id={other.ProjectId}&region_id={Region}";

        TestReply all = await server.GetAsync(caller, path);
        TestReply typed = await server.GetAsync(caller, path + "&objcet_type=disk");
        TestReply spelt = await server.GetAsync(caller, path + "&object_type=disk&limit=10&offset=0");
        TestReply one = await server.GetAsync(caller, path + $"&objcet_type=disk&vault_id={turbo}");

        Assert.Equal([turbo, disk], all.Json["vaults"]!.AsArray().Select(vault => (string)vault!["id"]!));
        Assert.Equal(other.ProjectId, (string?)all.Json["vaults"]![0]!["project_id"]);
        Assert.Equal([disk], typed.Json["vaults"]!.AsArray().Select(vault => (string)vault!["id"]!));
        Assert.Equal([disk], spelt.Json["vaults"]!.AsArray().Select(vault => (string)vault!["id"]!));
        Assert.Equal([turbo], one.Json["vaults"]!.AsArray().Select(vault => (string)vault!["id"]!));
    }

    [Fact]
    public async Task A_project_one_may_not_see_a_region_one_does_not_have_and_nonsense_are_refused_alike()
    {
        VaultWorld mine = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        await other.VaultAsync();
        string own = await mine.VaultAsync();

        TestReply foreign = await mine.GetAsync($"vaults/external?external_project_id={other.ProjectId}&region_id={Region}");
        TestReply unknown = await mine.GetAsync($"vaults/external?external_project_id=nobody&region_id={Region}");
        AssertRefused(foreign, 400, "9900");
        Assert.Equal(
            foreign.ErrorMessage!.Replace(other.ProjectId, "X", StringComparison.Ordinal), unknown.ErrorMessage!.Replace("nobody", "X", StringComparison.Ordinal));
        AssertRefused(await mine.GetAsync($"vaults/external?external_project_id={mine.ProjectId}&region_id=elsewhere"), 400, "9900");
        AssertRefused(await mine.GetAsync($"vaults/external?region_id={Region}"), 400, "9900", "external_project_id");
        AssertRefused(await mine.GetAsync($"vaults/external?external_project_id={mine.ProjectId}"), 400, "9900", "region_id");
        AssertRefused(await mine.GetAsync($"vaults/external?external_project_id={mine.ProjectId}&region_id={Region}&protect_type=x"), 400, "9900", "protect_type");
        AssertRefused(await mine.GetAsync($"vaults/external?external_project_id={mine.ProjectId}&region_id={Region}&limit=x"), 400, "9900", "limit");
        Assert.Equal(
            own, (string?)(await mine.GetAsync($"vaults/external?external_project_id={mine.ProjectId}&region_id={Region}")).Json["vaults"]![0]!["id"]);
    }

    private static async Task<(bool, int)> SettingsAsync(VaultWorld world, string vault)
    {
        var shown = await world.ShowAsync(vault);
        return ((bool)shown["smn_notify"]!, (int)shown["threshold"]!);
    }

    private Task UseAsync(string vault, string resource, long bytes, int count) =>
        server.Database.WriteAsync(
            session => VaultTable.AddUsageAsync(session, new VaultId(vault), new ResourceId(resource), bytes, count, default), default);
}

public sealed class VaultReportOnSqliteTests(SqliteServer server) : VaultReportTests(server), IClassFixture<SqliteServer>;

public sealed class VaultReportOnPostgresTests : VaultReportTests, IClassFixture<PostgresServer>
{
    public VaultReportOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
