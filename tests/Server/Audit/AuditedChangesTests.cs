using System.Text.Json.Nodes;
using Strongroom.Server.Http;
using Strongroom.Server.Tests.Http;
using Strongroom.Server.Tests.OpenApi;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Audit;

/// <summary>
/// Every route of the running service that changes something, taken and refused: each request leaves exactly one record,
/// which says who, what, from where, which request and how it ended; and what only looks leaves none.
/// </summary>
public sealed class AuditedChangesTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    // No success is to be had of these: what they stand for is not here (docs/api-compatibility.md).
    private static readonly string[] Absent = ["/agents", "/sync", "/replicate", "/migrates"];

    private IReadOnlyList<MappedRoute> Changing =>
        [.. MappedRoute.All(server.App).Where(route => route.Access is not RouteAccess.Open && Changes(route))];

    [Fact]
    public async Task Every_change_that_is_made_leaves_one_record()
    {
        using var sent = new SentRequests(server);
        await EveryOperationTests.RunAsync(server);
        await OwnAdditionsAsync();

        await sent.AssertRecordedAsync();
        string[] succeeded = [.. sent.All.Where(request => request.Status < 300).Select(request => request.Route)];
        string[] missing = [.. Changing.Select(route => route.ToString()).Except(succeeded).Where(route => !Absent.Any(route.Contains))];
        Assert.True(missing.Length == 0, "never made: " + string.Join(", ", missing));
    }

    [Fact]
    public async Task Every_change_that_is_refused_leaves_one_record()
    {
        string projectId = await server.NewProjectIdAsync();
        TestCaller owner = await server.CallerAsync(projectId, ActionPolicy.AdminRole);
        TestCaller reader = await server.CallerAsync(projectId, ActionPolicy.ReaderRole);
        TestCaller stranger = await server.NewProjectAsync();
        using var sent = new SentRequests(server);

        foreach (MappedRoute route in MappedRoute.All(server.App).Where(route => route.Access is not RouteAccess.Open))
        {
            string path = route.Path(parameter => parameter switch
            {
                MappedRoute.ProjectParameter => projectId,
                "member_id" or "source_project_id" => projectId,
                "protectable_type" => "disk",
                _ => VaultWorld.UnknownId,
            });
            foreach (TestCaller caller in (TestCaller[])[owner, reader, stranger])
                await server.SendAsync(caller, route.Method, path, route.TakesBody ? "{}" : null);
        }

        await sent.AssertRecordedAsync();
        string[] refused = [.. sent.All.Where(request => request.Status >= 400).Select(request => request.Route)];
        Assert.Subset(refused.ToHashSet(), Changing.Where(route => route.HasProject).Select(route => route.ToString()).ToHashSet());
    }

    /// <summary>What is ours alone, under /strongroom/v1, and a request that is repeated.</summary>
    private async Task OwnAdditionsAsync()
    {
        const string Own = "/strongroom/v1/{project_id}/";
        TaskWorld world = await TaskWorld.NewAsync(server);
        TestCaller caller = world.Vaults.Caller;
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        string resource = await world.Vaults.NewDiskAsync();
        await Done(server.PutAsync(caller, $"{Own}resources/{resource}", new { resource = new { name = "renamed" } }));
        await Done(server.DeleteAsync(caller, $"{Own}resources/{resource}"));
        string policy = await world.Vaults.PolicyAsync();
        await Done(server.PutAsync(caller, $"{Own}policies/{policy}", new { policy = new { time_zone = "Europe/Berlin" } }));
        await Done(world.Vaults.PutAsync("vaults/" + vault, new { vault = new { auto_bind = true } }));
        await Done(world.Vaults.BindAsync(vault, policy));
        await Done(server.PostAsync(caller, $"{Own}vaults/{vault}/bind", null));

        Gate gate = world.Engine.Hold(disk);
        await Done(world.CheckpointAsync(vault));
        await gate.Reached;
        string task = (string)(await world.LogsAsync("status=running"))[0]!["id"]!;
        await Done(server.PostAsync(caller, $"{Own}tasks/{task}/cancel", null));
        gate.Open();
        await world.EndOfAsync(task);

        await Done(world.Vaults.DeleteAsync("backups/" + backups[0]));
        await Done(server.PostAsync(caller, $"{Own}backups/{backups[0]}/undelete", null));
        string gone = await world.Vaults.VaultAsync();
        await Done(world.Vaults.DeleteAsync("vaults/" + gone));
        await Done(server.PostAsync(caller, $"{Own}vaults/{gone}/undelete", null));
        JsonObject paid = VaultWorld.VaultBody()
            .With("billing.charging_mode", "\"pre_paid\"").With("billing.period_type", "\"month\"").With("billing.period_num", "1");
        TestReply order = await Done(world.Vaults.CreateAsync(paid));
        await Done(server.PostAsync(caller, $"{Own}vaults/{order.Json["orders"]![0]!["resourceId"]}/unsubscribe", null));

        object hook = new { name = "hook", kind = "webhook", url = "https://hooks.example.org/" };
        TestReply target = await Done(server.PostAsync(caller, Own + "notifications/targets", new { target = hook }));
        string one = $"{Own}notifications/targets/{target.Json["target"]!["id"]}";
        await Done(server.PutAsync(caller, one, new { target = new { name = "hook-2" } }));
        await Done(server.PostAsync(caller, one + "/test", null));
        await Done(server.DeleteAsync(caller, one));

        // The same request twice, with a key: made once, recorded each time.
        for (int i = 0; i < 2; i++)
            await Done(server.SendAsync(caller, "POST", "/v3/{project_id}/vaults", new JsonObject { ["vault"] = VaultWorld.VaultBody() }, ("Idempotency-Key", "k")));

        // A log-in is ended by its own token.
        TestCaller second = await server.CallerAsync(world.ProjectId, ActionPolicy.FullRole);
        await Done(server.SendAsync(second, "DELETE", "/v3/auth/tokens", null, ("X-Subject-Token", second.Token)));
    }

    private static async Task<TestReply> Done(Task<TestReply> sending)
    {
        TestReply reply = await sending;
        Assert.True(reply.Status < 300, $"{reply.Message.RequestMessage!.RequestUri}: {reply.Status} {reply.Text}");
        return reply;
    }

    private static bool Changes(MappedRoute route) =>
        route.Method is not ("GET" or "HEAD") && !(route.Access is RouteAccess.Action action && ActionPolicy.Reads(action.Name));

    /// <summary>The requests a server is sent through its fixture while this is there.</summary>
    private sealed class SentRequests : IDisposable
    {
        private readonly ServerFixture server;
        private readonly IReadOnlyList<MappedRoute> routes;
        private readonly List<(TestCaller? Caller, TestReply Reply)> replies = [];

        public SentRequests(ServerFixture server)
        {
            this.server = server;
            routes = [.. MappedRoute.All(server.App).OrderBy(route => route.Parameters.Count)];
            server.Answered += Keep;
        }

        public IEnumerable<(string Route, int Status)> All => replies.Select(sent => (RouteOf(sent.Reply)?.ToString() ?? "none", sent.Reply.Status));

        public async Task AssertRecordedAsync()
        {
            var records = (await server.Database.ReadAsync(
                session => session.QueryAsync(
                    $"select id, user_id, user_name, project_id, action, method, path, address, status, error_code, resource_id from audit_records",
                    row => (Id: row.GetString(0), Who: row.GetString(1) + row.GetString(2), Project: row.GetString(3), Action: row.GetString(4),
                        What: $"{row.GetString(5)} {row.GetString(6)}", Address: row.GetString(7), Status: row.IsDBNull(8) ? 0 : row.GetInt64(8),
                        Error: row.IsDBNull(9) ? null : row.GetString(9), Resource: row.IsDBNull(10) ? null : row.GetString(10)),
                    default),
                default)).ToLookup(record => record.Id);
            Assert.NotEmpty(replies);
            var wrong = new List<string>();
            foreach ((TestCaller? caller, TestReply reply) in replies.Where(sent => sent.Caller is not null))
            {
                HttpRequestMessage request = reply.Message.RequestMessage!;
                string sent = $"{request.Method} {request.RequestUri!.AbsolutePath}";
                MappedRoute? route = RouteOf(reply);
                var found = records[reply.Message.Headers.GetValues("X-Request-Id").Single()].ToList();
                int wanted = route is not null && Changes(route) ? 1 : 0;
                if (found.Count != wanted)
                    wrong.Add($"{sent} ({reply.Status}): {found.Count} records");
                if (wanted == 0 || found.Count == 0)
                    continue;
                var record = found[0];
                string action = route!.Access is RouteAccess.Action named ? named.Name : $"identity:{route.Pattern}";
                string? error = reply.Status >= 400 ? CodeOf(reply) : null;
                string? id = route.Parameters.LastOrDefault(parameter => parameter != MappedRoute.ProjectParameter) is null ? null : request.RequestUri.AbsolutePath;
                if (record.Who.Length <= 32 || record.Project != caller!.ProjectId || record.Action != action || record.What != sent
                    || record.Address != "127.0.0.1" || record.Status != reply.Status || record.Error != error
                    || (id is not null && !id.Contains(record.Resource ?? "none", StringComparison.Ordinal)))
                {
                    wrong.Add($"{sent} ({reply.Status} {error}, {action}, {caller!.ProjectId}): {record}");
                }
            }

            Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
        }

        public void Dispose() => server.Answered -= Keep;

        private void Keep(TestCaller? caller, TestReply reply)
        {
            lock (replies)
                replies.Add((caller, reply));
        }

        private static string? CodeOf(TestReply reply) => (string?)reply.Json["error_code"] ?? (string?)reply.Json["error"]?["code"]?.ToString();

        private MappedRoute? RouteOf(TestReply reply)
        {
            HttpRequestMessage request = reply.Message.RequestMessage!;
            string[] segments = request.RequestUri!.AbsolutePath.Split('/');
            return routes.FirstOrDefault(route => route.Method == request.Method.Method && Fits(route.Pattern.Split('/'), segments));
        }

        private static bool Fits(string[] pattern, string[] segments) =>
            pattern.Length == segments.Length && pattern.Zip(segments).All(pair => pair.First.StartsWith('{') || pair.First == pair.Second);
    }
}
