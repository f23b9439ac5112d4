using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Tests.Http;

namespace Strongroom.Server.Tests.Identity;

/// <summary>Requests signed with access keys, over a socket, as the public clients send them.</summary>
public abstract class SignatureContract(ServerFixture server)
{
    private const string NewVault = """{"vault":{"name":"v","billing":{"object_type":"disk","protect_type":"backup","consistent_level":"crash_consistent","size":10},"resources":[]}}""";

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);

    [Theory]
    [InlineData(-15, 0, true)]
    [InlineData(-15, -1, false)]
    [InlineData(15, 0, true)]
    [InlineData(15, 1, false)]
    [InlineData(0, 0, true)]
    public async Task The_clock_window_reaches_a_quarter_of_an_hour_both_ways(int minutes, int seconds, bool accepted)
    {
        (RequestSigner signer, string projectId) = await SignerAsync();
        DateTimeOffset date = WholeSecond() + TimeSpan.FromMinutes(minutes) + TimeSpan.FromSeconds(seconds);

        RawReply reply = await signer.Sign(date, "GET", $"/v3/{projectId}/vaults").SendAsync(server.Address);

        Assert.Equal(accepted ? 200 : 401, reply.Status);
        if (!accepted)
            Assert.Contains("minutes from this server's clock", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_cannot_be_replayed_and_a_read_can()
    {
        (RequestSigner signer, string projectId) = await SignerAsync();
        RecordedRequest change = signer.Sign(WholeSecond(), "POST", $"/v3/{projectId}/vaults", NewVault);
        RecordedRequest read = signer.Sign(WholeSecond(), "GET", $"/v3/{projectId}/vaults");

        Assert.Equal(200, (await change.SendAsync(server.Address)).Status);
        RawReply replay = await change.SendAsync(server.Address);
        Assert.Equal(401, replay.Status);
        Assert.Contains("received before", replay.Body, StringComparison.Ordinal);
        Assert.Equal(200, (await read.SendAsync(server.Address)).Status);
        Assert.Equal(200, (await read.SendAsync(server.Address)).Status);
        Assert.Equal(200, (await signer.Sign(WholeSecond().AddSeconds(1), "POST", $"/v3/{projectId}/vaults", NewVault).SendAsync(server.Address)).Status);
    }

    [Fact]
    public async Task A_change_cannot_be_replayed_after_a_restart_or_to_another_server_of_the_database()
    {
        (RequestSigner signer, string projectId) = await SignerAsync();
        RecordedRequest change = signer.Sign(WholeSecond(), "POST", $"/v3/{projectId}/vaults", NewVault);
        Assert.Equal(200, (await change.SendAsync(server.Address)).Status);

        await using WebApplication other = await StartOtherAsync();

        Assert.Equal(401, (await change.SendAsync(AddressOf(other))).Status);
        Assert.Equal(200, (await signer.Sign(WholeSecond(), "GET", $"/v3/{projectId}/vaults").SendAsync(AddressOf(other))).Status);
        Assert.Equal(401, (await change.SendAsync(server.Address)).Status);
        await other.StopAsync();
    }

    [Fact]
    public async Task Of_many_copies_of_a_change_sent_at_once_one_counts()
    {
        (RequestSigner signer, string projectId) = await SignerAsync();
        RecordedRequest change = signer.Sign(WholeSecond(), "POST", $"/v3/{projectId}/vaults", NewVault);

        RawReply[] replies = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => change.SendAsync(server.Address)));

        Assert.Equal(11, replies.Count(reply => reply.Status == 401));
        Assert.Single(replies, reply => reply.Status == 200);
    }

    [Fact]
    public async Task Used_signatures_are_forgotten_only_after_their_date_left_the_window()
    {
        (RequestSigner signer, string projectId) = await SignerAsync();
        RecordedRequest change = signer.Sign(WholeSecond() + Window, "POST", $"/v3/{projectId}/vaults", NewVault);
        Assert.Equal(200, (await change.SendAsync(server.Address)).Status);

        // Signed by a clock a quarter of an hour ahead: it stays acceptable for half an hour.
        MoveTo(server.Time.GetUtcNow() + (2 * Window) - TimeSpan.FromSeconds(1));
        await server.Database.WriteAsync(
            async session => { await UsedSignatureTable.DeleteExpiredAsync(session, server.Time.GetUtcNow(), 1000, default); }, default);
        Assert.Contains("received before", (await change.SendAsync(server.Address)).Body, StringComparison.Ordinal);

        MoveTo(server.Time.GetUtcNow() + (2 * Window));
        await server.Database.WriteAsync(
            async session => { await UsedSignatureTable.DeleteExpiredAsync(session, server.Time.GetUtcNow(), 1000, default); }, default);
        Assert.Equal(0, await server.Database.ReadAsync(
            session => session.QueryLongAsync($"select count(*) from used_signatures where expires_at <= {server.Time.GetUtcNow().ToMicroseconds()}", default), default));
        Assert.Contains("minutes from this server's clock", (await change.SendAsync(server.Address)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_host_may_be_signed_without_the_port_it_is_sent_with()
    {
        (RequestSigner signer, string projectId) = await SignerAsync();
        RecordedRequest request = signer.Sign(WholeSecond(), "GET", $"/v3/{projectId}/vaults", host: "backup.test");

        Assert.Equal(200, (await request.With("Host", "backup.test:8799").SendAsync(server.Address)).Status);
        Assert.Equal(401, (await request.With("Host", "other.test:8799").SendAsync(server.Address)).Status);
        RecordedRequest withPort = signer.Sign(WholeSecond(), "GET", $"/v3/{projectId}/vaults", host: "backup.test:8799");
        Assert.Equal(200, (await withPort.SendAsync(server.Address)).Status);
        Assert.Equal(401, (await withPort.With("Host", "backup.test:8798").SendAsync(server.Address)).Status);
    }

    [Fact]
    public async Task The_project_is_that_of_the_header_or_the_path_and_must_be_one_of_the_users()
    {
        (RequestSigner signer, string projectId) = await SignerAsync();
        string other = (await server.NewProjectAsync()).ProjectId;

        Assert.Equal(200, (await signer.Sign(WholeSecond(), "GET", $"/v3/{projectId}/vaults", projectId: projectId).SendAsync(server.Address)).Status);
        Assert.Equal(403, (await signer.Sign(WholeSecond(), "GET", $"/v3/{projectId}/vaults", projectId: other).SendAsync(server.Address)).Status);
        Assert.Equal(403, (await signer.Sign(WholeSecond(), "GET", $"/v3/{other}/vaults", projectId: projectId).SendAsync(server.Address)).Status);
        Assert.Equal(403, (await signer.Sign(WholeSecond(), "GET", $"/v3/{other}/vaults").SendAsync(server.Address)).Status);
        RawReply catalog = await signer.Sign(WholeSecond(), "GET", "/v3/auth/catalog").SendAsync(server.Address);
        Assert.Contains($"/v3/{projectId}", catalog.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_made_for_one_project_is_good_for_no_other()
    {
        TestCaller first = await server.NewProjectAsync();
        string second = await server.NewProjectIdAsync();
        string userId = await UserOfAsync(first);
        await server.Administration.AddRoleAsync(userId, ActionPolicy.FullRole, ScopeKind.Project, second, null, default);
        RequestSigner signer = RequestSigner.Of(await server.Administration.CreateCredentialAsync(userId, first.ProjectId, null, "", null, default));

        Assert.Equal(200, (await signer.Sign(WholeSecond(), "GET", $"/v3/{first.ProjectId}/vaults").SendAsync(server.Address)).Status);
        Assert.Equal(403, (await signer.Sign(WholeSecond(), "GET", $"/v3/{second}/vaults").SendAsync(server.Address)).Status);
    }

    /// <summary>Not even of the projects its user has roles in, an administrator's included.</summary>
    [Theory]
    [InlineData(ActionPolicy.FullRole)]
    [InlineData(ActionPolicy.AdminRole)]
    public async Task A_key_made_for_one_project_is_told_of_no_other(string role)
    {
        TestCaller first = await server.CallerAsync(await server.NewProjectIdAsync(), role);
        string second = await server.NewProjectIdAsync();
        string userId = await UserOfAsync(first);
        await server.Administration.AddRoleAsync(userId, ActionPolicy.FullRole, ScopeKind.Project, second, null, default);
        TestCaller elsewhere = await server.TokenAsync(userId, second);
        RequestSigner narrow = RequestSigner.Of(await server.Administration.CreateCredentialAsync(userId, first.ProjectId, null, "", null, default));
        RequestSigner wide = RequestSigner.Of(await server.Administration.CreateCredentialAsync(userId, null, null, "", null, default));
        string external = $"/v3/{first.ProjectId}/vaults/external?external_project_id={second}&region_id=RegionOne";
        foreach ((string path, int whenNarrow) in (IEnumerable<(string, int)>)
        [
            ("/v3/projects", 200),
            ("/v3/auth/projects", 200),
            ("/v3/region-projects", 200),
            ("/v3/domain/default/projects", 200),
            ("/v3/domain/" + second, 404),
            ("/v3/projects/" + second, 404),
            (external, 400),
        ])
        {
            RawReply all = await wide.Sign(WholeSecond(), "GET", path, projectId: first.ProjectId).SendAsync(server.Address);
            RawReply one = await narrow.Sign(WholeSecond(), "GET", path, projectId: first.ProjectId).SendAsync(server.Address);

            Assert.True(all.Status == 200 && (path == external || all.Body.Contains(second, StringComparison.Ordinal)), $"{path}: {all.Status} {all.Body}");
            Assert.True(one.Status == whenNarrow, $"{path}: {one.Status} {one.Body}");
            if (one.Status == 200)
            {
                Assert.Contains(first.ProjectId, one.Body, StringComparison.Ordinal);
                Assert.DoesNotContain(second, one.Body, StringComparison.Ordinal);
            }
        }

        // Nor of tokens for another, which it could end.
        foreach ((RequestSigner signer, TestCaller subject, int status) in (IEnumerable<(RequestSigner, TestCaller, int)>)
            [(narrow, elsewhere, 404), (narrow, first, 200), (wide, elsewhere, 200)])
        {
            RecordedRequest look = signer.Sign(WholeSecond(), "GET", "/v3/auth/tokens", projectId: first.ProjectId).And("X-Subject-Token", subject.Token);
            Assert.Equal(status, (await look.SendAsync(server.Address)).Status);
        }
    }

    [Fact]
    public async Task A_key_does_what_its_users_roles_allow_and_ends_with_the_key_the_role_or_the_user()
    {
        TestCaller reader = await server.CallerAsync(await server.NewProjectIdAsync(), ActionPolicy.ReaderRole);
        string userId = await UserOfAsync(reader);
        NewCredential made = await server.Administration.CreateCredentialAsync(userId, null, null, "", null, default);
        RequestSigner signer = RequestSigner.Of(made);
        async Task<int> ReadAsync() =>
            (await signer.Sign(WholeSecond(), "GET", $"/v3/{reader.ProjectId}/vaults").SendAsync(server.Address)).Status;

        Assert.Equal(200, await ReadAsync());
        Assert.Equal(403, (await signer.Sign(WholeSecond(), "POST", $"/v3/{reader.ProjectId}/vaults", NewVault).SendAsync(server.Address)).Status);

        await server.Administration.SetUserEnabledAsync(userId, null, enabled: false, default);
        PassRevocationDelay();
        Assert.Equal(401, await ReadAsync());
        await server.Administration.SetUserEnabledAsync(userId, null, enabled: true, default);
        PassRevocationDelay();
        Assert.Equal(200, await ReadAsync());
        await server.Administration.RemoveRoleAsync(userId, ActionPolicy.ReaderRole, ScopeKind.Project, reader.ProjectId, null, default);
        PassRevocationDelay();
        Assert.Equal(403, await ReadAsync());
        await server.Administration.DeleteCredentialAsync(made.Credential.AccessKey, default);
        PassRevocationDelay();
        Assert.Equal(401, await ReadAsync());
    }

    [Fact]
    public async Task A_temporary_key_needs_its_security_token_and_ends_in_time()
    {
        TestCaller caller = await server.NewProjectAsync();
        NewCredential made = await server.Administration.CreateCredentialAsync(
            await UserOfAsync(caller), caller.ProjectId, null, "", TimeSpan.FromMinutes(20), default);
        RequestSigner signer = RequestSigner.Of(made);
        async Task<int> StatusAsync(RequestSigner with) =>
            (await with.Sign(WholeSecond(), "GET", $"/v3/{caller.ProjectId}/vaults").SendAsync(server.Address)).Status;

        Assert.Equal(200, await StatusAsync(signer));
        Assert.Equal(401, await StatusAsync(signer with { SecurityToken = null }));
        Assert.Equal(401, await StatusAsync(signer with { SecurityToken = made.SecurityToken![..^1] + "-" }));
        MoveTo(made.Credential.ExpiresAt!.Value - TimeSpan.FromSeconds(1));
        Assert.Equal(200, await StatusAsync(signer));
        MoveTo(made.Credential.ExpiresAt!.Value);
        Assert.Equal(401, await StatusAsync(signer));
    }

    [Theory]
    [InlineData("SDK-HMAC-SHA256")]
    [InlineData("SDK-HMAC-SHA256 ")]
    [InlineData("SDK-HMAC-SHA256 Access=A")]
    [InlineData("SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=zz")]
    [InlineData("SDK-HMAC-SHA256 Access=A, SignedHeaders=, Signature=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("SDK-HMAC-SHA256 Access=A, Access=B, SignedHeaders=x-sdk-date, Signature=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("SDK-HMAC-SHA256 Credential=A/20260102/sdk_request, SignedHeaders=x-sdk-date, Signature=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("V11-HMAC-SHA256 Credential=//, SignedHeaders=x-sdk-date, Signature=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("SDK-HMAC-SM3 Access=A, SignedHeaders=x-sdk-date, Signature=0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task Half_a_signature_is_401(string authorization)
    {
        RecordedRequest request = new RequestSigner("A", "B").Sign(WholeSecond(), "GET", "/v3/auth/catalog").With("Authorization", authorization);

        Assert.Equal(401, (await request.SendAsync(server.Address)).Status);
        Assert.Equal(401, (await request.Without("X-Sdk-Date").SendAsync(server.Address)).Status);
        Assert.Equal(401, (await request.With("X-Sdk-Date", "yesterday").SendAsync(server.Address)).Status);
    }

    [Fact]
    public async Task Neither_secrets_nor_security_tokens_are_in_the_database()
    {
        TestCaller caller = await server.NewProjectAsync();
        string userId = await UserOfAsync(caller);
        NewCredential lasting = await server.Administration.CreateCredentialAsync(userId, null, null, "for the database", null, default);
        NewCredential temporary = await server.Administration.CreateCredentialAsync(userId, null, null, "", TimeSpan.FromHours(1), default);

        string dump = await DatabaseDump.OfAsync(server.Database);

        Assert.Contains("for the database", dump, StringComparison.Ordinal);
        Assert.Contains(temporary.Credential.AccessKey, dump, StringComparison.Ordinal);
        foreach (string secret in (string[])[lasting.Secret, temporary.Secret, temporary.SecurityToken!])
            Assert.DoesNotContain(secret, dump, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sealed_secret_is_good_for_its_own_access_key_only()
    {
        TestCaller caller = await server.NewProjectAsync();
        string userId = await UserOfAsync(caller);
        NewCredential first = await server.Administration.CreateCredentialAsync(userId, null, null, "", null, default);
        NewCredential second = await server.Administration.CreateCredentialAsync(userId, null, null, "", null, default);
        await server.Database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync(
                    $"""
                    update credentials set sealed_secret = (select sealed_secret from credentials where access_key = {first.Credential.AccessKey})
                    where access_key = {second.Credential.AccessKey}
                    """,
                    default);
            },
            default);

        RecordedRequest request = new RequestSigner(second.Credential.AccessKey, first.Secret).Sign(WholeSecond(), "GET", $"/v3/{caller.ProjectId}/vaults");

        Assert.Equal(500, (await request.SendAsync(server.Address)).Status);
    }

    private DateTimeOffset WholeSecond()
    {
        DateTimeOffset now = server.Time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond));
    }

    private void MoveTo(DateTimeOffset instant)
    {
        if (instant > server.Time.GetUtcNow())
            server.Time.Sleep(instant - server.Time.GetUtcNow());
    }

    private void PassRevocationDelay() => MoveTo(WholeSecond() + TimeSpan.FromSeconds(3));

    private async Task<(RequestSigner Signer, string ProjectId)> SignerAsync()
    {
        TestCaller caller = await server.NewProjectAsync();
        NewCredential made = await server.Administration.CreateCredentialAsync(await UserOfAsync(caller), null, null, "", null, default);
        return (RequestSigner.Of(made), caller.ProjectId);
    }

    private async Task<string> UserOfAsync(TestCaller caller) =>
        (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync(caller.Token, default))!.UserId;

    private async Task<WebApplication> StartOtherAsync()
    {
        var options = new ServerOptions { DataDirectory = server.TestDatabase.DataDirectory, Url = "http://127.0.0.1:0", Roles = ServerRoles.Api };
        options.Database.ConnectionString = server.TestDatabase.ConnectionString;
        WebApplication other = StrongroomHost.Build(options, server.Time);
        await other.StartAsync();
        return other;
    }

    private static Uri AddressOf(WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
}

public sealed class SqliteSignatureTests(SqliteServer server) : SignatureContract(server), IClassFixture<SqliteServer>;

public sealed class PostgresSignatureTests : SignatureContract, IClassFixture<PostgresServer>
{
    public PostgresSignatureTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
