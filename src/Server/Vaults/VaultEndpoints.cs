using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Notifications;
using Strongroom.Server.Resources;
using Strongroom.Server.Shares;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Vaults;

/// <summary>The vault operations (atlas of the vault API, section 3).</summary>
internal sealed class VaultEndpoints(MetadataDatabase database, RenderedVaults rendered, TimeProvider time, VaultOptions options)
{
    private const string Vaults = "/v3/{project_id}/vaults";
    private const string OneVault = Vaults + "/{vault_id}";

    private static readonly byte[] ShowStart = "{\"vault\":"u8.ToArray();
    private static readonly byte[] ShowEnd = "}"u8.ToArray();
    private static readonly byte[] ListStart = "{\"vaults\":["u8.ToArray();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Vaults, CreateAsync).WithAction("cbr:vaults:create");
        routes.MapGet(Vaults, ListAsync).WithAction("cbr:vaults:list");
        routes.MapGet(OneVault, ShowAsync).WithAction("cbr:vaults:get");
        routes.MapPut(OneVault, UpdateAsync).WithAction("cbr:vaults:update");
        routes.MapDelete(OneVault, DeleteAsync).WithAction("cbr:vaults:delete");
        routes.MapPost(OneVault + "/addresources", AddResourcesAsync).WithAction("cbr:vaults:addResources");
        routes.MapPost(OneVault + "/removeresources", RemoveResourcesAsync).WithAction("cbr:vaults:removeResources");
        routes.MapPost(OneVault + "/migrateresources", MigrateResourcesAsync).WithAction("cbr:vaults:migrateResources");
        routes.MapPut(OneVault + "/set-resources", SetResourcesAsync).WithAction("cbr:vaults:update");
    }

    /// <summary>The vault id of the path.</summary>
    public static VaultId PathVault(HttpContext context)
    {
        string text = (string)context.Request.RouteValues["vault_id"]!;
        return WireId.IsWellFormed(text)
            ? new VaultId(text)
            : throw BodyReader.Refused($"vault_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(text)}.");
    }

    /// <summary>A vault of the caller's project, or the refusal that there is none.</summary>
    public static async ValueTask<Vault> RequireAsync(DbSession session, string projectId, VaultId id, CancellationToken cancellationToken) =>
        await VaultTable.FindAsync(session, projectId, id, cancellationToken) ?? throw Missing(id);

    /// <summary>Answers with a page of vaults.</summary>
    public static Task ReplyAsync(HttpContext context, VaultListing listing, VaultFilter filter) => JsonReply.WriteAsync(
        context,
        ListStart,
        listing.Vaults,
        Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"],\"count\":{listing.Count},\"offset\":{filter.Offset},\"limit\":{filter.Limit}}}")));

    private async Task CreateAsync(HttpContext context)
    {
        VaultCreation creation = await BodyReader.ReadAsync(context, body => VaultRequests.Creation(body, options));
        Vault vault = await VaultCreator.CreateAsync(database, context, creation, options, time.GetStoredNow());
        await (vault.IsPrePaid
            ? JsonReply.WriteAsync(context, VaultOrders.Reply(vault), VaultJson.Default.OrderReply)
            : ReplyAsync(context, vault));
    }

    private async Task ListAsync(HttpContext context)
    {
        VaultFilter filter = VaultFilter.Of(context.Request);
        string projectId = context.Caller().ProjectId;
        VaultListing listing = await database.ReadAsync(
            async session =>
            {
                if (filter.Marker is { } marker && !await VaultTable.WasThereAsync(session, projectId, marker, context.RequestAborted))
                    throw BodyReader.Refused($"marker must be the id of a vault of this project: there is none with id {marker}.");
                return await rendered.ListAsync(session, projectId, filter, context.RequestAborted);
            },
            context.RequestAborted);
        await ReplyAsync(context, listing, filter);
    }

    private async Task ShowAsync(HttpContext context)
    {
        VaultId id = PathVault(context);
        string projectId = context.Caller().ProjectId;
        byte[] vault = await database.ReadAsync(session => rendered.FindAsync(session, projectId, id, context.RequestAborted), context.RequestAborted)
            ?? throw Missing(id);
        await JsonReply.WriteAsync(context, ShowStart, [vault], ShowEnd);
    }

    private async Task UpdateAsync(HttpContext context)
    {
        VaultId id = PathVault(context);
        VaultChange change = await BodyReader.ReadAsync(context, VaultRequests.Change);
        DateTimeOffset now = time.GetStoredNow();
        Vault vault = await ChangeAsync(
            context,
            id,
            async (session, vault) =>
            {
                Vault changed = vault.Changed(change, await TaskTable.TakenRoomAsync(session, id, except: null, context.RequestAborted));
                await VaultTable.UpdateAsync(session, changed, context.RequestAborted);
                await NotificationOutbox.WatchVaultAsync(session, id, now, context.RequestAborted);
                return changed;
            });
        await ReplyAsync(context, vault);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        VaultId id = PathVault(context);
        DateTimeOffset now = time.GetStoredNow();
        await ChangeAsync(
            context,
            id,
            async (session, vault) =>
            {
                vault.RefuseUnlessDeletable();
                await BackupRemoval.OfVaultAsync(session, RemovalFrom(vault, context, now), context.RequestAborted);
                await ShareTable.LeaveVaultAsync(session, id, now, context.RequestAborted);
                await VaultTable.MarkDeletedAsync(session, id, await InstallationClock.ReadAsync(session, context.RequestAborted), context.RequestAborted);
                return true;
            });
        JsonReply.NoContent(context);
    }

    private async Task AddResourcesAsync(HttpContext context)
    {
        VaultId id = PathVault(context);
        List<ResourceAddition> additions = await BodyReader.ReadAsync(context, VaultRequests.ResourceAdditions);
        DateTimeOffset now = time.GetStoredNow();
        await ChangeAsync(
            context,
            id,
            async (session, vault) =>
            {
                vault.RefuseUnlessBindable();
                BindingChange change = await VaultBinder.AddAsync(session, vault, additions, now, context.RequestAborted);
                await VaultBinder.InsertAsync(session, id, change.Added, context.RequestAborted);
                await VaultTable.UpdateResourcesAsync(session, id, change.Updated, context.RequestAborted);
                await ResourceTable.SetAutoBindAsync(session, [.. additions.Select(addition => addition.Id)], true, context.RequestAborted);
                return true;
            });
        var reply = new AddResourcesReply([.. additions.Select(addition => addition.Id.Value)]);
        await JsonReply.WriteAsync(context, reply, VaultJson.Default.AddResourcesReply);
    }

    private async Task RemoveResourcesAsync(HttpContext context)
    {
        VaultId id = PathVault(context);
        List<ResourceId> ids = await BodyReader.ReadAsync(context, VaultRequests.ResourceIds);
        DateTimeOffset now = time.GetStoredNow();
        await ChangeAsync(
            context,
            id,
            async (session, vault) =>
            {
                HashSet<ResourceId> departed = await VaultTable.ListDepartedAsync(session, id, ids, context.RequestAborted);
                List<VaultResource> leaving = vault.RemovableResources(ids, departed);
                if (leaving.Count == 0)
                    return leaving;
                PlannedResource[] planned = [.. leaving.Select(resource => new PlannedResource(resource.Id.Value, resource.Name, resource.Type))];
                await BackupRemoval.OfResourcesAsync(session, RemovalFrom(vault, context, now), planned, context.RequestAborted);
                await VaultTable.DeleteResourcesAsync(session, id, leaving, context.RequestAborted);
                // What somebody takes out by hand, no rule brings back.
                await ResourceTable.SetAutoBindAsync(session, [.. leaving.Select(resource => resource.Id)], false, context.RequestAborted);
                return leaving;
            });
        var reply = new RemoveResourcesReply([.. ids.Distinct().Select(resource => resource.Value)]);
        await JsonReply.WriteAsync(context, reply, VaultJson.Default.RemoveResourcesReply);
    }

    private async Task MigrateResourcesAsync(HttpContext context)
    {
        VaultId id = PathVault(context);
        (VaultId destinationId, List<ResourceId> ids) = await BodyReader.ReadAsync(context, VaultRequests.Migration);
        string projectId = context.Caller().ProjectId;
        List<VaultResource> moved = await ChangeAsync(
            context,
            id,
            async (session, vault) =>
            {
                Vault destination = await VaultTable.FindAsync(session, projectId, destinationId, context.RequestAborted)
                    ?? throw new RefusedException(ErrorCodes.DestinationVaultMissing, $"There is no destination vault with id {destinationId} in this project.");
                List<VaultResource> moving = ResourceMigration.Plan(vault, destination, ids);
                await BackupTable.MoveAsync(session, id, destinationId, [.. moving.Select(resource => resource.Id)], context.RequestAborted);
                await VaultTable.MoveResourcesAsync(session, id, destinationId, moving, context.RequestAborted);
                return moving;
            });
        var reply = new MigrateResourcesReply([.. moved.Select(resource => resource.Id.Value)]);
        await JsonReply.WriteAsync(context, reply, VaultJson.Default.MigrateResourcesReply);
    }

    private async Task SetResourcesAsync(HttpContext context)
    {
        VaultId id = PathVault(context);
        (List<ResourceId> ids, bool autoProtect) = await BodyReader.ReadAsync(context, VaultRequests.Suspension);
        List<ResourceId> distinct = [.. ids.Distinct()];
        await ChangeAsync(
            context,
            id,
            async (session, vault) =>
            {
                vault.RefuseUnlessBindable();
                VaultResource[] changed = [.. distinct.Select(resourceId => vault.Settled(resourceId) with { AutoProtect = autoProtect })];
                await VaultTable.UpdateResourcesAsync(session, id, changed, context.RequestAborted);
                return true;
            });
        var reply = new SetResourcesReply([.. distinct.Select(resourceId => resourceId.Value)]);
        await JsonReply.WriteAsync(context, reply, VaultJson.Default.SetResourcesReply);
    }

    /// <summary>One transaction on one vault of the caller's project.</summary>
    private Task<T> ChangeAsync<T>(HttpContext context, VaultId id, Func<DbSession, Vault, ValueTask<T>> work)
    {
        string projectId = context.Caller().ProjectId;
        return database.WriteAsync(
            async session => await work(session, await RequireAsync(session, projectId, id, context.RequestAborted)), context.RequestAborted);
    }

    private static RefusedException Missing(VaultId id) => new(ErrorCodes.VaultMissing, $"There is no vault with id {id} in this project.");

    private static RemovalOrder RemovalFrom(Vault vault, HttpContext context, DateTimeOffset now) =>
        new(vault.ProjectId, vault.Id, vault.Name, vault.ProviderId, vault.EnterpriseProjectId, context.RequestId(), now);

    private static Task ReplyAsync(HttpContext context, Vault vault) =>
        JsonReply.WriteAsync(context, new VaultReply(vault.ToShape()), VaultJson.Default.VaultReply);
}
