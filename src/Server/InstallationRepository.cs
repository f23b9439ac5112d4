using Strongroom.ObjectStores;
using Strongroom.Repository;

namespace Strongroom.Server;

/// <summary>
/// The repository of an installation: its store (<see cref="ObjectStoreOptions"/>) and its key file. With these two and
/// nothing else every backup can be read; whoever has only the store can read nothing.
/// </summary>
public sealed class InstallationRepository : IAsyncDisposable
{
    private const string KeyName = "master.key";

    private readonly IObjectStore store;

    private InstallationRepository(IObjectStore store, BackupRepository repository)
    {
        this.store = store;
        Repository = repository;
    }

    public BackupRepository Repository { get; }

    /// <summary>Opens what is there, as the rescue path does: no database, no service, and nothing is made.</summary>
    /// <param name="options">Where the installation is.</param>
    /// <param name="repositoryOptions">How much memory it may take.</param>
    /// <param name="readOnly">True opens the store so that nothing can be changed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StartRefusedException">The key file is missing.</exception>
    /// <exception cref="RepositoryException">There is no repository, or the key does not open it.</exception>
    public static async Task<InstallationRepository> OpenAsync(
        ServerOptions options, RepositoryOptions repositoryOptions, bool readOnly, TimeProvider time, CancellationToken cancellationToken)
    {
        RepositoryKey key = await ReadKeyAsync(options, cancellationToken)
            ?? throw new StartRefusedException($"The key file {KeyFile(options).Path} is missing; without it nothing can be read. Bring it back from where it is kept safe.");
        IObjectStore opened = await OpenStoreAsync(options, readOnly, time, cancellationToken);
        try
        {
            return new InstallationRepository(
                opened, await BackupRepository.OpenAsync(opened, key, WithCache(options, repositoryOptions), time, cancellationToken));
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same for the service, whose first start makes the key file and the repository.</summary>
    /// <exception cref="StartRefusedException">There is a repository in the store already, and its key file is missing here.</exception>
    public static async Task<InstallationRepository> OpenOrCreateAsync(
        ServerOptions options, RepositoryOptions repositoryOptions, TimeProvider time, CancellationToken cancellationToken)
    {
        await using (IObjectStore probe = await OpenStoreAsync(options, readOnly: false, time, cancellationToken))
        {
            if (!await BackupRepository.ExistsAsync(probe, cancellationToken))
                await CreateAsync(options, repositoryOptions, probe, time, cancellationToken);
        }

        return await OpenAsync(options, repositoryOptions, readOnly: false, time, cancellationToken);
    }

    /// <summary>
    /// Puts another key file in the place of the installation's: the new key is added and its file stored before the old key goes.
    /// Killed anywhere in between, the file that is there opens the repository. A service that runs goes on; it reads the file when
    /// it starts.
    /// </summary>
    /// <returns>The new key's id.</returns>
    /// <exception cref="StartRefusedException">The key file is missing, or the new content is none.</exception>
    /// <exception cref="RepositoryException">There is no repository, or the key file does not open it.</exception>
    public static async Task<string> RotateKeyAsync(ServerOptions options, byte[] content, TimeProvider time, CancellationToken cancellationToken)
    {
        InstallationKeyFile.Check(content, "The new key file");
        string added;
        string old;
        await using (InstallationRepository installation = await OpenAsync(options, new RepositoryOptions(), readOnly: false, time, cancellationToken))
        {
            old = (await installation.Repository.ListKeysAsync(cancellationToken).FirstAsync(slot => slot.IsOpen, cancellationToken)).Id;
            added = await installation.Repository.AddKeyAsync(RepositoryKey.FromKeyFile(content), cancellationToken);
        }

        await KeyFile(options).ReplaceAsync(content, cancellationToken);
        await using InstallationRepository anew = await OpenAsync(options, new RepositoryOptions(), readOnly: false, time, cancellationToken);
        await anew.Repository.RemoveKeyAsync(old, cancellationToken);
        return added;
    }

    public async ValueTask DisposeAsync()
    {
        await Repository.DisposeAsync();
        await store.DisposeAsync();
    }

    private static ValueTask<IObjectStore> OpenStoreAsync(ServerOptions options, bool readOnly, TimeProvider time, CancellationToken cancellationToken) =>
        ObjectStoreCatalog.OpenAsync(
            options.ObjectStore with
            {
                Url = options.ObjectStore.Url.Length > 0 ? options.ObjectStore.Url : "file:" + Path.GetFullPath(Path.Combine(options.DataDirectory, "repository")),
                ReadOnly = readOnly,
            },
            time,
            cancellationToken);

    /// <summary>A bucket gets one under the data directory, unless the settings name another place.</summary>
    private static RepositoryOptions WithCache(ServerOptions options, RepositoryOptions repositoryOptions) =>
        string.IsNullOrEmpty(repositoryOptions.CacheDirectory) && ObjectStoreCatalog.IsRemote(options.ObjectStore.Url)
            ? repositoryOptions with { CacheDirectory = Path.GetFullPath(Path.Combine(options.DataDirectory, "cache")) }
            : repositoryOptions;

    private static async Task<RepositoryKey?> ReadKeyAsync(ServerOptions options, CancellationToken cancellationToken) =>
        await KeyFile(options).ReadAsync(cancellationToken) is { } content ? RepositoryKey.FromKeyFile(content) : null;

    private static async Task CreateAsync(
        ServerOptions options, RepositoryOptions repositoryOptions, IObjectStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        // The key is durable before anything depends on it.
        await KeyFile(options).EnsureAsync(cancellationToken);
        RepositoryKey key = (await ReadKeyAsync(options, cancellationToken))!;
        try
        {
            await using BackupRepository made = await BackupRepository.CreateAsync(store, key, repositoryOptions, time, cancellationToken);
        }
        catch (RepositoryException error) when (error.Failure == RepositoryFailure.Conflict)
        {
            // Another process of this installation was faster; opening tells whether its key is the same.
        }
    }

    private static InstallationKeyFile KeyFile(ServerOptions options) => new(options.DataDirectory, KeyName);
}
