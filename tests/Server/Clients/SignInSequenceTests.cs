using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Tests.Http;
using Strongroom.Server.Tests.Identity;

namespace Strongroom.Server.Tests.Clients;

/// <summary>How real clients sign in and find the service: the calls of each in their order, up to the first list of vaults.</summary>
public sealed class SignInSequenceTests(SqliteApi server) : IClassFixture<SqliteApi>
{
    [Fact]
    public async Task A_library_that_knows_a_password_probes_versions_signs_in_and_takes_the_address_from_the_catalogue()
    {
        Account account = await AccountAsync();

        // The probe, when the address it was given does not end in /v3.
        TestReply probe = await server.GetAsync(null, "/");
        Assert.Contains(probe.Status, (int[])[200, 300]);
        TestReply versions = await server.GetAsync(null, "/v3");
        Assert.Contains(versions.Status, (int[])[200, 300]);

        TestReply issued = await server.PostAsync(null, "/v3/auth/tokens", new
        {
            auth = new
            {
                identity = new { methods = new[] { "password" }, password = new { user = new { name = account.UserName, password = ServerFixture.AdminPassword, domain = new { name = "default" } } } },
                scope = new { project = new { name = account.ProjectName, domain = new { name = "default" } } },
            },
        });

        Assert.Equal(HttpStatusCode.Created, issued.Message.StatusCode);
        string text = issued.Message.Headers.GetValues("X-Subject-Token").Single();
        JsonNode token = issued.Json["token"]!;
        Assert.Equal((account.ProjectId, account.ProjectName), ((string?)token["project"]!["id"], (string?)token["project"]!["name"]));
        Assert.Equal(account.UserName, (string?)token["user"]!["name"]);
        Assert.NotEmpty(token["roles"]!.AsArray());
        Assert.True(DateTimeOffset.Parse((string)token["expires_at"]!, null) > server.Time.GetUtcNow());
        string url = EndpointOf(token["catalog"]!);
        Assert.EndsWith("/v3/" + account.ProjectId, url, StringComparison.Ordinal);

        // It takes the URL as it is and appends to it.
        var caller = new TestCaller(account.ProjectId, text);
        Assert.Equal(200, (await server.GetAsync(caller, new Uri(url).AbsolutePath + "/vaults")).Status);

        // A given token is looked at by itself.
        TestReply validated = await server.SendAsync(caller, "GET", "/v3/auth/tokens", null, ("X-Subject-Token", text));
        Assert.Equal((200, account.ProjectId), (validated.Status, (string?)validated.Json["token"]!["project"]!["id"]));
    }

    [Fact]
    public async Task After_the_end_of_its_token_a_client_signs_in_anew_and_repeats_the_call_once()
    {
        Account account = await AccountAsync();
        TestCaller caller = await SignInAsync(account);
        Assert.Equal(200, (await server.GetAsync(caller, "/v3/{project_id}/vaults")).Status);
        server.Time.Sleep(TimeSpan.FromHours(24));

        TestReply over = await server.GetAsync(caller, "/v3/{project_id}/vaults");
        TestReply again = await server.GetAsync(await SignInAsync(account), "/v3/{project_id}/vaults");

        Assert.Equal((401, "APIG.0301"), (over.Status, over.ErrorCode));
        Assert.Equal(200, again.Status);

        // What is refused for another reason is never 401: some clients would sign in for ever.
        TestCaller valid = await SignInAsync(account);
        foreach (string path in (string[])["/v3/0123456789abcdef0123456789abcdef/vaults", "/v3/{project_id}/nothing", "/v3/{project_id}/vaults/x", "/v3/nothing"])
            Assert.NotEqual(401, (await server.GetAsync(valid, path)).Status);
    }

    [Fact]
    public async Task A_token_is_exchanged_for_one_of_another_scope_and_agencies_are_refused_with_a_word()
    {
        Account account = await AccountAsync();
        TestCaller caller = await SignInAsync(account);
        object By(object identity, object? scope) => new { auth = new { identity, scope } };

        object token = new { methods = new[] { "token" }, token = new { id = caller.Token } };
        Assert.Equal(201, (await server.PostAsync(null, "/v3/auth/tokens", By(token, new { project = new { id = account.ProjectId } }))).Status);
        Assert.Equal(201, (await server.PostAsync(null, "/v3/auth/tokens", By(token, null))).Status);
        TestReply domain = await server.PostAsync(null, "/v3/auth/tokens", By(token, new { domain = new { name = "default" } }));
        Assert.Equal(401, domain.Status);

        object agency = new { methods = new[] { "assume_role" }, assume_role = new { domain_name = "other", agency_name = "a" } };
        TestReply refused = await server.PostAsync(null, "/v3/auth/tokens", By(agency, null));
        Assert.Equal(400, refused.Status);
        Assert.Contains("methods", refused.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_with_an_access_key_finds_its_project_by_name_and_signs_the_rest()
    {
        Account account = await AccountAsync();
        RequestSigner signer = RequestSigner.Of(await server.Administration.CreateCredentialAsync(account.UserId, null, null, "", null, default));

        // SDKs want exactly one project; the provider asks with the domain besides, and for its account's id before that.
        JsonNode domains = await JsonOfAsync(signer, "/v3/auth/domains");
        string domainId = (string)Assert.Single(domains["domains"]!.AsArray())!["id"]!;
        Assert.Equal("default", domainId);
        Assert.Equal(domainId, (string?)Assert.Single((await JsonOfAsync(signer, "/v3/auth/domains?name=default"))["domains"]!.AsArray())!["id"]);
        foreach (string query in (string[])[$"name={account.ProjectName}", $"domain_id={domainId}&name={account.ProjectName}"])
        {
            JsonNode projects = await JsonOfAsync(signer, "/v3/projects?" + query);
            Assert.Equal(account.ProjectId, (string?)Assert.Single(projects["projects"]!.AsArray())!["id"]);
        }

        // The catalogue is served to signed requests too.
        string url = EndpointOf((await JsonOfAsync(signer, "/v3/auth/catalog", account.ProjectId))["catalog"]!);
        Assert.EndsWith("/v3/" + account.ProjectId, url, StringComparison.Ordinal);
        Assert.Empty((await JsonOfAsync(signer, new Uri(url).AbsolutePath + "/vaults?limit=100&offset=0", account.ProjectId))["vaults"]!.AsArray());

        // Added after signing, and therefore not signed.
        RecordedRequest request = signer.Sign(Now(), "GET", $"/v3/{account.ProjectId}/vaults")
            .And("X-Project-Id", account.ProjectId).And("X-Domain-Id", domainId).And("X-Language", "en-us");
        Assert.Equal(200, (await request.SendAsync(server.Address)).Status);

        // Account scope: the domain instead of the project.
        RecordedRequest ofAccount = signer.Sign(Now(), "GET", "/v3/auth/domains").And("X-Domain-Id", domainId);
        Assert.Equal(200, (await ofAccount.SendAsync(server.Address)).Status);
    }

    [Fact]
    public async Task The_name_of_a_region_that_two_domains_have_as_a_project_is_found_once()
    {
        Account account = await AccountAsync();
        await server.Administration.CreateDomainAsync("twin-" + account.ProjectName, default);
        string twin = (await server.Administration.CreateProjectAsync(account.ProjectName, "twin-" + account.ProjectName, "", default)).Id;
        await server.Administration.AddRoleAsync(account.UserId, ActionPolicy.FullRole, ScopeKind.Project, twin, null, default);
        RequestSigner signer = RequestSigner.Of(await server.Administration.CreateCredentialAsync(account.UserId, null, null, "", null, default));

        JsonNode projects = await JsonOfAsync(signer, "/v3/projects?name=" + account.ProjectName);

        Assert.Equal(account.ProjectId, (string?)Assert.Single(projects["projects"]!.AsArray())!["id"]);
    }

    private DateTimeOffset Now() => server.Time.GetUtcNow().AddTicks(-(server.Time.GetUtcNow().Ticks % TimeSpan.TicksPerSecond));

    private async Task<JsonNode> JsonOfAsync(RequestSigner signer, string target, string? projectId = null)
    {
        RawReply reply = await signer.Sign(Now(), "GET", target, projectId: projectId).SendAsync(server.Address);
        Assert.True(reply.Status == 200, $"{target}: {reply.Status} {reply.Body}");
        return JsonNode.Parse(reply.Body)!;
    }

    /// <summary>The first public endpoint of type cbr in the configured region, as the libraries look for it.</summary>
    private static string EndpointOf(JsonNode catalog) => (string)catalog.AsArray()
        .Where(service => (string?)service!["type"] == "cbr").SelectMany(service => service!["endpoints"]!.AsArray())
        .First(endpoint => (string?)endpoint!["interface"] == "public" && (string?)endpoint["region"] == "RegionOne")!["url"]!;

    private async Task<TestCaller> SignInAsync(Account account)
    {
        TestReply issued = await server.PostAsync(null, "/v3/auth/tokens", new
        {
            auth = new
            {
                identity = new { methods = new[] { "password" }, password = new { user = new { id = account.UserId, password = ServerFixture.AdminPassword } } },
                scope = new { project = new { id = account.ProjectId } },
            },
        });
        Assert.True(issued.Status == 201, issued.Text);
        return new TestCaller(account.ProjectId, issued.Message.Headers.GetValues("X-Subject-Token").Single());
    }

    private async Task<Account> AccountAsync()
    {
        TestCaller caller = await server.NewProjectAsync();
        Token token = (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync(caller.Token, default))!;
        return new Account(token.UserId, token.UserName, token.ProjectId, token.ProjectName);
    }

    private sealed record Account(string UserId, string UserName, string ProjectId, string ProjectName);
}
