using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Resources;

/// <summary>
/// Where what is to be protected is made known: an addition of ours, in place of the compute and disk services of a cloud.
/// Registering names paths of the host, so only administrators may.
/// </summary>
internal sealed class ResourceEndpoints(MetadataDatabase database, TimeProvider time, HostPaths paths)
{
    private const string Resources = "/strongroom/v1/{project_id}/resources";
    private const string OneResource = Resources + "/{resource_id}";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Resources, CreateAsync).WithAction("strongroom:resources:create");
        routes.MapGet(Resources, ListAsync).WithAction("strongroom:resources:list");
        routes.MapGet(OneResource, ShowAsync).WithAction("strongroom:resources:get");
        routes.MapPut(OneResource, UpdateAsync).WithAction("strongroom:resources:update");
        routes.MapDelete(OneResource, DeleteAsync).WithAction("strongroom:resources:delete");
    }

    private async Task CreateAsync(HttpContext context)
    {
        Registration registration = await BodyReader.ReadAsync(context, Registration.Read);
        List<Resource> resources = await MeasureAsync(context.Caller().ProjectId, registration, context.RequestAborted);
        context.AuditResource(resources[0].Id.Value);
        ResourceShape shape = await database.WriteAsync(
            async session =>
            {
                Resource first = registration.ServerId is { } server
                    ? await AttachAsync(session, resources[0], server, context.RequestAborted)
                    : resources[0];
                await ResourceTable.InsertAsync(session, first, context.RequestAborted);
                foreach (Resource disk in resources.Skip(1))
                    await ResourceTable.InsertAsync(session, disk, context.RequestAborted);
                if (first.ServerId is { } attached)
                    await VaultBinder.RefreshAsync(session, first.ProjectId, attached, context.RequestAborted);
                return first.ToShape(resources.Skip(1));
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new ResourceReply(shape), ResourceJson.Default.ResourceReply);
    }

    internal static ResourceFilter ReadFilter(HttpRequest request)
    {
        var query = new QueryReader(request);
        return new ResourceFilter
        {
            Type = query.Text("type"),
            Id = query.Id("id"),
            Name = query.Text("name"),
            ServerId = query.Id("server_id"),
            Limit = query.Limit(),
            Offset = query.Offset(),
            Marker = query.Marker() is { } marker ? new ResourceId(marker) : null,
        };
    }

    private async Task ListAsync(HttpContext context)
    {
        ResourceFilter filter = ReadFilter(context.Request);
        string projectId = context.Caller().ProjectId;
        ResourceListReply reply = await database.ReadAsync(
            async session =>
            {
                (List<Resource> page, long count) = await ResourceTable.ListAsync(session, projectId, filter, context.RequestAborted);
                ILookup<ResourceId?, Resource> disks = await DisksAsync(session, projectId, page, context.RequestAborted);
                return new ResourceListReply(
                    [.. page.Select(resource => resource.ToShape(disks[resource.Id]))], (int)count, filter.Offset, filter.Limit);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, reply, ResourceJson.Default.ResourceListReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        ResourceId id = PathResource(context);
        string projectId = context.Caller().ProjectId;
        ResourceShape shape = await database.ReadAsync(
            async session =>
            {
                Resource resource = await RequireAsync(session, projectId, id, context.RequestAborted);
                return resource.ToShape((await DisksAsync(session, projectId, [resource], context.RequestAborted))[id]);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new ResourceReply(shape), ResourceJson.Default.ResourceReply);
    }

    private async Task UpdateAsync(HttpContext context)
    {
        ResourceId id = PathResource(context);
        ResourceChangeShape change = await BodyReader.ReadAsync(context, Registration.ReadChange);
        string projectId = context.Caller().ProjectId;
        ResourceShape shape = await database.WriteAsync(
            async session =>
            {
                Resource present = await RequireAsync(session, projectId, id, context.RequestAborted);
                Resource changed = present with
                {
                    Name = change.Name ?? present.Name,
                    Tags = change.Tags ?? present.Tags,
                    AutoBind = change.AutoBind ?? present.AutoBind,
                };
                await ResourceTable.UpdateAsync(session, changed, context.RequestAborted);
                return changed.ToShape((await DisksAsync(session, projectId, [changed], context.RequestAborted))[id]);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new ResourceReply(shape), ResourceJson.Default.ResourceReply);
    }

    /// <summary>Its backups stay, and in the vaults it is in it shows as deleted until it is removed there.</summary>
    private async Task DeleteAsync(HttpContext context)
    {
        ResourceId id = PathResource(context);
        string projectId = context.Caller().ProjectId;
        await database.WriteAsync(
            async session =>
            {
                Resource resource = await RequireAsync(session, projectId, id, context.RequestAborted);
                List<Resource> gone = await ResourceTable.FindWithDisksAsync(session, projectId, [id], context.RequestAborted);
                long tick = await InstallationClock.ReadAsync(session, context.RequestAborted);
                await ResourceTable.MarkDeletedAsync(session, id, tick, context.RequestAborted);
                await VaultTable.MarkSourcesGoneAsync(session, [.. gone.Select(each => each.Id)], context.RequestAborted);
                if (resource.ServerId is { } server)
                    await VaultBinder.RefreshAsync(session, projectId, server, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }

    /// <summary>The resource first, then the disks of a server in their order.</summary>
    private async Task<List<Resource>> MeasureAsync(string projectId, Registration registration, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetStoredNow();
        var resource = new Resource
        {
            Id = ResourceId.New(),
            ProjectId = projectId,
            Type = registration.Type,
            Name = registration.Name,
            Tags = registration.Tags,
            CreatedAt = now,
        };
        if (registration.Path is { } path)
            return [Measured(resource, await paths.MeasureAsync(resource.Type, path, cancellationToken))];
        List<Resource> all = [resource];
        foreach (DiskRegistration disk in registration.Disks)
        {
            var attached = new Resource
            {
                Id = ResourceId.New(),
                ProjectId = projectId,
                Type = ResourceTypes.Disk,
                Name = disk.Name ?? string.Create(CultureInfo.InvariantCulture, $"{registration.Name}-{all.Count}"),
                ServerId = resource.Id,
                Position = all.Count,
                CreatedAt = now,
            };
            all.Add(Measured(attached, await paths.MeasureAsync(ResourceTypes.Disk, disk.Path, cancellationToken)));
        }

        return all;
    }

    private static Resource Measured(Resource resource, MeasuredPath path) =>
        resource with { Driver = path.Driver, Path = path.Path, SizeBytes = path.SizeBytes };

    private static async ValueTask<Resource> AttachAsync(DbSession session, Resource disk, ResourceId serverId, CancellationToken cancellationToken)
    {
        List<Resource> known = await ResourceTable.FindWithDisksAsync(session, disk.ProjectId, [serverId], cancellationToken);
        if (!known.Exists(resource => resource.Id == serverId && resource.Type == ResourceTypes.Server))
            throw new RefusedException(ErrorCodes.ServerMissing, $"There is no server with id {serverId} in this project.");
        return known.Count <= Registration.DiskCountMax
            ? disk with { ServerId = serverId, Position = known.Max(resource => resource.Position) + 1 }
            : throw BodyReader.Refused($"Server {serverId} has {Registration.DiskCountMax} disks: no more can be attached.");
    }

    private static async ValueTask<Resource> RequireAsync(DbSession session, string projectId, ResourceId id, CancellationToken cancellationToken) =>
        await ResourceTable.FindAsync(session, projectId, id, cancellationToken)
        ?? throw new RefusedException(ErrorCodes.ResourceMissing, $"There is no resource with id {id} in this project.");

    private static async ValueTask<ILookup<ResourceId?, Resource>> DisksAsync(
        DbSession session, string projectId, IReadOnlyList<Resource> of, CancellationToken cancellationToken)
    {
        ResourceId[] servers = [.. of.Where(resource => resource.Type == ResourceTypes.Server).Select(resource => resource.Id)];
        List<Resource> found = servers.Length == 0 ? [] : await ResourceTable.FindWithDisksAsync(session, projectId, servers, cancellationToken);
        return found.Where(resource => resource.ServerId is not null).ToLookup(resource => resource.ServerId);
    }

    private static ResourceId PathResource(HttpContext context)
    {
        string text = (string)context.Request.RouteValues["resource_id"]!;
        return WireId.IsWellFormed(text)
            ? new ResourceId(text)
            : throw BodyReader.Refused($"resource_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(text)}.");
    }
}
