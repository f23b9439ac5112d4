using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Strongroom.Cli.Client;
using Strongroom.Cli.Demo;
using Strongroom.Cli.Installation;
using Strongroom.Cli.Repositories;

namespace Strongroom.Cli;

/// <summary>The whole command line: a noun, a verb, and what they need.</summary>
internal static class StrongroomCommand
{
    private sealed record Noun(string Name, string Description, Action<Command, Shell> AddTo);

    // In the order of the help: the story first, then the service, then what is done every day, then the rescue path.
    private static readonly Noun[] Nouns =
    [
        new("demo", "Tells the whole story on real data of this machine.", DemoCommand.AddTo),
        new("serve", "Runs the service: API, identity, workers.", ServeCommand.AddTo),
        new("resource", "What there is to protect: servers, disks, file systems.", ResourceCommands.AddTo),
        new("vault", "The accounts resources are protected under.", VaultCommands.AddTo),
        new("policy", "When backups are made by themselves, and how long they are kept.", PolicyCommands.AddTo),
        new("checkpoint", "Backs up a vault.", CheckpointCommands.AddTo),
        new("backup", "Backups, and the way back.", BackupCommands.AddTo),
        new("task", "What the service does and did.", TaskCommands.AddTo),
        new("notification", "Who is told when something goes wrong.", NotificationCommands.AddTo),
        new("audit", "Who changed what in the project.", AuditCommands.AddTo),
        new("repo", "The repository without any server: benchmarks, rescue, audits.", RepositoryCommands.AddTo),
        new("openrc", "Prints the variables that client commands read, as shell exports.", OpenrcCommand.AddTo),
        new("user", "Who can log in; on the installation's own database.", UserCommands.AddTo),
        new("project", "What everything belongs to; on the installation's own database.", ProjectCommands.AddTo),
        new("credential", "Access keys, with which programs sign their requests; on the installation's own database.", CredentialCommands.AddTo),
        new("role", "What users may do where; on the installation's own database.", RoleCommands.AddTo),
    ];

    public static async Task<ExitCode> RunAsync(IReadOnlyList<string> arguments, Shell shell)
    {
        RootCommand root = Build(arguments, shell);
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction or null)
        {
            shell.Say(UsageLine(parsed));
            return ExitCode.Usage;
        }

        try
        {
            var invocation = new InvocationConfiguration
            {
                Output = shell.Output,
                Error = shell.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
            };
            return (ExitCode)await parsed.InvokeAsync(invocation);
        }
        catch (Exception error) when (Failures.TryDescribe(error, out Failure failure))
        {
            shell.Say($"strongroom: {failure.Message}");
            return failure.ExitCode;
        }
    }

    /// <summary>The tree below the noun that was named, and only the names of the others: half of the start-up time otherwise.</summary>
    private static RootCommand Build(IReadOnlyList<string> arguments, Shell shell)
    {
        var root = new RootCommand("Backs up servers, disks and file systems into deduplicated, encrypted vaults, and brings them back.");
        string? named = arguments.FirstOrDefault(argument => !argument.StartsWith('-'));
        bool wantsAll = named is not null && named.StartsWith('['); // completion looks at the whole tree
        foreach (Noun noun in Nouns)
        {
            var command = new Command(noun.Name, noun.Description);
            if (wantsAll || noun.Name == named)
                noun.AddTo(command, shell);
            root.Add(command);
        }

        return root;
    }

    private static string UsageLine(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string path = string.Join(' ', PathOf(parsed.CommandResult));
        string verbs = string.Join(", ", command.Subcommands.Select(sub => sub.Name));
        string reason = (command.Subcommands.Count, parsed.UnmatchedTokens.Count) switch
        {
            ( > 0, 0) => $"what to do is missing; there are {verbs}.",
            ( > 0, _) => $"there is no '{parsed.UnmatchedTokens[0]}'; there are {verbs}.",
            _ => string.Join(" ", parsed.Errors.Select(error => error.Message).Distinct()),
        };
        return $"{path}: {reason} See '{path} --help'.";
    }

    private static Stack<string> PathOf(CommandResult result)
    {
        var names = new Stack<string>();
        for (CommandResult? at = result; at is not null; at = at.Parent as CommandResult)
            names.Push(at.Parent is null ? "strongroom" : at.Command.Name);
        return names;
    }
}
