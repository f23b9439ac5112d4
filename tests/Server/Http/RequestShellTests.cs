using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Http;

namespace Strongroom.Server.Tests.Http;

public sealed class RequestShellTests
{
    [Fact]
    public async Task Every_answer_carries_its_id_and_the_fixed_headers()
    {
        await using var server = new SqliteServer();
        await server.InitializeAsync();

        TestReply[] replies =
        [
            await server.GetAsync(null, "/healthcheck"),
            await server.GetAsync(null, "/nothing"),
            await server.DeleteAsync(await server.AdminAsync(), "/v3/{project_id}/vaults"),
        ];

        Assert.Equal([200, 401, 405], replies.Select(reply => reply.Status));
        Assert.Equal(3, replies.Select(reply => reply.Message.Headers.GetValues("X-Request-Id").Single()).Distinct().Count());
        Assert.All(replies, reply =>
        {
            Assert.Matches("^[0-9a-f]{32}$", reply.Message.Headers.GetValues("X-Request-Id").Single());
            Assert.Equal("api-gateway", reply.Message.Headers.Server.Single().ToString());
            Assert.Equal("nosniff", reply.Message.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("SAMEORIGIN", reply.Message.Headers.GetValues("X-Frame-Options").Single());
            Assert.Equal("noopen", reply.Message.Headers.GetValues("X-Download-Options").Single());
            Assert.Equal("1; mode=block;", reply.Message.Headers.GetValues("X-XSS-Protection").Single());
            Assert.Equal("max-age=31536000; includeSubdomains;", reply.Message.Headers.GetValues("Strict-Transport-Security").Single());
            Assert.Equal("application/json", reply.Message.Content.Headers.ContentType!.ToString());
        });
        Assert.Contains("GET", replies[2].Message.Content.Headers.Allow);
        Assert.Equal("APIG.0101", replies[2].ErrorCode);
    }

    [Fact]
    public async Task A_failure_of_our_own_is_500_with_the_request_id_and_tells_nothing_else()
    {
        await using var server = new SqliteServer();
        await server.InitializeAsync();
        TestCaller admin = await server.AdminAsync();
        await server.GetAsync(admin, "/v3/auth/projects");
        await server.Database.DisposeAsync();

        TestReply reply = await server.GetAsync(admin, "/v3/auth/projects");

        Assert.Equal(500, reply.Status);
        Assert.Equal("BackupService.9910", reply.ErrorCode);
        string id = reply.Message.Headers.GetValues("X-Request-Id").Single();
        Assert.Equal($"The service failed on this request. Its log tells more under the request id {id}.", reply.ErrorMessage);
    }

    [Fact]
    public async Task The_health_check_is_503_while_the_database_does_not_answer()
    {
        TestDatabase.SkipUnlessPostgres();
        await using var server = new PostgresServer();
        await server.InitializeAsync();
        Assert.Equal(200, (await server.GetAsync(null, "/healthcheck")).Status);

        await server.TestDatabase.DropAsync();

        Assert.Equal(503, (await server.GetAsync(null, "/healthcheck")).Status);
    }

    [Fact]
    public async Task A_route_that_does_not_say_who_may_use_it_stops_the_start()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        await using WebApplication app = builder.Build();
        app.MapGet("/forgotten", (RequestDelegate)(_ => Task.CompletedTask));

        Assert.Contains("/forgotten", Assert.Throws<InvalidOperationException>(() => RouteChecks.RequireAccess(app)).Message, StringComparison.Ordinal);
    }
}
