using System.CommandLine;
using Strongroom.Cli.Output;
using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Client;

/// <summary><c>resource</c>: what there is to protect on the service's host.</summary>
internal static class ResourceCommands
{
    private static readonly string[] Types = [ResourceTypes.Server, ResourceTypes.Disk, ResourceTypes.FileSystem];

    private static readonly Column<ResourceShape>[] Columns =
    [
        new("id", resource => resource.Id),
        new("name", resource => resource.Name),
        new("type", resource => resource.Type),
        new("size_bytes", resource => new ByteSize(resource.SizeBytes)),
        new("path", resource => resource.Path),
        new("server_id", resource => resource.ServerId) { IsDetail = true },
        new("driver", resource => resource.Driver) { IsDetail = true },
        new("disk_ids", resource => resource.Disks.Select(disk => disk.Id)) { IsDetail = true },
        new("created_at", resource => new WireInstant(resource.CreatedAt)) { IsDetail = true },
        new("auto_bind", resource => resource.AutoBind) { IsDetail = true },
        new("missing", resource => resource.Missing) { IsDetail = true },
        new("tags", resource => resource.Tags.Select(tag => $"{tag.Key}={tag.Value}")) { IsDetail = true },
    ];

    public static void AddTo(Command noun, Shell shell)
    {
        AddAdd(noun, shell);
        AddList(noun, shell);
        AddShow(noun, shell);
        AddUpdate(noun, shell);
        AddRemove(noun, shell);
    }

    private static void AddAdd(Command noun, Shell shell)
    {
        var type = new Option<string>("--type") { Description = "What it is.", Required = true };
        type.AcceptOnlyFromAmong(Types);
        var name = new Option<string>("--name") { Description = "1 to 255 characters.", Required = true };
        var path = new Option<string?>("--path") { Description = "A disk's image file or device, or a file system's directory, on the service's host." };
        var disks = new Option<string[]>("--disk") { Description = "A server's disk: image file or device; repeated, the system disk first.", HelpName = "path" };
        var server = new Option<string?>("--server") { Description = "The server a disk belongs to.", HelpName = "id or name" };
        Option<TagShape[]> tags = TagOption.Create();
        Command verb = noun.AddVerb("add", "Makes a disk, a file system or a server known.", type, name, path, disks, server, tags);
        verb.Validators.Add(result =>
        {
            bool isServer = result.GetValue(type) == ResourceTypes.Server;
            bool hasDisks = result.GetValue(disks) is { Length: > 0 };
            if (isServer && (!hasDisks || result.GetValue(path) is not null))
                result.AddError("A server is made of --disk PATH, one or more, and has no --path.");
            if (!isServer && (hasDisks || result.GetValue(path) is null))
                result.AddError("A disk or file system needs --path, and has no --disk.");
        });
        var output = new OutputOptions<ResourceShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            string? serverId = parsed.GetValue(server) is { } of ? (await cbr.FindResourceAsync(of, cancellationToken)).Id : null;
            string[] diskPaths = parsed.GetValue(disks) ?? [];
            ResourceShape added = await cbr.RegisterResourceAsync(
                new ResourceRegistrationShape
                {
                    Type = parsed.GetValue(type)!,
                    Name = parsed.GetValue(name)!,
                    Path = parsed.GetValue(path) is { } given ? Path.GetFullPath(given) : null,
                    ServerId = serverId,
                    Disks = diskPaths.Length == 0 ? null : [.. diskPaths.Select(disk => new DiskRegistrationShape { Path = Path.GetFullPath(disk) })],
                    Tags = parsed.GetTags(tags),
                },
                cancellationToken);
            output.WriteOne(shell, parsed, added);
            return ExitCode.Done;
        });
    }

    private static void AddList(Command noun, Shell shell)
    {
        var type = new Option<string?>("--type") { Description = "Only these." };
        type.AcceptOnlyFromAmong(Types);
        Command verb = noun.AddVerb("list", "Lists what there is to protect.", type);
        var output = new OutputOptions<ResourceShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteList(shell, parsed, await cbr.ListResourcesAsync(parsed.GetValue(type), name: null, cancellationToken).ToListAsync(cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddShow(Command noun, Shell shell)
    {
        var resource = new Argument<string>("resource") { Description = "Id or name." };
        Command verb = noun.AddVerb("show", "Shows one.", resource);
        var output = new OutputOptions<ResourceShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            output.WriteOne(shell, parsed, await cbr.FindResourceAsync(parsed.GetValue(resource)!, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddUpdate(Command noun, Shell shell)
    {
        var resource = new Argument<string>("resource") { Description = "Id or name." };
        var name = new Option<string?>("--name") { Description = "A new name." };
        Option<TagShape[]> tags = TagOption.Create();
        var noTags = new Option<bool>("--no-tags") { Description = "Takes all tags off." };
        var autoBind = new Option<bool?>("--auto-bind") { Description = "Whether the rules of vaults may bring it in.", HelpName = "true or false" };
        Command verb = noun.AddVerb("update", "Changes one; given tags take the place of all it has.", resource, name, tags, noTags, autoBind);
        verb.Validators.Add(result =>
        {
            bool hasTags = result.GetValue(tags) is { Length: > 0 };
            if (hasTags && result.GetValue(noTags))
                result.AddError("Give either --tag or --no-tags.");
            if (!hasTags && !result.GetValue(noTags) && result.GetValue(name) is null && result.GetValue(autoBind) is null)
                result.AddError("Nothing to change; give --name, --tag, --no-tags or --auto-bind.");
        });
        var output = new OutputOptions<ResourceShape>(verb, Columns);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            ResourceShape found = await cbr.FindResourceAsync(parsed.GetValue(resource)!, cancellationToken);
            var change = new ResourceChangeShape
            {
                Name = parsed.GetValue(name),
                Tags = parsed.GetValue(noTags) ? [] : parsed.GetTags(tags),
                AutoBind = parsed.GetValue(autoBind),
            };
            output.WriteOne(shell, parsed, await cbr.UpdateResourceAsync(found.Id, change, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static void AddRemove(Command noun, Shell shell)
    {
        var resources = new Argument<string[]>("resource") { Description = "Ids or names.", Arity = ArgumentArity.OneOrMore };
        Command verb = noun.AddVerb("remove", "Forgets resources; their data is not touched and their backups stay.", resources);
        verb.SetServiceAction(shell, async (parsed, cbr, cancellationToken) =>
        {
            foreach (string idOrName in parsed.GetValue(resources)!)
            {
                ResourceShape found = await cbr.FindResourceAsync(idOrName, cancellationToken);
                await cbr.RemoveResourceAsync(found.Id, cancellationToken);
                shell.Say($"removed resource {found.Name} ({found.Id})");
            }

            return ExitCode.Done;
        });
    }
}
