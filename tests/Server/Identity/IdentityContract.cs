using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Identity;

/// <summary>Tokens as Keystone's clients ask for them, over a socket.</summary>
public abstract class IdentityContract(ServerFixture server)
{
    private const string Tokens = "/v3/auth/tokens";

    [Fact]
    public async Task A_password_for_a_project_gives_a_token_in_keystones_shape()
    {
        TestReply reply = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, ProjectScope("demo")));

        Assert.Equal(201, reply.Status);
        JsonObject token = reply.Json["token"]!.AsObject();
        Assert.Equal(
            ["methods", "user", "audit_ids", "expires_at", "issued_at", "project", "is_domain", "roles", "catalog"],
            token.Select(member => member.Key));
        Assert.Equal("""["password"]""", token["methods"]!.ToJsonString());
        Assert.Equal("admin", (string?)token["user"]!["name"]);
        Assert.Equal("""{"id":"default","name":"default"}""", token["user"]!["domain"]!.ToJsonString());
        Assert.True(token["user"]!.AsObject().ContainsKey("password_expires_at"));
        Assert.Null(token["user"]!["password_expires_at"]);
        Assert.Equal(server.DemoProjectId, (string?)token["project"]!["id"]);
        Assert.Equal("""{"id":"default","name":"default"}""", token["project"]!["domain"]!.ToJsonString());
        Assert.Equal("""[{"id":"admin","name":"admin"}]""", token["roles"]!.ToJsonString());
        Assert.False((bool)token["is_domain"]!);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", (string?)token["expires_at"]);
        Assert.Equal(TimeSpan.FromHours(24), Instant(token, "expires_at") - Instant(token, "issued_at"));
        Assert.Single(token["audit_ids"]!.AsArray());
        Assert.Equal(43, Subject(reply).Length);
    }

    [Fact]
    public async Task The_catalogue_has_the_backup_service_with_the_project_in_its_url()
    {
        TestReply reply = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, ProjectScope("demo")));

        JsonArray catalog = reply.Json["token"]!["catalog"]!.AsArray();
        JsonNode cbr = catalog.Single(service => (string?)service!["type"] == "cbr")!;
        JsonArray endpoints = cbr["endpoints"]!.AsArray();
        Assert.Equal(["public", "internal", "admin"], endpoints.Select(endpoint => (string?)endpoint!["interface"]));
        Assert.All(endpoints, endpoint =>
        {
            Assert.Equal($"{server.Address.GetLeftPart(UriPartial.Authority)}/v3/{server.DemoProjectId}", (string?)endpoint!["url"]);
            Assert.Equal("RegionOne", (string?)endpoint["region"]);
            Assert.Equal("RegionOne", (string?)endpoint["region_id"]);
        });
        Assert.Contains(catalog, service => (string?)service!["type"] == "identity");
    }

    [Theory]
    [InlineData("""{"project":{"id":"PROJECT"}}""", "project")]
    [InlineData("""{"project":{"name":"demo","domain":{"id":"default"}}}""", "project")]
    [InlineData("""{"project":{"name":"demo","domain":{"name":"Default"}}}""", "project")]
    [InlineData("""{"project":{"name":"demo"}}""", "project")]
    [InlineData("""{"domain":{"id":"default"}}""", "domain")]
    [InlineData("""{"domain":{"name":"default"}}""", "domain")]
    [InlineData("""{"unscoped":{}}""", "none")]
    [InlineData("\"unscoped\"", "none")]
    [InlineData("null", "none")]
    public async Task Every_form_of_scope_is_understood(string scope, string expected)
    {
        JsonNode? parsed = JsonNode.Parse(scope.Replace("PROJECT", server.DemoProjectId, StringComparison.Ordinal));

        TestReply reply = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, parsed));

        Assert.Equal(201, reply.Status);
        JsonObject token = reply.Json["token"]!.AsObject();
        Assert.Equal(expected == "project", token.ContainsKey("project"));
        Assert.Equal(expected == "domain", token.ContainsKey("domain"));
        Assert.Equal(expected != "none", token.ContainsKey("roles"));
        Assert.Equal(expected != "none", token.ContainsKey("catalog"));
        // CBR has no address without a project.
        Assert.Equal(expected == "project" ? 2 : 1, token["catalog"]?.AsArray().Count ?? 1);
    }

    [Fact]
    public async Task A_user_may_be_named_by_id()
    {
        User admin = (await server.Administration.ListUsersAsync(default)).Single(user => user.Name == "admin");
        JsonNode body = Password("ignored", ServerFixture.AdminPassword, null);
        body["auth"]!["identity"]!["password"]!["user"] = new JsonObject { ["id"] = admin.Id, ["password"] = ServerFixture.AdminPassword };

        Assert.Equal(201, (await server.PostAsync(null, Tokens, body)).Status);
    }

    [Fact]
    public async Task Nocatalog_leaves_the_catalogue_out()
    {
        TestReply reply = await server.PostAsync(null, Tokens + "?nocatalog", Password("admin", ServerFixture.AdminPassword, ProjectScope("demo")));

        Assert.Equal(201, reply.Status);
        Assert.False(reply.Json["token"]!.AsObject().ContainsKey("catalog"));
    }

    [Fact]
    public async Task A_token_gives_a_token_for_another_scope_that_does_not_outlive_it_and_names_its_parent()
    {
        TestReply first = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, null));
        server.Time.Advance(TimeSpan.FromMinutes(5));

        TestReply second = await server.PostAsync(null, Tokens, ByToken(Subject(first), ProjectScope("demo")));

        Assert.Equal(201, second.Status);
        JsonNode token = second.Json["token"]!;
        Assert.Equal("""["token","password"]""", token["methods"]!.ToJsonString());
        Assert.Equal((string?)first.Json["token"]!["expires_at"], (string?)token["expires_at"]);
        Assert.NotEqual((string?)first.Json["token"]!["issued_at"], (string?)token["issued_at"]);
        Assert.Equal((string?)first.Json["token"]!["audit_ids"]![0], (string?)token["audit_ids"]![1]);
        Assert.Equal(server.DemoProjectId, (string?)token["project"]!["id"]);
    }

    [Theory]
    [InlineData("admin", "wrong")]
    [InlineData("nobody", "wrong")]
    [InlineData("admin", "")]
    public async Task Wrong_credentials_are_401_in_both_shapes_and_do_not_tell_what_was_wrong(string user, string password)
    {
        TestReply reply = await server.PostAsync(null, Tokens, Password(user, password, ProjectScope("demo")));

        Assert.Equal(401, reply.Status);
        Assert.Equal("The user name or password is wrong.", reply.ErrorMessage);
        Assert.Equal("IAM.0401", reply.ErrorCode);
        Assert.Equal(401, (int?)reply.Json["error"]!["code"]);
        Assert.Equal("Unauthorized", (string?)reply.Json["error"]!["title"]);
        Assert.Equal(reply.ErrorMessage, (string?)reply.Json["error"]!["message"]);
        Assert.False(reply.Message.Headers.Contains("X-Subject-Token"));
    }

    [Fact]
    public async Task A_project_without_a_role_and_one_that_does_not_exist_give_the_same_refusal()
    {
        await server.NewProjectIdAsync();
        string other = (await server.Administration.ListProjectsAsync(default)).First(project => project.Id != server.DemoProjectId).Name;

        TestReply existing = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, ProjectScope(other)));
        TestReply missing = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, ProjectScope("no-such-project")));

        Assert.Equal(401, existing.Status);
        Assert.Equal(401, missing.Status);
        Assert.Equal(existing.ErrorMessage, missing.ErrorMessage);
    }

    [Theory]
    [InlineData("{}", "auth")]
    [InlineData("""{"auth":{}}""", "identity")]
    [InlineData("""{"auth":{"identity":{"methods":[]}}}""", "methods")]
    [InlineData("""{"auth":{"identity":{"methods":["assume_role"]}}}""", "methods")]
    [InlineData("""{"auth":{"identity":{"methods":["password","token"]}}}""", "methods")]
    [InlineData("""{"auth":{"identity":{"methods":["password"]}}}""", "password")]
    [InlineData("""{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin"}}}}}""", "password")]
    [InlineData("""{"auth":{"identity":{"methods":["token"],"token":{"id":7}}}}""", "id")]
    [InlineData("""{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}},"scope":{"project":{"id":"a"},"domain":{"id":"b"}}}}""", "scope")]
    [InlineData("""{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}},"scope":{}}}""", "scope")]
    [InlineData("""{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}},"scope":"everything"}}""", "scope")]
    public async Task A_body_that_breaks_a_rule_is_400_and_names_the_member(string body, string named)
    {
        TestReply reply = await server.PostAsync(null, Tokens, body);

        Assert.Equal(400, reply.Status);
        Assert.Equal("BackupService.9900", reply.ErrorCode);
        Assert.Contains(named, reply.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(400, (int?)reply.Json["error"]!["code"]);
    }

    [Fact]
    public async Task A_token_is_validated_and_revoked_through_the_subject_header()
    {
        TestCaller admin = await server.AdminAsync();
        TestCaller other = await server.NewProjectAsync();

        TestReply shown = await OnSubjectAsync("GET", admin, other.Token);
        TestReply head = await OnSubjectAsync("HEAD", admin, other.Token);
        TestReply revoked = await OnSubjectAsync("DELETE", admin, other.Token);
        TestReply gone = await OnSubjectAsync("GET", admin, other.Token);
        TestReply used = await server.GetAsync(other, "/v3/auth/projects");

        Assert.Equal(200, shown.Status);
        Assert.Equal(other.ProjectId, (string?)shown.Json["token"]!["project"]!["id"]);
        Assert.Equal(other.Token, Subject(shown));
        Assert.Equal(200, head.Status);
        Assert.Empty(head.Text);
        Assert.Equal(204, revoked.Status);
        Assert.Empty(revoked.Text);
        Assert.Equal(32, revoked.Message.Headers.GetValues("X-Request-Id").Single().Length);
        Assert.Equal(404, gone.Status);
        Assert.Equal(401, used.Status);
    }

    [Fact]
    public async Task A_token_of_somebody_else_is_not_there_for_who_is_no_administrator()
    {
        TestCaller one = await server.NewProjectAsync();
        TestCaller other = await server.NewProjectAsync();

        TestReply shown = await OnSubjectAsync("GET", one, other.Token);
        TestReply revoked = await OnSubjectAsync("DELETE", one, other.Token);
        TestReply own = await OnSubjectAsync("GET", one, one.Token);

        Assert.Equal(404, shown.Status);
        Assert.Equal(404, revoked.Status);
        Assert.Equal(200, own.Status);
        Assert.Equal(200, (await server.GetAsync(other, "/v3/auth/projects")).Status);
    }

    [Fact]
    public async Task Without_the_subject_header_validation_is_400() =>
        Assert.Equal(400, (await server.GetAsync(await server.AdminAsync(), Tokens)).Status);

    [Fact]
    public async Task A_token_ends_at_its_hour_and_not_before()
    {
        TestCaller caller = await server.NewProjectAsync();

        server.Time.Sleep(TimeSpan.FromHours(24) - TimeSpan.FromMicroseconds(1));
        TestReply before = await server.GetAsync(caller, "/v3/auth/projects");
        server.Time.Advance(TimeSpan.FromMicroseconds(1));
        TestReply after = await server.GetAsync(caller, "/v3/auth/projects");

        Assert.Equal(200, before.Status);
        Assert.Equal(401, after.Status);
    }

    [Fact]
    public async Task Lists_show_the_projects_and_domains_of_the_caller()
    {
        TestCaller caller = await server.NewProjectAsync();

        TestReply projects = await server.GetAsync(caller, "/v3/auth/projects");
        TestReply domains = await server.GetAsync(caller, "/v3/auth/domains");
        TestReply otherDomain = await server.GetAsync(caller, "/v3/auth/domains?name=elsewhere");
        TestReply catalog = await server.GetAsync(caller, "/v3/auth/catalog");

        JsonNode project = Assert.Single(projects.Json["projects"]!.AsArray())!;
        Assert.Equal(caller.ProjectId, (string?)project["id"]);
        Assert.Equal("default", (string?)project["domain_id"]);
        Assert.True((bool)project["enabled"]!);
        Assert.Equal("default", (string?)Assert.Single(domains.Json["domains"]!.AsArray())!["id"]);
        Assert.Empty(otherDomain.Json["domains"]!.AsArray());
        Assert.Equal(["identity", "cbr"], catalog.Json["catalog"]!.AsArray().Select(service => (string?)service!["type"]));
    }

    [Fact]
    public async Task A_project_is_found_by_name_once_and_only_by_who_may_see_it()
    {
        TestCaller caller = await server.NewProjectAsync();
        string name = (await server.Administration.ListProjectsAsync(default)).Single(project => project.Id == caller.ProjectId).Name;
        await server.Administration.CreateDomainAsync("elsewhere-" + name, default);
        await server.Administration.CreateProjectAsync(name, "elsewhere-" + name, "", default);

        TestReply own = await server.GetAsync(caller, $"/v3/projects?name={name}");
        TestReply asAdmin = await server.GetAsync(await server.AdminAsync(), $"/v3/projects?name={name}");
        TestReply foreign = await server.GetAsync(caller, "/v3/projects?name=demo");
        TestReply wrongDomain = await server.GetAsync(caller, $"/v3/projects?name={name}&domain_id=nowhere");

        Assert.Equal(caller.ProjectId, (string?)Assert.Single(own.Json["projects"]!.AsArray())!["id"]);
        Assert.Equal(caller.ProjectId, (string?)Assert.Single(asAdmin.Json["projects"]!.AsArray())!["id"]);
        Assert.Empty(foreign.Json["projects"]!.AsArray());
        Assert.Empty(wrongDomain.Json["projects"]!.AsArray());
    }

    [Fact]
    public async Task A_project_is_shown_by_id_only_to_who_may_see_it()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestCaller other = await server.NewProjectAsync();

        TestReply own = await server.GetAsync(caller, $"/v3/projects/{caller.ProjectId}");
        TestReply asAdmin = await server.GetAsync(await server.AdminAsync(), $"/v3/projects/{caller.ProjectId}");
        TestReply foreign = await server.GetAsync(other, $"/v3/projects/{caller.ProjectId}");
        TestReply none = await server.GetAsync(caller, "/v3/projects/demo");

        Assert.Equal(caller.ProjectId, (string?)own.Json["project"]!["id"]);
        Assert.Equal(own.Json["project"]!.ToJsonString(), asAdmin.Json["project"]!.ToJsonString());
        Assert.Equal((404, 404), (foreign.Status, none.Status));
    }

    [Fact]
    public async Task Tokens_survive_a_restart()
    {
        TestCaller caller = await server.NewProjectAsync();

        await server.RestartAsync();

        Assert.Equal(200, (await server.GetAsync(caller, "/v3/auth/projects")).Status);
    }

    [Fact]
    public async Task What_another_process_revoked_is_honoured_for_a_second_at_most()
    {
        TestCaller caller = await server.NewProjectAsync();
        Assert.Equal(200, (await server.GetAsync(caller, "/v3/auth/projects")).Status);
        await using MetadataDatabase elsewhere = server.TestDatabase.Open();
        var administration = new IdentityAdministration(elsewhere, server.Time, new IdentityOptions());
        string user = await UserOfAsync(caller);

        await administration.SetUserEnabledAsync(user, null, enabled: false, default);
        server.Time.Advance(TimeSpan.FromSeconds(1) + TimeSpan.FromTicks(1));

        Assert.Equal(401, (await server.GetAsync(caller, "/v3/auth/projects")).Status);
    }

    [Theory]
    [InlineData("disable user")]
    [InlineData("delete user")]
    [InlineData("new password")]
    [InlineData("remove role")]
    [InlineData("disable project")]
    [InlineData("delete project")]
    public async Task What_takes_access_away_ends_the_tokens_for_good(string change)
    {
        string projectId = await server.NewProjectIdAsync();
        TestCaller caller = await server.CallerAsync(projectId, ActionPolicy.FullRole);
        Assert.Equal(200, (await server.GetAsync(caller, "/v3/auth/catalog")).Status);
        string user = await UserOfAsync(caller);
        IdentityAdministration administration = server.Administration;

        switch (change)
        {
            case "disable user":
                await administration.SetUserEnabledAsync(user, null, enabled: false, default);
                await administration.SetUserEnabledAsync(user, null, enabled: true, default);
                break;
            case "delete user":
                await administration.DeleteUserAsync(user, null, default);
                break;
            case "new password":
                await administration.SetPasswordAsync(user, null, "another-password", default);
                break;
            case "remove role":
                await administration.RemoveRoleAsync(user, ActionPolicy.FullRole, ScopeKind.Project, projectId, null, default);
                await administration.AddRoleAsync(user, ActionPolicy.FullRole, ScopeKind.Project, projectId, null, default);
                break;
            case "disable project":
                await administration.SetProjectEnabledAsync(projectId, null, enabled: false, default);
                await administration.SetProjectEnabledAsync(projectId, null, enabled: true, default);
                break;
            default:
                await administration.DeleteProjectAsync(projectId, null, default);
                break;
        }

        server.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(401, (await server.GetAsync(caller, "/v3/auth/catalog")).Status);
    }

    [Fact]
    public async Task A_project_that_still_has_vaults_is_not_deleted()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestReply vault = await server.PostAsync(caller, "/v3/{project_id}/vaults", new
        {
            vault = new
            {
                name = "v",
                billing = new { object_type = "disk", protect_type = "backup", consistent_level = "crash_consistent", size = 10 },
                resources = Array.Empty<object>(),
            },
        });
        Assert.Equal(200, vault.Status);

        var refusal = await Assert.ThrowsAsync<RefusedException>(() => server.Administration.DeleteProjectAsync(caller.ProjectId, null, default));
        await server.DeleteAsync(caller, $"/v3/{{project_id}}/vaults/{(string)vault.Json["vault"]!["id"]!}");
        await server.Administration.DeleteProjectAsync(caller.ProjectId, null, default);

        Assert.Equal(409, refusal.Error.Status);
        Assert.DoesNotContain(await server.Administration.ListProjectsAsync(default), project => project.Id == caller.ProjectId);
    }

    [Fact]
    public async Task A_role_added_later_counts_for_tokens_issued_before()
    {
        string projectId = await server.NewProjectIdAsync();
        TestCaller caller = await server.CallerAsync(projectId, ActionPolicy.ReaderRole);
        Assert.Equal(404, (await OnSubjectAsync("GET", caller, (await server.NewProjectAsync()).Token)).Status);

        await server.Administration.AddRoleAsync(await UserOfAsync(caller), ActionPolicy.AdminRole, ScopeKind.Project, projectId, null, default);
        server.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(200, (await OnSubjectAsync("GET", caller, (await server.NewProjectAsync()).Token)).Status);
    }

    [Fact]
    public async Task Guessing_is_slowed_down_and_the_right_password_works_again_after_the_wait()
    {
        TestCaller caller = await server.NewProjectAsync();
        string id = await UserOfAsync(caller);
        string name = (await server.Administration.ListUsersAsync(default)).Single(user => user.Id == id).Name;
        for (int i = 0; i < SignInThrottle.FreeFailures; i++)
            Assert.Equal(401, (await server.PostAsync(null, Tokens, Password(name, "wrong" + i, null))).Status);

        TestReply blocked = await server.PostAsync(null, Tokens, Password(name, ServerFixture.AdminPassword, null));
        TestReply elsewhere = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, null));
        server.Time.Advance(TimeSpan.FromSeconds(1));
        TestReply after = await server.PostAsync(null, Tokens, Password(name, ServerFixture.AdminPassword, null));

        Assert.Equal(429, blocked.Status);
        Assert.Equal("APIG.0308", blocked.ErrorCode);
        Assert.Equal(201, elsewhere.Status);
        Assert.Equal(201, after.Status);
    }

    [Fact]
    public async Task Neither_tokens_nor_passwords_are_in_the_database()
    {
        TestReply issued = await server.PostAsync(null, Tokens, Password("admin", ServerFixture.AdminPassword, null));

        string dump = await DatabaseDump.OfAsync(server.Database);

        Assert.Contains("pbkdf2-sha512$", dump, StringComparison.Ordinal);
        Assert.DoesNotContain(ServerFixture.AdminPassword, dump, StringComparison.Ordinal);
        Assert.DoesNotContain(Subject(issued), dump, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Expired_tokens_are_swept_away()
    {
        await server.NewProjectAsync();

        server.Time.Sleep(TimeSpan.FromHours(25));

        // The sweep runs on its own thread once its timer has fired; only the test run's limit ends a wait in vain.
        while (await server.Database.ReadAsync(session => session.QueryLongAsync($"select count(*) from tokens", default), default) > 0)
            await Task.Delay(10);
    }

    [Fact]
    public async Task Versions_are_listed_for_clients_of_both_kinds()
    {
        TestReply root = await server.GetAsync(null, "/");
        TestReply named = await server.GetAsync(null, "/cbr");
        TestReply v3 = await server.GetAsync(null, "/v3");
        TestReply withSlash = await server.GetAsync(null, "/v3/");

        Assert.Equal(300, root.Status);
        string expected = $$"""{"versions":[{"id":"v3","status":"CURRENT","links":[{"href":"{{server.Address}}v3","rel":"self"}]}]}""";
        Assert.Equal(expected, root.Text);
        Assert.Equal(expected, named.Text);
        Assert.Equal(200, v3.Status);
        Assert.Equal("v3", (string?)v3.Json["version"]!["id"]);
        Assert.Equal("application/json", (string?)v3.Json["version"]!["media-types"]![0]!["base"]);
        Assert.Equal("v3", (string?)v3.Json["versions"]![0]!["id"]);
        Assert.Equal(200, withSlash.Status);
    }

    private async Task<TestReply> OnSubjectAsync(string method, TestCaller caller, string subject)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Tokens);
        request.Headers.Add("X-Auth-Token", caller.Token);
        request.Headers.Add("X-Subject-Token", subject);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        HttpResponseMessage reply = await server.Client.SendAsync(request);
        return new TestReply(reply, await reply.Content.ReadAsStringAsync());
    }

    private async Task<string> UserOfAsync(TestCaller caller) =>
        (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync(caller.Token, default))!.UserId;

    private static JsonObject ProjectScope(string name) =>
        new JsonObject { ["project"] = new JsonObject { ["name"] = name, ["domain"] = new JsonObject { ["name"] = "default" } } };

    private static JsonObject Password(string user, string password, JsonNode? scope) =>
        new JsonObject
        {
            ["auth"] = new JsonObject
            {
                ["identity"] = new JsonObject
                {
                    ["methods"] = new JsonArray("password"),
                    ["password"] = new JsonObject
                    {
                        ["user"] = new JsonObject
                        {
                            ["name"] = user,
                            ["password"] = password,
                            ["domain"] = new JsonObject { ["name"] = "Default" },
                        },
                    },
                },
                ["scope"] = scope,
            },
        };

    private static JsonObject ByToken(string token, JsonNode? scope) =>
        new JsonObject
        {
            ["auth"] = new JsonObject
            {
                ["identity"] = new JsonObject { ["methods"] = new JsonArray("token"), ["token"] = new JsonObject { ["id"] = token } },
                ["scope"] = scope,
            },
        };

    private static string Subject(TestReply reply) => reply.Message.Headers.GetValues(IdentityClient.SubjectTokenHeader).Single();

    private static DateTimeOffset Instant(JsonObject token, string member) =>
        DateTimeOffset.Parse((string)token[member]!, System.Globalization.CultureInfo.InvariantCulture);
}

// Without a worker: its heartbeats would fire ten thousand times when a test moves the clock by a day.
public sealed class SqliteApi : SqliteServer
{
    protected override void Configure(ServerOptions options) => options.Roles = ServerRoles.Api;
}

public sealed class PostgresApi : PostgresServer
{
    protected override void Configure(ServerOptions options) => options.Roles = ServerRoles.Api;
}

public sealed class SqliteIdentityTests(SqliteApi server) : IdentityContract(server), IClassFixture<SqliteApi>;

public sealed class PostgresIdentityTests : IdentityContract, IClassFixture<PostgresApi>
{
    public PostgresIdentityTests(PostgresApi server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
