using System.CommandLine;
using System.Security.Cryptography;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Server.Identity;

namespace Strongroom.Cli.Installation;

/// <summary><c>user</c>: who can log in.</summary>
internal static class UserCommands
{
    // Without letters that look alike: it is going to be read and typed once.
    private const string PasswordAlphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789";
    private const int PasswordLength = 20;

    private static readonly Column<NewUser>[] NewColumns =
    [
        new("id", made => made.User.Id),
        new("name", made => made.User.Name),
        new("domain_id", made => made.User.DomainId),
        new("password", made => made.MadeUpPassword),
    ];

    private static readonly Column<User>[] Columns =
    [
        new("id", user => user.Id),
        new("name", user => user.Name),
        new("domain_id", user => user.DomainId),
        new("enabled", user => user.Enabled),
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        Command list = noun.AddVerb("list", "Lists users.");
        var output = new OutputOptions<User>(list, Columns);
        list.SetIdentityAction(async (parsed, identity, cancellationToken) =>
            output.WriteList(shell, parsed, await identity.ListUsersAsync(cancellationToken)));
        AddCreate(noun, shell);
        AddSetPassword(noun, shell);
        AddChange(noun, shell, "enable", "Lets users log in again.", (identity, user, domain, token) => identity.SetUserEnabledAsync(user, domain, enabled: true, token));
        AddChange(noun, shell, "disable", "Lets users in no longer; their tokens end.", (identity, user, domain, token) => identity.SetUserEnabledAsync(user, domain, enabled: false, token));
        AddChange(noun, shell, "delete", "Deletes users; what they made stays.", (identity, user, domain, token) => identity.DeleteUserAsync(user, domain, token));
    }

    private static void AddCreate(Command noun, Shell shell)
    {
        var name = new Argument<string>("name") { Description = "1 to 64 characters." };
        Option<string?> domain = IdentityCommand.DomainOption();
        Option<string?> passwordFile = PasswordFileOption();
        Command verb = noun.AddVerb("create", "Creates a user. It may do nothing until 'role add'.", name, domain, passwordFile);
        var output = new OutputOptions<NewUser>(verb, NewColumns);
        verb.SetIdentityAction(async (parsed, identity, cancellationToken) =>
        {
            (string password, bool isMadeUp) = await PasswordAsync(parsed.GetValue(passwordFile), cancellationToken);
            User user = await identity.CreateUserAsync(parsed.GetValue(name)!, parsed.GetValue(domain), password, cancellationToken);
            output.WriteOne(shell, parsed, new NewUser(user, isMadeUp ? password : null));
        });
    }

    private static void AddSetPassword(Command noun, Shell shell)
    {
        var user = new Argument<string>("user") { Description = "Id or name." };
        Option<string?> domain = IdentityCommand.DomainOption();
        Option<string?> passwordFile = PasswordFileOption();
        Command verb = noun.AddVerb("set-password", "Gives a user a new password; the user's tokens end.", user, domain, passwordFile);
        verb.SetIdentityAction(async (parsed, identity, cancellationToken) =>
        {
            (string password, bool isMadeUp) = await PasswordAsync(parsed.GetValue(passwordFile), cancellationToken);
            await identity.SetPasswordAsync(parsed.GetValue(user)!, parsed.GetValue(domain), password, cancellationToken);
            if (isMadeUp)
                shell.Output.Write(password + "\n");
            shell.Say($"changed the password of {parsed.GetValue(user)}");
        });
    }

    private static void AddChange(
        Command noun, Shell shell, string name, string description, Func<IdentityAdministration, string, string?, CancellationToken, Task> change)
    {
        var users = new Argument<string[]>("user") { Description = "Ids or names.", Arity = ArgumentArity.OneOrMore };
        Option<string?> domain = IdentityCommand.DomainOption();
        Command verb = noun.AddVerb(name, description, users, domain);
        verb.SetIdentityAction(async (parsed, identity, cancellationToken) =>
        {
            foreach (string user in parsed.GetValue(users)!)
            {
                await change(identity, user, parsed.GetValue(domain), cancellationToken);
                shell.Say($"{name}d user {user}");
            }
        });
    }

    private static Option<string?> PasswordFileOption() =>
        new("--password-file") { Description = "The password is the first line of this file, - for standard input; made up and shown once when left out." };

    private static async Task<(string Password, bool IsMadeUp)> PasswordAsync(string? file, CancellationToken cancellationToken)
    {
        if (file is null)
            return (RandomNumberGenerator.GetString(PasswordAlphabet, PasswordLength), IsMadeUp: true);
        using TextReader reader = file == "-" ? Console.In : new StreamReader(file);
        return (await reader.ReadLineAsync(cancellationToken) ?? "", IsMadeUp: false);
    }

    private sealed record NewUser(User User, string? MadeUpPassword);
}
