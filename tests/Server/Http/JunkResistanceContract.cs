using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Http;

/// <summary>
/// Malformed requests to every route, over a socket: each is refused with a 4xx in the form of the wire, and the database is
/// byte for byte what it was. <c>STRONGROOM_TEST_SEED</c> repeats a failing run.
/// </summary>
public abstract class JunkResistanceContract(ServerFixture server)
{
    [Fact]
    public Task Five_hundred_malformed_requests_are_refused_and_change_nothing() => SendAsync(500, Seed(1));

    [Fact]
    [Trait("Category", "Slow")]
    public Task Ten_thousand_malformed_requests_are_refused_and_change_nothing() => SendAsync(10_000, Seed(Environment.TickCount));

    [Fact]
    public Task Five_hundred_changed_bodies_never_break_the_service() => SendChangedAsync(500, Seed(1));

    [Fact]
    [Trait("Category", "Slow")]
    public Task Ten_thousand_changed_bodies_never_break_the_service() => SendChangedAsync(10_000, Seed(Environment.TickCount));

    private async Task SendChangedAsync(int count, int seed)
    {
        JunkCallers callers = await CallersAsync();
        var caller = new TestCaller(callers.ProjectId, callers.Token);
        var random = new Random(seed);
        var mutations = new BodyMutations(random);
        MappedRoute[] routes = [.. MappedRoute.All(server.App).Where(route => route.TakesBody)];
        for (int i = 0; i < count; i++)
        {
            MappedRoute route = routes[random.Next(routes.Length)];
            string sound = BodyMutations.SoundBodies.GetValueOrDefault(route.ToString()) ?? BodyMutations.SoundBodies.Values.ElementAt(random.Next(BodyMutations.SoundBodies.Count));
            string body = mutations.Mutate(sound.Replace("VAULT", callers.VaultId, StringComparison.Ordinal));
            string path = route.Path(parameter =>
                parameter == MappedRoute.ProjectParameter ? callers.ProjectId : parameter == "vault_id" ? callers.VaultId : Guid.CreateVersion7().ToString());

            TestReply reply;
            try
            {
                reply = await server.SendAsync(caller, route.Method, path, body);
            }
            catch (HttpRequestException error)
            {
                throw new InvalidDataException($"Seed {seed}, request {i}: {route} has no answer to {body.Length} characters: {body}", error);
            }

            Assert.True(reply.Status < 500, $"Seed {seed}, request {i}: {route} answers {reply.Status} to {body}");
            if (reply.Status >= 400)
                Assert.False(string.IsNullOrEmpty(reply.ErrorCode) || string.IsNullOrEmpty(reply.ErrorMessage), reply.Text);
        }
    }

    private static int Seed(int otherwise) =>
        Environment.GetEnvironmentVariable("STRONGROOM_TEST_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : otherwise;

    private async Task SendAsync(int count, int seed)
    {
        JunkCallers callers = await CallersAsync();
        var requests = new JunkRequests(seed, MappedRoute.All(server.App), callers);
        string before = await DatabaseDump.OfAsync(server.Database, "audit_records");
        var statuses = new SortedDictionary<int, int>();

        RawHttp connection = await RawHttp.ConnectAsync(server.Address);
        for (int i = 0; i < count; i++)
        {
            JunkRequest request = requests.Next();
            RawReply? reply = await connection.ExchangeAsync(request.Bytes, request.IsHead);
            if (reply is null || reply.Headers.GetValueOrDefault("connection") == "close" || request.EndsConnection)
            {
                await connection.DisposeAsync();
                connection = await RawHttp.ConnectAsync(server.Address);
            }

            try
            {
                Assert.NotNull(reply);
                if (request.IsHead)
                    Assert.InRange(reply.Status, 400, 499);
                else
                    reply.AssertRefusal();
            }
            catch (Exception error)
            {
                throw new InvalidDataException($"Seed {seed}, request {i}: {request} got {reply?.Status.ToString(CultureInfo.InvariantCulture) ?? "no answer"}.", error);
            }

            statuses[reply.Status] = statuses.GetValueOrDefault(reply.Status) + 1;
        }

        await connection.DisposeAsync();
        Assert.Equal(before, await DatabaseDump.OfAsync(server.Database, "audit_records"));
        // Every check had its share; else the generator tests only the first one.
        Assert.All([400, 401, 403, 404, 405, 413], status => Assert.True(statuses.ContainsKey(status), $"No request met {status}."));
    }

    private async Task<JunkCallers> CallersAsync()
    {
        TestCaller caller = await server.NewProjectAsync();
        var token = (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync(caller.Token, default))!;
        var origin = new TokenOrigin(["password"], ExpiresAtMax: server.Time.GetUtcNow());
        IssuedToken expired = (await server.Services.GetRequiredService<TokenIssuer>()
            .IssueAsync(token.UserId, ScopeKind.Project, caller.ProjectId, origin, default))!;
        TestReply vault = await server.PostAsync(caller, "/v3/{project_id}/vaults", new
        {
            vault = new
            {
                name = "junk",
                billing = new { object_type = "disk", protect_type = "backup", consistent_level = "crash_consistent", size = 10 },
                resources = Array.Empty<object>(),
            },
        });
        Assert.True(vault.Status == 200, vault.Text);
        return new JunkCallers(caller.ProjectId, await server.NewProjectIdAsync(), caller.Token, expired.Text, (string)vault.Json["vault"]!["id"]!);
    }
}

public sealed class SqliteJunkResistanceTests(SqliteServer server) : JunkResistanceContract(server), IClassFixture<SqliteServer>;

public sealed class PostgresJunkResistanceTests : JunkResistanceContract, IClassFixture<PostgresServer>
{
    public PostgresJunkResistanceTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
