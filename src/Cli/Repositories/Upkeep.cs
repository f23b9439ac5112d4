using System.CommandLine;
using System.Globalization;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Cli.Progress;
using Strongroom.Repository;

namespace Strongroom.Cli.Repositories;

/// <summary><c>repo check</c>, <c>stats</c>, <c>gc</c> and <c>rebuild</c>: is it sound, where are the bytes, free them, and the way out when indexes are lost.</summary>
internal static class Upkeep
{
    private static readonly Column<CheckDamage>[] DamageColumns =
    [
        new("object", damage => damage.ObjectName),
        new("offset", damage => damage.Offset < 0 ? null : damage.Offset),
        new("message", damage => damage.Message),
        new("backup_ids", damage => damage.Backups),
    ];

    private static readonly Column<RepositoryStatistics>[] StatisticsColumns =
    [
        new("total_bytes", all => new ByteSize(all.TotalBytes)),
        new("own_bytes", all => new ByteSize(all.Backups.Sum(backup => backup.OwnBytes))),
        new("shared_bytes", all => new ByteSize(all.SharedBytes)),
        new("reclaimable_bytes", all => new ByteSize(all.ReclaimableBytes)),
        new("backup_count", all => all.Backups.Count),
        new("logical_bytes", all => new ByteSize(all.LogicalBytes)),
        new("data_bytes", all => new ByteSize(all.DataBytes)),
        new("unique_chunks", all => all.UniqueChunks),
        new("unique_bytes", all => new ByteSize(all.UniqueChunkBytes)),
        new("objects", all => all.Kinds.Select(kind => $"{kind.Kind}: {kind.Objects} with {kind.Bytes} bytes")),
    ];

    private static readonly Column<BackupStatistics>[] BackupColumns =
    [
        new("id", backup => backup.BackupId),
        new("logical_bytes", backup => new ByteSize(backup.LogicalBytes)),
        new("data_bytes", backup => new ByteSize(backup.DataBytes)),
        new("own_bytes", backup => new ByteSize(backup.OwnBytes)),
        new("resource_id", backup => backup.ResourceId),
        new("domain", backup => backup.Domain) { IsDetail = true },
    ];

    private static readonly Column<CollectionReport>[] CollectionColumns =
    [
        new("domain", done => done.Domain),
        new("total_bytes_before", done => new ByteSize(done.TotalBytesBefore)),
        new("reclaimable_bytes_before", done => new ByteSize(done.ReclaimableBytesBefore)),
        new("freed_bytes", done => new ByteSize(done.FreedBytes)),
        new("written_bytes", done => new ByteSize(done.WrittenBytes)),
        new("total_bytes_after", done => new ByteSize(done.TotalBytesAfter)),
        new("reclaimable_bytes_after", done => new ByteSize(done.ReclaimableBytesAfter)),
        new("dead_packs", done => done.DeadPacks),
        new("rewritten_packs", done => done.RewrittenPacks),
        new("spared_packs", done => done.SparedPacks) { IsDetail = true },
        new("dead_sessions", done => done.DeadSessions) { IsDetail = true },
        new("missing_chunks", done => done.MissingChunks) { IsDetail = true },
        new("backup_count", done => done.Backups) { IsDetail = true },
        new("notes", done => done.Notes) { IsDetail = true },
    ];

    public static void AddCheck(Command noun, Shell shell)
    {
        var readData = new Option<bool>("--read-data") { Description = "Read, open and hash every stored byte as well." };
        var share = new Option<double>("--share") { Description = "With --read-data: the share of packs to read, chosen anew each time.", DefaultValueFactory = _ => 1, HelpName = "0..1" };
        share.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= 1))
                result.AddError("A share is above 0 and up to 1.");
        });
        Command verb = noun.AddVerb("check", "Checks everything that leads to every backup; lists what is damaged.", readData, share);
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        var output = new OutputOptions<CheckDamage>(verb, DamageColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: false, shell, cancellationToken);
            var options = new CheckOptions { ReadData = parsed.GetValue(readData), Share = parsed.GetValue(share) };
            CheckReport report = await CheckAsync(shell, access, options, cancellationToken);
            foreach (string note in report.Notes)
                shell.Say($"note: {note}");
            shell.Say($"checked {report.Backups} backups, {report.Packs} packs with {report.Chunks} chunks; read {new ByteSize(report.ReadBytes)}; {(report.IsSound ? "sound" : $"{report.DamageCount} things are damaged")}");
            output.WriteList(shell, parsed, report.Damages);
            return (int)(report.IsSound ? ExitCode.Done : ExitCode.Failed);
        });
    }

    internal static Task<CheckReport> CheckAsync(Shell shell, RepositoryAccess access, CheckOptions options, CancellationToken cancellationToken) =>
        ProgressBoard.RunAsync(
            shell,
            board =>
            {
                ProgressItem item = board.Add("check", countsBytes: true);
                var progress = new Reporter<CheckProgress>(done => item.Report(done.DoneBytes, done.TotalBytes, options.ReadData ? "reading packs" : "reading directories"));
                return RepositoryCheck.RunAsync(access.Repository, access.Domains, options, progress, cancellationToken);
            },
            cancellationToken);

    public static void AddStatistics(Command noun, Shell shell)
    {
        Command verb = noun.AddVerb("stats", "Shows where the bytes in the store are.");
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        var output = new OutputOptions<RepositoryStatistics>(verb, StatisticsColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            (RepositoryStatistics all, ExitCode code) = await CollectAsync(parsed, location, shell, cancellationToken);
            output.WriteOne(shell, parsed, all);
            return (int)code;
        });

        Command perBackup = noun.AddVerb("usage", "Shows what each backup amounts to, and what deleting it alone would free.");
        var perBackupLocation = new RepositoryLocation(perBackup, allowsInstallation: true);
        var perBackupOutput = new OutputOptions<BackupStatistics>(perBackup, BackupColumns);
        perBackup.SetAction(async (parsed, cancellationToken) =>
        {
            (RepositoryStatistics all, ExitCode code) = await CollectAsync(parsed, perBackupLocation, shell, cancellationToken);
            perBackupOutput.WriteList(shell, parsed, all.Backups);
            return (int)code;
        });
    }

    private static async Task<(RepositoryStatistics All, ExitCode Code)> CollectAsync(
        ParseResult parsed, RepositoryLocation location, Shell shell, CancellationToken cancellationToken)
    {
        await using RepositoryAccess access = await location.OpenAsync(parsed, writes: false, shell, cancellationToken);
        RepositoryStatistics collected = await ProgressBoard.RunAsync(
            shell,
            async board =>
            {
                ProgressItem item = board.Add("counting", countsBytes: false);
                RepositoryStatistics all = await RepositoryStatistics.CollectAsync(access.Repository, access.Domains, cancellationToken);
                item.Finish("done");
                return all;
            },
            cancellationToken);
        return (collected, access.Done);
    }

    public static void AddCollection(Command noun, Shell shell)
    {
        var dryRun = new Option<bool>("--dry-run") { Description = "Only show what it would free." };
        var acceptDamage = new Option<bool>("--accept-damage") { Description = "Go on although backups are damaged; what only their lost pages lead to is dropped." };
        var rewriteAbove = new Option<double>("--rewrite-above") { Description = "Rewrite a pack when this share of it could be freed.", DefaultValueFactory = _ => new CollectionOptions().RewriteAbove, HelpName = "0..1" };
        var deadAfter = new Option<double>("--dead-after") { Description = "Give up backups and collections that show no life for so many minutes.", DefaultValueFactory = _ => new CollectionOptions().SessionTimeout.TotalMinutes, HelpName = "minutes" };
        rewriteAbove.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= 1))
                result.AddError("A share is above 0 and up to 1.");
        });
        Command verb = noun.AddVerb("gc", "Frees what no backup needs; may run beside backups and restores.", dryRun, acceptDamage, rewriteAbove, deadAfter);
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        var output = new OutputOptions<CollectionReport>(verb, CollectionColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            // Two and a half beats tell dead from slow.
            double least = location.Heartbeat(parsed).TotalMinutes * 2.5;
            if (parsed.GetValue(deadAfter) is not (<= 1440 and var minutes) || !(minutes >= least))
                throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"--dead-after is from {least:0.##} to 1440 minutes: a running backup shows life two or three times in the least of them."));
            var options = new CollectionOptions
            {
                DryRun = parsed.GetValue(dryRun),
                AcceptDamage = parsed.GetValue(acceptDamage),
                RewriteAbove = parsed.GetValue(rewriteAbove),
                SessionTimeout = TimeSpan.FromMinutes(minutes),
            };
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: !options.DryRun, shell, cancellationToken);
            var reports = new List<CollectionReport>();
            foreach (RepositoryDomain domain in access.Domains)
            {
                reports.Add(await ProgressBoard.RunAsync(
                    shell,
                    board =>
                    {
                        ProgressItem item = board.Add($"domain {domain.Id}", countsBytes: false);
                        return GarbageCollection.RunAsync(domain, options, new Reporter<CollectionProgress>(step => item.Report(step.Done, step.Total, Describe(step))), cancellationToken);
                    },
                    cancellationToken));
            }

            output.WriteList(shell, parsed, reports);
            foreach (string note in reports.SelectMany(report => report.Notes))
                shell.Say($"note: {ValueText.ForPeople(note)}");
            return (int)(reports.Exists(report => report.MissingChunks > 0 || report.Notes.Count > 0) ? ExitCode.Partial : access.Done);
        });
    }

    private static string Describe(CollectionProgress step) => step.Phase switch
    {
        CollectionPhase.Waiting => $"waiting for {step.Total} running or interrupted",
        CollectionPhase.Marking => "marking",
        CollectionPhase.Moving => "moving",
        _ => "deleting",
    };

    public static void AddRebuild(Command noun, Shell shell)
    {
        Command verb = noun.AddVerb("rebuild", "Writes the indexes anew from the packs.");
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: true, shell, cancellationToken);
            ExitCode code = access.Done;
            foreach (RepositoryDomain domain in access.Domains)
            {
                RebuildReport report = await ProgressBoard.RunAsync(
                    shell,
                    board =>
                    {
                        ProgressItem item = board.Add($"domain {domain.Id}", countsBytes: false);
                        return IndexRebuild.RunAsync(domain, new Reporter<long>(packs => item.Report(0, 0, $"{packs} packs")), cancellationToken);
                    },
                    cancellationToken);
                shell.Say($"domain {domain.Id}: indexed {report.Chunks} chunks in {report.Packs} packs");
                foreach (RepositoryException damage in report.Damages)
                {
                    shell.Say($"  {damage.Message}");
                    code = ExitCode.Partial;
                }
            }

            return (int)code;
        });
    }

    public static void AddRepair(Command noun, Shell shell)
    {
        Command verb = noun.AddVerb("repair", "Mends what parity can mend, keeps all that is sound, removes what is damaged, and lists what the next backups have to heal.");
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        var output = new OutputOptions<CheckDamage>(verb, DamageColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: true, shell, cancellationToken);
            var remaining = new List<CheckDamage>();
            foreach (RepositoryDomain domain in access.Domains)
            {
                RepairReport report = await ProgressBoard.RunAsync(
                    shell,
                    board =>
                    {
                        ProgressItem item = board.Add($"domain {domain.Id}", countsBytes: true);
                        return RepositoryRepair.RunAsync(
                            access.Repository, domain, new CollectionOptions(),
                            new Reporter<RepairProgress>(done => item.Report(done.DoneBytes, done.TotalBytes, "reading packs")), cancellationToken);
                    },
                    cancellationToken);
                remaining.AddRange(report.Remaining.Damages);
                shell.Say($"domain {domain.Id}: read {new ByteSize(report.ReadBytes)}; {report.ReplacedPacks.Count} packs replaced, {report.SavedChunks} chunks saved out of them, {report.DamagedChunks} damaged");
                foreach (string name in report.HealedPacks)
                    shell.Say($"  mended {name} from its parity: it is as it was written");
                foreach (string name in report.RewrittenParities)
                    shell.Say($"  wrote {name} anew");
                foreach (string name in report.RemovedObjects.Concat(report.ReplacedPacks))
                    shell.Say($"  removed {name}");
                foreach (string name in report.UnreadablePacks)
                    shell.Say($"  kept {name}: the disk does not give all of it up. Look at the disk (its kernel log, smartctl), then run 'strongroom repo repair' again");
                foreach (string id in report.HealedBackups)
                    shell.Say($"  backup {id} is whole again");
                foreach (string id in report.DamagedBackups)
                    shell.Say($"  backup {id} is damaged; the next backup of its source reads everything and heals what is still there");
            }

            output.WriteList(shell, parsed, remaining);
            return (int)(remaining.Count == 0 ? access.Done : ExitCode.Partial);
        });
    }

    /// <summary>Unlike <see cref="Progress{T}"/>, on the reporting thread and in order.</summary>
    internal sealed class Reporter<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
