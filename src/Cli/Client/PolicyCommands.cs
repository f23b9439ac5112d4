using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Contract;
using Strongroom.Contract.Policies;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Client;

/// <summary><c>policy</c>: when backups are made by themselves, and how long they are kept.</summary>
internal static class PolicyCommands
{
    private static readonly Column<PolicyShape>[] Columns =
    [
        new("id", policy => policy.Id),
        new("name", policy => policy.Name),
        new("type", policy => policy.OperationType),
        new("enabled", policy => policy.Enabled),
        new("patterns", policy => policy.Trigger.Properties.Pattern),
        new("definition", policy => policy.OperationDefinition),
        new("vault_ids", policy => (policy.AssociatedVaults ?? []).Select(vault => vault.VaultId)) { IsDetail = true },
        new("start_time", policy => policy.Trigger.Properties.StartTime) { IsDetail = true },
    ];

    private static readonly Column<PreviewRow>[] PreviewColumns =
    [
        new("what", row => row.What),
        new("at", row => row.At),
        new("local", row => row.Local),
        new("reasons", row => row.Reasons),
        new("resource_id", row => row.ResourceId) { IsDetail = true },
        new("backup_id", row => row.BackupId) { IsDetail = true },
    ];

    private static readonly Column<PolicyClockShape>[] ClockColumns =
    [
        new("id", clock => clock.Id),
        new("time_zone", clock => clock.TimeZone ?? "UTC"),
        new("next_runs_utc", clock => clock.NextRuns.Select(run => run.Utc)),
        new("next_runs_local", clock => clock.NextRuns.Select(run => run.Local)),
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        AddList(noun, shell);
        AddShow(noun, shell);
        AddCreate(noun, shell);
        AddUpdate(noun, shell);
        AddDelete(noun, shell);
        AddAssociate(noun, shell);
        AddDissociate(noun, shell);
        AddClock(noun, shell);
        AddPreview(noun, shell);
    }

    private static void AddList(Command noun, Shell shell)
    {
        var vault = new Option<string?>("--vault") { Description = "Only those on this vault.", HelpName = "id or name" };
        Command verb = noun.AddVerb("list", "Lists the project's policies, newest first.", vault);
        var output = new OutputOptions<PolicyShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string? vaultId = parsed.GetValue(vault) is { } of ? (await cbr.FindVaultAsync(of, cancellationToken)).Id : null;
            output.WriteList(shell, parsed, await cbr.ListPoliciesAsync(new PolicyFilter { VaultId = vaultId }, cancellationToken).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddShow(Command noun, Shell shell)
    {
        Argument<string> policy = PolicyArgument();
        Command verb = noun.AddVerb("show", "Shows one.", policy);
        var output = new OutputOptions<PolicyShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteOne(shell, parsed, await cbr.FindPolicyAsync(parsed.GetValue(policy)!, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddCreate(Command noun, Shell shell)
    {
        var name = new Option<string>("--name") { Description = "1 to 64 letters, digits, _ and -.", Required = true };
        var disabled = new Option<bool>("--disabled") { Description = "It does not run until it is enabled." };
        var options = new PolicyOptions();
        Option<string?> zone = ZoneOption();
        Command verb = noun.AddVerb("create", "Creates a backup policy.", [name, .. options.All, zone, disabled]);
        RequirePatterns(verb, options);
        var output = new OutputOptions<PolicyShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            PolicyShape created = await cbr.CreatePolicyAsync(
                new PolicyCreation
                {
                    Name = parsed.GetValue(name)!,
                    Enabled = !parsed.GetValue(disabled),
                    OperationType = PolicyTypes.Backup,
                    OperationDefinition = options.Definition(parsed, before: null) ?? "{}",
                    Trigger = options.Trigger(parsed)!,
                },
                cancellationToken);
            if (parsed.GetValue(zone) is { } zoneName)
            {
                try
                {
                    await cbr.SetPolicyClockAsync(created.Id, zoneName, cancellationToken);
                }
                catch
                {
                    // Nobody wants it on another clock than the one that was named.
                    await cbr.DeletePolicyAsync(created.Id, CancellationToken.None);
                    throw;
                }
            }

            output.WriteOne(shell, parsed, created);
            return ExitCode.Done;
        });
    }

    private static void AddUpdate(Command noun, Shell shell)
    {
        Argument<string> policy = PolicyArgument();
        var name = new Option<string?>("--name") { Description = "A new name." };
        var enabled = new Option<bool?>("--enabled") { Description = "Whether it runs.", HelpName = "true|false" };
        var options = new PolicyOptions();
        Command verb = noun.AddVerb("update", "Changes a policy; what is not given stays.", [policy, name, .. options.All, enabled]);
        var output = new OutputOptions<PolicyShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            PolicyShape found = await cbr.FindPolicyAsync(parsed.GetValue(policy)!, cancellationToken);
            var change = new PolicyChange
            {
                Name = parsed.GetValue(name),
                Enabled = parsed.GetValue(enabled),
                OperationDefinition = options.Definition(parsed, found.OperationDefinition),
                Trigger = options.Trigger(parsed),
            };
            output.WriteOne(shell, parsed, await cbr.UpdatePolicyAsync(found.Id, change, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddDelete(Command noun, Shell shell)
    {
        var policies = new Argument<string[]>("policy") { Description = "Ids or names.", Arity = ArgumentArity.OneOrMore };
        Command verb = noun.AddVerb("delete", "Deletes policies; the backups they made stay.", policies);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            foreach (string idOrName in parsed.GetValue(policies)!)
            {
                PolicyShape found = await cbr.FindPolicyAsync(idOrName, cancellationToken);
                await cbr.DeletePolicyAsync(found.Id, cancellationToken);
                shell.Say($"deleted policy {found.Name} ({found.Id}), which was on {found.AssociatedVaults?.Count ?? 0} vaults");
            }

            return ExitCode.Done;
        });
    }

    private static void AddAssociate(Command noun, Shell shell)
    {
        Argument<string> policy = PolicyArgument();
        Argument<string> vault = VaultArgument();
        Command verb = noun.AddVerb("associate", "Puts a policy on a vault, in place of the one that is there.", policy, vault);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            PolicyShape found = await cbr.FindPolicyAsync(parsed.GetValue(policy)!, cancellationToken);
            VaultShape on = await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken);
            await cbr.AssociatePolicyAsync(on.Id, found.Id, cancellationToken);
            shell.Say($"policy {found.Name} ({found.Id}) is on vault {on.Name} ({on.Id})");
            return ExitCode.Done;
        });
    }

    private static void AddDissociate(Command noun, Shell shell)
    {
        Argument<string> policy = PolicyArgument();
        Argument<string> vault = VaultArgument();
        Command verb = noun.AddVerb("dissociate", "Takes a policy off a vault; the backups it made stay.", policy, vault);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            PolicyShape found = await cbr.FindPolicyAsync(parsed.GetValue(policy)!, cancellationToken);
            VaultShape off = await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken);
            await cbr.DissociatePolicyAsync(off.Id, found.Id, cancellationToken);
            shell.Say($"policy {found.Name} ({found.Id}) is off vault {off.Name} ({off.Id})");
            return ExitCode.Done;
        });
    }

    private static void AddClock(Command noun, Shell shell)
    {
        Argument<string> policy = PolicyArgument();
        Option<string?> zone = ZoneOption();
        Command verb = noun.AddVerb("clock", "Tells when a policy runs next; with --time-zone after its patterns are read on that clock.", policy, zone);
        var output = new OutputOptions<PolicyClockShape>(verb, ClockColumns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string id = (await cbr.FindPolicyAsync(parsed.GetValue(policy)!, cancellationToken)).Id;
            output.WriteOne(shell, parsed, parsed.GetValue(zone) is { } name
                ? await cbr.SetPolicyClockAsync(id, name, cancellationToken)
                : await cbr.GetPolicyClockAsync(id, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static Option<string?> ZoneOption() =>
        new("--time-zone") { Description = "On whose wall clock the patterns are read, such as Europe/Berlin.", HelpName = "name" };

    private static void AddPreview(Command noun, Shell shell)
    {
        var policy = new Argument<string?>("policy")
        {
            Description = "Id or name of a policy to start from; with options as its edit. None: the options alone.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var options = new PolicyOptions();
        Option<string?> zone = ZoneOption();
        var vault = new Option<string?>("--vault") { Description = "Begin with what this vault holds.", HelpName = "id or name" };
        var from = new Option<string?>("--from") { Description = "From when on; now otherwise.", HelpName = "date or instant" };
        var on = new Option<string?>("--on") { Description = "Tell what exists then.", HelpName = "date or instant" };
        var runs = new Option<int?>("--runs") { Description = "So many of the next runs.", HelpName = "number" };
        Command verb = noun.AddVerb(
            "preview", "Tells when a policy runs, what it keeps and why, and what it would delete. Changes nothing.",
            [policy, .. options.All, zone, vault, from, on, runs]);
        verb.Validators.Add(result =>
        {
            if (result.GetValue(policy) is null && result.GetResult(options.All[0]) is null)
                result.AddError("Nothing to preview; name a policy or give --pattern.");
        });
        var output = new OutputOptions<PreviewRow>(verb, PreviewColumns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            PolicyShape? found = parsed.GetValue(policy) is { } idOrName ? await cbr.FindPolicyAsync(idOrName, cancellationToken) : null;
            string? zoneName = parsed.GetValue(zone) ?? (found is null ? null : (await cbr.GetPolicyClockAsync(found.Id, cancellationToken)).TimeZone);
            PolicyPreviewReply told = await cbr.PreviewPolicyAsync(
                new PolicyPreview
                {
                    Policy = new PolicyCreation
                    {
                        Name = found?.Name ?? "preview",
                        OperationDefinition = options.Definition(parsed, found?.OperationDefinition) ?? found?.OperationDefinition ?? "{}",
                        Trigger = options.Trigger(parsed)
                            ?? PolicyTriggerRequest.Of(found!.Trigger.Properties.Pattern, found.Trigger.Properties.StartTime),
                    },
                    TimeZone = zoneName,
                    VaultId = parsed.GetValue(vault) is { } of ? (await cbr.FindVaultAsync(of, cancellationToken)).Id : null,
                    From = parsed.GetValue(from),
                    On = parsed.GetValue(on),
                    Runs = parsed.GetValue(runs),
                },
                cancellationToken);
            output.WriteList(shell, parsed, [.. Rows(told)]);
            return ExitCode.Done;
        });
    }

    private static IEnumerable<PreviewRow> Rows(PolicyPreviewReply told) =>
        told.Runs.Select(run => new PreviewRow("run", run.Utc, run.Local, [], null, null))
            .Concat(told.Kept.Select(backup => new PreviewRow("kept", backup.At, null, backup.Reasons, backup.ResourceId, backup.BackupId)))
            .Concat(told.Deleted.Select(backup => new PreviewRow("deleted", backup.At, null, backup.Reasons, backup.ResourceId, backup.BackupId)));

    private static void RequirePatterns(Command verb, PolicyOptions options) => verb.Validators.Add(result =>
    {
        if (result.GetResult(options.All[0]) is null)
            result.AddError("A policy needs at least one --pattern.");
    });

    private static Argument<string> PolicyArgument() => new("policy") { Description = "Id or name." };

    private static Argument<string> VaultArgument() => new("vault") { Description = "Id or name." };

    /// <summary>One line of a preview: a run, or a backup that is kept or deleted.</summary>
    private sealed record PreviewRow(
        string What, string At, string? Local, IReadOnlyList<string> Reasons, string? ResourceId, string? BackupId);
}
