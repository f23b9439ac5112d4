using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Contract;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Client;

/// <summary><c>vault</c>: the accounts resources are protected under.</summary>
internal static class VaultCommands
{
    private static readonly string[] ObjectTypesServed = [ObjectTypes.Server, ObjectTypes.Disk, ObjectTypes.FileSystem];

    private static readonly Column<VaultShape>[] Columns =
    [
        new("id", vault => vault.Id),
        new("name", vault => vault.Name),
        new("type", vault => vault.Billing.ObjectType),
        new("status", vault => vault.Billing.Status),
        new("size_bytes", vault => new ByteSize(vault.Billing.Size * WireUnits.BytesPerGb)),
        new("allocated_bytes", vault => new ByteSize(vault.Billing.Allocated * WireUnits.BytesPerGb)),
        new("used_bytes", vault => new ByteSize(vault.Billing.Used * WireUnits.BytesPerMb)),
        new("resource_count", vault => vault.Resources.Count),
        new("description", vault => vault.Description) { IsDetail = true },
        new("resource_ids", vault => vault.Resources.Select(resource => resource.Id)) { IsDetail = true },
        new("threshold_percent", vault => vault.Threshold) { IsDetail = true },
        new("locked", vault => vault.Locked) { IsDetail = true },
        new("auto_bind", vault => vault.AutoBind) { IsDetail = true },
        new("bind_tags", vault => (vault.BindRules.Tags ?? []).Select(tag => $"{tag.Key}={tag.Value}")) { IsDetail = true },
        new("created_at", vault => new WireInstant(vault.CreatedAt)) { IsDetail = true },
        new("tags", vault => vault.Tags.Select(tag => $"{tag.Key}={tag.Value}")) { IsDetail = true },
    ];

    private static readonly Column<VaultResourceShape>[] ResourceColumns =
    [
        new("id", resource => resource.Id),
        new("name", resource => resource.Name),
        new("type", resource => resource.Type),
        new("protect_status", resource => resource.ProtectStatus),
        new("size_bytes", resource => new ByteSize(resource.Size * WireUnits.BytesPerGb)),
        new("backup_size_bytes", resource => new ByteSize(resource.BackupSize * WireUnits.BytesPerMb)),
        new("backup_count", resource => resource.BackupCount),
        new("auto_protect", resource => resource.AutoProtect) { IsDetail = true },
        new("excluded_disk_ids", resource => resource.ExtraInfo?.ExcludeVolumes ?? []) { IsDetail = true },
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        AddList(noun, shell);
        AddShow(noun, shell);
        AddResources(noun, shell);
        AddCreate(noun, shell);
        AddUpdate(noun, shell);
        AddDelete(noun, shell);
        AddAssociate(noun, shell);
        AddDissociate(noun, shell);
        AddBind(noun, shell);
    }

    private static void AddList(Command noun, Shell shell)
    {
        var name = new Option<string?>("--name") { Description = "Only this name." };
        var type = new Option<string?>("--type") { Description = "Only vaults for these." };
        type.AcceptOnlyFromAmong(ObjectTypesServed);
        Command verb = noun.AddVerb("list", "Lists the project's vaults, newest first.", name, type);
        var output = new OutputOptions<VaultShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            var filter = new VaultFilter { Name = parsed.GetValue(name), ObjectType = parsed.GetValue(type) };
            output.WriteList(shell, parsed, await cbr.ListVaultsAsync(filter, cancellationToken).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddShow(Command noun, Shell shell)
    {
        Argument<string> vault = VaultArgument();
        Command verb = noun.AddVerb("show", "Shows one.", vault);
        var output = new OutputOptions<VaultShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteOne(shell, parsed, await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddResources(Command noun, Shell shell)
    {
        Argument<string> vault = VaultArgument();
        Command verb = noun.AddVerb("resources", "Lists what a vault protects.", vault);
        var output = new OutputOptions<VaultResourceShape>(verb, ResourceColumns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteList(shell, parsed, (await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken)).Resources);
            return ExitCode.Done;
        });
    }

    private static void AddCreate(Command noun, Shell shell)
    {
        var name = new Option<string>("--name") { Description = "1 to 64 letters, digits, _ and -.", Required = true };
        var type = new Option<string>("--type") { Description = "What it protects: servers, disks, or file systems (turbo).", Required = true };
        type.AcceptOnlyFromAmong(ObjectTypesServed);
        var size = new Option<int>("--size") { Description = "Capacity in GB (2^30 bytes).", HelpName = "GB", Required = true };
        var resources = new Option<string[]>("--resource") { Description = "A resource to associate; may be repeated.", HelpName = "id or name" };
        var description = new Option<string?>("--description") { Description = "Up to 255 characters." };
        Option<TagShape[]> tags = TagOption.Create();
        var autoBind = new Option<bool>("--auto-bind") { Description = "Resources of its type join by themselves, once it has a backup policy." };
        Option<TagShape[]> bindTags = BindTagOption();
        Command verb = noun.AddVerb("create", "Creates a vault.", name, type, size, resources, description, tags, autoBind, bindTags);
        var output = new OutputOptions<VaultShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            VaultShape created = await cbr.CreateVaultAsync(
                new VaultCreation
                {
                    Name = parsed.GetValue(name)!,
                    Billing = new VaultBillingCreation { ObjectType = parsed.GetValue(type)!, Size = parsed.GetValue(size) },
                    Resources = await ReferencesAsync(cbr, parsed.GetValue(resources) ?? [], excludedDiskIds: null, cancellationToken),
                    Description = parsed.GetValue(description),
                    Tags = parsed.GetTags(tags),
                    AutoBind = parsed.GetValue(autoBind) ? true : null,
                    BindRules = parsed.GetTags(bindTags) is { } rules ? new BindRulesShape { Tags = rules } : null,
                },
                cancellationToken);
            output.WriteOne(shell, parsed, created);
            return ExitCode.Done;
        });
    }

    private static void AddUpdate(Command noun, Shell shell)
    {
        Argument<string> vault = VaultArgument();
        var name = new Option<string?>("--name") { Description = "A new name." };
        var size = new Option<int?>("--size") { Description = "A new capacity in GB.", HelpName = "GB" };
        var threshold = new Option<int?>("--threshold") { Description = "Percent of use from which on a vault counts as nearly full.", HelpName = "percent" };
        var locked = new Option<bool>("--lock") { Description = "From now on only expiry removes automatic backups. Cannot be undone." };
        var autoBind = new Option<bool?>("--auto-bind") { Description = "Whether resources its rules ask for join by themselves.", HelpName = "true or false" };
        Option<TagShape[]> bindTags = BindTagOption();
        var noBindTags = new Option<bool>("--no-bind-tags") { Description = "Takes all its rules off: everything of its type may join." };
        Command verb = noun.AddVerb("update", "Changes a vault.", vault, name, size, threshold, locked, autoBind, bindTags, noBindTags);
        verb.Validators.Add(result =>
        {
            bool hasRules = result.GetValue(bindTags) is { Length: > 0 } || result.GetValue(noBindTags);
            if (result.GetValue(name) is null && result.GetValue(size) is null && result.GetValue(threshold) is null && !result.GetValue(locked)
                && result.GetValue(autoBind) is null && !hasRules)
            {
                result.AddError("Nothing to change; give --name, --size, --threshold, --lock, --auto-bind, --bind-tag or --no-bind-tags.");
            }
        });
        var output = new OutputOptions<VaultShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            VaultShape found = await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken);
            var change = new VaultChange
            {
                Name = parsed.GetValue(name),
                Billing = parsed.GetValue(size) is { } gb ? new VaultBillingChange(gb) : null,
                Threshold = parsed.GetValue(threshold),
                Locked = parsed.GetValue(locked) ? true : null,
                AutoBind = parsed.GetValue(autoBind),
                BindRules = parsed.GetValue(noBindTags) ? new BindRulesShape { Tags = [] } : parsed.GetTags(bindTags) is { } rules ? new BindRulesShape { Tags = rules } : null,
            };
            output.WriteOne(shell, parsed, await cbr.UpdateVaultAsync(found.Id, change, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddDelete(Command noun, Shell shell)
    {
        var vaults = new Argument<string[]>("vault") { Description = "Ids or names.", Arity = ArgumentArity.OneOrMore };
        Command verb = noun.AddVerb("delete", "Deletes vaults with every backup in them.", vaults);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            foreach (string idOrName in parsed.GetValue(vaults)!)
            {
                VaultShape found = await cbr.FindVaultAsync(idOrName, cancellationToken);
                await cbr.DeleteVaultAsync(found.Id, cancellationToken);
                shell.Say($"deleted vault {found.Name} ({found.Id}) and its {found.Resources.Sum(resource => resource.BackupCount)} backups");
            }

            return ExitCode.Done;
        });
    }

    private static void AddAssociate(Command noun, Shell shell)
    {
        Argument<string> vault = VaultArgument();
        Argument<string[]> resources = ResourcesArgument();
        var excluded = new Option<string[]?>("--exclude-disk") { Description = "A server's disk to leave out; may be repeated.", HelpName = "id" };
        Command verb = noun.AddVerb("associate", "Puts resources under a vault's protection, all or none.", vault, resources, excluded);
        verb.Aliases.Add("addresources");
        var output = new OutputOptions<VaultResourceShape>(verb, ResourceColumns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            VaultShape found = await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken);
            string[]? excludedDiskIds = parsed.GetResult(excluded) is null ? null : parsed.GetValue(excluded);
            IReadOnlyList<ResourceReference> references =
                await ReferencesAsync(cbr, parsed.GetValue(resources)!, excludedDiskIds, cancellationToken);
            IReadOnlyList<string> added = await cbr.AddResourcesAsync(found.Id, references, cancellationToken);
            VaultShape after = await cbr.GetVaultAsync(found.Id, cancellationToken);
            output.WriteList(shell, parsed, [.. after.Resources.Where(resource => added.Contains(resource.Id))]);
            return ExitCode.Done;
        });
    }

    private static void AddDissociate(Command noun, Shell shell)
    {
        Argument<string> vault = VaultArgument();
        Argument<string[]> resources = ResourcesArgument();
        Command verb = noun.AddVerb("dissociate", "Takes resources out of a vault and deletes their backups in it.", vault, resources);
        verb.Aliases.Add("removeresources");
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            VaultShape found = await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken);
            VaultResourceShape[] leaving = [.. parsed.GetValue(resources)!.Select(idOrName => ResourceOf(found, idOrName))];
            await cbr.RemoveResourcesAsync(found.Id, [.. leaving.Select(resource => resource.Id)], cancellationToken);
            foreach (VaultResourceShape resource in leaving)
                shell.Say($"dissociated {resource.Name} ({resource.Id}) and deleted its {resource.BackupCount} backups in {found.Name}");
            return ExitCode.Done;
        });
    }

    private static void AddBind(Command noun, Shell shell)
    {
        Argument<string> vault = VaultArgument();
        Command verb = noun.AddVerb("bind", "Brings in what the vault's rules ask for now, without waiting for the service to look.", vault);
        var output = new OutputOptions<BindRow>(
            verb, [new("id", row => row.Id), new("name", row => row.Name), new("result", row => row.Result), new("reason", row => row.Reason)]);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            VaultShape found = await cbr.FindVaultAsync(parsed.GetValue(vault)!, cancellationToken);
            AutoBindReply reply = await cbr.BindVaultAsync(found.Id, cancellationToken);
            output.WriteList(
                shell,
                parsed,
                [
                    .. reply.Joined.Select(one => new BindRow(one.Id, one.Name, "joined", null)),
                    .. reply.Left.Select(one => new BindRow(one.Id, one.Name, "left", one.Reason)),
                    .. reply.Refused.Select(one => new BindRow(one.Id, one.Name, "refused", one.Reason)),
                ]);
            return reply.Refused.Count > 0 ? ExitCode.Partial : ExitCode.Done;
        });
    }

    private static Option<TagShape[]> BindTagOption()
    {
        Option<TagShape[]> option = TagOption.Create("--bind-tag");
        option.Description = "Only resources with this tag join; up to five, any one of them is enough.";
        return option;
    }

    private static Argument<string> VaultArgument() => new("vault") { Description = "Id or name." };

    private static Argument<string[]> ResourcesArgument() =>
        new("resource") { Description = "Ids or names.", Arity = ArgumentArity.OneOrMore };

    // By the vault's own list: a resource that was unregistered meanwhile can still be taken out.
    private static VaultResourceShape ResourceOf(VaultShape vault, string idOrName)
    {
        VaultResourceShape[] found = [.. vault.Resources.Where(resource => resource.Id == idOrName || resource.Name == idOrName)];
        return found.Length switch
        {
            1 => found[0],
            0 => throw CommandException.NotFound($"{idOrName} is not in vault {vault.Name}; see 'strongroom vault resources {vault.Name}'."),
            _ => throw new CommandException(ExitCode.Refused, $"More than one resource in {vault.Name} is called '{idOrName}'; use the id."),
        };
    }

    private static async Task<IReadOnlyList<ResourceReference>> ReferencesAsync(
        CbrClient cbr, string[] idsOrNames, IReadOnlyList<string>? excludedDiskIds, CancellationToken cancellationToken)
    {
        var references = new List<ResourceReference>(idsOrNames.Length);
        foreach (string idOrName in idsOrNames)
        {
            ResourceShape found = await cbr.FindResourceAsync(idOrName, cancellationToken);
            references.Add(new ResourceReference
            {
                Id = found.Id,
                Type = found.Type,
                ExtraInfo = excludedDiskIds is null ? null : new ResourceExtraInfoShape { ExcludeVolumes = excludedDiskIds },
            });
        }

        return references;
    }

    private sealed record BindRow(string Id, string Name, string Result, string? Reason);
}
