using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Resources;

/// <summary>What can be protected (atlas of backups, section 8): the registered resources in the words of the wire.</summary>
internal sealed class ProtectableEndpoints(MetadataDatabase database)
{
    private const string Instances = "/v3/{project_id}/protectables/{protectable_type}/instances";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Instances, ListAsync).WithAction("cbr:vaults:listProtectables");
        routes.MapGet(Instances + "/{instance_id}", ShowAsync).WithAction("cbr:vaults:getProtectables");
    }

    internal static (ResourceFilter Filter, string? Status) ReadFilter(HttpRequest request)
    {
        var query = new QueryReader(request);
        var filter = new ResourceFilter
        {
            Id = query.Id("id"),
            Name = query.Text("name"),
            ServerId = query.Id("server_id"),
            Limit = query.Limit(),
            Offset = query.Offset(),
            Marker = query.Marker() is { } marker ? new ResourceId(marker) : null,
        };
        return (filter, query.Text("status"));
    }

    private async Task ListAsync(HttpContext context)
    {
        string type = PathType(context);
        (ResourceFilter filter, string? status) = ReadFilter(context.Request);
        filter = filter with
        {
            Type = type,
            IsAttached = status is null || type != ResourceTypes.Disk ? null : status == ProtectableShapes.AttachedStatus,
        };
        if (status is not null && !ProtectableShapes.StatusesOf(type).Contains(status))
        {
            await JsonReply.WriteAsync(context, new ProtectableListReply([], 0), ProtectableJson.Default.ProtectableListReply);
            return;
        }

        string projectId = context.Caller().ProjectId;
        ProtectableListReply reply = await database.ReadAsync(
            async session =>
            {
                (List<Resource> page, long count) = await ResourceTable.ListAsync(session, projectId, filter, context.RequestAborted);
                return new ProtectableListReply(await ShapesAsync(session, projectId, page, context.RequestAborted), (int)count);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, reply, ProtectableJson.Default.ProtectableListReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        string type = PathType(context);
        string id = (string)context.Request.RouteValues["instance_id"]!;
        if (!WireId.IsWellFormed(id))
            throw BodyReader.Refused($"instance_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(id)}.");
        string projectId = context.Caller().ProjectId;
        ProtectableShape shape = await database.ReadAsync(
            async session =>
            {
                Resource? resource = await ResourceTable.FindAsync(session, projectId, new ResourceId(id), context.RequestAborted);
                if (resource is null || resource.Type != type)
                    throw new RefusedException(Missing(type), $"There is no {type} with id {id} in this project.");
                return (await ShapesAsync(session, projectId, [resource], context.RequestAborted))[0];
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new ProtectableReply(shape), ProtectableJson.Default.ProtectableReply);
    }

    private static async ValueTask<IReadOnlyList<ProtectableShape>> ShapesAsync(
        DbSession session, string projectId, List<Resource> page, CancellationToken cancellationToken)
    {
        if (page.Count == 0)
            return [];
        ResourceId[] ids = [.. page.Select(resource => resource.Id)];
        List<Resource> related = await ResourceTable.FindWithDisksAsync(session, projectId, ids, cancellationToken);
        ILookup<ResourceId?, Resource> disks = related.Where(resource => resource.ServerId is not null).ToLookup(resource => resource.ServerId);
        Dictionary<ResourceId, Vault> vaults = await VaultTable.FindHoldingAsync(session, projectId, ids, cancellationToken);
        return [.. page.Select(resource => ProtectableShapes.Of(resource, disks[resource.Id], vaults.GetValueOrDefault(resource.Id)))];
    }

    /// <summary>The resource type that the path's word stands for.</summary>
    private static string PathType(HttpContext context)
    {
        string word = (string)context.Request.RouteValues["protectable_type"]!;
        return word switch
        {
            "server" => ResourceTypes.Server,
            "disk" => ResourceTypes.Disk,
            "turbo" => ResourceTypes.FileSystem,
            "workspace" or "workspace_v2" => "OS::Workspace::DesktopV2",
            _ => throw new RefusedException(
                ErrorCodes.ProtectionUnsupported, $"protectable_type must be server, disk, turbo, workspace or workspace_v2: it is {ShownText.Quoted(word)}."),
        };
    }

    private static ErrorCode Missing(string type) => type switch
    {
        ResourceTypes.Server => ErrorCodes.ServerMissing,
        ResourceTypes.Disk => ErrorCodes.DiskMissing,
        _ => ErrorCodes.ResourceMissing,
    };
}

internal static class ProtectableShapes
{
    public const string AttachedStatus = "in-use";

    private const string ServerStatus = "ACTIVE";
    private const string FreeStatus = "available";

    public static string[] StatusesOf(string type) => type switch
    {
        ResourceTypes.Server => [ServerStatus],
        ResourceTypes.Disk => [AttachedStatus, FreeStatus],
        _ => [FreeStatus],
    };

    public static ProtectableShape Of(Resource resource, IEnumerable<Resource> disks, Vault? vault)
    {
        ProtectableShape[] children = [.. disks.Select(disk => Of(disk, [], (VaultShape?)null) with { VaultId = vault?.Id.Value, VaultName = vault?.Name })];
        return Of(resource, children, vault?.ToShape());
    }

    private static ProtectableShape Of(Resource resource, IReadOnlyList<ProtectableShape> children, VaultShape? vault)
    {
        bool isServer = resource.Type == ResourceTypes.Server;
        string status = isServer ? ServerStatus : resource.ServerId is null ? FreeStatus : AttachedStatus;
        return new ProtectableShape
        {
            Id = resource.Id.Value,
            Type = resource.Type,
            Name = resource.Name,
            Size = isServer ? WireUnits.SumGb(children.Sum(disk => (long)disk.Size)) : resource.SizeGb,
            Status = status,
            Protectable = new ProtectableVerdictShape(true, "", "", vault),
            Detail = new ProtectableDetailShape
            {
                Id = resource.Id.Value,
                Name = resource.Name,
                Status = status,
                Tags = isServer ? [.. resource.Tags.Select(tag => $"{tag.Key}={tag.Value}")] : null,
                Size = isServer ? null : resource.SizeGb,
                Attachments = resource.ServerId is { } server ? [new DiskAttachmentShape(server.Value, resource.Id.Value)] : null,
                AttachedDisks = isServer ? [.. children.Select(disk => new AttachedDiskShape(disk.Id))] : null,
            },
            Children = children,
        };
    }
}
