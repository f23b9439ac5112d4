using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Http;

/// <summary>Every route there is, called by those who must not get in.</summary>
public sealed class RouteAccessTests(SqliteServer server) : IClassFixture<SqliteServer>
{
    private IReadOnlyList<MappedRoute> Guarded => [.. MappedRoute.All(server.App).Where(route => !route.IsOpen)];

    [Fact]
    public void Only_versions_log_in_the_description_and_the_health_check_are_open_to_all() =>
        Assert.Equal(
            ["GET /", "GET /cbr", "GET /csbs", "GET /healthcheck", "GET /metrics", "GET /openapi/v3.json", "GET /v3", "POST /v3/auth/tokens", "GET /vbs"],
            MappedRoute.All(server.App).Where(route => route.IsOpen).Select(route => route.ToString()));

    [Fact]
    public void Every_route_of_a_project_asks_for_an_action() =>
        Assert.All(Guarded.Where(route => route.HasProject), route => Assert.IsType<RouteAccess.Action>(route.Access));

    [Fact]
    public async Task Without_a_valid_token_every_route_answers_401()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestCaller expired = await ExpiredAsync(server, await server.NewProjectIdAsync());
        foreach (MappedRoute route in Guarded)
        {
            foreach (TestCaller? sender in (TestCaller?[])[null, expired, caller with { Token = "x" }, caller with { Token = caller.Token[..^1] + "!" }])
            {
                TestReply reply = await server.SendAsync(sender, route.Method, PathOf(route, caller.ProjectId));

                Assert.True(reply.Status == 401, $"{route} answers {reply.Status} to the token '{sender?.Token}'");
                if (route.Method != "HEAD")
                    Assert.Equal("APIG.0301", reply.ErrorCode);
            }
        }
    }

    [Fact]
    public async Task Another_projects_user_is_403_on_every_route_of_a_project()
    {
        TestCaller owner = await server.NewProjectAsync();
        TestCaller other = await server.NewProjectAsync();
        foreach (MappedRoute route in Guarded.Where(route => route.HasProject))
        {
            TestReply reply = await server.SendAsync(other, route.Method, PathOf(route, owner.ProjectId));

            Assert.True(reply.Status == 403, $"{route} answers {reply.Status}");
            Assert.Equal("APIG.0302", reply.ErrorCode);
        }
    }

    [Fact]
    public async Task A_token_of_a_domain_is_403_on_every_route_of_a_project()
    {
        TestCaller owner = await server.NewProjectAsync();
        User user = await server.Administration.CreateUserAsync("of-the-domain", null, ServerFixture.AdminPassword, default);
        await server.Administration.AddRoleAsync(user.Id, ActionPolicy.AdminRole, ScopeKind.Domain, "default", null, default);
        IssuedToken issued = (await server.Services.GetRequiredService<TokenIssuer>()
            .IssueAsync(user.Id, ScopeKind.Domain, "default", new TokenOrigin(["password"]), default))!;
        foreach (MappedRoute route in Guarded.Where(route => route.HasProject))
        {
            TestReply reply = await server.SendAsync(new TestCaller(owner.ProjectId, issued.Text), route.Method, PathOf(route, owner.ProjectId));

            Assert.True(reply.Status == 403, $"{route} answers {reply.Status}");
        }
    }

    [Fact]
    public async Task A_reader_is_403_on_every_route_that_changes_something_and_the_message_names_the_action()
    {
        TestCaller reader = await server.CallerAsync(await server.NewProjectIdAsync(), ActionPolicy.ReaderRole);
        foreach (MappedRoute route in Guarded.Where(route => route.HasProject))
        {
            string action = ((RouteAccess.Action)route.Access).Name;
            string verb = action[(action.LastIndexOf(':') + 1)..];
            bool reads = action.StartsWith("cbr:", StringComparison.Ordinal)
                && (verb.StartsWith("get", StringComparison.Ordinal) || verb.StartsWith("list", StringComparison.Ordinal) || verb.StartsWith("show", StringComparison.Ordinal));

            TestReply reply = await server.SendAsync(reader, route.Method, PathOf(route, reader.ProjectId));

            Assert.True((reply.Status == 403) == !reads, $"{route} answers {reply.Status}");
            if (!reads)
                Assert.Equal($"Policy doesn't allow {action} to be performed.", reply.ErrorMessage);
        }
    }

    [Fact]
    public async Task A_user_without_any_of_our_roles_may_do_nothing()
    {
        string projectId = await server.NewProjectIdAsync();
        TestCaller reader = await server.CallerAsync(projectId, ActionPolicy.ReaderRole);
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update role_assignments set role = {"member"} where scope_id = {projectId}", default); }, default);
        foreach (MappedRoute route in Guarded.Where(route => route.HasProject))
            Assert.Equal(403, (await server.SendAsync(reader, route.Method, PathOf(route, projectId))).Status);
    }

    [Fact]
    public async Task A_valid_token_never_meets_401()
    {
        TestCaller caller = await server.AdminAsync();
        foreach (MappedRoute route in Guarded)
            Assert.NotEqual(401, (await server.SendAsync(caller, route.Method, PathOf(route, caller.ProjectId))).Status);
    }

    /// <summary>A token that expired this instant.</summary>
    internal static async Task<TestCaller> ExpiredAsync(ServerFixture server, string projectId)
    {
        TestCaller caller = await server.CallerAsync(projectId, ActionPolicy.FullRole);
        var user = (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync(caller.Token, default))!;
        var origin = new TokenOrigin(["password"], ExpiresAtMax: server.Time.GetUtcNow());
        IssuedToken issued = (await server.Services.GetRequiredService<TokenIssuer>()
            .IssueAsync(user.UserId, ScopeKind.Project, projectId, origin, default))!;
        return new TestCaller(projectId, issued.Text);
    }

    private static string PathOf(MappedRoute route, string projectId) =>
        route.Path(parameter => parameter == MappedRoute.ProjectParameter ? projectId : "2d6c1f0e-7a43-4f0b-9d53-6f0a1c2b3d4e");
}
