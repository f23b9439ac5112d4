using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Resources;

public abstract class ResourceTests(ServerFixture server)
{
    private const string Resources = "/strongroom/v1/{project_id}/resources";

    [Fact]
    public async Task A_disk_is_registered_shown_listed_and_unregistered()
    {
        VaultWorld world = await NewAsync(server);
        string path = world.ImageFile((2 * Gb) + 1);

        TestReply created = await world.RegisterAsync(
            new { type = "OS::Cinder::Volume", name = "data", path, tags = new[] { new { key = "env", value = "prod" } } });
        string id = (string)created.Json["resource"]!["id"]!;
        TestReply shown = await server.GetAsync(world.Caller, $"{Resources}/{id}");
        TestReply listed = await server.GetAsync(world.Caller, Resources);
        TestReply deleted = await server.DeleteAsync(world.Caller, $"{Resources}/{id}");

        GoldenReply.AssertMatches("RegisterDisk.json", created.Text, (id, "{disk}"), (path, "{path}"));
        Assert.Equal(created.Text, shown.Text);
        Assert.Equal(created.Json["resource"]!.ToJsonString(), listed.Json["resources"]![0]!.ToJsonString());
        Assert.Equal(1, (int)listed.Json["count"]!);
        Assert.Equal((204, ""), (deleted.Status, deleted.Text));
        AssertRefused(await server.GetAsync(world.Caller, $"{Resources}/{id}"), 404, "6302", id);
        AssertRefused(await server.DeleteAsync(world.Caller, $"{Resources}/{id}"), 404, "6302", id);
        Assert.Equal("""{"resources":[],"count":0,"offset":0,"limit":1000}""", (await server.GetAsync(world.Caller, Resources)).Text);
    }

    [Fact]
    public async Task A_server_holds_its_disks_each_a_resource_of_its_own()
    {
        VaultWorld world = await NewAsync(server);
        string[] paths = [world.ImageFile(Gb), world.ImageFile(2 * Gb)];

        TestReply created = await world.RegisterAsync(
            new { type = "OS::Nova::Server", name = "web", disks = new object[] { new { path = paths[0] }, new { path = paths[1], name = "logs" } } });
        JsonNode shown = created.Json["resource"]!;
        string id = (string)shown["id"]!;
        JsonArray disks = shown["disks"]!.AsArray();
        TestReply disk = await server.GetAsync(world.Caller, $"{Resources}/{(string)disks[1]!["id"]!}");
        TestReply ofServer = await server.GetAsync(world.Caller, $"{Resources}?server_id={id}");

        Assert.Equal((3, 3 * Gb), ((int)shown["size"]!, (long)shown["size_bytes"]!));
        Assert.Equal((null, null), ((string?)shown["path"], (string?)shown["driver"]));
        Assert.Equal(["web-1", "logs"], disks.Select(each => (string)each!["name"]!));
        Assert.Equal(disks[1]!.ToJsonString(), disk.Json["resource"]!.ToJsonString());
        Assert.Equal(id, (string?)disk.Json["resource"]!["server_id"]);
        Assert.Equal(2, (int)ofServer.Json["count"]!);
        Assert.Equal(3, (int)(await server.GetAsync(world.Caller, Resources)).Json["count"]!);
    }

    [Fact]
    public async Task Unregistering_a_server_takes_its_disks_along()
    {
        VaultWorld world = await NewAsync(server);
        (string id, string[] disks) = await world.NewServerAsync(1, 1);

        Assert.Equal(204, (await server.DeleteAsync(world.Caller, $"{Resources}/{id}")).Status);

        AssertRefused(await server.GetAsync(world.Caller, $"{Resources}/{disks[1]}"), 404, "6302");
        Assert.Equal(0, (int)(await server.GetAsync(world.Caller, Resources)).Json["count"]!);
    }

    [Fact]
    public async Task A_directory_counts_its_files()
    {
        VaultWorld world = await NewAsync(server);
        string path = world.NewDirectory();
        Directory.CreateDirectory(Path.Combine(path, "deep", "er"));
        foreach (string name in (string[])["a", "deep/b", "deep/er/c"])
        {
            using FileStream file = File.Create(Path.Combine(path, name));
            file.SetLength(Gb);
        }

        Directory.CreateSymbolicLink(Path.Combine(path, "loop"), path);
        TestReply reply = await world.RegisterAsync(new { type = "OS::Sfs::Turbo", name = "files", path });

        Assert.Equal((3, 3 * Gb), ((int)reply.Json["resource"]!["size"]!, (long)reply.Json["resource"]!["size_bytes"]!));
    }

    [Fact]
    public async Task Paths_must_exist_be_absolute_and_of_the_right_kind()
    {
        VaultWorld world = await NewAsync(server);
        string directory = world.NewDirectory();
        string image = world.ImageFile();

        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", directory), 400, "9900", "image file");
        AssertRefused(await RegisterAsync(world, "OS::Sfs::Turbo", image), 400, "9900", "directory");
        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", "/no/such/file"), 400, "9900", "/no/such/file");
        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", "/dev/null"), 400, "9900", "/dev/null");
        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", "relative/file"), 400, "9900", "resource.path");
        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", ""), 400, "9900", "resource.path");
        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", "/" + new string('x', 5000)), 400, "9900", "resource.path");
        AssertRefused(
            await world.RegisterAsync(new { type = "OS::Nova::Server", name = "n", disks = new[] { new { path = directory } } }), 400, "9900", "image file");
        Assert.Equal(200, (await RegisterAsync(world, "OS::Sfs::Turbo", directory + "/./../" + Path.GetFileName(directory) + "/")).Status);
    }

    [Fact]
    public async Task The_services_own_data_cannot_be_registered_however_it_is_spelt()
    {
        VaultWorld world = await NewAsync(server);
        string data = server.TestDatabase.DataDirectory;
        string link = Path.Combine(world.NewDirectory(), "link");
        Directory.CreateSymbolicLink(link, data);
        string inside = Path.Combine(data, "disk.img");
        File.WriteAllText(inside, "x");
        string parent = Path.GetDirectoryName(data)!;

        foreach (string path in (string[])[data, data + "/", parent, "/", link, link + "/.", parent + "/./" + Path.GetFileName(data)])
            AssertRefused(await RegisterAsync(world, "OS::Sfs::Turbo", path), 400, "9900", "own data");
        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", inside), 400, "9900", "own data");
        AssertRefused(await RegisterAsync(world, "OS::Cinder::Volume", link + "/disk.img"), 400, "9900", "own data");
    }

    [Theory]
    [InlineData("{}", "resource")]
    [InlineData("""{"resource":{}}""", "resource.type")]
    [InlineData("""{"resource":{"type":"disk","name":"n","path":"/x"}}""", "resource.type")]
    [InlineData("""{"resource":{"type":"OS::Cinder::Volume","path":"/x"}}""", "resource.name")]
    [InlineData("""{"resource":{"type":"OS::Cinder::Volume","name":"","path":"/x"}}""", "resource.name")]
    [InlineData("""{"resource":{"type":"OS::Cinder::Volume","name":"a\nb","path":"/x"}}""", "resource.name")]
    [InlineData("""{"resource":{"type":"OS::Cinder::Volume","name":"n"}}""", "resource.path")]
    [InlineData("""{"resource":{"type":"OS::Cinder::Volume","name":"n","path":"/x","disks":[{"path":"/x"}]}}""", "resource.disks")]
    [InlineData("""{"resource":{"type":"OS::Cinder::Volume","name":"n","path":"/x","server_id":"x"}}""", "resource.server_id")]
    [InlineData("""{"resource":{"type":"OS::Cinder::Volume","name":"n","path":"/x","tags":[{"key":""}]}}""", "resource.tags[0].key")]
    [InlineData("""{"resource":{"type":"OS::Sfs::Turbo","name":"n","path":"/x","server_id":"00000000-1111-4222-8333-444444444444"}}""", "resource.server_id")]
    [InlineData("""{"resource":{"type":"OS::Nova::Server","name":"n"}}""", "resource.disks")]
    [InlineData("""{"resource":{"type":"OS::Nova::Server","name":"n","disks":[]}}""", "resource.disks")]
    [InlineData("""{"resource":{"type":"OS::Nova::Server","name":"n","disks":[{}]}}""", "resource.disks[0].path")]
    [InlineData("""{"resource":{"type":"OS::Nova::Server","name":"n","path":"/x","disks":[{"path":"/x"}]}}""", "resource.path")]
    public async Task A_registration_that_breaks_a_rule_says_which(string body, string expected)
    {
        VaultWorld world = await NewAsync(server);

        AssertRefused(await server.PostAsync(world.Caller, Resources, body), 400, "9900", expected);
    }

    [Fact]
    public async Task A_server_has_60_disks_and_not_61()
    {
        VaultWorld world = await NewAsync(server);
        string path = world.ImageFile();
        TestReply many = await world.RegisterAsync(new { type = "OS::Nova::Server", name = "n", disks = Enumerable.Repeat(new { path }, 60) });
        string id = (string)many.Json["resource"]!["id"]!;

        AssertRefused(await world.RegisterAsync(new { type = "OS::Nova::Server", name = "n", disks = Enumerable.Repeat(new { path }, 61) }), 400, "9900", "61");
        AssertRefused(await world.RegisterAsync(new { type = "OS::Cinder::Volume", name = "n", path, server_id = id }), 400, "9900", "60 disks");
    }

    [Fact]
    public async Task A_disk_joins_a_server_and_what_the_server_takes_of_its_vault_follows()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        (string id, string[] disks) = await world.NewServerAsync(Gb, Gb);
        await world.AddAsync(vault, ServerOf(id, disks[0]));

        string joined = await world.NewDiskAsync("third", 5 * Gb, id);
        int grown = (int)(await world.ShowAsync(vault))["billing"]!["allocated"]!;
        await server.DeleteAsync(world.Caller, $"{Resources}/{joined}");
        int shrunk = (int)(await world.ShowAsync(vault))["billing"]!["allocated"]!;

        Assert.Equal((6, 1), (grown, shrunk));
        AssertRefused(
            await world.RegisterAsync(new { type = "OS::Cinder::Volume", name = "n", path = world.ImageFile(), server_id = UnknownId }), 404, "7100", UnknownId);
        AssertRefused(
            await other.RegisterAsync(new { type = "OS::Cinder::Volume", name = "n", path = other.ImageFile(), server_id = id }), 404, "7100", id);
        AssertRefused(
            await world.RegisterAsync(new { type = "OS::Cinder::Volume", name = "n", path = world.ImageFile(), server_id = disks[0] }), 404, "7100", disks[0]);
    }

    [Fact]
    public async Task An_unregistered_resource_shows_as_deleted_in_its_vault_can_be_removed_and_does_not_hold_up_the_vault()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string[] disks = await world.NewDisksAsync(3);
        await world.AddAsync(vault, [.. disks.Select(Disk)]);

        await server.DeleteAsync(world.Caller, $"{Resources}/{disks[0]}");
        await server.DeleteAsync(world.Caller, $"{Resources}/{disks[1]}");

        Assert.Equal(
            ["deleted", "deleted", "available"], (await world.ShowAsync(vault))["resources"]!.AsArray().Select(resource => (string)resource!["protect_status"]!));
        AssertRefused(await world.AddAsync(vault, Disk(disks[0])), 404, "6302", disks[0]);
        Assert.Equal(200, (await world.RemoveAsync(vault, disks[0])).Status);
        Assert.Equal(204, (await world.DeleteAsync("vaults/" + vault)).Status);
    }

    [Fact]
    public async Task Only_administrators_register_and_projects_do_not_see_each_others()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        string disk = await world.NewDiskAsync();
        TestCaller member = await server.CallerAsync(world.ProjectId, "cbr_full");

        TestReply refused = await server.PostAsync(member, Resources, new { resource = new { type = "OS::Cinder::Volume", name = "n", path = world.ImageFile() } });

        Assert.Equal(403, refused.Status);
        AssertRefused(await server.GetAsync(other.Caller, $"{Resources}/{disk}"), 404, "6302");
        AssertRefused(await server.DeleteAsync(other.Caller, $"{Resources}/{disk}"), 404, "6302");
        Assert.Equal(0, (int)(await server.GetAsync(other.Caller, Resources)).Json["count"]!);
        AssertRefused(await server.GetAsync(world.Caller, $"{Resources}/x"), 400, "9900", "resource_id");
    }

    private static Task<TestReply> RegisterAsync(VaultWorld world, string type, string path) => world.RegisterAsync(new { type, name = "n", path });
}

public sealed class ResourceOnSqliteTests(SqliteServer server) : ResourceTests(server), IClassFixture<SqliteServer>;

public sealed class ResourceOnPostgresTests : ResourceTests, IClassFixture<PostgresServer>
{
    public ResourceOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
