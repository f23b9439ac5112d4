using System.CommandLine;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Cli.Progress;
using Strongroom.Repository;
using Strongroom.Server;
using Strongroom.Server.Retention;

namespace Strongroom.Cli.Repositories;

/// <summary><c>repo key</c>: who can open a repository, and what to do when nobody should any more.</summary>
internal static class KeyCommands
{
    private const string Rotate = "rotate";

    private static readonly Column<KeySlot>[] Columns =
    [
        new("id", slot => slot.Id),
        new("kind", slot => slot.Kind ?? "damaged"),
        new("iterations", slot => slot.Iterations),
        new("in_use", slot => slot.IsOpen),
    ];

    private static readonly Column<string>[] AddedColumns = [new("id", id => id)];

    public static void AddTo(Command noun, Shell shell)
    {
        var key = new Command("key", "The passwords and key files that open the repository.");
        noun.Add(key);
        AddList(key, shell);
        AddAddOrRotate(key, "add", "Lets one more password or key file open it.", allowsInstallation: true, (repository, added, token) => repository.AddKeyAsync(added, token), shell);
        AddAddOrRotate(key, Rotate, "Puts another password or key file in the place of the one given.", allowsInstallation: true, (repository, added, token) => repository.RotateKeyAsync(added, token), shell);
        AddRemove(key, shell);
        AddExport(key, shell);
        AddDestroy(key, shell);
    }

    private static void AddList(Command noun, Shell shell)
    {
        Command verb = noun.AddVerb("list", "Lists them.");
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        var output = new OutputOptions<KeySlot>(verb, Columns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: false, shell, cancellationToken, withDomains: false);
            output.WriteList(shell, parsed, await access.Repository.ListKeysAsync(cancellationToken).ToListAsync(cancellationToken));
            return (int)ExitCode.Done;
        });
    }

    private static void AddAddOrRotate(
        Command noun, string name, string description, bool allowsInstallation, Func<BackupRepository, RepositoryKey, CancellationToken, ValueTask<string>> add, Shell shell)
    {
        var password = new Option<string?>("--new-password-file") { Description = "The new password is the first line of this file, - for standard input.", HelpName = "file" };
        var file = new Option<string?>("--new-key-file") { Description = "A file of at least 16 random bytes, in place of a password.", HelpName = "file" };
        Command verb = noun.AddVerb(name, description, password, file);
        verb.Validators.Add(result =>
        {
            if (result.GetValue(password) is null == result.GetValue(file) is null)
                result.AddError("Say what the new key is: either --new-password-file or --new-key-file.");
        });
        var location = new RepositoryLocation(verb, allowsInstallation);
        var output = new OutputOptions<string>(verb, AddedColumns);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            if (name == Rotate && location.Installation(parsed) is { } installation)
            {
                // The service opens it with its key file and with nothing else.
                if (parsed.GetValue(file) is not { } newFile)
                    throw CommandException.Usage("An installation is opened with a key file: say --new-key-file.");
                byte[] content = await RepositoryLocation.ReadKeyFileAsync(newFile, cancellationToken);
                output.WriteOne(shell, parsed, await InstallationRepository.RotateKeyAsync(installation, content, shell.Time, cancellationToken));
                shell.Say($"the key file under {installation.DataDirectory} is the new one; copy it to every machine of the installation, and where it is kept safe");
                return (int)ExitCode.Done;
            }

            RepositoryKey added = await RepositoryLocation.ReadKeyAsync(parsed.GetValue(password), parsed.GetValue(file), cancellationToken);
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: true, shell, cancellationToken, withDomains: false);
            output.WriteOne(shell, parsed, await add(access.Repository, added, cancellationToken));
            return (int)ExitCode.Done;
        });
    }

    private static void AddRemove(Command noun, Shell shell)
    {
        var id = new Argument<string>("key") { Description = "Id from 'repo key list'." };
        Command verb = noun.AddVerb("remove", "Makes one useless; not the one the repository is opened with.", id);
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: true, shell, cancellationToken, withDomains: false);
            try
            {
                await access.Repository.RemoveKeyAsync(parsed.GetValue(id)!, cancellationToken);
            }
            catch (RepositoryException error) when (error.Failure == RepositoryFailure.Conflict)
            {
                throw new CommandException(ExitCode.Refused, error.Message);
            }

            shell.Say($"removed key {parsed.GetValue(id)}");
            return (int)ExitCode.Done;
        });
    }

    private static void AddExport(Command noun, Shell shell)
    {
        var to = new Option<string>("--to") { Description = "A new file, - for standard output.", HelpName = "file", Required = true };
        Command verb = noun.AddVerb("export", "Writes the master key as two lines of text, to be kept in a safe.", to);
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: false, shell, cancellationToken, withDomains: false);
            string text = access.Repository.ExportKey();
            string path = parsed.GetValue(to)!;
            if (path == "-")
            {
                shell.Output.Write(text);
                return (int)ExitCode.Done;
            }

            var create = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            await using (var writer = new StreamWriter(path, create))
                await writer.WriteAsync(text.AsMemory(), cancellationToken);
            shell.Say($"wrote {path}: who has it can read every backup, for ever; --escrow-file opens the repository with it");
            return (int)ExitCode.Done;
        });
    }

    private static void AddDestroy(Command noun, Shell shell)
    {
        var domain = new Argument<string>("domain") { Description = "Id of the domain; in an installation, of the project." };
        var yes = new Option<bool>("--yes") { Description = "It cannot be undone; without this nothing is done." };
        Command verb = noun.AddVerb("destroy", "Destroys a domain's own key, and with it everything it has stored.", domain, yes);
        var location = new RepositoryLocation(verb, allowsInstallation: true);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            string id = parsed.GetValue(domain)!;
            if (!parsed.GetValue(yes))
                throw new CommandException(ExitCode.Refused, $"Every backup of domain {id} would be lost for ever, whatever keys there are; say --yes if that is meant.");
            if (location.Installation(parsed) is { } installation && await LockedBackups.CountAsync(installation, id, shell.Time, cancellationToken) is > 0 and var locked)
            {
                throw new CommandException(
                    ExitCode.Refused, $"Project {id} has {locked} backups in locked vaults whose time is not over: nothing but the loss of the store itself may take them away.");
            }

            await using RepositoryAccess access = await location.OpenAsync(parsed, writes: true, shell, cancellationToken, withDomains: false);
            long removed = await ProgressBoard.RunAsync(
                shell,
                async board =>
                {
                    ProgressItem item = board.Add($"domain {id}", countsBytes: false);
                    return await access.Repository.DestroyDomainAsync(id, new Upkeep.Reporter<long>(count => item.Report(0, 0, $"{count} objects removed")), cancellationToken);
                },
                cancellationToken);
            if (removed == 0)
                throw CommandException.NotFound($"There is no domain {id}.");
            shell.Say($"destroyed domain {id}: {removed} objects removed");
            return (int)ExitCode.Done;
        });
    }
}
