using System.Runtime.CompilerServices;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository;

/// <summary>
/// A project's backups: its own keys, packs and indexes; nothing is shared with another domain. Thread-safe; backups,
/// restores, deletions and checks may run side by side, in this process and in others.
/// </summary>
public sealed class RepositoryDomain : IAsyncDisposable
{
    private readonly IObjectStore store;
    private readonly IObjectStore bare;
    private readonly RepositoryOptions options;
    private readonly TimeProvider time;
    private readonly RunCatalog catalog;

    internal RepositoryDomain(
        string id, IObjectStore store, DomainKeys keys, RepositoryParameters parameters, RepositoryOptions options, TimeProvider time,
        bool heals = true)
    {
        Id = id;
        bare = store;
        this.options = options;
        this.time = time;
        Keys = keys;
        Parameters = parameters;
        Names = new DomainNames(id);
        this.store = store = parameters.HasParity ? new ParityStore(bare, Names) : bare;
        Healer = parameters.HasParity ? new PackHealer(bare, Names) : null;
        Immutable = string.IsNullOrEmpty(options.CacheDirectory) || options.CacheBytes == 0
            ? store
            : new CachedObjectStore(store, new ObjectCache(options.CacheDirectory, parameters.Id, options.CacheBytes, time));
        catalog = new RunCatalog(Immutable, Names, keys, options.IndexCacheBytes);
        Source = new ChunkSource(store, Immutable, Names, keys, catalog, heals ? Healer : null, options.SegmentCacheBytes);
    }

    public string Id { get; }

    internal IObjectStore Store => store;

    /// <summary>
    /// The same store for index runs, roots and pages, which never change: with a cache on the local disk where there is one. It may
    /// give what is in the store no more, so that listings decide what exists, and checks and repairs do without (<see cref="WithoutCaches"/>).
    /// </summary>
    internal IObjectStore Immutable { get; }

    internal DomainNames Names { get; }

    internal DomainKeys Keys { get; }

    internal RepositoryParameters Parameters { get; }

    internal ChunkSource Source { get; }

    /// <summary>Null when packs have no parity.</summary>
    internal PackHealer? Healer { get; }

    internal RunCatalog Catalog => catalog;

    internal RepositoryOptions Options => options;

    internal TimeProvider Time => time;

    /// <summary>Every committed backup, in order of ids. One that is deleted meanwhile may be missing.</summary>
    /// <exception cref="RepositoryException">A root is damaged: the listing stops there. The other overload goes on past it.</exception>
    public IAsyncEnumerable<BackupRecord> ListBackupsAsync(CancellationToken cancellationToken) => ListBackupsAsync(null, cancellationToken);

    /// <summary>Every committed backup whose root can be read, in order of ids.</summary>
    /// <param name="damages">Receives those that cannot, one exception each, naming the object; null throws at the first.</param>
    public async IAsyncEnumerable<BackupRecord> ListBackupsAsync(
        ICollection<RepositoryException>? damages, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stat in store.ListAsync(Names.Backups, cancellationToken))
        {
            string backupId = stat.Name[Names.Backups.Length..];
            BackupRecord? record = null;
            try
            {
                if (ObjectNames.IsValidId(backupId))
                    record = await ReadListedRootAsync(backupId, stat, cancellationToken);
            }
            catch (RepositoryException e) when (damages is not null)
            {
                damages.Add(e);
            }

            if (record is not null)
                yield return record;
        }
    }

    /// <summary>The backup of this id, or the one that has a member of this id; null when there is none.</summary>
    /// <exception cref="RepositoryException">Its root is damaged, or one that is might have the member.</exception>
    public async ValueTask<BackupRecord?> FindBackupAsync(string backupOrMemberId, CancellationToken cancellationToken)
    {
        if (!ObjectNames.IsValidId(backupOrMemberId))
            return null;
        if (await ReadRootAsync(backupOrMemberId, cancellationToken) is { } record)
            return record;
        var damages = new List<RepositoryException>();
        await foreach (var other in ListBackupsAsync(damages, cancellationToken))
        {
            if (other.Member(backupOrMemberId) is not null)
                return other;
        }

        return damages.Count == 0 ? null : throw damages[0];
    }

    /// <summary>
    /// The newest backup of a resource, by its place in the sequence, or null. A root that is damaged is passed over: it must
    /// not keep new backups from being made.
    /// </summary>
    public async ValueTask<BackupRecord?> FindNewestAsync(string resourceId, CancellationToken cancellationToken)
    {
        BackupRecord? newest = null;
        await foreach (var record in ListBackupsAsync([], cancellationToken))
        {
            if (record.ResourceId == resourceId
                && (newest is null || (record.Sequence, record.CreatedUs).CompareTo((newest.Sequence, newest.CreatedUs)) > 0))
                newest = record;
        }

        return newest;
    }

    /// <summary>Drops a backup; all others stay complete. A later collection frees its bytes. Deleting what is not there is a success.</summary>
    public async ValueTask DeleteBackupAsync(string backupId, CancellationToken cancellationToken)
    {
        ObjectNames.CheckId(backupId, nameof(backupId));
        await store.DeleteAsync(Names.Backup(backupId), cancellationToken);
        await Maintenance.DamagedBackup.ClearAsync(this, backupId, cancellationToken);
    }

    /// <summary>Begins a backup. Until it is committed nothing of it exists; disposed without, it leaves only what a collection removes.</summary>
    /// <exception cref="RepositoryException">Conflict when the id is taken. That an index run is damaged, and an index rebuild needed, shows with the first chunk that may be new.</exception>
    public ValueTask<BackupSession> BeginBackupAsync(BackupDescription description, CancellationToken cancellationToken) =>
        BackupSession.BeginAsync(this, description, time, cancellationToken);

    /// <exception cref="RepositoryException">NotFound when the backup has no such member or it is no disk.</exception>
    public DiskReader OpenDisk(BackupRecord backup, string memberId) => new(this, backup, FindMember(backup, memberId, MemberKind.Disk));

    /// <exception cref="RepositoryException">NotFound when the backup has no such member or it is no tree; Damaged.</exception>
    public TreeReader OpenTree(BackupRecord backup, string memberId) => new(this, backup, FindMember(backup, memberId, MemberKind.Tree));

    /// <summary>Frees what is in memory. Sessions and readers opened from it must be done.</summary>
    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        catalog.Dispose();
        if (Immutable is CachedObjectStore cached)
            await cached.DisposeAsync();
    }

    /// <summary>The same domain as it is stored: with nothing remembered, and nothing brought back from parity unasked.</summary>
    internal RepositoryDomain WithoutCaches() => new(Id, bare, Keys, Parameters, options with { CacheDirectory = null }, time, heals: false);

    /// <summary>Null when there is none, or when it was made void.</summary>
    internal async ValueTask<BackupRecord?> ReadRootAsync(string backupId, CancellationToken cancellationToken)
    {
        string name = Names.Backup(backupId);
        return await ReadRootBytesAsync(name, cancellationToken) is { } root ? RootFormat.Read(root, backupId, name, Keys) : null;
    }

    /// <summary>A root that a listing has just shown: from the cache, if it is there.</summary>
    private async ValueTask<BackupRecord?> ReadListedRootAsync(string backupId, ObjectStat stat, CancellationToken cancellationToken)
    {
        if (Immutable is not CachedObjectStore || stat.SizeBytes is 0 or > RootFormat.MaxBytes)
            return await ReadRootAsync(backupId, cancellationToken);
        try
        {
            return await ReadCachedRootAsync(backupId, stat, cancellationToken);
        }
        catch (RepositoryException) when (Immutable.Forget(stat.Name))
        {
            return await ReadCachedRootAsync(backupId, stat, cancellationToken);
        }
    }

    private async ValueTask<BackupRecord?> ReadCachedRootAsync(string backupId, ObjectStat stat, CancellationToken cancellationToken)
    {
        byte[] root = new byte[stat.SizeBytes];
        try
        {
            int read = await Immutable.ReadAsync(stat.Name, 0, root, cancellationToken);
            return RootFormat.Read(root.AsSpan(0, read), backupId, stat.Name, Keys);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }
    }

    internal async ValueTask<byte[]?> ReadRootBytesAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAllAsync(name, RootFormat.MaxBytes, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }
    }

    private MemberRecord FindMember(BackupRecord backup, string memberId, MemberKind kind) =>
        backup.Member(memberId) is { } member && member.Kind == kind
            ? member
            : throw new RepositoryException(
                RepositoryFailure.NotFound, Names.Backup(backup.Id), $"It has no {(kind == MemberKind.Disk ? "disk" : "tree")} '{memberId}'.");
}
