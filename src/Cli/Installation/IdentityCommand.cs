using System.CommandLine;
using Strongroom.Server.Identity;

namespace Strongroom.Cli.Installation;

/// <summary>What the verbs of <c>user</c>, <c>project</c> and <c>role</c> share: they work on the installation's database itself.</summary>
internal static class IdentityCommand
{
    public static Option<string?> DomainOption() =>
        new("--domain") { Description = "The domain the names are looked up in; default when left out.", HelpName = "id or name" };

    public static void SetIdentityAction(
        this Command command, Func<ParseResult, IdentityAdministration, CancellationToken, Task> action)
    {
        var installation = new InstallationOptions(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using IdentityAdministration identity =
                await IdentityAdministration.OpenAsync(installation.LoadExisting(parsed), cancellationToken);
            await action(parsed, identity, cancellationToken);
            return (int)ExitCode.Done;
        });
    }
}
