using System.CommandLine;
using Strongroom.Cli.Installation;
using Strongroom.Cli.Output;
using Strongroom.Contract.Audit;
using Strongroom.Contract.Requests;

namespace Strongroom.Cli.Client;

/// <summary><c>audit</c>: who changed what in the project.</summary>
internal static class AuditCommands
{
    private static readonly Column<AuditRecordShape>[] Columns =
    [
        new("recorded_at", record => new WireInstant(record.RecordedAt)),
        new("user_name", record => record.UserName),
        new("action", record => record.Action),
        new("resource_id", record => record.ResourceId),
        new("status", record => record.Status),
        new("error_code", record => record.ErrorCode),
        new("address", record => record.Address),
        new("request_id", record => record.RequestId) { IsDetail = true },
        new("user_id", record => record.UserId) { IsDetail = true },
        new("access_key", record => record.AccessKey) { IsDetail = true },
        new("method", record => record.Method) { IsDetail = true },
        new("path", record => record.Path) { IsDetail = true },
        new("project_id", record => record.ProjectId) { IsDetail = true },
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        var action = new Option<string?>("--action") { Description = "Only this one, such as cbr:vaults:delete." };
        var user = new Option<string?>("--user") { Description = "Only of this user.", HelpName = "name" };
        var resource = new Option<string?>("--resource") { Description = "Only what was done to this vault, backup, …", HelpName = "id" };
        var since = new Option<string?>("--since") { Description = "Only from then on, as in 2024-11-05T03:00:12Z." };
        var until = new Option<string?>("--until") { Description = "Only up to then." };
        var limit = new Option<int>("--limit") { Description = "The newest so many.", DefaultValueFactory = _ => 100 };
        Command list = noun.AddVerb("list", "Lists changes that were asked for, made or refused, newest first.", action, user, resource, since, until, limit);
        var output = new OutputOptions<AuditRecordShape>(list, Columns);
        AddAll(noun, shell);
        list.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            var filter = new AuditFilter
            {
                Action = parsed.GetValue(action),
                UserName = parsed.GetValue(user),
                ResourceId = parsed.GetValue(resource),
                StartTime = parsed.GetValue(since),
                EndTime = parsed.GetValue(until),
            };
            output.WriteList(shell, parsed, await cbr.ListAuditAsync(filter, cancellationToken).Take(parsed.GetValue(limit)).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });
    }

    // Beside the service: what the command line did to the installation belongs to no project.
    private static void AddAll(Command noun, Shell shell)
    {
        var limit = new Option<int>("--limit") { Description = "The newest so many.", DefaultValueFactory = _ => 100 };
        Command all = noun.AddVerb("list-all", "Lists those of all projects and of the command line; on the installation's own database.", limit);
        var output = new OutputOptions<AuditRecordShape>(all, Columns);
        all.SetIdentityAction(async (parsed, identity, cancellationToken) =>
            output.WriteList(shell, parsed, await identity.ListAuditAsync(parsed.GetValue(limit), cancellationToken)));
    }
}
