using Strongroom.ObjectStores;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Maintenance;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <summary>
/// A backup being written. Open its members, fill them from any number of workers, finish them, commit. The commit is the
/// atomic put of one object after everything it refers to is durable; before it the backup does not exist. Disposing without a commit
/// leaves nothing but garbage. Progress figures may be read at any time.
/// </summary>
public sealed class BackupSession : IAsyncDisposable
{
    private readonly RepositoryDomain domain;
    private readonly BackupDescription description;
    private readonly SessionBeacon beacon;
    private readonly Lock gate = new();
    private readonly List<IMemberWriter> members = [];
    private readonly List<string> problems = [];
    private readonly ChunkStore chunks;
    private long problemCount;
    private bool ended;

    private BackupSession(RepositoryDomain domain, BackupDescription description, BackupRecord? previous, SessionBeacon beacon, ChunkStore chunks)
    {
        this.domain = domain;
        this.description = description;
        this.beacon = beacon;
        this.chunks = chunks;
        Previous = previous;
    }

    /// <summary>
    /// The backup before, as it is now in the store: its members may be compared with. Null when it was not given, is gone, or
    /// came about while a collection was running that may still delete what it refers to, or is known to be damaged.
    /// </summary>
    public BackupRecord? Previous { get; }

    /// <summary>Bytes of all members so far that are not zeros.</summary>
    public long DataBytes => Sum(counters => counters.DataBytes);

    /// <summary>Of those, bytes that the backup before did not have at the same place.</summary>
    public long ChangedBytes => Sum(counters => counters.ChangedBytes);

    /// <summary>What the store grew by so far.</summary>
    public long StoredBytes => Sum(counters => counters.StoredBytes);

    internal ChunkStore Chunks => chunks;

    internal RepositoryDomain Domain => domain;

    internal static async ValueTask<BackupSession> BeginAsync(
        RepositoryDomain domain, BackupDescription description, TimeProvider time, CancellationToken cancellationToken)
    {
        ObjectNames.CheckId(description.BackupId, nameof(description));
        if (await domain.Store.StatAsync(domain.Names.Backup(description.BackupId), cancellationToken) is not null)
            throw Taken(domain, description.BackupId);

        // The order is what keeps a collection from taking what this backup will refer to: docs/repository-format.md, section 10.
        var beacon = await SessionBeacon.BeginAsync(domain, description.BackupId, time, cancellationToken);
        ChunkStore? chunks = null;
        try
        {
            var collections = await PublishedCollection.ListAsync(domain, cancellationToken);
            var previous = description.Previous is { } given && given.ResourceId == description.ResourceId
                ? await domain.ReadRootAsync(given.Id, cancellationToken)
                : null;

            // What a collection did not mark may refer to packs that it is about to delete; of what a repair marked, chunks are missing.
            if (previous is not null && (!collections.All(collection => collection.Roots.Contains(previous.RootSha256))
                || await DamagedBackup.IsMarkedAsync(domain, previous.Id, cancellationToken)))
                previous = null;
            chunks = new ChunkStore(domain, token => OpenIndexAsync(domain, collections, token));
            return new BackupSession(domain, description, previous, beacon, chunks);
        }
        catch
        {
            await beacon.DisposeAsync();
            throw;
        }
    }

    private static async ValueTask<IndexSet> OpenIndexAsync(
        RepositoryDomain domain, IReadOnlyList<PublishedCollection> collections, CancellationToken cancellationToken)
    {
        var usable = await PublishedCollection.UsablePacksAsync(domain, collections, cancellationToken);
        var runs = await domain.Catalog.ListAsync(null, cancellationToken);
        return new IndexSet(runs, usable, token => domain.Catalog.ListAsync(null, token));
    }

    /// <summary>Opens a disk to be written.</summary>
    /// <param name="sizeBytes">Of the disk.</param>
    /// <param name="parent">A disk of <see cref="Previous"/>, which may have had another size; null compares with nothing.</param>
    public DiskWriter OpenDisk(MemberDescription member, long sizeBytes, MemberRecord? parent)
    {
        var writer = new DiskWriter(this, member, sizeBytes, CheckParent(parent, MemberKind.Disk));
        Add(writer);
        return writer;
    }

    /// <summary>Opens a tree of files to be written.</summary>
    /// <param name="parent">A tree of <see cref="Previous"/>; null compares with nothing.</param>
    /// <exception cref="RepositoryException">The parent's root entry is damaged.</exception>
    public TreeWriter OpenTree(MemberDescription member, MemberRecord? parent)
    {
        var writer = new TreeWriter(this, member, CheckParent(parent, MemberKind.Tree));
        Add(writer);
        return writer;
    }

    /// <summary>Something that could not be read, for people; the backup will be partial. May be called from any thread.</summary>
    public void ReportProblem(string problem)
    {
        lock (gate)
        {
            problemCount++;
            if (problems.Count < RootFormat.MaxProblems)
                problems.Add(problem.Length <= 1024 ? problem : problem[..1024]);
        }
    }

    /// <summary>Makes everything durable, then commits. All members must be finished.</summary>
    /// <param name="beforeCommit">Asked right before the commit, and told what it holds; throws when the caller may not commit it. Null: nothing to ask.</param>
    /// <exception cref="RepositoryException">Conflict when the id was taken, or a collection gave this backup up for dead.</exception>
    /// <exception cref="InvalidOperationException">Something could not be stored before, or a member is not finished.</exception>
    public async ValueTask<BackupRecord> CommitAsync(Func<BackupRecord, CancellationToken, ValueTask>? beforeCommit, CancellationToken cancellationToken)
    {
        if (ended || members.Count == 0)
            throw new InvalidOperationException(ended ? "This backup has ended." : "A backup has at least one member.");
        foreach (var member in members)
        {
            if (!member.IsFinished)
                throw new InvalidOperationException($"Member {member.Description.Id} is not finished.");
        }

        ended = true;
        await chunks.FlushAsync(cancellationToken);
        if (chunks.HasFailed)
            throw new InvalidOperationException("Something could not be stored, so that this backup cannot be committed.");
        var record = Record();
        byte[] root = RootFormat.Write(record, domain.Keys);
        if (beforeCommit is not null)
            await beforeCommit(record, cancellationToken);

        // From here until the put is answered the root may appear at any time, so the session must stay on show.
        beacon.KeepOnDispose = true;
        await PutRootAsync(root, cancellationToken);
        beacon.KeepOnDispose = false;

        // It exists. What is left is tidying up, which must not turn success into failure.
        await MergeRunsAsync(cancellationToken);
        await beacon.EndAsync(cancellationToken);
        return RootFormat.Read(root, record.Id, domain.Names.Backup(record.Id), domain.Keys)!;
    }

    public async ValueTask DisposeAsync()
    {
        ended = true;
        await chunks.DisposeAsync();
        await beacon.DisposeAsync();
    }

    private MemberRecord? CheckParent(MemberRecord? parent, MemberKind kind)
    {
        if (parent is null)
            return null;
        if (Previous?.Members.Contains(parent) != true)
            throw new ArgumentException("A parent is a member of the session's Previous.", nameof(parent));
        return parent.Kind == kind ? parent : null;
    }

    private void Add(IMemberWriter writer)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(ended, this);
            if (members.Any(member => member.Description.Id == writer.Description.Id))
                throw new ArgumentException($"Member {writer.Description.Id} was opened before.", nameof(writer));
            members.Add(writer);
        }
    }

    private long Sum(Func<MemberCounters, long> figure)
    {
        lock (gate)
            return members.Sum(member => figure(member.Counters));
    }

    private BackupRecord Record()
    {
        // The order of backups does not depend on whether the one before could be compared with.
        var before = description.Previous?.ResourceId == description.ResourceId ? description.Previous : null;
        lock (gate)
        {
            return new BackupRecord
            {
                Id = description.BackupId,
                CreatedUs = (description.CreatedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
                Sequence = (before?.Sequence ?? 0) + 1,
                ResourceId = description.ResourceId,
                ResourceName = description.ResourceName,
                ResourceType = description.ResourceType,
                Attributes = new SortedDictionary<string, string>(description.Attributes.ToDictionary(), StringComparer.Ordinal),
                Previous = before is null ? null : new PreviousBackup(before.Id, before.RootSha256),
                ProblemCount = problemCount,
                Problems = [.. problems],
                Members = [.. members.Select(member => member.ToRecord())],
            };
        }
    }

    private async ValueTask PutRootAsync(byte[] root, CancellationToken cancellationToken)
    {
        string name = domain.Names.Backup(description.BackupId);
        try
        {
            await domain.Immutable.PutAsync(name, root, PutMode.CreateOnly, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure is ObjectStoreFailure.AlreadyExists or ObjectStoreFailure.Transient)
        {
            // The answer to a put that succeeded may have been lost, and its repetition told that the name is taken.
            byte[]? stored = await domain.ReadRootBytesAsync(name, cancellationToken);
            if (stored is null)
                throw;
            if (!stored.AsSpan().SequenceEqual(root))
            {
                beacon.KeepOnDispose = false;
                throw Taken(domain, description.BackupId);
            }
        }
    }

    /// <summary>Done by those who add runs: a backup that stored nothing costs a bucket no request for it.</summary>
    private async ValueTask MergeRunsAsync(CancellationToken cancellationToken)
    {
        if (!chunks.HasWrittenRun)
            return;
        try
        {
            var runs = RunMerger.Choose(chunks.Runs);
            if (runs.Count > 0)
                await RunMerger.TryMergeAsync(domain.Immutable, domain.Names, domain.Keys, runs, cancellationToken);
        }
        catch (Exception e) when (e is ObjectStoreException or RepositoryException or OperationCanceledException)
        {
            // The store is in trouble: the next backup will merge them.
        }
    }

    private static RepositoryException Taken(RepositoryDomain domain, string backupId) => new(
        RepositoryFailure.Conflict, domain.Names.Backup(backupId),
        "There is a backup of this id already, or a collection took it for dead; choose a new id.");
}

/// <summary>What a session asks of its members.</summary>
internal interface IMemberWriter
{
    MemberDescription Description { get; }

    MemberCounters Counters { get; }

    bool IsFinished { get; }

    MemberRecord ToRecord();
}
