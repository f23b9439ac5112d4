using Strongroom.Contract.Notifications;
using Strongroom.Server.Notifications;

namespace Strongroom.Server.Tests.Notifications;

public sealed class MailTests
{
    private static readonly NotificationTarget Target = new()
    {
        Id = "t", ProjectId = "p", Name = "ops", Kind = TargetKind.Mail, Recipients = ["ops@example.org", "boss@example.org"], CreatedAt = FakeTimeProvider.Start,
    };

    [Theory]
    [InlineData(SmtpSecurity.None)]
    [InlineData(SmtpSecurity.StartTls)]
    [InlineData(SmtpSecurity.Tls)]
    public async Task A_mail_arrives_whole_over_any_kind_of_connection_after_a_login(SmtpSecurity security)
    {
        await using var receiver = new SmtpReceiver(security);
        MailChannel channel = Channel(receiver, receiver.Options());
        Notification notification = Told("The backup of “web-1” failed: disk\nfull");

        await channel.SendAsync(Target, notification, default);

        ReceivedMail mail = Assert.Single(receiver.Received);
        Assert.Equal(("backup", security != SmtpSecurity.None), (mail.User, mail.WasEncrypted));
        Assert.Contains("strongroom@example.org", mail.From, StringComparison.Ordinal);
        Assert.Equal(2, mail.To.Count);
        Assert.Contains($"Message-Id: <{notification.Id}@strongroom>", mail.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\nSubject: ", mail.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("\nfull", mail.Text[..mail.Text.IndexOf("\n\n", StringComparison.Ordinal)], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("451 later", "refused: 451")]
    [InlineData("554 never", "refused: 554")]
    [InlineData("", "broke")]
    public async Task A_mail_that_was_not_taken_is_a_failed_attempt_and_the_next_one_is_the_same_mail(string fault, string error)
    {
        await using var receiver = new SmtpReceiver();
        receiver.Faults.Enqueue(fault);
        MailChannel channel = Channel(receiver, receiver.Options());
        Notification notification = Told("x");

        DeliveryException failed = await Assert.ThrowsAsync<DeliveryException>(() => channel.SendAsync(Target, notification, default));
        await channel.SendAsync(Target, notification, default);

        Assert.Contains(error, failed.Message, StringComparison.Ordinal);
        Assert.Contains(notification.Id, Assert.Single(receiver.Received).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_a_certificate_nobody_trusts_and_a_server_without_tls_get_no_mail()
    {
        await using var plain = new SmtpReceiver();
        await using var secure = new SmtpReceiver(SmtpSecurity.Tls);
        SmtpOptions wantsTls = plain.Options();
        wantsTls.Security = SmtpSecurity.StartTls;
        MailChannel[] channels =
        [
            Channel(plain, plain.Options("wrong")),
            new(new NotificationOptions { Smtp = secure.Options() }),
            Channel(plain, wantsTls),
            new(new NotificationOptions()),
        ];

        foreach (MailChannel channel in channels)
            await Assert.ThrowsAsync<DeliveryException>(() => channel.SendAsync(Target, Told("x"), default));

        Assert.Empty(plain.Received);
        Assert.Empty(secure.Received);
    }

    private static MailChannel Channel(SmtpReceiver receiver, SmtpOptions smtp) => new(
        new NotificationOptions { Smtp = smtp }, (_, certificate, _, _) => certificate?.GetCertHashString() == receiver.Thumbprint);

    private static Notification Told(string text)
    {
        NotificationShape shape = Notification.Shape(NotificationKind.TaskFailed, "p", text, FakeTimeProvider.Start);
        return Notification.Of(shape, FakeTimeProvider.Start);
    }
}
