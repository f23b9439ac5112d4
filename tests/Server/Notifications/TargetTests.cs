using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Identity;
using Strongroom.Server.Notifications;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Notifications;

/// <summary>On a server as it comes: no mail server, no private addresses.</summary>
public sealed class TargetTests(SqliteTaskServer server) : IClassFixture<SqliteTaskServer>
{
    private const string Public = "https://hooks.example.org/x";

    [Fact]
    public async Task A_target_is_made_shown_changed_and_deleted_and_its_secret_is_told_once()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);

        JsonNode made = await world.TargetAsync(new { name = "ops", kind = "webhook", url = Public, events = new[] { "vault_full" } });
        string id = (string)made["id"]!;
        string text = (await world.GetAsync("/targets/" + id)).Text + (await world.GetAsync("/targets")).Text;
        JsonNode changed = (await world.PutAsync("/targets/" + id, new { target = new { name = "night shift", enabled = false, events = Array.Empty<string>() } })).Json["target"]!;
        string own = WebhookSignature.NewSecret();
        JsonNode turned = (await world.PutAsync("/targets/" + id, new { target = new { secret = own } })).Json["target"]!;

        Assert.StartsWith("whsec_", (string)made["secret"]!, StringComparison.Ordinal);
        Assert.DoesNotContain("whsec_", text, StringComparison.Ordinal);
        Assert.Equal(("night shift", false, 0, Public), ((string)changed["name"]!, (bool)changed["enabled"]!, changed["events"]!.AsArray().Count, (string)changed["url"]!));
        Assert.Null(changed["secret"]);
        Assert.Equal(own, (string)turned["secret"]!);
        NotificationTarget stored = (await server.Database.ReadAsync(session => NotificationTargetTable.FindAsync(session, id, default), default))!;
        CredentialSeal seal = server.Services.GetRequiredService<CredentialSeal>();
        Assert.Equal(own, await seal.OpenAsync(stored.Secret!, stored.SecretOwner, "x", default));
        await Assert.ThrowsAnyAsync<Exception>(async () => await seal.OpenAsync(stored.Secret!, "notification-target/other", "x", default));
        Assert.Equal(204, (await world.DeleteAsync("/targets/" + id)).Status);
        VaultWorld.AssertRefused(await world.GetAsync("/targets/" + id), 404, "6302", id);
    }

    [Theory]
    [InlineData("""{"target":{"name":"n","kind":"webhook"}}""", "target.url is missing")]
    [InlineData("""{"target":{"name":"n","kind":"pigeon"}}""", "webhook, mail")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"http://hooks.example.org"}}""", "https")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"file:///etc/passwd"}}""", "https")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://user:pass@example.org/"}}""", "password")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://127.0.0.1/"}}""", "public")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://localhost/"}}""", "public")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://2130706433/"}}""", "public")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://[::ffff:169.254.169.254]/"}}""", "public")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://example.org/","secret":"short"}}""", "target.secret must be whsec_")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://example.org/","events":["test"]}}""", "task_failed")]
    [InlineData("""{"target":{"name":"n","kind":"webhook","url":"https://example.org/","recipients":["a@b.c"]}}""", "belong to mail")]
    [InlineData("""{"target":{"name":"n","kind":"mail","recipients":["ops@example.org"]}}""", "no mail server")]
    [InlineData("""{"target":{"name":"","kind":"webhook","url":"https://example.org/"}}""", "target.name")]
    public async Task What_cannot_be_told_is_refused_by_name(string body, string message)
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);

        TestReply reply = await world.PostAsync("/targets", body);

        VaultWorld.AssertRefused(reply, 400, "9900", message);
    }

    [Fact]
    public async Task A_project_has_so_many_targets_and_no_more()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        for (int i = 0; i < 20; i++)
            await world.TargetAsync(new { name = "t", kind = "webhook", url = Public });

        TestReply reply = await world.PostAsync("/targets", new { target = new { name = "t", kind = "webhook", url = Public } });

        VaultWorld.AssertRefused(reply, 400, "9900", "20");
    }

    [Fact]
    public async Task Who_may_not_change_policies_may_not_say_who_is_told_either()
    {
        TestCaller operating = await server.CallerAsync(await server.NewProjectIdAsync(), "cbr_operator");

        TestReply reply = await server.PostAsync(operating, "/strongroom/v1/{project_id}/notifications/targets", new { target = new { name = "t", kind = "webhook", url = Public } });

        Assert.Equal(403, reply.Status);
        Assert.Equal(200, (await server.GetAsync(operating, "/strongroom/v1/{project_id}/notifications/targets")).Status);
    }

    [Fact]
    public async Task A_name_that_leads_to_this_machine_is_not_connected_to()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        CredentialSeal seal = server.Services.GetRequiredService<CredentialSeal>();
        var target = new NotificationTarget { Id = Guid.NewGuid().ToString(), ProjectId = "p", Name = "n", Kind = TargetKind.Webhook, CreatedAt = FakeTimeProvider.Start };
        target = target with
        {
            Url = receiver.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal),
            Secret = await server.Database.WriteAsync(session => seal.SealAsync(session, target.SecretOwner, WebhookSignature.NewSecret(), default), default),
        };
        Notification notification = Notification.Of(Notification.Shape(NotificationKind.Test, "p", "x", FakeTimeProvider.Start), FakeTimeProvider.Start);
        using var guarded = new WebhookChannel(new NotificationOptions(), seal, server.Time);
        using var open = new WebhookChannel(new NotificationOptions { AllowPrivateTargets = true }, seal, server.Time);

        DeliveryException refused = await Assert.ThrowsAsync<DeliveryException>(() => guarded.SendAsync(target, notification, default));
        Assert.Contains("not public", refused.Message, StringComparison.Ordinal);
        Assert.Empty(receiver.Received);
        await open.SendAsync(target, notification, default);
        Assert.Single(receiver.Received);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("10.1.2.3", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("127.8.8.8", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("2002:a00:1::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("2001:db8::1", false)]
    public void Public_is_what_anybody_could_reach(string address, bool isPublic) =>
        Assert.Equal(isPublic, PublicAddress.Is(IPAddress.Parse(address)));

    /// <summary>The example of the specification, so that its libraries verify what is sent here.</summary>
    [Fact]
    public void The_signature_is_that_of_the_standards_own_example()
    {
        string signature = WebhookSignature.Of(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""u8);

        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature);
    }

    [Theory]
    [InlineData("whsec_", false)]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true)]
    [InlineData("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false)]
    [InlineData("whsec_not base64!", false)]
    public void Secrets_are_of_one_form(string secret, bool isOne) => Assert.Equal(isOne, WebhookSignature.IsSecret(secret));
}
