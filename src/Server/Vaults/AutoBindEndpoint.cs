using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Vaults;

/// <summary>Automatic association at once, for those who do not want to wait for the sweep. An addition of ours.</summary>
internal sealed class AutoBindEndpoint(MetadataDatabase database, AutoBinder binder)
{
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/strongroom/v1/{project_id}/vaults/{vault_id}/bind", BindAsync).WithAction("cbr:vaults:addResources");

    /// <summary>The rules of all vaults of the project are carried out, since they compete; the answer tells of the one that was named.</summary>
    private async Task BindAsync(HttpContext context)
    {
        VaultId id = VaultEndpoints.PathVault(context);
        string projectId = context.Caller().ProjectId;
        await database.ReadAsync(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, projectId, id, context.RequestAborted);
                if (!vault.AutoBind)
                    throw new RefusedException(ErrorCodes.VaultNotChangeable, $"auto_bind of vault {id} is off: nothing joins it by rules.");
                vault.RefuseUnlessBindable();
                if (!(await VaultTable.ListAutoBindAsync(session, projectId, context.RequestAborted)).Exists(known => known.Vault.Id == id))
                    throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {id} has no backup policy, so that nothing joins it by rules: bind one first.");
                return true;
            },
            context.RequestAborted);
        AutoBindReport report = await binder.BindAsync(projectId, context.RequestAborted);
        var reply = new AutoBindReply(
            id.Value,
            [.. report.Joined.Where(join => join.Vault.Id == id).Select(join => new BoundResourceShape(join.Resource.Id.Value, join.Resource.Type, join.Resource.Name))],
            [.. report.Left.Where(leave => leave.Vault.Id == id)
                .Select(leave => new LeftResourceShape(leave.Resource.Id.Value, leave.Resource.Type, leave.Resource.Name, leave.Reason))],
            [.. report.Refused.Where(refused => refused.Vault.Id == id)
                .Select(refused => new RefusedResourceShape(refused.Resource.Id.Value, refused.Resource.Type, refused.Resource.Name, refused.Code, refused.Message))]);
        await JsonReply.WriteAsync(context, reply, AutoBindJson.Default.AutoBindReply);
    }
}
