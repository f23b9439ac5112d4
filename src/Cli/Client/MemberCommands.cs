using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Shares;

namespace Strongroom.Cli.Client;

/// <summary>
/// <c>backup member</c>: the projects a backup is shared with. The owner adds and removes them; a recipient accepts or rejects
/// for its own project, the one it is logged in to.
/// </summary>
internal static class MemberCommands
{
    private static readonly Column<MemberShape>[] Columns =
    [
        new("project_id", member => member.DestProjectId),
        new("status", member => member.Status),
        new("vault_id", member => member.VaultId),
        new("created_at", member => new WireInstant(member.CreatedAt)),
        new("updated_at", member => new WireInstant(member.UpdatedAt)) { IsDetail = true },
        new("backup_id", member => member.BackupId) { IsDetail = true },
        new("id", member => member.Id) { IsDetail = true },
    ];

    public static void AddTo(Command backup, Shell shell)
    {
        var noun = new Command("member", "The projects a backup is shared with.");
        backup.Add(noun);
        AddAdd(noun, shell);
        AddList(noun, shell);
        AddShow(noun, shell);
        AddAccept(noun, shell);
        AddReject(noun, shell);
        AddRemove(noun, shell);
    }

    private static void AddAdd(Command noun, Shell shell)
    {
        Argument<string> backup = BackupArgument();
        Argument<string[]> projects = ProjectsArgument();
        Command verb = noun.AddVerb("add", "Shares a backup with projects; each has to accept it.", backup, projects);
        var output = new OutputOptions<MemberShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            BackupShape found = await cbr.FindBackupAsync(parsed.GetValue(backup)!, cancellationToken);
            output.WriteList(shell, parsed, await cbr.AddMembersAsync(found.Id, parsed.GetValue(projects)!, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddList(Command noun, Shell shell)
    {
        Argument<string> backup = BackupArgument();
        var status = new Option<string?>("--status") { Description = "Only in this state.", HelpName = "pending|accepted|rejected" };
        Command verb = noun.AddVerb("list", "Lists whom a backup is shared with; a recipient sees itself.", backup, status);
        var output = new OutputOptions<MemberShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            BackupShape found = await cbr.FindBackupAsync(parsed.GetValue(backup)!, cancellationToken);
            output.WriteList(shell, parsed, await cbr.ListMembersAsync(found.Id, parsed.GetValue(status), cancellationToken).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddShow(Command noun, Shell shell)
    {
        Argument<string> backup = BackupArgument();
        var project = new Argument<string?>("project") { Description = "The recipient's id; one's own project when left out.", Arity = ArgumentArity.ZeroOrOne };
        Command verb = noun.AddVerb("show", "Shows one.", backup, project);
        var output = new OutputOptions<MemberShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            BackupShape found = await cbr.FindBackupAsync(parsed.GetValue(backup)!, cancellationToken);
            output.WriteOne(shell, parsed, await cbr.GetMemberAsync(found.Id, parsed.GetValue(project) ?? cbr.ProjectId, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddAccept(Command noun, Shell shell)
    {
        Argument<string> backup = SharedArgument();
        var vault = new Option<string>("--vault") { Description = "One of one's own vaults, of the same kind, that it is to be in.", HelpName = "id or name", Required = true };
        Command verb = noun.AddVerb("accept", "Takes a backup that was shared with this project.", backup, vault);
        var output = new OutputOptions<MemberShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string vaultId = (await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken)).Id;
            output.WriteOne(shell, parsed, await cbr.AnswerShareAsync(parsed.GetValue(backup)!, new ShareAnswerBody("accepted", vaultId), cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddReject(Command noun, Shell shell)
    {
        Argument<string> backup = SharedArgument();
        Command verb = noun.AddVerb("reject", "Declines a backup that was shared with this project, or gives it back.", backup);
        var output = new OutputOptions<MemberShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteOne(shell, parsed, await cbr.AnswerShareAsync(parsed.GetValue(backup)!, new ShareAnswerBody("rejected", null), cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddRemove(Command noun, Shell shell)
    {
        Argument<string> backup = BackupArgument();
        Argument<string[]> projects = ProjectsArgument();
        Command verb = noun.AddVerb("remove", "Takes a share back from projects.", backup, projects);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            BackupShape found = await cbr.FindBackupAsync(parsed.GetValue(backup)!, cancellationToken);
            foreach (string projectId in parsed.GetValue(projects)!)
            {
                await cbr.RemoveMemberAsync(found.Id, projectId, cancellationToken);
                shell.Say($"backup {found.Name} ({found.Id}) is not shared with {projectId} any more");
            }

            return ExitCode.Done;
        });
    }

    private static Argument<string> BackupArgument() => new("backup") { Description = "Id or name." };

    // One that is shared with this project is in its lists only when asked for, and names are the owner's.
    private static Argument<string> SharedArgument() => new("backup") { Description = "Its id." };

    private static Argument<string[]> ProjectsArgument() =>
        new("project") { Description = "Ids of the recipients.", Arity = ArgumentArity.OneOrMore };
}
