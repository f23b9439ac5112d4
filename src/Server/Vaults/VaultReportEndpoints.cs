using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Vaults;

/// <summary>
/// What concerns all vaults of a project, or those of another (atlas of the vault API, sections 3.12, 3.13 and 5).
/// </summary>
internal sealed class VaultReportEndpoints(
    MetadataDatabase database, RenderedVaults rendered, ActionPolicy policy, IdentityOptions identity)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/v3/{project_id}/vaults/batch-update", BatchUpdateAsync).WithAction("cbr:vaults:update");
        routes.MapGet("/v3/{project_id}/vaults/summary", SummaryAsync).WithAction("cbr:vaults:list");
        routes.MapGet("/v3/{project_id}/storage_usage", StorageUsageAsync).WithAction("cbr:vaults:list");
        routes.MapGet("/v3/{project_id}/vaults/external", ListExternalAsync).WithAction("cbr:vaults:listExternalVaults");
    }

    internal static (int Limit, int Offset, string? ResourceId, string? ResourceType) ReadStorageUsage(HttpRequest request)
    {
        var query = new QueryReader(request);
        return (query.Limit(), query.Offset(), query.Id("resource_id"), query.Text("resource_type"));
    }

    internal static (string ProjectId, string Region, VaultFilter Filter) ReadExternal(HttpRequest request)
    {
        var query = new QueryReader(request);
        string projectId = query.RequiredText("external_project_id");
        string region = query.RequiredText("region_id");
        string? vaultId = query.Id("vault_id");
        var filter = new VaultFilter { Limit = query.Limit(), Offset = query.Offset(), Ids = vaultId is null ? null : [vaultId] };
        if (vaultId is not null)
            return (projectId, region, filter);
        filter = filter with
        {
            ProtectType = query.Word("protect_type", ProtectTypes.ToList),
            CloudType = query.Word("cloud_type", CloudTypes.All) ?? CloudTypes.Public,

            // Misspelt in the published definition and in every client made from it.
            ObjectType = query.Word("objcet_type", ObjectTypes.All) ?? query.Word("object_type", ObjectTypes.All),
        };
        return (projectId, region, filter);
    }

    /// <summary>Vaults whose status forbids changes are left as they are, and out of the answer.</summary>
    private async Task BatchUpdateAsync(HttpContext context)
    {
        VaultChange change = await BodyReader.ReadAsync(context, VaultRequests.NotificationChange);
        string projectId = context.Caller().ProjectId;
        List<string> ids = await database.WriteAsync(
            async session =>
            {
                await VaultTable.UpdateNotificationsAsync(session, projectId, change.SmnNotify, change.Threshold, context.RequestAborted);
                return await VaultTable.ListWritableIdsAsync(session, projectId, context.RequestAborted);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new BatchUpdateReply(ids), VaultJson.Default.BatchUpdateReply);
    }

    private async Task SummaryAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        (long sizeGb, long usedBytes) = await database.ReadAsync(
            session => VaultTable.SumAsync(session, projectId, context.RequestAborted), context.RequestAborted);
        var reply = new SummaryReply(WireUnits.SumGb(sizeGb), WireUnits.UsedGb(usedBytes));
        await JsonReply.WriteAsync(context, reply, VaultJson.Default.SummaryReply);
    }

    private async Task StorageUsageAsync(HttpContext context)
    {
        (int limit, int offset, string? resourceId, string? resourceType) = ReadStorageUsage(context.Request);
        string projectId = context.Caller().ProjectId;
        (List<StorageUsageShape> usage, long count) = await database.ReadAsync(
            session => VaultTable.ListUsageAsync(session, projectId, resourceId, resourceType, limit, offset, context.RequestAborted),
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new StorageUsageReply((int)count, usage), VaultJson.Default.StorageUsageReply);
    }

    /// <summary>
    /// Vaults of another project, for those who may list them there as well. To all others, and for other regions, the
    /// project is unknown.
    /// </summary>
    private async Task ListExternalAsync(HttpContext context)
    {
        (string projectId, string region, VaultFilter filter) = ReadExternal(context.Request);
        Token token = context.Token();
        VaultListing listing = await database.ReadAsync(
            async session =>
            {
                if (region != identity.Region || !await MayListAsync(session, token, projectId, context.RequestAborted))
                    throw BodyReader.Refused($"There is no project {ShownText.Quoted(projectId)} in region {ShownText.Quoted(region)} whose vaults you may list.");
                return await rendered.ListAsync(session, projectId, filter, context.RequestAborted);
            },
            context.RequestAborted);
        await VaultEndpoints.ReplyAsync(context, listing, filter);
    }

    private async ValueTask<bool> MayListAsync(DbSession session, Token token, string projectId, CancellationToken cancellationToken)
    {
        if (projectId == token.ProjectId)
            return true;
        List<Project> projects = await VisibleProjects.OwnAsync(session, token, cancellationToken);
        if (!projects.Exists(project => project.Id == projectId))
            return false;
        List<string> roles = await RoleTable.ListAsync(session, token.UserId, ScopeKind.Project, projectId, cancellationToken);
        return policy.Allows(roles, "cbr:vaults:list");
    }
}
