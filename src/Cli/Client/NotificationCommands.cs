using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Contract;
using Strongroom.Contract.Notifications;

namespace Strongroom.Cli.Client;

/// <summary><c>notification</c>: whom the project tells what goes wrong, and what it was told.</summary>
internal static class NotificationCommands
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TestPatience = TimeSpan.FromSeconds(40);

    private static readonly Column<NotificationTargetShape>[] TargetColumns =
    [
        new("id", target => target.Id),
        new("name", target => target.Name),
        new("kind", target => target.Kind),
        new("to", target => target.Url ?? string.Join(", ", target.Recipients)),
        new("events", target => target.Events),
        new("enabled", target => target.Enabled),
        new("created_at", target => new WireInstant(target.CreatedAt)) { IsDetail = true },
        new("secret", target => target.Secret) { IsDetail = true },
    ];

    private static readonly Column<NotificationRecordShape>[] Columns =
    [
        new("at", row => row.Notification.Timestamp),
        new("type", row => row.Notification.Type),
        new("text", row => row.Notification.Text.Split('\n', 2)[0]),
        new("deliveries", row => row.Deliveries.Select(delivery => $"{delivery.TargetName}: {delivery.State}")),
        new("id", row => row.Notification.Id) { IsDetail = true },
        new("errors", row => row.Deliveries.Where(delivery => delivery.Error.Length > 0).Select(delivery => $"{delivery.TargetName}: {delivery.Error}")) { IsDetail = true },
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        AddList(noun, shell);
        var target = new Command("target", "Whom the project tells.");
        noun.Add(target);
        AddAdd(target, shell);
        Command list = target.AddVerb("list", "Lists them.");
        var output = new OutputOptions<NotificationTargetShape>(list, TargetColumns);
        list.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteList(shell, parsed, await cbr.ListNotificationTargetsAsync(cancellationToken));
            return ExitCode.Done;
        });
        var gone = new Argument<string>("target") { Description = "Id or name." };
        target.AddVerb("delete", "Deletes one; what waits for it is given up.", gone).SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string id = await cbr.FindNotificationTargetAsync(parsed.GetValue(gone)!, cancellationToken);
            await cbr.DeleteNotificationTargetAsync(id, cancellationToken);
            return ExitCode.Done;
        });
        var tested = new Argument<string>("target") { Description = "Id or name." };
        target.AddVerb("test", "Sends a test and says whether it arrived.", tested).SetServiceAction(
            shell, (parsed, cbr, cancellationToken) => TestAsync(shell, cbr, parsed.GetValue(tested)!, cancellationToken));
    }

    private static void AddList(Command noun, Shell shell)
    {
        var type = new Option<string?>("--type") { Description = "Only task_failed, task_partial, slot_skipped, task_stalled, vault_threshold, vault_full or daily_summary." };
        var state = new Option<string?>("--state") { Description = "Only what is waiting, sent or failed (given up) for some target." };
        var limit = new Option<int>("--limit") { Description = "The newest so many.", DefaultValueFactory = _ => 100 };
        Command list = noun.AddVerb("list", "Lists what was told, newest first, and whom it reached.", type, state, limit);
        var output = new OutputOptions<NotificationRecordShape>(list, Columns);
        list.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            IAsyncEnumerable<NotificationRecordShape> all = cbr.ListNotificationsAsync(parsed.GetValue(type), parsed.GetValue(state), cancellationToken);
            output.WriteList(shell, parsed, await all.Take(parsed.GetValue(limit)).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddAdd(Command noun, Shell shell)
    {
        var name = new Option<string>("--name") { Description = "1 to 64 characters.", Required = true };
        var url = new Option<string?>("--webhook") { Description = "Where JSON is posted to, signed: an https address.", HelpName = "url" };
        var mail = new Option<string[]>("--mail") { Description = "Who gets mail; may be repeated.", HelpName = "address" };
        var events = new Option<string[]>("--event") { Description = "Only of this type (see 'notification list --help'); may be repeated.", HelpName = "type" };
        var secret = new Option<string?>("--secret") { Description = "What a webhook is signed with; made up and shown once when left out." };
        Command verb = noun.AddVerb("add", "Adds a webhook or mail addresses.", name, url, mail, events, secret);
        verb.Validators.Add(result =>
        {
            bool hasMail = result.GetValue(mail) is { Length: > 0 };
            if (hasMail == result.GetValue(url) is not null)
                result.AddError("It takes either --webhook or --mail.");
        });
        var output = new OutputOptions<NotificationTargetShape>(verb, TargetColumns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string? to = parsed.GetValue(url);
            NotificationTargetShape added = await cbr.AddNotificationTargetAsync(
                new NotificationTargetOrderShape
                {
                    Name = parsed.GetValue(name),
                    Kind = to is null ? "mail" : "webhook",
                    Url = to,
                    Recipients = to is null ? parsed.GetValue(mail) : null,
                    Secret = parsed.GetValue(secret),
                    Events = parsed.GetValue(events) is { Length: > 0 } chosen ? chosen : null,
                },
                cancellationToken);
            output.WriteOne(shell, parsed, added);
            return ExitCode.Done;
        });
    }

    /// <summary>Waits until it was sent or failed once: a person stands by, who need not wait for the next attempts.</summary>
    private static async Task<ExitCode> TestAsync(Shell shell, CbrClient cbr, string idOrName, CancellationToken cancellationToken)
    {
        string targetId = await cbr.FindNotificationTargetAsync(idOrName, cancellationToken);
        NotificationRecordShape record = await cbr.TestNotificationTargetAsync(targetId, cancellationToken);
        long began = shell.Time.GetTimestamp();
        while (true)
        {
            record = await cbr.GetNotificationAsync(record.Notification.Id, cancellationToken);
            NotificationDeliveryShape? delivery = record.Deliveries.Count == 0 ? null : record.Deliveries[0];
            if (delivery?.State == "sent")
            {
                shell.Say("The test arrived.");
                return ExitCode.Done;
            }

            if (delivery is { Error.Length: > 0 } || shell.Time.GetElapsedTime(began) >= TestPatience)
            {
                shell.Say($"The test did not arrive: {delivery?.Error ?? "no worker has sent it yet."}");
                return ExitCode.Failed;
            }

            await Task.Delay(PollInterval, shell.Time, cancellationToken);
        }
    }
}
