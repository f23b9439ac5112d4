using System.Net.Security;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using Strongroom.Contract.Notifications;

namespace Strongroom.Server.Notifications;

/// <summary>Sends notifications as plain mail through the installation's mail server, one connection each.</summary>
/// <param name="options">Where the mail server is.</param>
/// <param name="trust">Which certificates to trust, for tests; null: those the system trusts.</param>
internal sealed class MailChannel(NotificationOptions options, RemoteCertificateValidationCallback? trust = null) : INotificationChannel
{
    private const int SubjectCharsMax = 150;

    public TargetKind Kind => TargetKind.Mail;

    public async Task SendAsync(NotificationTarget target, Notification notification, CancellationToken cancellationToken)
    {
        SmtpOptions smtp = options.Smtp;
        if (smtp.Host.Length == 0)
            throw new DeliveryException("This installation sends no mail (Notifications:Smtp:Host).");
        using MimeMessage message = Compose(target, notification);
        using var client = new SmtpClient();
        // Asking the issuer whether a certificate was withdrawn fails wherever this server cannot reach it.
        client.CheckCertificateRevocation = false;
        if (trust is not null)
            client.ServerCertificateValidationCallback = trust;
        try
        {
            await client.ConnectAsync(smtp.Host, smtp.Port, Security(smtp.Security), cancellationToken);
            if (smtp.User.Length > 0)
                await client.AuthenticateAsync(smtp.User, smtp.Password, cancellationToken);
            await client.SendAsync(message, cancellationToken);
        }
        catch (Exception error) when (error is CommandException or ProtocolException or AuthenticationException or SslHandshakeException
            or SocketException or IOException or NotSupportedException or ServiceNotConnectedException or ServiceNotAuthenticatedException)
        {
            throw new DeliveryException(Describe(error), error);
        }

        await QuitAsync(client, cancellationToken);
    }

    /// <summary>The server has the message: whether it says good-bye changes nothing.</summary>
    private static async Task QuitAsync(SmtpClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.DisconnectAsync(quit: true, cancellationToken);
        }
        catch (Exception error) when (error is IOException or SocketException or ProtocolException or CommandException or OperationCanceledException)
        {
        }
    }

    private MimeMessage Compose(NotificationTarget target, Notification notification)
    {
        NotificationShape shape = notification.Shape();
        string subject = shape.Text.Split('\n', 2)[0];
        var message = new MimeMessage
        {
            Subject = "[Strongroom] " + Shortened(subject),
            Date = notification.CreatedAt,
            MessageId = $"{notification.Id}@strongroom",
            Body = new TextPart("plain") { Text = NotificationText.Of(shape) },
        };
        message.From.Add(MailboxAddress.Parse(options.Smtp.From));
        foreach (string recipient in target.Recipients)
            message.To.Add(MailboxAddress.Parse(recipient));
        // Nobody's out-of-office reply.
        message.Headers.Add("Auto-Submitted", "auto-generated");
        return message;
    }

    // Whole words, and dots that need no encoding: one character beyond ASCII makes the rest of a subject unreadable in a log.
    private static string Shortened(string subject)
    {
        if (subject.Length <= SubjectCharsMax)
            return subject;
        int end = subject.LastIndexOf(' ', SubjectCharsMax);
        return subject[..(end > SubjectCharsMax / 2 ? end : SubjectCharsMax)] + " ...";
    }

    private static string Describe(Exception error) => error switch
    {
        SmtpCommandException command => $"The mail server refused: {(int)command.StatusCode}.",
        AuthenticationException => "The mail server refused the login.",
        SslHandshakeException => "No secure connection to the mail server: its certificate is not trusted, or it speaks no TLS.",
        NotSupportedException => "The mail server does not offer STARTTLS.",
        SocketException => "The mail server cannot be reached.",
        _ => "The connection to the mail server broke.",
    };

    private static SecureSocketOptions Security(SmtpSecurity security) => security switch
    {
        SmtpSecurity.StartTls => SecureSocketOptions.StartTls,
        SmtpSecurity.Tls => SecureSocketOptions.SslOnConnect,
        SmtpSecurity.None => SecureSocketOptions.None,
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
