using System.CommandLine;
using System.Globalization;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Server.Identity;

namespace Strongroom.Cli.Installation;

/// <summary><c>credential</c>: access keys, with which programs sign their requests.</summary>
internal static class CredentialCommands
{
    // The range of the public clouds: "Obtaining a temporary access key" of their IAM.
    private const int ValidSecondsMin = 900;
    private const int ValidSecondsMax = 86400;

    private static readonly Column<NewCredential>[] NewColumns =
    [
        new("access_key", made => made.Credential.AccessKey),
        new("secret_key", made => made.Secret),
        new("security_token", made => made.SecurityToken),
        new("user_id", made => made.Credential.UserId),
        new("project_id", made => made.Credential.ProjectId),
        new("description", made => made.Credential.Description),
        new("expires_at", made => Instant(made.Credential.ExpiresAt)),
    ];

    private static readonly Column<Credential>[] Columns =
    [
        new("access_key", credential => credential.AccessKey),
        new("user_id", credential => credential.UserId),
        new("project_id", credential => credential.ProjectId),
        new("temporary", credential => credential.IsTemporary),
        new("created_at", credential => Instant(credential.CreatedAt)),
        new("expires_at", credential => Instant(credential.ExpiresAt)),
        new("description", credential => credential.Description),
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        AddCreate(noun, shell);
        AddList(noun, shell);
        var keys = new Argument<string[]>("access-key") { Description = "As 'credential list' shows them.", Arity = ArgumentArity.OneOrMore };
        Command delete = noun.AddVerb("delete", "Deletes access keys: what they sign is refused from now on.", keys);
        delete.SetIdentityAction(async (parsed, identity, cancellationToken) =>
        {
            foreach (string key in parsed.GetValue(keys)!)
            {
                await identity.DeleteCredentialAsync(key, cancellationToken);
                shell.Say($"deleted access key {key}");
            }
        });
    }

    private static void AddCreate(Command noun, Shell shell)
    {
        Option<string?> user = UserOption("Whose it is; OS_USERNAME, else admin, when left out.");
        var project = new Option<string?>("--project")
        {
            Description = "The only project it is good for; OS_PROJECT_NAME when left out, and without that all projects of the user.",
            HelpName = "id or name",
        };
        Option<string?> domain = IdentityCommand.DomainOption();
        var description = new Option<string>("--description") { Description = "For people.", DefaultValueFactory = _ => "" };
        var validSeconds = new Option<int?>("--valid-seconds")
        {
            Description = $"Makes a temporary key with a security token, good for {ValidSecondsMin} to {ValidSecondsMax} seconds.",
        };
        validSeconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < ValidSecondsMin or > ValidSecondsMax)
                result.AddError($"--valid-seconds is {ValidSecondsMin} to {ValidSecondsMax}.");
        });
        Command verb = noun.AddVerb("create", "Makes an access key; its secret is shown this once.", user, project, domain, description, validSeconds);
        var output = new OutputOptions<NewCredential>(verb, NewColumns);
        verb.SetIdentityAction(async (parsed, identity, cancellationToken) =>
        {
            string owner = parsed.GetValue(user) ?? Variable(shell, "OS_USERNAME") ?? "admin";
            string? only = parsed.GetValue(project) ?? Variable(shell, "OS_PROJECT_ID") ?? Variable(shell, "OS_PROJECT_NAME");
            TimeSpan? validFor = parsed.GetValue(validSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
            NewCredential made = await identity.CreateCredentialAsync(
                owner, only, parsed.GetValue(domain), parsed.GetValue(description)!, validFor, cancellationToken);
            output.WriteOne(shell, parsed, made);
        });
    }

    private static void AddList(Command noun, Shell shell)
    {
        Option<string?> user = UserOption("Only this user's.");
        Option<string?> domain = IdentityCommand.DomainOption();
        Command list = noun.AddVerb("list", "Lists access keys, without their secrets.", user, domain);
        var output = new OutputOptions<Credential>(list, Columns);
        list.SetIdentityAction(async (parsed, identity, cancellationToken) =>
            output.WriteList(shell, parsed, await identity.ListCredentialsAsync(parsed.GetValue(user), parsed.GetValue(domain), cancellationToken)));
    }

    private static Option<string?> UserOption(string description) => new("--user") { Description = description, HelpName = "id or name" };

    private static string? Variable(Shell shell, string name) => shell.Variable(name) is { Length: > 0 } value ? value : null;

    private static string? Instant(DateTimeOffset? instant) => instant?.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
