using System.CommandLine;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Cli.Progress;
using Strongroom.Contract.Resources;
using Strongroom.Drivers;
using Strongroom.Protection;
using Strongroom.Repository;

namespace Strongroom.Cli.Repositories;

/// <summary><c>repo backup</c> and <c>repo restore</c>: the same runs the service makes, in this process.</summary>
internal static class BackupAndRestore
{
    private static readonly Column<MadeBackup>[] BackupColumns =
    [
        new("id", made => made.Id),
        new("source", made => made.Source),
        new("bytes", made => new ByteSize(made.Outcome.Members.Sum(member => member.SizeBytes))),
        new("data_bytes", made => new ByteSize(made.Outcome.Members.Sum(member => member.DataBytes))),
        new("changed_bytes", made => new ByteSize(made.Outcome.Members.Sum(member => member.ChangedBytes))),
        new("stored_bytes", made => new ByteSize(made.Outcome.Members.Sum(member => member.StoredBytes))),
        new("seconds", made => decimal.Round((decimal)made.Took.TotalSeconds, 2)),
        new("problem_count", made => made.Outcome.ProblemCount),
        new("incremental", made => made.Outcome.Members.All(member => member.IsIncremental)) { IsDetail = true },
    ];

    private static readonly Column<MadeRestore>[] RestoreColumns =
    [
        new("id", made => made.Id),
        new("target", made => made.Target),
        new("written_bytes", made => new ByteSize(made.Outcome.WrittenBytes)),
        new("seconds", made => decimal.Round((decimal)made.Took.TotalSeconds, 2)),
        new("problem_count", made => made.Outcome.ProblemCount),
    ];

    public static void AddBackup(Command noun, Shell shell)
    {
        var paths = new Argument<string[]>("path") { Description = "Image files, block devices and directories; each becomes a backup.", Arity = ArgumentArity.OneOrMore };
        var parent = new Option<string?>("--parent") { Description = "Compare with the newest backup of what this backup is of, instead of the newest of the same path.", HelpName = "id" };
        var full = new Option<bool>("--full") { Description = "Read everything anew, whatever the backup before holds." };
        var force = new Option<bool>("--force") { Description = "Read every byte, also of what its times and size call unchanged; compare it all the same." };
        var level = new Option<int>("--level") { Description = "How hard to compress, 1 to 19: 1 is fast, 3 small.", HelpName = "1..19", DefaultValueFactory = _ => 3 };
        level.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 19)
                result.AddError("--level is from 1 to 19.");
        });
        var acceptLoss = new Option<bool>("--accept-loss") { Description = "Take a source even if it lost nearly all it had, as one that is not mounted does." };
        Command verb = noun.AddVerb("backup", "Backs up images, devices and directories.", paths, parent, full, force, level, acceptLoss);
        var location = new RepositoryLocation(verb, allowsInstallation: false);
        var output = new OutputOptions<MadeBackup>(verb, BackupColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: true, shell, cancellationToken, new RepositoryOptions { CompressionLevel = parsed.GetValue(level) });
            RepositoryDomain domain = access.Domains[0];
            string? likeResourceId = parsed.GetValue(parent) is { } id ? (await access.FindBackupAsync(id, cancellationToken)).Backup.ResourceId : null;
            var run = new BackupRun(domain, DriverCatalog.CreateDefault(), new ProtectionOptions(), shell.Time);
            var made = new List<MadeBackup>();
            foreach (string path in parsed.GetValue(paths)!)
            {
                BackupRequest request = Request(domain.Id, Path.GetFullPath(path), likeResourceId, shell.Time) with
                {
                    Incremental = !parsed.GetValue(full),
                    ReadsUnchanged = parsed.GetValue(force),
                    AcceptLoss = parsed.GetValue(acceptLoss),
                };
                long startedAt = shell.Time.GetTimestamp();
                BackupOutcome outcome = await ProgressBoard.RunAsync(
                    shell, board => run.RunAsync(request, new RunBoard(board.Add(path, countsBytes: true)), cancellationToken), cancellationToken);
                made.Add(new MadeBackup(request.BackupId, request.Members[0].Location, outcome, shell.Time.GetElapsedTime(startedAt)));
            }

            output.WriteList(shell, parsed, made);
            return (int)Report(shell, made.Select(one => (one.Source, one.Outcome.ProblemCount, one.Outcome.Problems)));
        });
    }

    public static void AddRestore(Command noun, Shell shell)
    {
        var id = new Argument<string>("backup") { Description = "Id of a backup, or of one disk of a server's backup." };
        var to = new Option<string>("--to") { Description = "A disk's image file or device; a tree's directory; for a whole server a directory of images.", HelpName = "path", Required = true };
        var exact = new Option<bool>("--exact") { Description = "Of a tree: remove what the directory has and the backup does not." };
        Command verb = noun.AddVerb("restore", "Writes a backup to a file, device or directory.", id, to, exact);
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        var output = new OutputOptions<MadeRestore>(verb, RestoreColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: false, shell, cancellationToken);
            (RepositoryDomain domain, BackupRecord backup) = await access.FindBackupAsync(parsed.GetValue(id)!, cancellationToken);
            string target = Path.GetFullPath(parsed.GetValue(to)!);
            var request = new RestoreRequest
            {
                DomainId = domain.Id,
                BackupId = backup.Id,
                Members = Targets(backup, parsed.GetValue(id)!, target, parsed.GetValue(exact)),
            };
            var run = new RestoreRun(domain, DriverCatalog.CreateDefault(), new ProtectionOptions(), shell.Time);
            long startedAt = shell.Time.GetTimestamp();
            RestoreOutcome outcome = await ProgressBoard.RunAsync(
                shell, board => run.RunAsync(request, new RunBoard(board.Add("restore", countsBytes: true)), cancellationToken), cancellationToken);
            output.WriteOne(shell, parsed, new MadeRestore(parsed.GetValue(id)!, target, outcome, shell.Time.GetElapsedTime(startedAt)));
            ExitCode code = Report(shell, [(target, outcome.ProblemCount, outcome.Problems)]);
            return (int)(code == ExitCode.Done ? access.Done : code);
        });
    }

    private static BackupRequest Request(string domainId, string path, string? likeResourceId, TimeProvider time)
    {
        string backupId = Guid.NewGuid().ToString();
        string resourceId = likeResourceId ?? path;
        return new BackupRequest
        {
            DomainId = domainId,
            BackupId = backupId,
            ResourceId = resourceId,
            ResourceName = Path.GetFileName(path) is { Length: > 0 } name ? name : path,
            ResourceType = Directory.Exists(path) ? ResourceTypes.FileSystem : ResourceTypes.Disk,
            Members = [new BackupMember(backupId, resourceId, Path.GetFileName(path), path)],
            CreatedAt = time.GetUtcNow(),
        };
    }

    private static IReadOnlyList<RestoreMember> Targets(BackupRecord backup, string asked, string target, bool exact)
    {
        if (backup.Member(asked) is { } one)
            return [new RestoreMember(one.Id, target, RemoveOthers: exact)];
        if (backup.Members is [var only])
            return [new RestoreMember(only.Id, target, RemoveOthers: exact)];
        if (!Directory.Exists(target))
            throw new CommandException(ExitCode.Refused, $"Backup {backup.Id} has {backup.Members.Count} disks; make the directory {target} for their images first, or restore one by its own id.");
        return [.. backup.Members.Select((member, number) => new RestoreMember(member.Id, Path.Combine(target, ImageName(member, number))))];
    }

    // Names come from the repository: only what cannot leave the directory becomes part of a path.
    private static string ImageName(MemberRecord member, int number) =>
        $"{number}-{string.Concat(member.Name.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))}.img";

    private static ExitCode Report(Shell shell, IEnumerable<(string What, long Count, IReadOnlyList<string> First)> done)
    {
        var code = ExitCode.Done;
        foreach ((string what, long count, IReadOnlyList<string> first) in done.Where(one => one.Count > 0))
        {
            shell.Say($"{what}: {count} things are missing or differ:");
            foreach (string problem in first)
                shell.Say($"  {ValueText.ForPeople(problem)}");
            code = ExitCode.Partial;
        }

        return code;
    }

    private sealed record MadeBackup(string Id, string Source, BackupOutcome Outcome, TimeSpan Took);

    private sealed record MadeRestore(string Id, string Target, RestoreOutcome Outcome, TimeSpan Took);
}
