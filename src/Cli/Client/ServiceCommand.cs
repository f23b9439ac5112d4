using System.CommandLine;
using System.CommandLine.Parsing;
using Strongroom.Contract;

namespace Strongroom.Cli.Client;

/// <summary>Commands that log in and then talk to the service.</summary>
internal static class ServiceCommand
{
    public static void SetServiceAction(
        this Command command, Shell shell, Func<ParseResult, CbrClient, CancellationToken, Task<ExitCode>> action) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using Session session = await Session.LogInAsync(shell, cancellationToken);
            return (int)await action(parsed, session.Cbr, cancellationToken);
        });

    /// <summary>A verb below the noun, with its parts.</summary>
    public static Command AddVerb(this Command noun, string name, string description, params Symbol[] parts)
    {
        var verb = new Command(name, description);
        foreach (Symbol part in parts)
        {
            if (part is Argument argument)
            {
                argument.Validators.Add(RefuseOptions);
                verb.Add(argument);
            }
            else
                verb.Add((Option)part);
        }

        noun.Add(verb);
        return verb;
    }

    // The parser takes an option it does not know for an argument: 'delete one --force' would delete two things.
    private static void RefuseOptions(ArgumentResult result)
    {
        foreach (string option in result.Tokens.Select(token => token.Value).Where(value => value.Length > 1 && value.StartsWith('-')))
            result.AddError($"There is no option '{option}' here; a path that begins with a dash is written ./{option}.");
    }
}
