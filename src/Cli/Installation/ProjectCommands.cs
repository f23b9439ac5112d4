using System.CommandLine;
using Strongroom.Cli.Client;
using Strongroom.Cli.Output;
using Strongroom.Server.Identity;

namespace Strongroom.Cli.Installation;

/// <summary><c>project</c>: what every vault, resource and backup belongs to.</summary>
internal static class ProjectCommands
{
    private static readonly Column<Project>[] Columns =
    [
        new("id", project => project.Id),
        new("name", project => project.Name),
        new("domain_id", project => project.DomainId),
        new("enabled", project => project.Enabled),
        new("description", project => project.Description) { IsDetail = true },
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        Command list = noun.AddVerb("list", "Lists projects.");
        var output = new OutputOptions<Project>(list, Columns);
        list.SetIdentityAction(async (parsed, identity, cancellationToken) =>
            output.WriteList(shell, parsed, await identity.ListProjectsAsync(cancellationToken)));
        AddCreate(noun, shell);
        AddChange(noun, shell, "enable", "Lets users in again.", (identity, project, domain, token) => identity.SetProjectEnabledAsync(project, domain, enabled: true, token));
        AddChange(noun, shell, "disable", "Lets nobody in; tokens end.", (identity, project, domain, token) => identity.SetProjectEnabledAsync(project, domain, enabled: false, token));
        AddChange(noun, shell, "delete", "Deletes projects that own nothing any more.", (identity, project, domain, token) => identity.DeleteProjectAsync(project, domain, token));
    }

    private static void AddCreate(Command noun, Shell shell)
    {
        var name = new Argument<string>("name") { Description = "1 to 64 characters." };
        Option<string?> domain = IdentityCommand.DomainOption();
        var description = new Option<string>("--description") { Description = "For people.", DefaultValueFactory = _ => "" };
        Command verb = noun.AddVerb("create", "Creates a project.", name, domain, description);
        var output = new OutputOptions<Project>(verb, Columns);
        verb.SetIdentityAction(async (parsed, identity, cancellationToken) =>
            output.WriteOne(shell, parsed, await identity.CreateProjectAsync(
                parsed.GetValue(name)!, parsed.GetValue(domain), parsed.GetValue(description)!, cancellationToken)));
    }

    private static void AddChange(
        Command noun, Shell shell, string name, string description, Func<IdentityAdministration, string, string?, CancellationToken, Task> change)
    {
        var projects = new Argument<string[]>("project") { Description = "Ids or names.", Arity = ArgumentArity.OneOrMore };
        Option<string?> domain = IdentityCommand.DomainOption();
        Command verb = noun.AddVerb(name, description, projects, domain);
        verb.SetIdentityAction(async (parsed, identity, cancellationToken) =>
        {
            foreach (string project in parsed.GetValue(projects)!)
            {
                await change(identity, project, parsed.GetValue(domain), cancellationToken);
                shell.Say($"{name}d project {project}");
            }
        });
    }
}
