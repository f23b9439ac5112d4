using System.Text.Json.Nodes;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.OrganizationPolicies;

public abstract class OrganizationPolicyTests(ServerFixture server)
{
    private const string Path = "organization-policies";

    [Fact]
    public async Task What_was_sent_comes_back_byte_for_byte_with_the_domain_and_a_scope()
    {
        VaultWorld world = await NewAsync(server);
        const string Definition = """{"retention_duration_days":30, "max_backups":-1,"full_backup_interval":-1}""";

        TestReply created = await world.PostAsync(Path, $$$"""
            {"policy":{"name":"org-nightly","policy_name":"nightly","operation_type":"backup","policy_enabled":true,"description":"d",
             "policy_operation_definition":{{{Definition}}},"policy_trigger":{"properties":{"pattern":["{{{PolicyWorld.Daily}}}"]}},
             "effective_scope":"{{{world.ProjectId}}}"}}
            """);

        Assert.True(created.Status == 200, created.Text);
        JsonNode policy = created.Json["policy"]!;
        Assert.Contains($"\"policy_operation_definition\":{Definition}", created.Text, StringComparison.Ordinal);
        Assert.Equal(
            ["default", "default", "d", world.ProjectId, "available", "org-nightly", "nightly", "backup"],
            ((string[])["domain_id", "domain_name", "description", "effective_scope", "status", "name", "policy_name", "operation_type"]).Select(name => (string?)policy[name]));
        Assert.Equal([PolicyWorld.Daily], policy["policy_trigger"]!["properties"]!["pattern"]!.AsArray().Select(pattern => (string?)pattern));
        Assert.Equal(created.Text, (await world.GetAsync($"{Path}/{policy["id"]}")).Text);
    }

    [Fact]
    public async Task Each_project_of_the_scope_has_a_policy_that_follows()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld second = await NewAsync(server);
        VaultWorld third = await NewAsync(server);
        string id = await CreateAsync(world, Body(scope: $"{world.ProjectId}, {second.ProjectId}"));

        JsonNode ofSecond = Assert.Single(await PoliciesAsync(second))!;
        Assert.Equal(("nightly", "organization_policy_v1", true), ((string?)ofSecond["name"], (string?)ofSecond["policy_type"], (bool)ofSecond["enabled"]!));
        Assert.Empty(await PoliciesAsync(third));
        Assert.Equal(
            new[] { world.ProjectId, second.ProjectId }.Order(StringComparer.Ordinal),
            (await DetailAsync(world, id)).Select(row => (string)row!["project_id"]!).Order(StringComparer.Ordinal));

        string vault = await second.VaultAsync();
        string follower = (string)ofSecond["id"]!;
        Assert.Equal(200, (await second.BindAsync(vault, follower)).Status);
        TestReply changed = await world.PutAsync($"{Path}/{id}", new
        {
            policy = new
            {
                policy_name = "weekly",
                policy_enabled = false,
                policy_operation_definition = new { max_backups = 3 },
                policy_trigger = new { properties = new { pattern = new[] { "FREQ=WEEKLY;BYDAY=SU;BYHOUR=02;BYMINUTE=00" } } },
            },
        });

        Assert.True(changed.Status == 200, changed.Text);
        JsonNode after = await second.ShowPolicyAsync(follower);
        Assert.Equal(("weekly", false), ((string?)after["name"], (bool)after["enabled"]!));
        Assert.Equal("""{"max_backups":3}""", after["operation_definition"]!.ToJsonString());
        Assert.Equal("FREQ=WEEKLY;BYDAY=SU;BYHOUR=02;BYMINUTE=00", (string?)after["trigger"]!["properties"]!["pattern"]![0]);
        Assert.Equal(vault, (string?)after["associated_vaults"]![0]!["vault_id"]);
    }

    [Fact]
    public async Task A_project_cannot_change_or_delete_what_follows_an_organization_policy()
    {
        VaultWorld world = await NewAsync(server);
        string id = await CreateAsync(world, Body(scope: world.ProjectId));
        string follower = (string)Assert.Single(await PoliciesAsync(world))!["id"]!;

        AssertRefused(await world.UpdatePolicyAsync(follower, new { name = "mine" }), 403, "8600", follower, id);
        AssertRefused(await world.DeleteAsync("policies/" + follower), 403, "8600", id);
        AssertRefused(
            await server.PutAsync(world.Caller, $"/strongroom/v1/{{project_id}}/policies/{follower}", new { policy = new { time_zone = "Europe/Berlin" } }), 403, "8600", id);
    }

    [Fact]
    public async Task Deleting_takes_unused_followers_along_and_leaves_used_ones_to_their_vaults()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld second = await NewAsync(server);
        string id = await CreateAsync(world, Body(scope: $"{world.ProjectId},{second.ProjectId}"));
        string used = (string)Assert.Single(await PoliciesAsync(second))!["id"]!;
        string vault = await second.VaultAsync();
        string other = await second.VaultAsync();
        Assert.Equal(200, (await second.BindAsync(vault, used)).Status);

        Assert.Equal(204, (await world.DeleteAsync($"{Path}/{id}")).Status);

        AssertRefused(await world.GetAsync($"{Path}/{id}"), 404, "6000", id);
        AssertRefused(await world.DeleteAsync($"{Path}/{id}"), 404, "6000", id);
        Assert.Empty(await PoliciesAsync(world));
        JsonNode left = await second.ShowPolicyAsync(used);
        Assert.Equal(("organization_policy_removed", true), ((string?)left["policy_type"], (bool)left["enabled"]!));
        Assert.Equal(vault, (string?)left["associated_vaults"]![0]!["vault_id"]);
        AssertRefused(await second.BindAsync(other, used), 400, "6127", used);
        Assert.Equal(200, (await second.BindAsync(vault, used)).Status);
        Assert.Equal(200, (await second.UpdatePolicyAsync(used, new { enabled = false })).Status);
        Assert.Equal(204, (await second.DeleteAsync("policies/" + used)).Status);
    }

    [Fact]
    public async Task A_project_that_leaves_the_scope_is_let_go_and_one_that_comes_gets_a_policy()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld second = await NewAsync(server);
        VaultWorld third = await NewAsync(server);
        string id = await CreateAsync(world, Body(scope: $"{world.ProjectId},{second.ProjectId}"));

        TestReply changed = await world.PutAsync($"{Path}/{id}", new { policy = new { effective_scope = $"{world.ProjectId},{third.ProjectId}" } });

        Assert.Equal($"{world.ProjectId},{third.ProjectId}", (string?)changed.Json["policy"]!["effective_scope"]);
        Assert.Empty(await PoliciesAsync(second));
        Assert.Equal("nightly", (string?)Assert.Single(await PoliciesAsync(third))!["name"]);
        Assert.Equal("nightly", (string?)Assert.Single(await PoliciesAsync(world))!["name"]);
    }

    [Fact]
    public async Task An_administrator_speaks_for_the_domain_and_for_projects_made_later_and_no_other_domain()
    {
        Domain domain = await server.Administration.CreateDomainAsync($"domain-{Guid.NewGuid():N}", default);
        (VaultCaller first, VaultCaller second) = (await MemberAsync(domain.Name, "one", "admin"), await MemberAsync(domain.Name, "two", "cbr_full"));
        TestCaller elsewhere = await server.NewProjectAsync();

        TestReply created = await server.PostAsync(first.Caller, $"/v3/{{project_id}}/{Path}", new { policy = Body() });
        VaultCaller later = await MemberAsync(domain.Name, "three", "cbr_full");

        Assert.True(created.Status == 200, created.Text);
        Assert.Equal("all", (string?)created.Json["policy"]!["effective_scope"]);
        Assert.Equal(domain.Name, (string?)created.Json["policy"]!["domain_name"]);
        foreach (TestCaller caller in (TestCaller[])[first.Caller, second.Caller, later.Caller])
            Assert.Equal(1, (int)(await server.GetAsync(caller, "/v3/{project_id}/policies")).Json["count"]!);
        Assert.Equal(0, (int)(await server.GetAsync(elsewhere, "/v3/{project_id}/policies")).Json["count"]!);

        // It is there for nobody who may not do the same in every project.
        string one = $"/v3/{{project_id}}/{Path}/{created.Json["policy"]!["id"]}";
        AssertRefused(await server.GetAsync(second.Caller, one), 404, "6000");
        AssertRefused(await server.GetAsync(second.Caller, one + "/policy-detail"), 404, "6000");
        AssertRefused(await server.PutAsync(second.Caller, one, new { policy = new { policy_enabled = false } }), 404, "6000");
        AssertRefused(await server.DeleteAsync(second.Caller, one), 404, "6000");
        Assert.Equal(0, (int)(await server.GetAsync(second.Caller, $"/v3/{{project_id}}/{Path}")).Json["count"]!);

        // A role on the domain reaches as far.
        await server.Administration.AddRoleAsync(second.UserId, "cbr_full", ScopeKind.Domain, domain.Id, null, default);
        Assert.Equal(200, (await server.PutAsync(second.Caller, one, new { policy = new { policy_enabled = false } })).Status);
        await server.Administration.DeleteProjectAsync(later.Caller.ProjectId, null, default);
        Assert.Equal(2, (int)(await server.GetAsync(first.Caller, one + "/policy-detail")).Json["count"]!);
    }

    [Fact]
    public async Task What_is_for_a_whole_domain_or_was_made_in_a_project_out_of_reach_is_not_there_though_every_follower_is_in_reach()
    {
        Domain domain = await server.Administration.CreateDomainAsync($"domain-{Guid.NewGuid():N}", default);
        (VaultCaller admin, VaultCaller member) = (await MemberAsync(domain.Name, "one", "admin"), await MemberAsync(domain.Name, "two", "cbr_full"));
        string path = $"/v3/{{project_id}}/{Path}";
        string elsewhere = await MadeAsync(member.Caller.ProjectId);
        string everywhere = await MadeAsync("all");
        string own = (string)(await server.PostAsync(member.Caller, path, new { policy = Body() })).Json["policy"]!["id"]!;

        // Its only follower is in the member's project, but it was made in the administrator's.
        await AssertAbsentAsync(elsewhere);

        // With a role in every project there is the first one is in reach; the domain as a whole is not.
        await server.Administration.AddRoleAsync(member.UserId, "cbr_full", ScopeKind.Project, admin.Caller.ProjectId, null, default);
        await AssertAbsentAsync(everywhere);
        Assert.Equal(200, (await server.GetAsync(member.Caller, $"{path}/{elsewhere}")).Status);
        Assert.Equal(
            new[] { own, elsewhere }.Order(StringComparer.Ordinal),
            (await server.GetAsync(member.Caller, path)).Json["policies"]!.AsArray().Select(policy => (string)policy!["id"]!).Order(StringComparer.Ordinal));

        async Task<string> MadeAsync(string scope) =>
            (string)(await server.PostAsync(admin.Caller, path, new { policy = Body(scope: scope) })).Json["policy"]!["id"]!;

        async Task AssertAbsentAsync(string id)
        {
            AssertRefused(await server.GetAsync(member.Caller, $"{path}/{id}"), 404, "6000");
            AssertRefused(await server.GetAsync(member.Caller, $"{path}/{id}/policy-detail"), 404, "6000");
            AssertRefused(await server.PutAsync(member.Caller, $"{path}/{id}", new { policy = new { policy_enabled = false } }), 404, "6000");
            AssertRefused(await server.DeleteAsync(member.Caller, $"{path}/{id}"), 404, "6000");
            Assert.DoesNotContain(id, (await server.GetAsync(member.Caller, path)).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_a_word_in_the_domain_a_caller_reaches_only_projects_where_it_may_manage_policies()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestCaller other = await server.NewProjectAsync();
        string path = $"/v3/{{project_id}}/{Path}";

        AssertRefused(await server.PostAsync(caller, path, new { policy = Body(scope: "all") }), 403, "8600", "role on the domain");
        TestReply foreign = await server.PostAsync(caller, path, new { policy = Body(scope: other.ProjectId) });
        TestReply unknown = await server.PostAsync(caller, path, new { policy = Body(scope: new string('0', 32)) });
        AssertRefused(foreign, 400, "9900", "effective_scope");
        Assert.Equal(
            foreign.Text.Replace(other.ProjectId, "", StringComparison.Ordinal), unknown.Text.Replace(new string('0', 32), "", StringComparison.Ordinal));
        TestReply own = await server.PostAsync(caller, path, new { policy = Body() });

        Assert.Equal(caller.ProjectId, (string?)own.Json["policy"]!["effective_scope"]);
        Assert.Equal(0, (int)(await server.GetAsync(other, "/v3/{project_id}/policies")).Json["count"]!);
        AssertRefused(await server.GetAsync(other, $"{path}/{own.Json["policy"]!["id"]}"), 404, "6000");
    }

    [Fact]
    public async Task Who_may_not_make_policies_may_not_make_them_for_an_organization_either()
    {
        string projectId = await server.NewProjectIdAsync();
        TestCaller operating = await server.CallerAsync(projectId, ActionPolicy.OperatorRole);
        TestCaller reader = await server.CallerAsync(projectId, ActionPolicy.ReaderRole);

        Assert.Equal(403, (await server.PostAsync(operating, $"/v3/{{project_id}}/{Path}", new { policy = Body() })).Status);
        Assert.Equal(200, (await server.GetAsync(operating, $"/v3/{{project_id}}/{Path}")).Status);
        Assert.Equal(200, (await server.GetAsync(reader, $"/v3/{{project_id}}/{Path}")).Status);
    }

    [Fact]
    public async Task Lists_are_newest_first_filtered_and_paged()
    {
        VaultWorld world = await NewAsync(server);
        string first = await CreateAsync(world, Body(name: "a", scope: world.ProjectId));
        string second = await CreateAsync(world, Body(name: "b", scope: world.ProjectId));
        string copies = await CreateAsync(world, Body(name: "c", scope: world.ProjectId, operationType: "replication"));

        Assert.Equal([copies, second, first], await ListAsync(world, ""));
        Assert.Equal([second, first], await ListAsync(world, "?operation_type=backup"));
        Assert.Equal([second], await ListAsync(world, "?limit=1&offset=1"));
        Assert.Equal([first], await ListAsync(world, $"?limit=5&marker={second}"));
        Assert.Empty(await ListAsync(world, "?offset=100"));
        AssertRefused(await world.GetAsync(Path + "?operation_type=other"), 400, "9900", "operation_type");
        AssertRefused(await world.GetAsync(Path + "?limit=0"), 400, "9900", "limit");
        AssertRefused(await world.GetAsync($"{Path}?marker={UnknownId}"), 400, "9900", "marker");

        // Only the caller's own of the whole domain's are counted for somebody without a word in it.
        async Task<string[]> ListAsync(VaultWorld by, string query)
        {
            TestReply reply = await server.GetAsync(await OwnAsync(by), $"/v3/{{project_id}}/{Path}{query}");
            Assert.True(reply.Status == 200, reply.Text);
            return [.. reply.Json["policies"]!.AsArray().Select(policy => (string)policy!["id"]!)];
        }
    }

    [Theory]
    [InlineData("name", "absent", "name")]
    [InlineData("name", "\"\"", "1 to 64")]
    [InlineData("policy_name", "absent", "policy_name")]
    [InlineData("operation_type", "absent", "operation_type")]
    [InlineData("policy_enabled", "absent", "policy_enabled")]
    [InlineData("policy_enabled", "\"true\"", "policy_enabled")]
    [InlineData("policy_operation_definition", "absent", "policy_operation_definition")]
    [InlineData("policy_operation_definition", """{"max_backups":100000}""", "max_backups")]
    [InlineData("policy_operation_definition", """{"max_backups":5,"retention_duration_days":5}""", "retention_duration_days")]
    [InlineData("policy_trigger", "absent", "policy_trigger")]
    [InlineData("policy_trigger", """{"properties":{"pattern":[]}}""", "pattern")]
    [InlineData("policy_trigger", """{"properties":{"pattern":["FREQ=HOURLY"]}}""", "pattern")]
    [InlineData("effective_scope", "\",\"", "effective_scope")]
    [InlineData("effective_scope", "\"nowhere\"", "nowhere")]
    public async Task What_is_malformed_is_9900_and_makes_nothing(string member, string json, string named)
    {
        VaultWorld world = await NewAsync(server);

        AssertRefused(await world.PostAsync(Path, new { policy = Body(scope: world.ProjectId).With(member, json) }), 400, "9900", named);

        Assert.Empty(await PoliciesAsync(world));
    }

    [Fact]
    public async Task Lengths_hold_at_their_edge_and_not_one_past_it()
    {
        VaultWorld world = await NewAsync(server);
        string scope = new string(' ', 255 - 32) + world.ProjectId;
        foreach ((string member, int max) in (IEnumerable<(string, int)>)[("name", 64), ("policy_name", 64), ("description", 255)])
        {
            JsonObject edge = Body(scope: scope).With(member, $"\"{new string('x', max)}\"");
            JsonObject past = Body(scope: scope).With(member, $"\"{new string('x', max + 1)}\"");

            await CreateAsync(world, edge);
            AssertRefused(await world.PostAsync(Path, new { policy = past }), 400, "9900", "policy." + member, $"{max}");
        }

        AssertRefused(await world.PostAsync(Path, new { policy = Body(scope: scope + " ") }), 400, "9900", "effective_scope", "255");
        AssertRefused(await world.PostAsync(Path, new { policy = Body(operationType: "other") }), 400, "6117", "other");
        AssertRefused(await world.GetAsync(Path + "/x"), 400, "9900");
    }

    [Fact]
    public async Task A_project_has_32_of_each_type_and_its_own_policies_are_counted_apart()
    {
        VaultWorld world = await NewAsync(server);
        for (int i = 0; i < 32; i++)
            await CreateAsync(world, Body(scope: world.ProjectId));

        AssertRefused(await world.PostAsync(Path, new { policy = Body(scope: world.ProjectId) }), 400, "6001", "32");

        await CreateAsync(world, Body(scope: world.ProjectId, operationType: "replication"));
        await world.PolicyAsync();
        Assert.Equal(33, (await PoliciesAsync(world)).Count(policy => (string?)policy!["operation_type"] == "backup"));
    }

    private static JsonObject Body(string name = "org-nightly", string? scope = null, string operationType = "backup")
    {
        var policy = new JsonObject
        {
            ["name"] = name,
            ["policy_name"] = "nightly",
            ["operation_type"] = operationType,
            ["policy_enabled"] = true,
            ["policy_operation_definition"] = operationType == "backup"
                ? new JsonObject { ["max_backups"] = 7 }
                : new JsonObject { ["destination_region"] = "eu-west-2", ["destination_project_id"] = new string('c', 32) },
            ["policy_trigger"] = new JsonObject { ["properties"] = new JsonObject { ["pattern"] = new JsonArray(PolicyWorld.Daily) } },
        };
        if (scope is not null)
            policy["effective_scope"] = scope;
        return policy;
    }

    private async Task<string> CreateAsync(VaultWorld world, JsonObject policy)
    {
        server.Time.Advance(TimeSpan.FromSeconds(1));
        TestReply reply = await world.PostAsync(Path, new { policy });
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["policy"]!["id"]!;
    }

    private static async Task<JsonArray> PoliciesAsync(VaultWorld world) => (await world.GetAsync("policies")).Json["policies"]!.AsArray();

    private static async Task<JsonArray> DetailAsync(VaultWorld world, string id)
    {
        TestReply reply = await world.GetAsync($"{Path}/{id}/policy-detail");
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json["policies"]!.AsArray();
    }

    /// <summary>Somebody with a role in this project alone.</summary>
    private Task<TestCaller> OwnAsync(VaultWorld world) => server.CallerAsync(world.ProjectId, ActionPolicy.FullRole);

    private async Task<VaultCaller> MemberAsync(string domain, string project, string role)
    {
        string projectId = (await server.Administration.CreateProjectAsync($"{project}-{Guid.NewGuid():N}"[..30], domain, "", default)).Id;
        User user = await server.Administration.CreateUserAsync($"{project}-{Guid.NewGuid():N}"[..30], domain, ServerFixture.AdminPassword, default);
        await server.Administration.AddRoleAsync(user.Id, role, ScopeKind.Project, projectId, null, default);
        return new VaultCaller(await server.TokenAsync(user.Id, projectId), user.Id);
    }

    private sealed record VaultCaller(TestCaller Caller, string UserId);
}

public sealed class OrganizationPolicyOnSqliteTests(SqliteServer server) : OrganizationPolicyTests(server), IClassFixture<SqliteServer>;

public sealed class OrganizationPolicyOnPostgresTests : OrganizationPolicyTests, IClassFixture<PostgresServer>
{
    public OrganizationPolicyOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
