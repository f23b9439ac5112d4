using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Strongroom.Contract;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Notifications;

/// <summary>
/// Posts notifications to https addresses, signed. The addresses of projects are looked up here and checked as they are
/// connected to, so that no name that changes its mind in between, and no redirect, leads to what only this server can reach.
/// </summary>
internal sealed class WebhookChannel : INotificationChannel, IDisposable
{
    private const string MediaType = "application/json";

    private readonly NotificationOptions options;
    private readonly CredentialSeal seal;
    private readonly TimeProvider time;
    private readonly HttpClient open;
    private readonly HttpClient guarded;

    /// <param name="trust">Which certificates to trust, for tests; null: those the system trusts.</param>
    public WebhookChannel(NotificationOptions options, CredentialSeal seal, TimeProvider time, RemoteCertificateValidationCallback? trust = null)
    {
        this.options = options;
        this.seal = seal;
        this.time = time;
        open = NewClient(isGuarded: false, trust);
        guarded = NewClient(isGuarded: true, trust);
    }

    public TargetKind Kind => TargetKind.Webhook;

    public async Task SendAsync(NotificationTarget target, Notification notification, CancellationToken cancellationToken)
    {
        string secret = target.IsInstallations ? options.WebhookSecret : await OpenSecretAsync(target, cancellationToken);
        byte[] body = Encoding.UTF8.GetBytes(notification.Body);
        long at = time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, target.Url);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new(MediaType);
        request.Headers.UserAgent.ParseAdd("Strongroom");
        request.Headers.Add(WebhookSignature.IdHeader, notification.Id);
        request.Headers.Add(WebhookSignature.TimestampHeader, at.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(WebhookSignature.SignatureHeader, WebhookSignature.Of(secret, notification.Id, at, body));
        try
        {
            HttpClient client = target.IsInstallations || options.AllowPrivateTargets ? open : guarded;
            using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            int status = (int)answer.StatusCode;
            if (status is >= 300 and < 400)
                throw new DeliveryException($"It answered {status}: redirects are not followed.");
            if (!answer.IsSuccessStatusCode)
                throw new DeliveryException($"It answered {status}.");
        }
        catch (HttpRequestException error)
        {
            throw new DeliveryException(Describe(error), error);
        }
    }

    /// <summary>Why a project may not have this address; null when it may. What a name leads to is looked at when it is used.</summary>
    public static string? Objection(Uri url, bool allowPrivate)
    {
        if (url.Scheme != Uri.UriSchemeHttps && !(allowPrivate && url.Scheme == Uri.UriSchemeHttp))
            return allowPrivate ? "must be an http or https address" : "must be an https address";
        if (url.UserInfo.Length > 0)
            return "must hold no user name or password";
        if (allowPrivate)
            return null;
        bool isPrivate = IPAddress.TryParse(url.IdnHost.Trim('[', ']'), out IPAddress? address) ? !PublicAddress.Is(address) : url.IsLoopback;
        return isPrivate ? "must be a public address; the administrator can allow private ones (Notifications:AllowPrivateTargets)" : null;
    }

    public void Dispose()
    {
        open.Dispose();
        guarded.Dispose();
    }

    private async ValueTask<string> OpenSecretAsync(NotificationTarget target, CancellationToken cancellationToken)
    {
        try
        {
            return await seal.OpenAsync(target.Secret!, target.SecretOwner, $"notification target {target.Id}", cancellationToken);
        }
        catch (RefusedException error)
        {
            throw new DeliveryException("Its secret cannot be opened on this server; the log says more.", error);
        }
    }

    // What a project is told of a failed attempt must not tell it what listens where behind this server.
    private static string Describe(HttpRequestException error) => error.InnerException is DeliveryException refused
        ? refused.Message
        : error.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => "Its name cannot be looked up.",
            HttpRequestError.SecureConnectionError => "No secure connection: its certificate is not trusted, or it speaks no TLS.",
            HttpRequestError.ConnectionError => "It cannot be reached.",
            _ => "The connection broke.",
        };

    private HttpClient NewClient(bool isGuarded, RemoteCertificateValidationCallback? trust)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            // A name that moves is followed within minutes.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxConnectionsPerServer = options.ParallelSendsMax,
            MaxResponseHeadersLength = 64,
            MaxResponseDrainSize = 0,
            SslOptions = { RemoteCertificateValidationCallback = trust },
        };
        if (isGuarded)
            handler.ConnectCallback = ConnectAsync;
        // Attempts have a time limit of their own.
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        DnsEndPoint to = context.DnsEndPoint;
        IPAddress[] found = IPAddress.TryParse(to.Host, out IPAddress? literal) ? [literal] : await Dns.GetHostAddressesAsync(to.Host, cancellationToken);
        // One private address among public ones is as bad: which one is taken is chance.
        if (found.Length == 0 || !found.All(PublicAddress.Is))
            throw new DeliveryException("Its name leads to an address that is not public; the administrator can allow those (Notifications:AllowPrivateTargets).");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(found, to.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
