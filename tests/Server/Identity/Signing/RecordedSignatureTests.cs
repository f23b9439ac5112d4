using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Tests.Http;

namespace Strongroom.Server.Tests.Identity;

/// <summary>What six public clients signed is accepted as they sent it, and in no other way.</summary>
public sealed class RecordedSignatureTests(RecordedSignatureServer server) : IClassFixture<RecordedSignatureServer>
{
    /// <summary>A key that exists beside the recorded one.</summary>
    public const string OtherAccessKey = "AKEXAMPLE0000000003";

    private const string RecordedProjectId = "0605767b5780d5762fc5c0118072a564";

    // One test, because the clock passes the dates of the recording once.
    [Fact]
    public async Task Every_recorded_request_is_refused_after_any_single_change_and_accepted_as_it_stands()
    {
        await RecordedKeysAsync();
        Assert.Equal(52, RecordedRequest.All.Count);
        foreach (RecordedRequest request in RecordedRequest.All)
        {
            if (request.Date > server.Time.GetUtcNow())
                server.Time.Advance(request.Date - server.Time.GetUtcNow());
            foreach ((string what, RecordedRequest changed) in request.Changed())
            {
                RawReply refusal = await changed.SendAsync(server.Address);

                Assert.True(refusal.Status == 401, $"{request} with {what}: {refusal.Status} {refusal.Body}");
                Assert.Contains("APIG.0301", refusal.Body, StringComparison.Ordinal);
            }

            RawReply reply = await request.And("X-Unsigned", "1").SendAsync(server.Address);

            Assert.True(reply.Status is not 401 and not 403, $"{request}: {reply.Status} {reply.Body}");
        }

        // The first of them is too old by now.
        RawReply stale = await RecordedRequest.All[0].SendAsync(server.Address);
        Assert.Equal(401, stale.Status);
        Assert.Contains("minutes from this server's clock", stale.Body, StringComparison.Ordinal);
    }

    /// <summary>The recorded access key, and another, for a user of the recorded project.</summary>
    private async Task RecordedKeysAsync()
    {
        var seal = server.Services.GetRequiredService<CredentialSeal>();
        await server.Database.WriteAsync(
            async session => { await ProjectTable.InsertAsync(session, new Project(RecordedProjectId, "default", "eu-de", "", Enabled: true), server.Time.GetUtcNow(), default); },
            default);
        string userId = (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync((await server.CallerAsync(RecordedProjectId, ActionPolicy.FullRole)).Token, default))!.UserId;
        foreach ((string accessKey, string secret) in new[] { (RecordedRequest.AccessKey, RecordedRequest.Secret), (OtherAccessKey, "another secret") })
        {
            var credential = new Credential(accessKey, userId, null, "", server.Time.GetUtcNow(), null, IsTemporary: false);
            await server.Database.WriteAsync(
                async session =>
                {
                    SealedSecret sealedSecret = await seal.SealAsync(session, accessKey, secret, default);
                    await CredentialTable.InsertAsync(session, new StoredCredential(credential, sealedSecret, null), default);
                },
                default);
        }
    }
}

/// <summary>Begins a little before the first recorded request; runs no tasks, whose loops would follow every step of the clock.</summary>
public sealed class RecordedSignatureServer : SqliteServer
{
    protected override DateTimeOffset Start => RecordedRequest.All[0].Date - TimeSpan.FromMinutes(1);

    protected override void Configure(ServerOptions options) => options.Roles = ServerRoles.Api;
}
