using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Idempotency;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Idempotency;

/// <summary>Requests with an Idempotency-Key, repeated: on time, too late, at once, by others, after a client or a process was killed.</summary>
public abstract class RepeatedRequestTests(ServerFixture server)
{
    [Fact]
    public async Task A_repeat_has_the_same_answer_and_makes_nothing()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync();
        (string Path, object Body, string List, string Items)[] requests =
        [
            ("vaults", new { vault = VaultWorld.VaultBody() }, "vaults", "vaults"),
            ("policies", new { policy = PolicyWorld.PolicyBody() }, "policies", "policies"),
            ("checkpoints", new { checkpoint = new { vault_id = vault, parameters = new { } } }, "operation-logs", "operation_logs"),
        ];
        foreach ((string path, object body, string list, string items) in requests)
        {
            TestReply first = await SendAsync(world.Vaults, path, body, "key-" + path);
            int count = (await world.GetAsync(list))[items]!.AsArray().Count;

            TestReply second = await SendAsync(world.Vaults, path, body, "key-" + path);

            Assert.True(first.Status == 200, first.Text);
            Assert.Equal((first.Status, first.Text), (second.Status, second.Text));
            Assert.Equal("true", Assert.Single(second.Message.Headers.GetValues(RepeatedRequests.ReplayedHeader)));
            Assert.False(first.Message.Headers.Contains(RepeatedRequests.ReplayedHeader));
            Assert.Equal(first.Message.Content.Headers.ContentType, second.Message.Content.Headers.ContentType);
            Assert.Equal(count, (await world.GetAsync(list))[items]!.AsArray().Count);
        }
    }

    [Fact]
    public async Task Answers_without_a_body_are_repeated_as_such()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string vault = await world.VaultAsync();
        var tag = new { tag = new { key = "k", value = "v" } };

        TestReply first = await SendAsync(world, $"vault/{vault}/tags", tag, "tag");
        Assert.Equal(204, (await world.DeleteAsync($"vault/{vault}/tags/k")).Status);
        TestReply second = await SendAsync(world, $"vault/{vault}/tags", tag, "tag");

        Assert.Equal((204, ""), (first.Status, first.Text));
        Assert.Equal((204, ""), (second.Status, second.Text));
        Assert.Empty((await world.GetAsync($"vault/{vault}/tags")).Json["tags"]!.AsArray());
    }

    [Fact]
    public async Task The_same_key_with_another_request_is_409_and_makes_nothing()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        Assert.Equal(200, (await SendAsync(world, "vaults", Vault("a"), "k")).Status);

        VaultWorld.AssertRefused(await SendAsync(world, "vaults", Vault("b"), "k"), 409, "9900", "'k'", "another request");
        VaultWorld.AssertRefused(await SendAsync(world, "vaults?x=1", Vault("a"), "k"), 409, "9900");
        VaultWorld.AssertRefused(await SendAsync(world, "policies", new { policy = PolicyWorld.PolicyBody() }, "k"), 409, "9900");

        Assert.Equal(1, await CountAsync(world));
    }

    [Fact]
    public async Task Keys_belong_to_one_user_in_one_project()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        VaultWorld other = await VaultWorld.NewAsync(server);
        TestCaller colleague = await server.CallerAsync(world.ProjectId, ActionPolicy.FullRole);

        TestReply first = await SendAsync(world, "vaults", Vault("a"), "k");
        TestReply others = await SendAsync(other, "vaults", Vault("b"), "k");
        TestReply colleagues = await SendAsync(colleague, "vaults", Vault("a"), "k");

        Assert.Equal([200, 200, 200], ((TestReply[])[first, others, colleagues]).Select(reply => reply.Status));
        Assert.Equal(2, await CountAsync(world));
        Assert.Equal(1, await CountAsync(other));
    }

    [Fact]
    public async Task A_refused_request_leaves_its_key_free()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        VaultWorld.AssertRefused(await SendAsync(world, "vaults", new { vault = VaultWorld.VaultBody(sizeGb: 0) }, "k"), 400, "9900");

        Assert.Equal(200, (await SendAsync(world, "vaults", Vault("a"), "k")).Status);
        Assert.Equal(1, await CountAsync(world));
    }

    [Fact]
    public async Task After_24_hours_a_key_is_new_and_what_has_expired_is_swept()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        await SendAsync(world, "vaults", Vault("a"), "k");
        server.Time.Advance(TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1));
        world = await RenewedAsync(world);
        await SendAsync(world, "vaults", Vault("a"), "k");
        Assert.Equal(1, await CountAsync(world));

        server.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, (await SendAsync(world, "vaults", Vault("b"), "k")).Status);
        Assert.Equal(2, await CountAsync(world));

        server.Time.Sleep(TimeSpan.FromHours(24));
        await server.Services.GetServices<IHostedService>().OfType<ExpirySweep>().Single().SweepAsync(default);
        Assert.Equal(0, await server.Database.ReadAsync(session => session.QueryLongAsync($"select count(*) from keyed_requests", default), default));
    }

    [Fact]
    public async Task Of_many_at_once_one_makes_the_object_and_all_are_told_of_it()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        TestReply[] replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SendAsync(world, "vaults", Vault("a"), "k")));

        Assert.All(replies, reply => Assert.True(reply.Status == 200, reply.Text));
        Assert.Single(replies.Select(reply => (string)reply.Json["vault"]!["id"]!).Distinct());
        Assert.Equal(1, await CountAsync(world));
    }

    [Fact]
    public async Task A_client_that_is_killed_mid_call_and_repeats_gets_one_object()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        string body = Vault("a").ToJsonString();
        byte[] request = System.Text.Encoding.ASCII.GetBytes(
            $"POST /v3/{world.ProjectId}/vaults HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {world.Caller.Token}\r\nIdempotency-Key: k\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        for (int i = 0; i < 10; i++)
        {
            // Sent, and gone without waiting for the answer.
            using var connection = new System.Net.Sockets.TcpClient { LingerState = new System.Net.Sockets.LingerOption(true, 0) };
            await connection.ConnectAsync(server.Address.Host, server.Address.Port);
            await connection.GetStream().WriteAsync(request);
        }

        TestReply reply = await SendAsync(world, "vaults", Vault("a"), "k");

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(1, await CountAsync(world));
        Assert.Equal((string)reply.Json["vault"]!["id"]!, (string?)(await world.GetAsync("vaults")).Json["vaults"]![0]!["id"]);
    }

    [Fact]
    public async Task When_the_process_ended_before_it_could_answer_a_repeat_is_shown_what_was_made()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        var checkpoint = new { checkpoint = new { vault_id = vault, parameters = new { name = "once" } } };
        TestReply made = await SendAsync(world.Vaults, "vaults", Vault("a"), "vault");
        TestReply started = await SendAsync(world.Vaults, "checkpoints", checkpoint, "checkpoint");
        TestReply added = await SendAsync(world.Vaults, $"vaults/{vault}/addresources", new { resources = new[] { VaultWorld.Disk(disk) } }, "add");
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update keyed_requests set status = null, body = null where project_id = {world.ProjectId}", default); }, default);

        TestReply vaultAgain = await SendAsync(world.Vaults, "vaults", Vault("a"), "vault");
        TestReply checkpointAgain = await SendAsync(world.Vaults, "checkpoints", checkpoint, "checkpoint");
        TestReply addedAgain = await SendAsync(world.Vaults, $"vaults/{vault}/addresources", new { resources = new[] { VaultWorld.Disk(disk) } }, "add");

        Assert.Equal([200, 200, 200], ((TestReply[])[made, started, added]).Select(reply => reply.Status));
        Assert.Equal((string?)made.Json["vault"]!["id"], (string?)vaultAgain.Json["vault"]!["id"]);
        Assert.Equal((string?)started.Json["checkpoint"]!["id"], (string?)checkpointAgain.Json["checkpoint"]!["id"]);
        VaultWorld.AssertRefused(addedAgain, 409, "9900", "carried out");
        Assert.Equal(2, await CountAsync(world.Vaults));
    }

    [Fact]
    public async Task Of_two_requests_that_take_a_key_the_later_transaction_is_undone()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        DateTimeOffset now = server.Time.GetUtcNow();
        var first = new KeyedRequest("k", world.ProjectId, "user", "first", "hash", now.AddHours(24));
        KeyedRequest second = first with { RequestId = "second" };
        Task TakeAsync(KeyedRequest request, DateTimeOffset at) => server.Database.WriteAsync(
            async session => await KeyedRequestTable.TakeAsync(session, request, at, default), default);

        await TakeAsync(first, now);
        await TakeAsync(first, now);
        await Assert.ThrowsAsync<KeyTakenException>(() => TakeAsync(second, now));
        KeyedRequest? kept = await server.Database.ReadAsync(session => KeyedRequestTable.FindAsync(session, first, now, default), default);
        await TakeAsync(second with { ExpiresAt = now.AddHours(48) }, first.ExpiresAt);
        KeyedRequest? later = await server.Database.ReadAsync(session => KeyedRequestTable.FindAsync(session, first, first.ExpiresAt, default), default);

        Assert.Equal("first", kept!.RequestId);
        Assert.Equal("second", later!.RequestId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    public async Task A_key_is_printable_and_at_most_255_characters_long(string key)
    {
        VaultWorld world = await VaultWorld.NewAsync(server);

        VaultWorld.AssertRefused(await SendAsync(world, "vaults", Vault("a"), key), 400, "9900", "Idempotency-Key", "255");
        VaultWorld.AssertRefused(await SendAsync(world, "vaults", Vault("a"), new string('k', 256)), 400, "9900", "255");
        Assert.Equal(200, (await SendAsync(world, "vaults", Vault("a"), new string('k', 255))).Status);
        Assert.Equal(1, await CountAsync(world));
    }

    private static JsonObject Vault(string name) => new() { ["vault"] = VaultWorld.VaultBody(name: name) };

    private async Task<VaultWorld> RenewedAsync(VaultWorld world)
    {
        // Tokens live as long as keys: the same user signs in again.
        string userId = await server.Database.ReadAsync(
            session => session.QueryFirstAsync($"select user_id from role_assignments where scope_id = {world.ProjectId}", row => row.GetString(0), default), default) ?? "";
        return world.As(await server.TokenAsync(userId, world.ProjectId));
    }

    private static async Task<int> CountAsync(VaultWorld world) => (int)(await world.GetAsync("vaults")).Json["count"]!;

    private Task<TestReply> SendAsync(VaultWorld world, string path, object body, string key) => SendAsync(world.Caller, path, body, key);

    private async Task<TestReply> SendAsync(TestCaller caller, string path, object body, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v3/{caller.ProjectId}/{path}") { Content = JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("X-Auth-Token", caller.Token);
        request.Headers.TryAddWithoutValidation(RepeatedRequests.KeyHeader, key);
        HttpResponseMessage reply = await server.Client.SendAsync(request);
        return new TestReply(reply, await reply.Content.ReadAsStringAsync());
    }
}

public sealed class RepeatedRequestOnSqliteTests(SqliteTaskServer server) : RepeatedRequestTests(server), IClassFixture<SqliteTaskServer>;

public sealed class RepeatedRequestOnPostgresTests : RepeatedRequestTests, IClassFixture<PostgresTaskServer>
{
    public RepeatedRequestOnPostgresTests(PostgresTaskServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
