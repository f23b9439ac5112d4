using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Strongroom.ObjectStores;
using Strongroom.Repository;
using Strongroom.Server;

namespace Strongroom.Cli.Repositories;

/// <summary>
/// Which repository a command works on: <c>--repo URL</c> with a password or key file, or <c>--data DIR</c>, the repository
/// and keys of an installation, whose database and service are not asked.
/// </summary>
internal sealed class RepositoryLocation
{
    private const string DefaultDomainId = "default";
    private const int KeyFileBytesMax = 64 << 10;

    private readonly Option<string?> repository = new("--repo") { Description = "The repository: a directory or a store's URL.", HelpName = "url" };
    private readonly Option<string?> passwordFile = new("--password-file") { Description = "Its password is the first line of this file, - for standard input.", HelpName = "file" };
    private readonly Option<string?> keyFile = new("--key-file") { Description = "The file that opens it in place of a password.", HelpName = "file" };
    private readonly Option<string?> escrowFile = new("--escrow-file") { Description = "What 'repo key export' wrote, when every password and key file is lost.", HelpName = "file" };
    private readonly Option<string?> data = new("--data") { Description = "Instead of --repo: an installation's data directory.", HelpName = "directory" };
    private readonly Option<string?> config = new("--config") { Description = "With --data: the installation's settings (JSON).", HelpName = "file" };
    private readonly Option<string?> domain = new("--domain") { Description = "Only this domain; an installation has one per project, named by the project's id.", HelpName = "id" };
    private readonly Option<string?> cache = new("--cache") { Description = "For a bucket: where indexes, roots and pages are kept on this machine; else ~/.cache/strongroom.", HelpName = "directory" };
    private readonly Option<int> cacheMib = new("--cache-mib") { Description = "How large that may become; 0 for none.", HelpName = "MiB", DefaultValueFactory = _ => 1024 };
    private readonly Option<int> retryFor = new("--retry-for") { Description = "How long a bucket that does not answer is tried again.", HelpName = "seconds", DefaultValueFactory = _ => 300 };
    private readonly Option<bool> requests = new("--requests") { Description = "Says at the end what went to the bucket: requests by kind, and bytes." };
    private readonly Option<double> heartbeat = new("--heartbeat") { Description = "How often a running backup or collection shows life: the same for all who use the repository.", HelpName = "seconds", Hidden = true, DefaultValueFactory = _ => new RepositoryOptions().SessionHeartbeat.TotalSeconds };
    private readonly bool allowsInstallation;

    /// <param name="command">Gets the options.</param>
    /// <param name="allowsInstallation">False where only the service may write: it would not know of what was made behind its back.</param>
    public RepositoryLocation(Command command, bool allowsInstallation)
    {
        this.allowsInstallation = allowsInstallation;
        command.Add(repository);
        command.Add(passwordFile);
        command.Add(keyFile);
        command.Add(escrowFile);
        if (allowsInstallation)
        {
            command.Add(data);
            command.Add(config);
            command.Add(domain);
        }

        command.Add(cache);
        command.Add(cacheMib);
        command.Add(retryFor);
        command.Add(requests);
        command.Add(heartbeat);
        foreach (Option<int> number in new[] { cacheMib, retryFor })
        {
            number.Validators.Add(result =>
            {
                if (result.GetValueOrDefault<int>() is < 0 or > 1 << 30)
                    result.AddError($"{number.Name} is from 0 to {1 << 30}.");
            });
        }

        command.Validators.Add(Check);
    }

    /// <summary>For tests that cannot wait for minutes until a killed process counts as dead.</summary>
    public TimeSpan Heartbeat(ParseResult parsed) => TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(heartbeat), 0.1, 3600));

    /// <param name="parsed">The command line.</param>
    /// <param name="writes">False opens the store so that nothing can be changed.</param>
    /// <param name="shell">Its clock and streams.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="withDomains">False opens the repository alone, for what concerns no data.</param>
    /// <param name="options">How it is written; null is as a repository is by default. An installation has its own.</param>
    public async Task<RepositoryAccess> OpenAsync(
        ParseResult parsed, bool writes, Shell shell, CancellationToken cancellationToken, RepositoryOptions? options = null, bool withDomains = true)
    {
        RepositoryAccess access = Installation(parsed) is { } installation
            ? await OpenInstallationAsync(installation, writes, shell, cancellationToken)
            : await OpenNamedAsync(parsed, writes, options ?? new RepositoryOptions(), shell, cancellationToken);
        try
        {
            if (!withDomains)
                return access;
            string? only = allowsInstallation ? parsed.GetValue(domain) : DefaultDomainId;
            await access.OpenDomainsAsync(only, create: writes && !allowsInstallation, shell, cancellationToken);
            return access;
        }
        catch
        {
            await access.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the repository.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> CreateAsync(ParseResult parsed, RepositoryOptions options, Shell shell, CancellationToken cancellationToken)
    {
        RepositoryKey key = await ReadKeyAsync(parsed, cancellationToken);
        await using IObjectStore store = await OpenStoreAsync(parsed, writes: true, shell, cancellationToken);
        await using BackupRepository made = await BackupRepository.CreateAsync(store, key, options, shell.Time, cancellationToken);
        return made.Id;
    }

    /// <summary>Reads what a person keeps; exactly one of the two is named.</summary>
    public static async Task<RepositoryKey> ReadKeyAsync(string? passwordFile, string? keyFile, CancellationToken cancellationToken)
    {
        if (passwordFile is { } file)
        {
            using TextReader reader = file == "-" ? Console.In : new StreamReader(file);
            string password = await reader.ReadLineAsync(cancellationToken) ?? "";
            return password.Length > 0 ? RepositoryKey.FromPassword(password) : throw CommandException.Usage($"The first line of {file} is empty; it should be the password.");
        }

        return RepositoryKey.FromKeyFile(await ReadKeyFileAsync(keyFile!, cancellationToken));
    }

    public static async Task<byte[]> ReadKeyFileAsync(string path, CancellationToken cancellationToken) =>
        new FileInfo(path) is { Exists: true, Length: < 16 or > KeyFileBytesMax }
            ? throw CommandException.Usage($"{path} is no key file: it should have 16 random bytes or more.")
            : await File.ReadAllBytesAsync(path, cancellationToken);

    /// <summary>The settings of the installation that is named; null where a repository is.</summary>
    public ServerOptions? Installation(ParseResult parsed)
    {
        if (!allowsInstallation || parsed.GetValue(repository) is not null)
            return null;
        ServerOptions options = ServerOptions.Load(parsed.GetValue(config));
        options.DataDirectory = parsed.GetValue(data)!;
        return options;
    }

    private void Check(CommandResult result)
    {
        bool hasRepository = result.GetValue(repository) is not null;
        bool hasData = allowsInstallation && result.GetValue(data) is not null;
        int keys = new[] { passwordFile, keyFile, escrowFile }.Count(option => result.GetValue(option) is not null);
        if (hasRepository == hasData)
            result.AddError(allowsInstallation ? "Say which repository: either --repo URL or --data DIRECTORY." : "Say which repository: --repo URL.");
        else if (hasRepository && keys != 1)
            result.AddError("Say what opens the repository: either --password-file or --key-file (or --escrow-file, when both are lost).");
        else if (hasData && keys > 0)
            result.AddError("An installation has its own key; leave --password-file, --key-file and --escrow-file out, or name the store with --repo.");
    }

    private static async Task<RepositoryAccess> OpenInstallationAsync(
        ServerOptions options, bool writes, Shell shell, CancellationToken cancellationToken)
    {
        InstallationRepository installation =
            await InstallationRepository.OpenAsync(options, options.Repository, readOnly: !writes, shell.Time, cancellationToken);
        return new RepositoryAccess(installation.Repository, installation);
    }

    private async Task<RepositoryAccess> OpenNamedAsync(
        ParseResult parsed, bool writes, RepositoryOptions options, Shell shell, CancellationToken cancellationToken)
    {
        RepositoryKey key = await ReadKeyAsync(parsed, cancellationToken);
        var counter = new RequestCounter();
        IObjectStore store = await OpenStoreAsync(parsed, writes, shell, cancellationToken, counter);
        try
        {
            BackupRepository opened = await BackupRepository.OpenAsync(store, key, Tuned(parsed, options), shell.Time, cancellationToken);
            return parsed.GetValue(requests)
                ? new RepositoryAccess(opened, opened, store, new RequestReport(counter, shell))
                : new RepositoryAccess(opened, opened, store);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    private ValueTask<IObjectStore> OpenStoreAsync(
        ParseResult parsed, bool writes, Shell shell, CancellationToken cancellationToken, RequestCounter? counter = null) =>
        ObjectStoreCatalog.OpenAsync(
            new ObjectStores.ObjectStoreOptions
            {
                Url = parsed.GetValue(repository)!,
                ReadOnly = !writes,
                Retry = new RetryOptions { GiveUpAfter = TimeSpan.FromSeconds(parsed.GetValue(retryFor)) },
                Requests = counter,
                Waiting = (failure, delay) => shell.Say(
                    string.Create(CultureInfo.InvariantCulture, $"{failure.Message} Tried again in {delay.TotalSeconds:0.0} s, for {parsed.GetValue(retryFor)} s in all.")),
            },
            shell.Time,
            cancellationToken);

    private RepositoryOptions Tuned(ParseResult parsed, RepositoryOptions options)
    {
        options = options with { SessionHeartbeat = Heartbeat(parsed) };

        // A directory is read faster itself than a copy of it.
        return ObjectStoreCatalog.IsRemote(parsed.GetValue(repository)!)
            ? options with
            {
                CacheDirectory = parsed.GetValue(cache) ?? Path.Combine(UserCacheDirectory, "strongroom"),
                CacheBytes = (long)parsed.GetValue(cacheMib) << 20,
            }
            : options;
    }

    // The XDG base directory specification's.
    private static string UserCacheDirectory =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named
            ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

    private async Task<RepositoryKey> ReadKeyAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(escrowFile) is not { } escrow)
            return await ReadKeyAsync(parsed.GetValue(passwordFile), parsed.GetValue(keyFile), cancellationToken);
        try
        {
            return RepositoryKey.FromEscrow(await File.ReadAllTextAsync(escrow, cancellationToken));
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage($"{escrow}: {error.Message}");
        }
    }

    /// <summary>What is closed last, and says what the store was asked.</summary>
    private sealed class RequestReport(RequestCounter counter, Shell shell) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            RequestCounts counts = counter.Counts;
            shell.Say(
                $"{counts.Total} requests: {counts.Puts} PUT, {counts.Posts} POST, {counts.Lists} LIST, {counts.Gets} GET, {counts.Heads} HEAD, " +
                $"{counts.Deletes} DELETE; {counts.SentBytes} bytes sent, {counts.ReceivedBytes} received");
            return ValueTask.CompletedTask;
        }
    }
}
