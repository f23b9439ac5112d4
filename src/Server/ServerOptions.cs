using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Configuration;
using Strongroom.ObjectStores;
using Strongroom.Protection;
using Strongroom.Repository;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Identity;
using Strongroom.Server.Metrics;
using Strongroom.Server.Notifications;
using Strongroom.Server.Policies;
using Strongroom.Server.Retention;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server;

/// <summary>What one process does. Several processes may share one database and object store.</summary>
[Flags]
public enum ServerRoles
{
    None = 0,
    Api = 1,
    Worker = 2,
    Console = 4,
    All = Api | Worker | Console,
}

/// <summary>
/// The settings of one process. Later wins: defaults, the JSON file, the environment (<c>STRONGROOM__Section__Key</c>), the
/// command line.
/// </summary>
public sealed class ServerOptions
{
    public const string EnvironmentPrefix = "STRONGROOM__";

    /// <summary>Where everything lives that has no other place: database, object store, keys. Made when missing.</summary>
    [Required]
    public string DataDirectory { get; set; } = "./data";

    /// <summary>Where to listen: http, an IP address, localhost or *, a port. Port 0 takes a free one.</summary>
    [Required]
    public string Url { get; set; } = "http://127.0.0.1:8799";

    /// <summary>
    /// How clients reach the service, when that is not how the request came in (behind a proxy that ends TLS). Empty: scheme
    /// and host of the request.
    /// </summary>
    public string PublicUrl { get; set; } = "";

    /// <summary>The JSON file these settings were read from; null when there is none.</summary>
    public string? ConfigFile { get; set; }

    public ServerRoles Roles { get; set; } = ServerRoles.All;

    public DatabaseOptions Database { get; set; } = new();

    /// <summary>Where the repository is; without a URL in <c>repository</c> under the data directory.</summary>
    public ObjectStoreOptions ObjectStore { get; set; } = new();

    public IdentityOptions Identity { get; set; } = new();

    public TaskOptions Tasks { get; set; } = new();

    /// <summary>How much of the machine one run may use.</summary>
    public ProtectionOptions Protection { get; set; } = new();

    /// <summary>How the repository is written, and how much memory that may take.</summary>
    public RepositoryOptions Repository { get; set; } = new();

    public VaultOptions Vaults { get; set; } = new();

    public AuditOptions Audit { get; set; } = new();

    public PolicyOptions Policies { get; set; } = new();

    public MetricsOptions Metrics { get; set; } = new();

    public RetentionOptions Retention { get; set; } = new();

    public NotificationOptions Notifications { get; set; } = new();

    /// <summary>
    /// Reads the JSON file and the environment. What the command line gave is set on the result by the caller, who then
    /// calls <see cref="Validate"/> (as <see cref="StrongroomHost.Build"/> does again).
    /// </summary>
    /// <exception cref="StartRefusedException">The file is missing or not readable as settings.</exception>
    public static ServerOptions Load(string? configFile)
    {
        var builder = new ConfigurationBuilder();
        if (configFile is not null)
        {
            if (!File.Exists(configFile))
                throw new StartRefusedException($"The configuration file {configFile} does not exist.");
            builder.AddJsonFile(Path.GetFullPath(configFile), optional: false, reloadOnChange: false);
        }

        builder.AddEnvironmentVariables(EnvironmentPrefix);
        var options = new ServerOptions();
        try
        {
            builder.Build().Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (Exception error) when (error is InvalidOperationException or InvalidDataException or FormatException)
        {
            // A file that is no JSON says where only inside; a value that does not fit says which only outside.
            string reason = error is InvalidDataException ? error.GetBaseException().Message : error.Message;
            throw new StartRefusedException($"The settings ({configFile ?? "environment"}) cannot be used: {reason}", error);
        }

        options.ConfigFile = configFile;
        options.Identity.AdminPassword ??= Environment.GetEnvironmentVariable("STRONGROOM_ADMIN_PASSWORD");
        return options;
    }

    /// <summary>Reads <c>api,worker,console</c>.</summary>
    /// <exception cref="StartRefusedException">A word in it is none of these.</exception>
    public static ServerRoles ParseRoles(string text)
    {
        var roles = ServerRoles.None;
        foreach (string word in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            roles |= word.ToLowerInvariant() switch
            {
                "api" => ServerRoles.Api,
                "worker" => ServerRoles.Worker,
                "console" => ServerRoles.Console,
                _ => throw new StartRefusedException($"There is no role '{word}': use api, worker, console, or several with commas."),
            };
        }

        return roles == ServerRoles.None ? throw new StartRefusedException("No role given: use api, worker, console, or several with commas.") : roles;
    }

    /// <exception cref="StartRefusedException">A setting is out of its range; the message names the first one.</exception>
    public void Validate()
    {
        ParseUrl();
        if (PublicUrl.Length > 0 && !(Uri.TryCreate(PublicUrl, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"))
            throw new StartRefusedException($"PublicUrl is '{PublicUrl}': it must be an http or https address.");
        if (Roles == ServerRoles.None)
            throw new StartRefusedException("No role given: use api, worker, console, or several with commas.");
        ValidateSection("", this);
        ValidateSection("Database:", Database);
        ValidateSection("ObjectStore:", ObjectStore);
        ValidateSection("Identity:", Identity);
        ValidateSection("Tasks:", Tasks);
        ValidateSection("Protection:", Protection);
        ValidateSection("Vaults:", Vaults);
        ValidateSection("Audit:", Audit);
        ValidateSection("Policies:", Policies);
        ValidateSection("Metrics:", Metrics);
        ValidateSection("Retention:", Retention);
        ValidateSection("Notifications:", Notifications);
        ValidateSection("Notifications:Smtp:", Notifications.Smtp);
        Notifications.Validate();
    }

    /// <summary>Password hashes and keys live there: nobody but the owner reads them.</summary>
    /// <exception cref="StartRefusedException">It cannot be made.</exception>
    internal void CreateDataDirectory()
    {
        try
        {
            Directory.CreateDirectory(DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The data directory {DataDirectory} cannot be made: {error.Message}", error);
        }
    }

    /// <summary>The address to listen on; null means every address.</summary>
    internal (IPAddress? Address, int Port) ParseUrl()
    {
        // Uri does not know '*', the usual way to say every address.
        string readable = Url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal);
        if (!Uri.TryCreate(readable, UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttp || uri.PathAndQuery != "/")
            throw new StartRefusedException($"Url is '{Url}': it must look like http://127.0.0.1:8799 (put a proxy in front for https).");
        if (uri.Host is "0.0.0.0" or "[::]")
            return (null, uri.Port);
        if (uri.Host == "localhost")
            return (IPAddress.Loopback, uri.Port);
        return IPAddress.TryParse(uri.Host, out IPAddress? ip)
            ? (ip, uri.Port)
            : throw new StartRefusedException($"Url is '{Url}': give an IP address, localhost or * to listen on, not a name.");
    }

    private static void ValidateSection(string prefix, object section)
    {
        var failures = new List<ValidationResult>();
        if (!Validator.TryValidateObject(section, new ValidationContext(section), failures, validateAllProperties: true))
            throw new StartRefusedException($"The setting {prefix}{failures[0].MemberNames.FirstOrDefault()} is wrong: {failures[0].ErrorMessage}");
    }
}
