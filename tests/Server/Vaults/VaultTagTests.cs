using System.Text.Json.Nodes;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

public abstract class VaultTagTests(ServerFixture server)
{
    [Fact]
    public async Task Tags_are_set_one_by_one_and_a_known_key_takes_the_new_value_in_its_place()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        TestReply none = await world.GetAsync($"vault/{vault}/tags");
        TestReply set = await world.PostAsync($"vault/{vault}/tags", Tag("env", "prod"));
        await world.PostAsync($"vault/{vault}/tags", """{"tag":{"key":" team ","value":null}}""");
        await world.PostAsync($"vault/{vault}/tags", Tag("env", " test "));

        Assert.Equal("""{"tags":[]}""", none.Text);
        Assert.Equal((204, ""), (set.Status, set.Text));
        Assert.Equal("""{"tags":[{"key":"env","value":"test"},{"key":"team","value":""}]}""", (await world.GetAsync($"vault/{vault}/tags")).Text);
        Assert.Equal("""[{"key":"env","value":"test"},{"key":"team","value":""}]""", (await world.ShowAsync(vault))["tags"]!.ToJsonString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"tag":null}""")]
    [InlineData("""{"tag":[]}""")]
    [InlineData("""{"tag":{}}""")]
    [InlineData("""{"tag":{"key":"","value":"x"}}""")]
    [InlineData("""{"tag":{"key":"   ","value":"x"}}""")]
    [InlineData("""{"tag":{"key":7,"value":"x"}}""")]
    [InlineData("""{"tag":{"key":"a/b","value":"x"}}""")]
    [InlineData("""{"tag":{"key":"a","value":"x\\y"}}""")]
    [InlineData("""{"tag":{"key":"a","value":{}}}""")]
    [InlineData("""{"tag":{"key":"1234567890123456789012345678901234567","value":""}}""")]
    [InlineData("""{"tag":{"key":"a","value":"12345678901234567890123456789012345678901234"}}""")]
    public async Task A_tag_that_breaks_a_rule_is_refused(string body)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        AssertRefused(await world.PostAsync($"vault/{vault}/tags", body), 400, "9900", "tag");
    }

    [Fact]
    public async Task A_vault_has_20_tags_and_not_21()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        Assert.Equal(204, (await ActAsync(world, vault, "create", [.. Enumerable.Range(0, 20).Select(i => ($"k{i}", "v"))])).Status);
        AssertRefused(await world.PostAsync($"vault/{vault}/tags", Tag("one-more", "")), 400, "6600", "20");
        AssertRefused(await ActAsync(world, vault, "create", ("one-more", "")), 400, "6600", "21");
        Assert.Equal(204, (await ActAsync(world, vault, "create", ("k7", "new"))).Status);
        await world.DeleteAsync($"vault/{vault}/tags/k0");
        Assert.Equal(204, (await world.PostAsync($"vault/{vault}/tags", Tag("one-more", ""))).Status);
    }

    [Fact]
    public async Task Deleting_a_tag_that_is_not_there_is_6601()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        await world.PostAsync($"vault/{vault}/tags", Tag("名 x", "1"));

        TestReply first = await world.DeleteAsync($"vault/{vault}/tags/%20%E5%90%8D%20x%20");

        Assert.Equal((204, ""), (first.Status, first.Text));
        AssertRefused(await world.DeleteAsync($"vault/{vault}/tags/%E5%90%8D%20x"), 404, "6601", "名 x");
        AssertRefused(await world.DeleteAsync($"vault/{vault}/tags/a%2Fb"), 404, "6601", "a/b");
        AssertRefused(await world.DeleteAsync($"vault/{vault}/tags/%20"), 400, "9900");
        AssertRefused(await world.DeleteAsync($"vault/{UnknownId}/tags/x"), 404, "6105");
    }

    [Fact]
    public async Task Many_tags_change_in_one_call()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        TestReply created = await ActAsync(world, vault, "create", ("a", "1"), ("b", "2"), ("c", ""));
        TestReply deleted = await world.PostAsync(
            $"vault/{vault}/tags/action", """{"action":"delete","tags":[{"key":"a"},{"key":"c","value":"other"},{"key":"a"},{"key":"<none>"}]}""");

        Assert.Equal((204, ""), (created.Status, created.Text));
        Assert.Equal((204, ""), (deleted.Status, deleted.Text));
        Assert.Equal("""{"tags":[{"key":"b","value":"2"}]}""", (await world.GetAsync($"vault/{vault}/tags")).Text);
    }

    [Theory]
    [InlineData("""{"tags":[{"key":"a","value":""}]}""", "action")]
    [InlineData("""{"action":"update","tags":[{"key":"a","value":""}]}""", "action")]
    [InlineData("""{"action":"create"}""", "tags")]
    [InlineData("""{"action":"create","tags":[]}""", "tags")]
    [InlineData("""{"action":"create","tags":[{"key":"a","value":"1"},{"key":"a","value":"2"}]}""", "tags")]
    [InlineData("""{"action":"create","tags":[{"key":"a*","value":"1"}]}""", "tags[0].key")]
    [InlineData("""{"action":"create","sys_tags":[{"key":"_sys_enterprise_project_id","value":"0"}]}""", "sys_tags")]
    [InlineData("""{"action":"delete"}""", "tags")]
    [InlineData("""{"action":"delete","tags":[]}""", "tags")]
    [InlineData("""{"action":"delete","tags":[{}]}""", "tags[0].key")]
    [InlineData("""{"action":"delete","tags":[{"key":" "}]}""", "tags[0].key")]
    public async Task A_batch_that_breaks_a_rule_is_refused(string body, string expected)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        AssertRefused(await world.PostAsync($"vault/{vault}/tags/action", body), 400, "9900", expected);
    }

    [Fact]
    public async Task Deletion_takes_keys_of_127_characters_and_not_of_128()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        Assert.Equal(204, (await ActAsync(world, vault, "delete", (new string('k', 127), new string('v', 255)))).Status);
        AssertRefused(await ActAsync(world, vault, "delete", (new string('k', 128), "")), 400, "9900", "tags[0].key");
        AssertRefused(await ActAsync(world, vault, "delete", ("k", new string('v', 256))), 400, "9900", "tags[0].value");
    }

    [Fact]
    public async Task A_project_shows_all_its_keys_with_their_values()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld other = await NewAsync(server);
        await ActAsync(world, await world.VaultAsync(), "create", ("env", "stage"), ("owner", ""));
        await ActAsync(world, await world.VaultAsync(), "create", ("env", "prod"));
        await ActAsync(world, await world.VaultAsync(), "create", ("env", "prod"));
        await ActAsync(other, await other.VaultAsync(), "create", ("secret", "x"));

        Assert.Equal("""{"tags":[{"key":"env","values":["prod","stage"]},{"key":"owner","values":[""]}]}""", (await world.GetAsync("vault/tags")).Text);
    }

    [Fact]
    public async Task Tags_of_a_vault_that_takes_no_changes_stay()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        await server.Database.WriteAsync(session => Strongroom.Server.Vaults.VaultTable.SetStatusAsync(session, new(vault), "deleting", default), default);

        AssertRefused(await world.PostAsync($"vault/{vault}/tags", Tag("a", "b")), 400, "6112");
        AssertRefused(await ActAsync(world, vault, "delete", ("a", "")), 400, "6112");
        Assert.Equal(200, (await world.GetAsync($"vault/{vault}/tags")).Status);
    }

    [Fact]
    public async Task Vaults_are_found_by_their_tags()
    {
        VaultWorld world = await NewAsync(server);
        string plain = await world.VaultAsync("turbo", name: "plain-vault");
        string prod = await world.VaultAsync("disk", name: "web-prod");
        string stage = await world.VaultAsync("server", name: "web-stage");
        await ActAsync(world, prod, "create", ("env", "prod"), ("team", "red"));
        await ActAsync(world, stage, "create", ("env", "stage-2"), ("team", ""));

        await AssertFindsAsync(world, "", stage, prod, plain);
        await AssertFindsAsync(world, """, "without_any_tag":true""", plain);
        await AssertFindsAsync(world, """, "without_any_tag":true, "tags":[{"key":"env","values":[]}]""", plain);
        await AssertFindsAsync(world, """, "tags":[{"key":"env","values":[]}]""", stage, prod);
        await AssertFindsAsync(world, """, "tags":[{"key":" env ","values":["prod"]}]""", prod);
        await AssertFindsAsync(world, """, "tags":[{"key":"env","values":["prod","*stag"]}]""", stage, prod);
        await AssertFindsAsync(world, """, "tags":[{"key":"env","values":["stage"]}]""");
        await AssertFindsAsync(world, """, "tags":[{"key":"team","values":[""]}]""", stage);
        await AssertFindsAsync(world, """, "tags":[{"key":"env","values":["prod"]},{"key":"team","values":["blue"]}]""");
        await AssertFindsAsync(world, """, "tags_any":[{"key":"env","values":["prod"]},{"key":"team","values":[""]}]""", stage, prod);
        await AssertFindsAsync(world, """, "not_tags":[{"key":"env","values":["prod"]},{"key":"team","values":["red"]}]""", stage, plain);
        await AssertFindsAsync(world, """, "not_tags":[{"key":"env","values":["prod"]},{"key":"team","values":["blue"]}]""", stage, prod, plain);
        await AssertFindsAsync(world, """, "not_tags_any":[{"key":"env","values":["prod"]},{"key":"team","values":[""]}]""", plain);
        await AssertFindsAsync(world, """, "matches":[{"key":"resource_name","value":"web"}]""", stage, prod);
        await AssertFindsAsync(world, """, "matches":[{"key":"resource_name","value":""}]""");
        await AssertFindsAsync(world, """, "matches":[]""", stage, prod, plain);
        await AssertFindsAsync(world, """, "object_type":"server" """, stage);
        await AssertFindsAsync(world, """, "cloud_type":"hybrid" """);
    }

    [Fact]
    public async Task A_search_answers_whole_vaults_in_pages()
    {
        VaultWorld world = await NewAsync(server);
        string first = await world.VaultAsync(name: "first");
        await world.VaultAsync(name: "second");
        await ActAsync(world, first, "create", ("a", "b"));

        TestReply page = await world.PostAsync("vault/resource_instances/action", """{"action":"filter","limit":"1","offset":"1"}""");
        TestReply numeric = await world.PostAsync("vault/resource_instances/action", """{"action":"filter","limit":1,"offset":1}""");
        TestReply past = await world.PostAsync("vault/resource_instances/action?enterprise_project_id=0", """{"action":"filter","offset":"9"}""");
        TestReply elsewhere = await world.PostAsync("vault/resource_instances/action?enterprise_project_id=1", """{"action":"count"}""");

        JsonNode found = page.Json["resources"]![0]!;
        Assert.Equal(["resources", "total_count"], page.Json.AsObject().Select(member => member.Key));
        Assert.Equal(["resource_detail", "resource_id", "resource_name", "tags"], found.AsObject().Select(member => member.Key).Order());
        Assert.Equal((first, "first", 2), ((string)found["resource_id"]!, (string)found["resource_name"]!, (int)page.Json["total_count"]!));
        Assert.Equal((await world.ShowAsync(first)).ToJsonString(), found["resource_detail"]!["vault"]!.ToJsonString());
        Assert.Equal("""[{"key":"a","value":"b"}]""", found["tags"]!.ToJsonString());
        Assert.Equal(page.Text, numeric.Text);
        Assert.Equal("""{"resources":[],"total_count":2}""", past.Text);
        Assert.Equal("""{"total_count":0}""", elsewhere.Text);
    }

    [Theory]
    [InlineData("""{}""", "action")]
    [InlineData("""{"action":"list"}""", "action")]
    [InlineData("""{"action":"filter","limit":"0"}""", "limit")]
    [InlineData("""{"action":"filter","limit":"1001"}""", "limit")]
    [InlineData("""{"action":"filter","limit":"x"}""", "limit")]
    [InlineData("""{"action":"filter","limit":1.5}""", "limit")]
    [InlineData("""{"action":"filter","offset":"-1"}""", "offset")]
    [InlineData("""{"action":"filter","without_any_tag":"true"}""", "without_any_tag")]
    [InlineData("""{"action":"filter","tags":[]}""", "tags")]
    [InlineData("""{"action":"filter","tags":[{"key":"a"}]}""", "tags[0].values")]
    [InlineData("""{"action":"filter","tags":[{"values":[]}]}""", "tags[0].key")]
    [InlineData("""{"action":"filter","tags":[{"key":" ","values":[]}]}""", "tags[0].key")]
    [InlineData("""{"action":"filter","tags":[{"key":"a","values":["*"]}]}""", "tags[0].values[0]")]
    [InlineData("""{"action":"filter","tags":[{"key":"a","values":["x","x"]}]}""", "tags[0].values")]
    [InlineData("""{"action":"filter","tags_any":[{"key":"a","values":[]},{"key":"a","values":["x"]}]}""", "tags_any")]
    [InlineData("""{"action":"filter","not_tags":{}}""", "not_tags")]
    [InlineData("""{"action":"filter","not_tags_any":[1]}""", "not_tags_any[0]")]
    [InlineData("""{"action":"filter","sys_tags":[]}""", "sys_tags")]
    [InlineData("""{"action":"filter","matches":[{"key":"name","value":"x"}]}""", "matches[0].key")]
    [InlineData("""{"action":"filter","matches":[{"key":"resource_name"}]}""", "matches[0].value")]
    [InlineData("""{"action":"filter","matches":[{"key":"resource_name","value":"a"},{"key":"resource_name","value":"b"}]}""", "matches")]
    [InlineData("""{"action":"filter","cloud_type":"x"}""", "cloud_type")]
    [InlineData("""{"action":"filter","object_type":"x"}""", "object_type")]
    public async Task A_search_that_breaks_a_rule_is_refused(string body, string expected)
    {
        VaultWorld world = await NewAsync(server);

        AssertRefused(await world.PostAsync("vault/resource_instances/action", body), 400, "9900", expected);
    }

    private static async Task AssertFindsAsync(VaultWorld world, string filters, params string[] expected)
    {
        TestReply found = await world.PostAsync("vault/resource_instances/action", """{"action":"filter" """ + filters + "}");
        TestReply counted = await world.PostAsync("vault/resource_instances/action", """{"action":"count" """ + filters + "}");

        Assert.True(found.Status == 200, found.Text);
        Assert.Equal(expected, found.Json["resources"]!.AsArray().Select(vault => (string)vault!["resource_id"]!));
        Assert.Equal(expected.Length, (int)found.Json["total_count"]!);
        Assert.Equal($$"""{"total_count":{{expected.Length}}}""", counted.Text);
    }

    private static object Tag(string key, string value) => new { tag = new { key, value } };

    private static Task<TestReply> ActAsync(VaultWorld world, string vault, string action, params (string Key, string Value)[] tags) =>
        world.PostAsync($"vault/{vault}/tags/action", new { action, tags = tags.Select(tag => new { key = tag.Key, value = tag.Value }) });
}

public sealed class VaultTagOnSqliteTests(SqliteServer server) : VaultTagTests(server), IClassFixture<SqliteServer>;

public sealed class VaultTagOnPostgresTests : VaultTagTests, IClassFixture<PostgresServer>
{
    public VaultTagOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
