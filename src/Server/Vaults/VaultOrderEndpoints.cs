using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Vaults;

/// <summary>Orders and charging modes (atlas of the vault API, section 4) as <see cref="VaultOrders"/> settles them.</summary>
internal sealed class VaultOrderEndpoints(MetadataDatabase database, TimeProvider time, VaultOptions options)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v3/{project_id}/vaults/order", CreateAsync).WithAction("cbr:vaults:create");
        routes.MapPost("/v3/{project_id}/orders/change", ChangeAsync).WithAction("cbr:vaults:update");
        routes.MapPut("/v3/{project_id}/orders/{order_id}", ChangeOldAsync).WithAction("cbr:vaults:update");
        routes.MapPost("/v3/{project_id}/vaults/change-charge-mode", ChangeModeAsync).WithAction("cbr:vaults:update");

        // Ends a subscription, which on a cloud the cashier does; the vault is post_paid from then on and can be deleted.
        routes.MapPost("/strongroom/v1/{project_id}/vaults/{vault_id}/unsubscribe", UnsubscribeAsync).WithAction("cbr:vaults:delete");
    }

    private async Task CreateAsync(HttpContext context)
    {
        string name = "vault-" + Guid.NewGuid().ToString("N")[..4];
        VaultCreation creation = await BodyReader.ReadAsync(context, body => VaultRequests.Order(body, options, name));
        Vault vault = await VaultCreator.CreateAsync(database, context, creation, options, time.GetStoredNow());
        await JsonReply.WriteAsync(context, VaultOrders.Reply(vault), VaultJson.Default.OrderReply);
    }

    private async Task ChangeAsync(HttpContext context)
    {
        OrderChange change = await BodyReader.ReadAsync(context, OrderChange.Read);
        await ApplyAsync(context, change);
        await JsonReply.WriteAsync(context, new OrderChangeReply(VaultOrders.NewOrderId(), 0, VaultOrders.Done), VaultJson.Default.OrderChangeReply);
    }

    private async Task ChangeOldAsync(HttpContext context)
    {
        string orderId = (string)context.Request.RouteValues["order_id"]!;
        OrderChange change = await BodyReader.ReadAsync(context, OrderChange.ReadOld);
        await ApplyAsync(context, change);
        await JsonReply.WriteAsync(context, new OldOrderChangeReply(orderId, "0", VaultOrders.Done), VaultJson.Default.OldOrderChangeReply);
    }

    private Task ApplyAsync(HttpContext context, OrderChange change)
    {
        string projectId = context.Caller().ProjectId;
        return database.WriteAsync(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, projectId, change.VaultId, context.RequestAborted);
                await VaultTable.UpdateAsync(session, VaultOrders.Changed(vault, change), context.RequestAborted);
            },
            context.RequestAborted);
    }

    private async Task ChangeModeAsync(HttpContext context)
    {
        ChargeModeChange change = await BodyReader.ReadAsync(context, ChargeModeChange.Read);
        string projectId = context.Caller().ProjectId;
        VaultCharging placed = VaultOrders.Placed(change.Charging);
        await database.WriteAsync(
            async session =>
            {
                foreach (VaultId id in change.VaultIds)
                {
                    Vault vault = await VaultEndpoints.RequireAsync(session, projectId, id, context.RequestAborted);
                    await VaultTable.UpdateAsync(session, VaultOrders.Subscribed(vault, placed), context.RequestAborted);
                }
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new OrderChangeReply(placed.OrderId!, 0, VaultOrders.Done), VaultJson.Default.OrderChangeReply);
    }

    private async Task UnsubscribeAsync(HttpContext context)
    {
        VaultId id = VaultEndpoints.PathVault(context);
        string projectId = context.Caller().ProjectId;
        await database.WriteAsync(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, projectId, id, context.RequestAborted);
                await VaultTable.UpdateAsync(session, vault with { Charging = VaultCharging.PostPaid }, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }
}
