using Strongroom.Contract;

namespace Strongroom.Cli.Client;

/// <summary>One command's connection to the service, by the OpenStack variables.</summary>
internal sealed class Session : IDisposable
{
    // Long enough for a large list on a busy service; nothing the API does on its own thread takes longer.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(100);

    private readonly HttpClient http;

    private Session(HttpClient http, CbrClient cbr)
    {
        this.http = http;
        Cbr = cbr;
    }

    public CbrClient Cbr { get; }

    public static async Task<Session> LogInAsync(Shell shell, CancellationToken cancellationToken)
    {
        Uri authUrl = AuthUrl(shell);
        IdentityCredentials credentials = Credentials(shell);
        HttpClient connection = CreateHttp(shell);
        try
        {
            return new Session(connection, await CbrClient.LogInAsync(connection, authUrl, credentials, cancellationToken));
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Dispose() => http.Dispose();

    internal static HttpClient CreateHttp(Shell shell) =>
        shell.Transport is { } transport
            ? new HttpClient(transport, disposeHandler: false) { Timeout = RequestTimeout }
            : new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(10) }) { Timeout = RequestTimeout };

    private static Uri AuthUrl(Shell shell)
    {
        string? url = Value(shell, "OS_AUTH_URL")
            ?? throw CommandException.Usage("OS_AUTH_URL is not set; set the variables with: eval \"$(strongroom openrc)\"");
        return Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "http" or "https"
            ? parsed
            : throw CommandException.Usage($"OS_AUTH_URL is '{url}', which is no http or https address.");
    }

    private static IdentityCredentials Credentials(Shell shell)
    {
        var credentials = new IdentityCredentials
        {
            Token = Value(shell, "OS_TOKEN"),
            UserName = Value(shell, "OS_USERNAME"),
            Password = Value(shell, "OS_PASSWORD"),
            UserDomainName = Value(shell, "OS_USER_DOMAIN_NAME") ?? "default",
            UserDomainId = Value(shell, "OS_USER_DOMAIN_ID"),
            ProjectName = Value(shell, "OS_PROJECT_NAME"),
            ProjectId = Value(shell, "OS_PROJECT_ID"),
            ProjectDomainName = Value(shell, "OS_PROJECT_DOMAIN_NAME") ?? "default",
            ProjectDomainId = Value(shell, "OS_PROJECT_DOMAIN_ID"),
        };
        if (credentials.Token is not null)
            return credentials;
        string[] missing =
        [
            .. new[]
            {
                (Name: "OS_USERNAME", credentials.UserName),
                (Name: "OS_PASSWORD", credentials.Password),
                (Name: "OS_PROJECT_NAME", credentials.ProjectName ?? credentials.ProjectId),
            }.Where(needed => needed.Item2 is null).Select(needed => needed.Name),
        ];
        return missing.Length == 0
            ? credentials
            : throw CommandException.Usage($"{string.Join(" and ", missing)} not set; set the variables with: eval \"$(strongroom openrc)\"");
    }

    private static string? Value(Shell shell, string name) => shell.Variable(name) is { Length: > 0 } value ? value : null;
}
