using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Strongroom.Server.Notifications;

namespace Strongroom.Server.Tests.Notifications;

/// <summary>A mail as it came in.</summary>
/// <param name="User">Who had logged in; null: nobody.</param>
/// <param name="WasEncrypted">The connection was, when the mail was sent.</param>
internal sealed record ReceivedMail(string From, IReadOnlyList<string> To, string Text, string? User, bool WasEncrypted);

/// <summary>A mail server on this machine: as much of SMTP as sending takes, with the faults a test wants.</summary>
internal sealed class SmtpReceiver : IAsyncDisposable
{
    private const string User = "backup";
    private const string Password = "s3cret";

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly SmtpSecurity security;
    private readonly X509Certificate2 certificate = NewCertificate();
    private readonly Task accepting;

    public SmtpReceiver(SmtpSecurity security = SmtpSecurity.None)
    {
        this.security = security;
        listener.Start();
        accepting = AcceptAsync();
    }

    public ConcurrentQueue<ReceivedMail> Received { get; } = new();

    /// <summary>Answers to the next ends of a mail in place of taking it; empty text: the connection breaks.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    public string Thumbprint => certificate.Thumbprint;

    public SmtpOptions Options(string? password = Password) => new()
    {
        Host = "127.0.0.1",
        Port = ((IPEndPoint)listener.LocalEndpoint).Port,
        Security = security,
        From = "strongroom@example.org",
        User = password is null ? "" : User,
        Password = password ?? "",
    };

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Stop();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        listener.Dispose();
        certificate.Dispose();
        ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket = await listener.AcceptSocketAsync(ending.Token);
            _ = ServeAsync(socket);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            bool isEncrypted = security == SmtpSecurity.Tls;
            if (isEncrypted)
                stream = await EncryptAsync(stream);
            var lines = new Lines(stream);
            await lines.WriteAsync("220 mail.example.org ESMTP");
            await TalkAsync(stream, lines, isEncrypted);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or AuthenticationException or ObjectDisposedException)
        {
            // The client left.
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }

    private async Task TalkAsync(Stream stream, Lines lines, bool isEncrypted)
    {
        string from = "";
        string? user = null;
        var to = new List<string>();
        while (await lines.ReadAsync(ending.Token) is { } line)
        {
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    await lines.WriteAsync(security == SmtpSecurity.StartTls && !isEncrypted ? "250-mail\r\n250 STARTTLS" : "250-mail\r\n250 AUTH PLAIN");
                    break;
                case "STARTTLS":
                    await lines.WriteAsync("220 go ahead");
                    stream = await EncryptAsync(stream);
                    lines = new Lines(stream);
                    isEncrypted = true;
                    break;
                case "AUTH":
                    string[] parts = Encoding.UTF8.GetString(Convert.FromBase64String(line.Split(' ')[2])).Split('\0');
                    user = parts[^1] == Password ? parts[^2] : null;
                    await lines.WriteAsync(user is null ? "535 wrong" : "235 welcome");
                    break;
                case "MAIL":
                    from = line;
                    to.Clear();
                    await lines.WriteAsync("250 ok");
                    break;
                case "RCPT":
                    to.Add(line);
                    await lines.WriteAsync("250 ok");
                    break;
                case "DATA":
                    await lines.WriteAsync("354 go on");
                    var text = new StringBuilder();
                    while (await lines.ReadAsync(ending.Token) is { } row && row != ".")
                        text.Append(row).Append('\n');
                    if (Faults.TryDequeue(out string? fault))
                    {
                        if (fault.Length == 0)
                            return;
                        await lines.WriteAsync(fault);
                        break;
                    }

                    Received.Enqueue(new ReceivedMail(from, [.. to], text.ToString(), user, isEncrypted));
                    await lines.WriteAsync("250 taken");
                    break;
                case "QUIT":
                    await lines.WriteAsync("221 bye");
                    return;
                default:
                    await lines.WriteAsync("502 unknown");
                    break;
            }
        }
    }

    private async Task<Stream> EncryptAsync(Stream stream)
    {
        var encrypted = new SslStream(stream);
        await encrypted.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, ending.Token);
        return encrypted;
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=mail.example.org", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return request.CreateSelfSigned(FakeTimeProvider.Start.AddYears(-10), FakeTimeProvider.Start.AddYears(20));
    }

    /// <summary>Lines of ASCII, read byte by byte, so that nothing of what follows STARTTLS is read too early.</summary>
    private sealed class Lines(Stream stream)
    {
        public async Task<string?> ReadAsync(CancellationToken cancellationToken)
        {
            var line = new StringBuilder();
            byte[] one = new byte[1];
            while (await stream.ReadAsync(one, cancellationToken) == 1)
            {
                if (one[0] == '\n')
                    return line.ToString().TrimEnd('\r');
                line.Append((char)one[0]);
            }

            return null;
        }

        public async Task WriteAsync(string line)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
            await stream.FlushAsync();
        }
    }
}
