using System.CommandLine;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Server;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;

namespace Strongroom.Cli.Installation;

/// <summary><c>role</c>: what users may do where.</summary>
internal static class RoleCommands
{
    private static readonly Column<RoleAssignment>[] Columns =
    [
        new("user", assignment => assignment.UserName),
        new("role", assignment => assignment.Role),
        new("scope", assignment => assignment.Scope == ScopeKind.Project ? "project" : "domain"),
        new("scope_name", assignment => assignment.ScopeName),
        new("user_id", assignment => assignment.UserId) { IsDetail = true },
        new("scope_id", assignment => assignment.ScopeId) { IsDetail = true },
    ];

    private delegate Task Change(
        IdentityAdministration identity, string user, string role, ScopeKind scope, string scopeNameOrId, string? domain, CancellationToken cancellationToken);

    public static void AddTo(Command noun, Shell shell)
    {
        Command list = noun.AddVerb("list", "Lists who has which role where.");
        var output = new OutputOptions<RoleAssignment>(list, Columns);
        list.SetIdentityAction(async (parsed, identity, cancellationToken) =>
            output.WriteList(shell, parsed, await identity.ListRoleAssignmentsAsync(cancellationToken)));
        AddPolicy(noun, shell);
        AddChange(noun, shell, "add", "Gives a user a role in a project or domain.", static (identity, user, role, scope, scopeName, domain, token) =>
            identity.AddRoleAsync(user, role, scope, scopeName, domain, token));
        AddChange(noun, shell, "remove", "Takes a role away; the tokens the user has there end.", static (identity, user, role, scope, scopeName, domain, token) =>
            identity.RemoveRoleAsync(user, role, scope, scopeName, domain, token));
    }

    /// <summary>Prints what the roles may do; a file the service would not start with is refused here in the same words.</summary>
    private static void AddPolicy(Command noun, Shell shell)
    {
        var file = new Option<string?>("--file") { Description = "A policy file to check; that of the installation's settings when left out." };
        var asFile = new Option<bool>("--as-file") { Description = "Prints the roles and their rules as a policy file, to begin one's own with." };
        Command verb = noun.AddVerb("policy", "Prints which role may do what, and checks the policy file.", file, asFile);
        var installation = new InstallationOptions(verb);
        var output = new OutputOptions<(string Action, IReadOnlyList<string> Roles)>(verb, [new("action", row => row.Action), new("roles", row => row.Roles)]);
        verb.SetAction(parsed =>
        {
            string? chosen = parsed.GetValue(file) ?? installation.Load(parsed).Identity.PolicyFile;
            var rows = StrongroomHost.ExplainPolicy(chosen);
            if (parsed.GetValue(asFile))
                shell.Output.Write(ActionPolicy.Load(chosen).ToFileText());
            else
                output.WriteList(shell, parsed, rows);
            return (int)ExitCode.Done;
        });
    }

    private static void AddChange(Command noun, Shell shell, string name, string description, Change change)
    {
        var user = new Argument<string>("user") { Description = "Id or name." };
        var role = new Argument<string>("role") { Description = $"One of {string.Join(", ", new ActionPolicy().Roles)}, or of the policy file." };
        var project = new Option<string?>("--project") { Description = "Where it holds.", HelpName = "id or name" };
        var onDomain = new Option<string?>("--on-domain") { Description = "Where it holds, when it is a domain.", HelpName = "id or name" };
        Option<string?> domain = IdentityCommand.DomainOption();
        Command verb = noun.AddVerb(name, description, user, role, project, onDomain, domain);
        verb.Validators.Add(result =>
        {
            if (result.GetValue(project) is null == result.GetValue(onDomain) is null)
                result.AddError("Say where with either --project or --on-domain.");
        });
        verb.SetIdentityAction(async (parsed, identity, cancellationToken) =>
        {
            ScopeKind scope = parsed.GetValue(project) is null ? ScopeKind.Domain : ScopeKind.Project;
            string scopeName = parsed.GetValue(project) ?? parsed.GetValue(onDomain)!;
            await change(identity, parsed.GetValue(user)!, parsed.GetValue(role)!, scope, scopeName, parsed.GetValue(domain), cancellationToken);
            shell.Say($"{(name == "add" ? "added" : "removed")} role {parsed.GetValue(role)} of {parsed.GetValue(user)} in {scopeName}");
        });
    }
}
