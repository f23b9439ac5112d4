using System.Text.Json.Nodes;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

public abstract class MigrateResourcesTests(ServerFixture server)
{
    [Fact]
    public async Task Resources_move_with_what_their_backups_amount_to()
    {
        VaultWorld world = await NewAsync(server);
        string source = await world.VaultAsync();
        string destination = await world.VaultAsync();
        string[] disks = await world.NewDisksAsync(3);
        await world.AddAsync(source, Disk(disks[0]), Disk(disks[1]));
        await world.AddAsync(destination, Disk(disks[2]));
        await UseAsync(source, disks[0], 5 << 20, 2);
        await UseAsync(source, disks[1], 7 << 20, 1);

        TestReply reply = await MigrateAsync(world, source, destination, disks[1]);

        Assert.Equal($$"""{"migrated_resources":["{{disks[1]}}"]}""", reply.Text);
        JsonNode left = await world.ShowAsync(source);
        JsonNode grown = await world.ShowAsync(destination);
        Assert.Equal([disks[0]], Ids(left));
        Assert.Equal([disks[2], disks[1]], Ids(grown));
        Assert.Equal((5, 7), ((int)left["billing"]!["used"]!, (int)grown["billing"]!["used"]!));
        Assert.Equal((7, 1), ((int)grown["resources"]![1]!["backup_size"]!, (int)grown["resources"]![1]!["backup_count"]!));
        AssertRefused(await MigrateAsync(world, source, destination, disks[1]), 400, "6135", disks[1]);
    }

    [Fact]
    public async Task The_destination_must_be_there_be_of_the_same_kind_and_have_room()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string source = await world.VaultAsync();
        string disk = await world.NewDiskAsync(sizeBytes: 11 * Gb);
        await world.AddAsync(source, Disk(disk));
        string small = await world.VaultAsync(sizeGb: 10);
        string turbo = await world.VaultAsync("turbo");
        string servers = await world.VaultAsync("server");
        string locked = await world.VaultAsync();
        await world.PutAsync("vaults/" + locked, """{"vault":{"locked":true}}""");
        string broken = await world.VaultAsync();
        await server.Database.WriteAsync(session => VaultTable.SetStatusAsync(session, new(broken), "error", default), default);

        AssertRefused(await MigrateAsync(world, UnknownId, small, disk), 404, "6105");
        AssertRefused(await MigrateAsync(world, source, UnknownId, disk), 400, "6120", UnknownId);
        AssertRefused(await MigrateAsync(world, source, await other.VaultAsync(), disk), 400, "6120");
        AssertRefused(await MigrateAsync(world, source, source, disk), 400, "6118");
        AssertRefused(await MigrateAsync(world, source, locked, disk), 400, "6118");
        AssertRefused(await MigrateAsync(world, source, turbo, disk), 400, "6713");
        AssertRefused(await MigrateAsync(world, source, servers, disk), 400, "6713");
        AssertRefused(await MigrateAsync(world, source, broken, disk), 400, "6112");
        AssertRefused(await MigrateAsync(world, broken, source, disk), 400, "6112");
        AssertRefused(await MigrateAsync(world, locked, source, disk), 400, "6110");
        AssertRefused(await MigrateAsync(world, source, small, disk), 400, "6129", "10 GB", "11 GB");
        Assert.Equal([disk], Ids(await world.ShowAsync(source)));
    }

    [Fact]
    public async Task Nothing_moves_while_a_task_runs_in_either_vault()
    {
        VaultWorld world = await NewAsync(server);
        string source = await world.VaultAsync();
        string destination = await world.VaultAsync();
        string[] disks = await world.NewDisksAsync(2);
        await world.AddAsync(source, Disk(disks[0]));
        await world.AddAsync(destination, Disk(disks[1]));
        await server.Database.WriteAsync(
            async session => await VaultTable.SetProtectStatusAsync(session, new VaultId(destination), new ResourceId(disks[1]), "protecting", default), default);

        AssertRefused(await MigrateAsync(world, source, destination, disks[0]), 400, "6125", disks[1]);
        AssertRefused(await MigrateAsync(world, destination, source, disks[1]), 400, "6125", disks[1]);
    }

    [Fact]
    public async Task A_destination_takes_256_resources_and_no_more()
    {
        VaultWorld world = await NewAsync(server);
        string source = await world.VaultAsync(sizeGb: 1000);
        string destination = await world.VaultAsync(sizeGb: 1000);
        string[] disks = await world.NewDisksAsync(257);
        await world.AddAsync(source, [.. disks.Take(255).Select(Disk)]);
        await world.AddAsync(destination, Disk(disks[255]), Disk(disks[256]));

        AssertRefused(await MigrateAsync(world, source, destination, disks[..255]), 400, "6100", "257");
        Assert.Equal(200, (await MigrateAsync(world, source, destination, disks[..254])).Status);
    }

    [Theory]
    [InlineData("{}", "destination_vault_id")]
    [InlineData("""{"destination_vault_id":"x","resource_ids":["00000000-1111-4222-8333-444444444444"]}""", "destination_vault_id")]
    [InlineData("""{"destination_vault_id":"00000000-1111-4222-8333-444444444444"}""", "resource_ids")]
    [InlineData("""{"destination_vault_id":"00000000-1111-4222-8333-444444444444","resource_ids":[]}""", "resource_ids")]
    [InlineData("""{"destination_vault_id":"00000000-1111-4222-8333-444444444444","resource_ids":["x"]}""", "resource_ids[0]")]
    public async Task A_body_that_breaks_a_rule_is_refused(string body, string expected)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        AssertRefused(await world.PostAsync($"vaults/{vault}/migrateresources", body), 400, "9900", expected);
    }

    private static Task<TestReply> MigrateAsync(VaultWorld world, string source, string destination, params string[] ids) =>
        world.PostAsync($"vaults/{source}/migrateresources", new { destination_vault_id = destination, resource_ids = ids });

    private Task UseAsync(string vault, string resource, long bytes, int count) =>
        server.Database.WriteAsync(
            session => VaultTable.AddUsageAsync(session, new VaultId(vault), new ResourceId(resource), bytes, count, default), default);

    private static IEnumerable<string> Ids(JsonNode vault) => vault["resources"]!.AsArray().Select(resource => (string)resource!["id"]!);
}

public sealed class MigrateResourcesOnSqliteTests(SqliteServer server) : MigrateResourcesTests(server), IClassFixture<SqliteServer>;

public sealed class MigrateResourcesOnPostgresTests : MigrateResourcesTests, IClassFixture<PostgresServer>
{
    public MigrateResourcesOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
