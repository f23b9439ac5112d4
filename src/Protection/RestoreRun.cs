using Strongroom.Drivers;
using Strongroom.Protection.Disks;
using Strongroom.Protection.Trees;
using Strongroom.Repository;

namespace Strongroom.Protection;

/// <summary>
/// Writes members of a backup back. Every target is checked and opened before the first is written; what was written when
/// a run fails or is cancelled is incomplete, and running it again puts it right.
/// </summary>
public sealed class RestoreRun(RepositoryDomain domain, DriverCatalog drivers, ProtectionOptions options, TimeProvider time)
{
    /// <param name="request">Of the domain this run was made for.</param>
    /// <param name="progress">
    /// Told a few times a second, by one thread at a time; no figure ever falls. <see cref="RunPhase.Writing"/> is told before any
    /// target is changed.
    /// </param>
    /// <exception cref="DriverException">A target is missing, too small, in use, full or failed.</exception>
    /// <exception cref="RepositoryException">There is no such backup or member; or it is damaged, and the message names where.</exception>
    public async Task<RestoreOutcome> RunAsync(
        RestoreRequest request, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        if (request.DomainId != domain.Id)
            throw new ArgumentException($"This run is for domain {domain.Id}, not {request.DomainId}.", nameof(request));
        var tracker = new RunTracker(progress, time);
        tracker.Enter(RunPhase.Opening);
        BackupRecord backup = await domain.FindBackupAsync(request.BackupId, cancellationToken)
            ?? throw new RepositoryException(RepositoryFailure.NotFound, request.BackupId, "There is no such backup.");
        var members = new List<Member>();
        try
        {
            foreach (RestoreMember member in request.Members)
                members.Add(await OpenAsync(backup, member, tracker, cancellationToken));
            tracker.Enter(RunPhase.Writing);
            var problems = new ProblemList();
            long writtenBytes = 0;
            foreach (Member member in members)
                writtenBytes += await WriteAsync(backup, member, problems, cancellationToken);
            foreach (Member member in members)
                await member.Target.CompleteAsync(cancellationToken);
            tracker.Enter(RunPhase.Writing);
            return new RestoreOutcome { WrittenBytes = writtenBytes, ProblemCount = problems.Count, Problems = problems.First };
        }
        finally
        {
            foreach (Member member in members)
                await member.Target.DisposeAsync();
        }
    }

    private async Task<Member> OpenAsync(
        BackupRecord backup, RestoreMember request, RunTracker tracker, CancellationToken cancellationToken)
    {
        MemberRecord record = backup.Member(request.MemberId)
            ?? throw new RepositoryException(
                RepositoryFailure.NotFound, backup.Id, $"The backup has no member {request.MemberId}.");
        ContentKind kind = record.Kind == MemberKind.Disk ? ContentKind.Disk : ContentKind.Tree;
        IResourceDriver driver = request.Driver is null
            ? drivers.ForTarget(request.Location, kind)
            : drivers.Find(request.Driver)
                ?? throw new DriverException(
                    DriverFailure.WrongKind, request.Location, "open", $"there is no driver named {request.Driver}");
        ITarget target = await driver.OpenTargetAsync(request.Location, new TargetRequest(record.SizeBytes), cancellationToken);
        if (target.Kind == kind)
            return new Member(request, record, target, tracker.AddMember(record.SizeBytes));
        await target.DisposeAsync();
        throw new DriverException(
            DriverFailure.WrongKind, request.Location, "open",
            $"the driver {driver.Name} writes no {(kind == ContentKind.Disk ? "disks" : "trees")}");
    }

    /// <returns>Bytes of data written.</returns>
    private async Task<long> WriteAsync(BackupRecord backup, Member member, ProblemList problems, CancellationToken cancellationToken)
    {
        if (member.Target is IDiskTarget disk)
        {
            var sink = new DiskTargetSink(disk, member.Tracker);
            await domain.OpenDisk(backup, member.Record.Id).RestoreAsync(sink, options.Workers, cancellationToken);
            member.Tracker.Finish();
            return sink.WrittenBytes;
        }

        var restore = new TreeRestore(
            domain.OpenTree(backup, member.Record.Id), (ITreeTarget)member.Target, member.Request.RemoveOthers, problems, member.Tracker);
        await restore.RunAsync(options.Workers, cancellationToken);
        return restore.WrittenBytes;
    }

    private sealed record Member(RestoreMember Request, MemberRecord Record, ITarget Target, MemberTracker Tracker);
}
