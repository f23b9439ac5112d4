using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Audit;

/// <summary>Who changed what in a project. An addition of ours.</summary>
internal sealed class AuditEndpoints(MetadataDatabase database)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/strongroom/v1/{project_id}/audit", ListAsync).WithAction("cbr:audit:list");

    private async Task ListAsync(HttpContext context)
    {
        var query = new AuditQuery(context.Caller().ProjectId, context.Request);
        AuditListReply reply = await database.ReadAsync(
            async session => new AuditListReply(
                [.. (await AuditTable.ListAsync(session, query, context.RequestAborted)).Select(record => record.ToShape())],
                await AuditTable.CountAsync(session, query, context.RequestAborted)),
            context.RequestAborted);
        await JsonReply.WriteAsync(context, reply, AuditJson.Default.AuditListReply);
    }
}
