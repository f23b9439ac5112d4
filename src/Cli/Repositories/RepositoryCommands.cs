using System.CommandLine;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Repository;

namespace Strongroom.Cli.Repositories;

/// <summary><c>repo</c>: the repository without any server, for benchmarks, rescue and audits.</summary>
internal static class RepositoryCommands
{
    private static readonly Column<string>[] InitColumns = [new("repository_id", id => id)];

    private static readonly Column<ListedBackup>[] ListColumns =
    [
        new("id", row => row.Id),
        new("time", row => new WireInstant(row.Backup.CreatedAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffff"))),
        new("kind", row => row.Kind),
        new("source", row => row.Source),
        new("bytes", row => new ByteSize(row.Members.Sum(member => member.SizeBytes))),
        new("changed_bytes", row => new ByteSize(row.Members.Sum(member => member.ChangedBytes))),
        new("stored_bytes", row => new ByteSize(row.Members.Sum(member => member.StoredBytes))),
        new("problem_count", row => row.Backup.ProblemCount),
        new("data_bytes", row => new ByteSize(row.Members.Sum(member => member.DataBytes))) { IsDetail = true },
        new("parent_id", row => row.Id == row.Backup.Id ? null : row.Backup.Id) { IsDetail = true },
        new("resource_id", row => row.ResourceId) { IsDetail = true },
        new("resource_name", row => row.ResourceName) { IsDetail = true },
        new("resource_type", row => row.Backup.ResourceType) { IsDetail = true },
        new("domain", row => row.Domain) { IsDetail = true },
        new("attributes", row => row.Backup.Attributes.Select(pair => $"{pair.Key}={pair.Value}")) { IsDetail = true },
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        AddInit(noun, shell);
        BackupAndRestore.AddBackup(noun, shell);
        AddList(noun, shell);
        BackupAndRestore.AddRestore(noun, shell);
        AddDelete(noun, shell);
        Upkeep.AddCheck(noun, shell);
        Upkeep.AddStatistics(noun, shell);
        Upkeep.AddCollection(noun, shell);
        Upkeep.AddRebuild(noun, shell);
        Upkeep.AddRepair(noun, shell);
        KeyCommands.AddTo(noun, shell);
    }

    private static void AddInit(Command noun, Shell shell)
    {
        var hash = new Option<string>("--hash") { Description = "What names chunks, for good.", DefaultValueFactory = _ => "blake3" };
        hash.AcceptOnlyFromAmong("blake3", "hmac-sha-256");
        var parity = new Option<bool>("--parity") { Description = "Keep a parity of every pack, about 3 % more bytes, from which a rotten sector is brought back; for good." };
        Command verb = noun.AddVerb("init", "Makes an empty repository.", hash, parity);
        var location = new RepositoryLocation(verb, allowsInstallation: false);
        var output = new OutputOptions<string>(verb, InitColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new RepositoryOptions
            {
                Hash = parsed.GetValue(hash) == "blake3" ? ChunkHash.Blake3Keyed : ChunkHash.HmacSha256,
                Parity = parsed.GetValue(parity),
            };
            output.WriteOne(shell, parsed, await location.CreateAsync(parsed, options, shell, cancellationToken));
            return (int)ExitCode.Done;
        });
    }

    private static void AddList(Command noun, Shell shell)
    {
        Command verb = noun.AddVerb("list", "Lists backups, newest first; a server's disks below it.");
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        var output = new OutputOptions<ListedBackup>(verb, ListColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: false, shell, cancellationToken);
            var found = new List<(string Domain, BackupRecord Backup)>();
            foreach (RepositoryDomain domain in access.Domains)
            {
                await foreach (BackupRecord backup in domain.ListBackupsAsync(cancellationToken))
                    found.Add((domain.Id, backup));
            }

            output.WriteList(shell, parsed, [.. found.OrderByDescending(one => one.Backup.CreatedAt).SelectMany(one => RowsOf(one.Domain, one.Backup))]);
            return (int)access.Done;
        });
    }

    private static void AddDelete(Command noun, Shell shell)
    {
        var ids = new Argument<string[]>("backup") { Description = "Ids.", Arity = ArgumentArity.OneOrMore };
        Command verb = noun.AddVerb("delete", "Drops backups; all others stay complete, and a collection frees the space later.", ids);
        var location = new RepositoryLocation(verb, allowsInstallation: false);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: true, shell, cancellationToken);
            foreach (string id in parsed.GetValue(ids)!)
            {
                (RepositoryDomain domain, string found) = await FindToDeleteAsync(access, id, cancellationToken);
                if (found != id)
                    throw new CommandException(ExitCode.Refused, $"{id} is a part of backup {found}; only the whole can be deleted.");
                await domain.DeleteBackupAsync(id, cancellationToken);
                shell.Say($"deleted backup {id}");
            }

            return (int)ExitCode.Done;
        });
    }

    // A backup whose root is damaged is one to get rid of.
    private static async Task<(RepositoryDomain Domain, string BackupId)> FindToDeleteAsync(RepositoryAccess access, string id, CancellationToken cancellationToken)
    {
        try
        {
            (RepositoryDomain domain, BackupRecord backup) = await access.FindBackupAsync(id, cancellationToken);
            return (domain, backup.Id);
        }
        catch (RepositoryException error) when (error.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable && error.ObjectName.EndsWith("/backups/" + id, StringComparison.Ordinal))
        {
            return (access.Domains.First(domain => error.ObjectName == $"domains/{domain.Id}/backups/{id}"), id);
        }
    }

    // The ids the API gave: one for the whole, and one for each disk of a server.
    private static IEnumerable<ListedBackup> RowsOf(string domain, BackupRecord backup)
    {
        bool isWhole = backup.Members is [var only] && only.Id == backup.Id;
        yield return new ListedBackup(domain, backup, backup.Id, isWhole ? KindOf(backup.Members[0]) : "server", backup.Members);
        if (isWhole)
            yield break;
        foreach (MemberRecord member in backup.Members)
            yield return new ListedBackup(domain, backup, member.Id, KindOf(member), [member]);
    }

    private static string KindOf(MemberRecord member) => member.Kind == MemberKind.Disk ? "disk" : "tree";

    private sealed record ListedBackup(string Domain, BackupRecord Backup, string Id, string Kind, IReadOnlyList<MemberRecord> Members)
    {
        private bool IsWhole => Kind == "server" || Id == Backup.Id;

        public string Source => Members.Count == 1 ? Members[0].Location : Backup.ResourceName;

        public string ResourceId => IsWhole ? Backup.ResourceId : Members[0].ResourceId;

        public string ResourceName => IsWhole ? Backup.ResourceName : Members[0].Name;
    }
}
