using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository;

/// <summary>
/// A deduplicating, encrypted repository in an object store (docs/repository-format.md). Any number of processes may use
/// one at once; there is no lock on the whole. Thread-safe. The store stays the caller's.
/// </summary>
public sealed class BackupRepository : IAsyncDisposable
{
    private const string KeyIsGone = "It is gone, although the domain has other objects: without it none of them can be read.";
    private readonly IObjectStore store;
    private readonly byte[] masterKey;
    private readonly RepositoryOptions options;
    private readonly TimeProvider time;
    private readonly string? slotName;
    private bool isDisposed;

    /// <param name="slotName">The slot that it was opened with; null for an escrowed key.</param>
    private BackupRepository(
        IObjectStore store, byte[] masterKey, string? slotName, RepositoryOptions options, TimeProvider time, RepositoryParameters parameters)
    {
        this.slotName = slotName;
        this.store = store;
        this.masterKey = masterKey;
        this.options = options;
        this.time = time;
        Parameters = parameters;
    }

    /// <summary>32 hex digits, made up at creation.</summary>
    public string Id => Parameters.Id;

    public ChunkHash Hash => Parameters.Hash;

    internal RepositoryParameters Parameters { get; }

    /// <summary>Makes a repository in a store that has none, and opens it.</summary>
    /// <exception cref="RepositoryException">Conflict when there is one already.</exception>
    public static async ValueTask<BackupRepository> CreateAsync(
        IObjectStore store, RepositoryKey key, RepositoryOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        options.Check();
        if (await store.StatAsync(ObjectNames.Config, cancellationToken) is not null)
            throw new RepositoryException(RepositoryFailure.Conflict, ObjectNames.Config, $"There is a repository in {store.Address} already.");
        byte[] masterKey = RandomNumberGenerator.GetBytes(Sealing.KeyBytes);
        var parameters = RepositoryParameters.New(options.Hash, options.Parity);
        string slot = await KeySlots.AddAsync(store, key, masterKey, time, cancellationToken);
        try
        {
            await store.PutAsync(ObjectNames.Config, parameters.Write(masterKey), PutMode.CreateOnly, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.AlreadyExists)
        {
            await store.DeleteAsync(slot, cancellationToken);
            throw new RepositoryException(RepositoryFailure.Conflict, ObjectNames.Config, $"Someone else made a repository in {store.Address} meanwhile.", e);
        }

        return new BackupRepository(store, masterKey, slot, options, time, parameters);
    }

    /// <exception cref="RepositoryException">NotFound when the store has no repository; WrongKey; Damaged; NewerFormat.</exception>
    public static async ValueTask<BackupRepository> OpenAsync(
        IObjectStore store, RepositoryKey key, RepositoryOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        options.Check();
        var line = await CheckedText.ReadAsync(store, ObjectNames.Config, cancellationToken)
            ?? throw new RepositoryException(RepositoryFailure.NotFound, ObjectNames.Config, $"There is no repository in {store.Address}.");
        bool Fits(byte[] candidate) => line.Matches(RepositoryParameters.CheckOf(line.Line, candidate));
        var (masterKey, slot) = key.MasterKey is { } escrowed
            ? (escrowed.ToArray(), (string?)null)
            : await KeySlots.OpenAsync(store, key, Fits, cancellationToken);
        if (slot is null && !Fits(masterKey))
            throw new RepositoryException(RepositoryFailure.WrongKey, ObjectNames.Config, "The escrowed key is that of another repository, or config is damaged.");
        return new BackupRepository(store, masterKey, slot, options, time, RepositoryParameters.Read(line));
    }

    /// <summary>True when the store holds a repository, whoever can open it.</summary>
    public static async ValueTask<bool> ExistsAsync(IObjectStore store, CancellationToken cancellationToken) =>
        await store.StatAsync(ObjectNames.Config, cancellationToken) is not null;

    /// <summary>Lets one more password or key file open the repository.</summary>
    /// <returns>The new slot's id.</returns>
    public async ValueTask<string> AddKeyAsync(RepositoryKey key, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (key.MasterKey is not null)
            throw new ArgumentException("An escrowed key opens the repository already.", nameof(key));
        return (await KeySlots.AddAsync(store, key, masterKey, time, cancellationToken))[ObjectNames.Keys.Length..];
    }

    /// <summary>All passwords and key files, in order of ids.</summary>
    public async IAsyncEnumerable<KeySlot> ListKeysAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stat in store.ListAsync(ObjectNames.Keys, cancellationToken))
        {
            KeySlotText? text = null;
            try
            {
                text = await KeySlots.ReadAsync(store, stat.Name, cancellationToken);
                if (text is null)
                    continue;
            }
            catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                // Shown without its kind: it can be removed, and opens nothing.
            }

            yield return new KeySlot(stat.Name[ObjectNames.Keys.Length..], text?.Kind, text?.Iterations, stat.Name == slotName);
        }
    }

    /// <summary>
    /// Makes a password or key file useless from now on. Who had it and read the store before may have kept the master key: only
    /// a new repository keeps such a one out.
    /// </summary>
    /// <exception cref="RepositoryException">NotFound; Conflict for the slot the repository was opened with, so that one that works is always left.</exception>
    public async ValueTask RemoveKeyAsync(string slotId, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Keys + slotId;
        if (!Hex.IsLower(slotId, ObjectId.Size * 2) || await store.StatAsync(name, cancellationToken) is null)
            throw new RepositoryException(RepositoryFailure.NotFound, ObjectNames.Keys, $"There is no key '{slotId}'.");
        if (name == slotName)
            throw new RepositoryException(RepositoryFailure.Conflict, name, "This is the key in use; open the repository with another one to remove it, so that one that works is left.");
        await store.DeleteAsync(name, cancellationToken);
    }

    /// <summary>
    /// Puts another password or key file in the place of the one in use: the new one is stored and tried before the old one goes. Killed
    /// in between, both work. This object stays open.
    /// </summary>
    /// <returns>The new slot's id.</returns>
    /// <exception cref="RepositoryException">Conflict when it was opened with an escrowed key: then add one.</exception>
    public async ValueTask<string> RotateKeyAsync(RepositoryKey key, CancellationToken cancellationToken)
    {
        if (slotName is null)
            throw new RepositoryException(RepositoryFailure.Conflict, ObjectNames.Keys, "An escrowed key has no slot to replace; add a key instead.");
        string added = await AddKeyAsync(key, cancellationToken);
        await using (await OpenAsync(store, key, options, time, cancellationToken))
            await store.DeleteAsync(slotName, cancellationToken);
        return added;
    }

    /// <summary>
    /// The master key as two lines of text, to be kept in a safe: it opens the repository whatever happens to its slots, now and in all
    /// future, and cannot be taken back. <see cref="RepositoryKey.FromEscrow"/> reads it.
    /// </summary>
    public string ExportKey()
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        var text = new EscrowText(FormatVersion.Current, Id, Convert.ToHexStringLower(masterKey));
        return Encoding.UTF8.GetString(CheckedText.Write(text, FormatJson.Default.EscrowText, SHA256.HashData));
    }

    /// <summary>
    /// Destroys a project's key and with it, in one step, everything the project has: no key, password or escrow of the repository
    /// reads it again. Then removes what it had stored. Killed in between, a repetition removes the rest; other projects
    /// are not touched. A backup of the project that is running fails or leaves unreadable bytes.
    /// </summary>
    /// <param name="progress">Objects removed so far.</param>
    /// <returns>Objects removed; 0 when there was nothing of this project.</returns>
    public async ValueTask<long> DestroyDomainAsync(string domainId, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ObjectNames.CheckId(domainId, nameof(domainId));
        var names = new DomainNames(domainId);
        long removed = await store.StatAsync(names.Key, cancellationToken) is null ? 0 : 1;
        await store.DeleteAsync(names.Key, cancellationToken);
        await foreach (var stat in store.ListAsync(names.All, cancellationToken))
        {
            await store.DeleteAsync(stat.Name, cancellationToken);
            removed++;
            progress?.Report(removed);
        }

        return removed;
    }

    /// <summary>Opens a project's part: its own keys, its own deduplication.</summary>
    /// <param name="domainId">1 to 64 of <c>[a-z0-9-]</c>.</param>
    /// <param name="create">Make it when there is none.</param>
    /// <exception cref="RepositoryException">NotFound; Damaged, also when it has objects but its key is gone.</exception>
    public async ValueTask<RepositoryDomain> OpenDomainAsync(string domainId, bool create, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        ObjectNames.CheckId(domainId, nameof(domainId));
        var names = new DomainNames(domainId);
        var keys = await DomainKeys.OpenAsync(store, domainId, masterKey, Parameters.Hash, cancellationToken);
        if (keys is null && create)
        {
            // A domain's key is its first object. Where there are others but no key, it was lost: a new one would only hide that.
            if (!await store.ListAsync(names.All, cancellationToken).AnyAsync(cancellationToken))
                await DomainKeys.CreateAsync(store, domainId, masterKey, cancellationToken);
            keys = await DomainKeys.OpenAsync(store, domainId, masterKey, Parameters.Hash, cancellationToken)
                ?? throw new RepositoryException(RepositoryFailure.Damaged, names.Key, KeyIsGone);
        }

        return keys is null
            ? throw new RepositoryException(RepositoryFailure.NotFound, names.Key, $"There is no domain '{domainId}'.")
            : new RepositoryDomain(domainId, store, keys, Parameters, options, time);
    }

    /// <summary>The ids of all domains, in ordinal order.</summary>
    public async IAsyncEnumerable<string> ListDomainsAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stat in store.ListAsync(ObjectNames.Domains, cancellationToken))
        {
            string[] parts = stat.Name.Split('/');
            if (parts is [_, var id, "key"])
                yield return id;
        }
    }

    /// <summary>Checks <c>config</c>, every key slot, those of others too as far as their form goes, and the key of every domain.</summary>
    internal async ValueTask CheckOwnObjectsAsync(Maintenance.Findings findings, CancellationToken cancellationToken)
    {
        await findings.TryAsync(async () =>
        {
            var line = await CheckedText.ReadAsync(store, ObjectNames.Config, cancellationToken)
                ?? throw new RepositoryException(RepositoryFailure.Damaged, ObjectNames.Config, "It is gone.");
            if (!line.Matches(RepositoryParameters.CheckOf(line.Line, masterKey)))
                throw new RepositoryException(RepositoryFailure.Damaged, ObjectNames.Config, "Its check does not match.");
            RepositoryParameters.Read(line);
        });
        int slots = 0;
        await foreach (var stat in store.ListAsync(ObjectNames.Keys, cancellationToken))
            slots += await findings.TryAsync(() => KeySlots.CheckAsync(store, stat.Name, cancellationToken)) ? 1 : 0;
        if (slots == 0)
            findings.Add(ObjectNames.Keys, -1, "No key slot is left: who does not hold the repository open can never open it.");
        await CheckDomainKeysAsync(findings, cancellationToken);
    }

    private async ValueTask CheckDomainKeysAsync(Maintenance.Findings findings, CancellationToken cancellationToken)
    {
        string? last = null;
        await foreach (var stat in store.ListAsync(ObjectNames.Domains, cancellationToken))
        {
            if (stat.Name.Split('/') is not [_, var id, _, ..] || id == last || !ObjectNames.IsValidId(id))
                continue;
            last = id;
            await findings.TryAsync(async () =>
            {
                if (await DomainKeys.OpenAsync(store, id, masterKey, Parameters.Hash, cancellationToken) is null)
                    throw new RepositoryException(RepositoryFailure.Damaged, new DomainNames(id).Key, KeyIsGone);
            });
        }
    }

    /// <summary>Counts the objects that belong to no domain.</summary>
    internal async ValueTask CountOwnObjectsAsync(Maintenance.StatisticsTally tally, CancellationToken cancellationToken)
    {
        await foreach (var stat in store.ListAsync(ObjectNames.Keys, cancellationToken))
        {
            tally.CountObject("keys", stat.SizeBytes);
            tally.SharedBytes += stat.SizeBytes;
        }

        if (await store.StatAsync(ObjectNames.Config, cancellationToken) is { } config)
        {
            tally.CountObject(ObjectNames.Config, config.SizeBytes);
            tally.SharedBytes += config.SizeBytes;
        }
    }

    public ValueTask DisposeAsync()
    {
        isDisposed = true;
        CryptographicOperations.ZeroMemory(masterKey);
        return ValueTask.CompletedTask;
    }
}

/// <summary>What <c>config</c> says: chosen once, for good.</summary>
internal sealed record RepositoryParameters(
    string Id, ChunkHash Hash, bool HasParity, int DiskChunkBytes, int FileMinBytes, int FileAvgBytes, int FileMaxBytes)
{
    public static RepositoryParameters New(ChunkHash hash, bool hasParity) =>
        new(ObjectId.NewRandom().ToString(), hash, hasParity, 64 << 10, 16 << 10, 64 << 10, 256 << 10);

    public static byte[] CheckOf(byte[] line, byte[] masterKey) => HMACSHA256.HashData(Sealing.Derive(masterKey, [], "strongroom/config"), line);

    public byte[] Write(byte[] masterKey)
    {
        var text = new ConfigText(
            FormatVersion.Current, Id, HashName(Hash), DiskChunkBytes, Manifests.MapGeometry.FanOut, FileMinBytes, FileAvgBytes, FileMaxBytes, HasParity ? true : null);
        return CheckedText.Write(text, FormatJson.Default.ConfigText, line => CheckOf(line, masterKey));
    }

    public static RepositoryParameters Read(CheckedLine line)
    {
        var text = line.Parse(FormatJson.Default.ConfigText);
        ChunkHash? hash = text.Hash == HashName(ChunkHash.Blake3Keyed) ? ChunkHash.Blake3Keyed
            : text.Hash == HashName(ChunkHash.HmacSha256) ? ChunkHash.HmacSha256
            : null;
        if (hash is null || text.MapFanOut != Manifests.MapGeometry.FanOut)
            throw new RepositoryException(RepositoryFailure.NewerFormat, line.Name, $"Hash '{text.Hash}' with fan-out {text.MapFanOut} is not known here.");
        if (text.DiskChunkBytes is < 4096 or > 1 << 20 || text.FileChunkMinBytes is < 64 or > 1 << 20
            || text.FileChunkAvgBytes <= text.FileChunkMinBytes || text.FileChunkAvgBytes < 256
            || !System.Numerics.BitOperations.IsPow2(text.FileChunkAvgBytes) || text.FileChunkMaxBytes <= text.FileChunkAvgBytes || text.FileChunkMaxBytes > 8 << 20)
            throw new RepositoryException(RepositoryFailure.Damaged, line.Name, "Its chunk sizes are not possible.");
        return new RepositoryParameters(
            text.Repository, hash.Value, text.Parity == true, text.DiskChunkBytes, text.FileChunkMinBytes, text.FileChunkAvgBytes, text.FileChunkMaxBytes);
    }

    private static string HashName(ChunkHash hash) => hash == ChunkHash.Blake3Keyed ? "blake3-keyed" : "hmac-sha-256";
}
