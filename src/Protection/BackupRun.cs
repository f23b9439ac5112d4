using System.Globalization;
using Strongroom.Drivers;
using Strongroom.Protection.Disks;
using Strongroom.Protection.Trees;
using Strongroom.Repository;

namespace Strongroom.Protection;

/// <summary>
/// Makes one backup: opens all sources, reads them into the repository, commits. Until it returns nothing of the backup
/// exists, and when it fails or is cancelled only what a collection removes is left.
/// </summary>
public sealed class BackupRun(RepositoryDomain domain, DriverCatalog drivers, ProtectionOptions options, TimeProvider time)
{
    /// <summary>Runs a request once; runs of other requests may go on side by side.</summary>
    /// <param name="request">Of the domain this run was made for.</param>
    /// <param name="progress">Told a few times a second, by one thread at a time; no figure ever falls.</param>
    /// <exception cref="DriverException">A source is missing or unreadable, or lost what it had (<see cref="BackupRequest.AcceptLoss"/>).</exception>
    /// <exception cref="RepositoryException">The backup's id is taken, or what it is compared with is damaged.</exception>
    /// <exception cref="ObjectStores.ObjectStoreException">The store failed.</exception>
    public async Task<BackupOutcome> RunAsync(
        BackupRequest request, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        Check(request);
        var tracker = new RunTracker(progress, time);
        tracker.Enter(RunPhase.Opening);
        BackupRecord? newest = await domain.FindNewestAsync(request.ResourceId, cancellationToken);
        var sources = new List<ISource>();
        try
        {
            await OpenSourcesAsync(request, sources, cancellationToken);
            DateTimeOffset protectedAt = time.GetUtcNow();
            await using BackupSession session = await domain.BeginBackupAsync(
                Describe(request, newest, protectedAt), cancellationToken);
            tracker.Follow(() => (session.ChangedBytes, session.StoredBytes));
            List<Member> members = [.. request.Members.Select((member, i) => Open(request, member, sources[i], session, tracker))];
            tracker.Enter(RunPhase.Reading);
            foreach (Member member in members)
                await ReadAsync(request, member, session, cancellationToken);
            tracker.Enter(RunPhase.Committing);
            return BackupOutcome.Of(await session.CommitAsync(
                request.BeforeCommit is { } ask ? (record, token) => ask(BackupOutcome.Of(record), token) : null, cancellationToken));
        }
        finally
        {
            foreach (ISource source in sources)
                await source.DisposeAsync();
        }
    }

    private void Check(BackupRequest request)
    {
        if (request.DomainId != domain.Id)
            throw new ArgumentException($"This run is for domain {domain.Id}, not {request.DomainId}.", nameof(request));
        if (request.Members.Count == 0)
            throw new ArgumentException("A backup has at least one member.", nameof(request));
    }

    /// <summary>One right after the other: where the file system can copy at once, the members are of one instant.</summary>
    private async Task OpenSourcesAsync(BackupRequest request, List<ISource> sources, CancellationToken cancellationToken)
    {
        List<IResourceDriver> chosen = [.. request.Members.Select(Choose)];
        for (int i = 0; i < chosen.Count; i++)
            sources.Add(await chosen[i].OpenSourceAsync(request.Members[i].Location, cancellationToken));
    }

    private IResourceDriver Choose(BackupMember member) =>
        member.Driver is null
            ? drivers.ForSource(member.Location)
            : drivers.Find(member.Driver)
                ?? throw new DriverException(
                    DriverFailure.WrongKind, member.Location, "open", $"there is no driver named {member.Driver}");

    private static BackupDescription Describe(BackupRequest request, BackupRecord? newest, DateTimeOffset protectedAt) => new()
    {
        BackupId = request.BackupId,
        ResourceId = request.ResourceId,
        ResourceName = request.ResourceName,
        ResourceType = request.ResourceType,
        CreatedAt = request.CreatedAt,
        Attributes = new Dictionary<string, string>(request.Attributes)
        {
            [BackupOutcome.ProtectedAtAttribute] =
                ((protectedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture),
        },
        Previous = newest,
    };

    private static Member Open(
        BackupRequest request, BackupMember member, ISource source, BackupSession session, RunTracker tracker)
    {
        MemberKind kind = source.Kind == ContentKind.Disk ? MemberKind.Disk : MemberKind.Tree;
        MemberRecord? before = session.Previous?.Members.FirstOrDefault(
            one => one.ResourceId == member.ResourceId && one.Kind == kind);
        if (before is not null && !request.AcceptLoss)
            SourceGuard.CheckBefore(source, before);
        var description = new MemberDescription(member.MemberId, member.ResourceId, member.Name, member.Location);
        MemberRecord? parent = request.Incremental ? before : null;
        return source is IDiskSource disk
            ? new Member(source, before, tracker.AddMember(disk.SizeBytes), session.OpenDisk(description, disk.SizeBytes, parent), null)
            : new Member(source, before, tracker.AddMember(before?.SizeBytes ?? 0), null, session.OpenTree(description, parent));
    }

    private async Task ReadAsync(BackupRequest request, Member member, BackupSession session, CancellationToken cancellationToken)
    {
        if (member.Disk is not null)
        {
            var disk = (IDiskSource)member.Source;
            await ReadDiskAsync(disk, member, session, IsAsBefore(request, disk, member.Disk), cancellationToken);
            return;
        }

        var tree = (ITreeSource)member.Source;
        void Report(TreePath path, string problem) =>
            session.ReportProblem(ProblemText.Of(tree.Location, path, problem));

        await new TreeBackup(tree, member.Tree!, options.Workers, Report, member.Tracker, time, request.ReadsUnchanged).RunAsync(cancellationToken);
        if (member.Before is { } before && !request.AcceptLoss)
            SourceGuard.CheckAfter(tree, member.Tree!.Files, before, domain.OpenTree(session.Previous!, before.Id).Root);
    }

    private static bool IsAsBefore(BackupRequest request, IDiskSource disk, DiskWriter writer) =>
        !request.ReadsUnchanged && writer.CanKeepAll(disk.StateMark);

    private async Task ReadDiskAsync(
        IDiskSource disk, Member member, BackupSession session, bool isAsBefore, CancellationToken cancellationToken)
    {
        DiskWriter writer = member.Disk!;
        if (isAsBefore)
            writer.KeepAll();
        else
            await new DiskBackup(disk, writer, member.Tracker).RunAsync(options.Workers, cancellationToken);
        member.Tracker.Finish();
        if (disk.ChangeSinceOpen() is { } change)
            session.ReportProblem($"{disk.Location}: {change}");
        else
            writer.SourceState = disk.StateMark;
    }

    /// <summary>Either a disk or a tree, being read.</summary>
    private sealed record Member(ISource Source, MemberRecord? Before, MemberTracker Tracker, DiskWriter? Disk, TreeWriter? Tree);
}
