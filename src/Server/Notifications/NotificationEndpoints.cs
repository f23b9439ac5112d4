using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Notifications;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Notifications;

/// <summary>Whom a project tells, what was told, and whether it arrived. An addition of ours.</summary>
internal sealed class NotificationEndpoints(MetadataDatabase database, TimeProvider time, CredentialSeal seal, NotificationOptions options)
{
    private const string Notifications = "/strongroom/v1/{project_id}/notifications";
    private const string OneNotification = Notifications + "/{notification_id}";
    private const string Targets = Notifications + "/targets";
    private const string OneTarget = Targets + "/{target_id}";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Notifications, ListAsync).WithAction("cbr:notifications:list");
        routes.MapGet(OneNotification, ShowAsync).WithAction("cbr:notifications:get");
        routes.MapPost(Targets, CreateAsync).WithAction("cbr:notificationTargets:create");
        routes.MapGet(Targets, ListTargetsAsync).WithAction("cbr:notificationTargets:list");
        routes.MapGet(OneTarget, ShowTargetAsync).WithAction("cbr:notificationTargets:get");
        routes.MapPut(OneTarget, UpdateAsync).WithAction("cbr:notificationTargets:update");
        routes.MapDelete(OneTarget, DeleteAsync).WithAction("cbr:notificationTargets:delete");
        routes.MapPost(OneTarget + "/test", TestAsync).WithAction("cbr:notificationTargets:test");
    }

    private async Task ListAsync(HttpContext context)
    {
        var query = new NotificationQuery(context.Caller().ProjectId, context.Request);
        NotificationListReply reply = await database.ReadAsync(
            async session => new NotificationListReply(
                await ShapesAsync(session, await NotificationTable.ListAsync(session, query, context.RequestAborted), context.RequestAborted),
                await NotificationTable.CountAsync(session, query, context.RequestAborted)),
            context.RequestAborted);
        await JsonReply.WriteAsync(context, reply, NotificationJson.Default.NotificationListReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        string id = PathId(context, "notification_id");
        NotificationRecordShape shape = await database.ReadAsync(
            async session =>
            {
                Notification? found = await NotificationTable.FindAsync(session, id, context.RequestAborted);
                return found is null || found.ProjectId != context.Caller().ProjectId
                    ? throw new RefusedException(ErrorCodes.ResourceMissing, $"There is no notification with id {id} in this project.")
                    : (await ShapesAsync(session, [found], context.RequestAborted))[0];
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new NotificationReply(shape), NotificationJson.Default.NotificationReply);
    }

    private async Task CreateAsync(HttpContext context)
    {
        TargetOrder order = await BodyReader.ReadAsync(context, body => TargetOrder.Creation(body, options));
        var target = new NotificationTarget
        {
            Id = Guid.NewGuid().ToString(),
            ProjectId = context.Caller().ProjectId,
            Name = order.Name!,
            Kind = order.Kind!.Value,
            Url = order.Url,
            Recipients = order.Recipients ?? [],
            Events = order.Events ?? [],
            Enabled = order.Enabled ?? true,
            CreatedAt = time.GetStoredNow(),
        };
        string? secret = target.Kind == TargetKind.Webhook ? order.Secret ?? WebhookSignature.NewSecret() : null;
        context.AuditResource(target.Id);
        await database.WriteAsync(
            async session =>
            {
                List<NotificationTarget> known = await NotificationTargetTable.ListAsync(session, target.ProjectId, context.RequestAborted);
                if (known.Count >= options.TargetCountMax)
                    throw BodyReader.Refused($"The project has {known.Count} notification targets: no more than {options.TargetCountMax} are allowed.");
                await NotificationTargetTable.InsertAsync(session, await SealedAsync(session, target, secret, context.RequestAborted), context.RequestAborted);
            },
            context.RequestAborted);
        await ReplyAsync(context, target.ToShape(secret));
    }

    private async Task ListTargetsAsync(HttpContext context)
    {
        List<NotificationTarget> targets = await database.ReadAsync(
            session => NotificationTargetTable.ListAsync(session, context.Caller().ProjectId, context.RequestAborted), context.RequestAborted);
        var reply = new NotificationTargetListReply(targets.ConvertAll(target => target.ToShape(null)));
        await JsonReply.WriteAsync(context, reply, NotificationJson.Default.NotificationTargetListReply);
    }

    private async Task ShowTargetAsync(HttpContext context)
    {
        string id = PathId(context, "target_id");
        NotificationTarget target = await database.ReadAsync(session => RequireAsync(context, session, id), context.RequestAborted);
        await ReplyAsync(context, target.ToShape(null));
    }

    private async Task UpdateAsync(HttpContext context)
    {
        string id = PathId(context, "target_id");
        TargetOrder order = await BodyReader.ReadAsync(context, body => TargetOrder.Change(body, options));
        NotificationTarget changed = await database.WriteAsync(
            async session =>
            {
                NotificationTarget target = await RequireAsync(context, session, id);
                RefuseOther(target, order);
                target = target with
                {
                    Name = order.Name ?? target.Name,
                    Url = order.Url ?? target.Url,
                    Recipients = order.Recipients ?? target.Recipients,
                    Events = order.Events ?? target.Events,
                    Enabled = order.Enabled ?? target.Enabled,
                };
                target = await SealedAsync(session, target, order.Secret, context.RequestAborted);
                await NotificationTargetTable.UpdateAsync(session, target, context.RequestAborted);
                return target;
            },
            context.RequestAborted);
        await ReplyAsync(context, changed.ToShape(order.Secret));
    }

    private async Task DeleteAsync(HttpContext context)
    {
        string id = PathId(context, "target_id");
        DateTimeOffset now = time.GetStoredNow();
        await database.WriteAsync(
            async session =>
            {
                await RequireAsync(context, session, id);
                await NotificationTargetTable.DeleteAsync(session, id, context.RequestAborted);
                await NotificationTable.GiveUpAsync(session, id, "The target was deleted.", now, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }

    /// <summary>Sends a notification the usual way to this target alone; what becomes of it is in its record.</summary>
    private async Task TestAsync(HttpContext context)
    {
        string id = PathId(context, "target_id");
        DateTimeOffset now = time.GetStoredNow();
        NotificationRecordShape shape = await database.WriteAsync(
            async session =>
            {
                NotificationTarget target = await RequireAsync(context, session, id);
                NotificationShape told = Notification.Shape(NotificationKind.Test, target.ProjectId, $"A test of the notification target {target.Name}.", now);
                await NotificationTable.InsertAsync(session, Notification.Of(told, now, targetId: id), null, context.RequestAborted);
                return new NotificationRecordShape(told, []);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new NotificationReply(shape), NotificationJson.Default.NotificationReply, StatusCodes.Status202Accepted);
    }

    private static void RefuseOther(NotificationTarget target, TargetOrder order)
    {
        if (target.Kind == TargetKind.Mail && (order.Url is not null || order.Secret is not null))
            throw BodyReader.Refused($"target.url and target.secret belong to a webhook: target {target.Id} sends mail.");
        if (target.Kind == TargetKind.Webhook && order.Recipients is not null)
            throw BodyReader.Refused($"target.recipients belong to mail: target {target.Id} is a webhook.");
    }

    private async ValueTask<NotificationTarget> SealedAsync(DbSession session, NotificationTarget target, string? secret, CancellationToken cancellationToken) =>
        secret is null ? target : target with { Secret = await seal.SealAsync(session, target.SecretOwner, secret, cancellationToken) };

    private static async ValueTask<List<NotificationRecordShape>> ShapesAsync(
        DbSession session, List<Notification> notifications, CancellationToken cancellationToken)
    {
        List<Delivery> deliveries = await NotificationTable.ListDeliveriesAsync(
            session, notifications.ConvertAll(notification => notification.Id), cancellationToken);
        ILookup<string, Delivery> byEvent = deliveries.ToLookup(delivery => delivery.EventId);
        return notifications.ConvertAll(notification => new NotificationRecordShape(
            notification.Shape(), [.. byEvent[notification.Id].Where(delivery => IsProjects(delivery.TargetId)).Select(delivery => delivery.ToShape())]));
    }

    // Whom the installation tells is none of a project's business.
    private static bool IsProjects(string targetId) => targetId is not (NotificationTarget.InstallationWebhook or NotificationTarget.InstallationMail);

    private static async ValueTask<NotificationTarget> RequireAsync(HttpContext context, DbSession session, string id)
    {
        NotificationTarget? target = await NotificationTargetTable.FindAsync(session, id, context.RequestAborted);
        return target is null || target.ProjectId != context.Caller().ProjectId
            ? throw new RefusedException(ErrorCodes.ResourceMissing, $"There is no notification target with id {id} in this project.")
            : target;
    }

    private static Task ReplyAsync(HttpContext context, NotificationTargetShape shape) =>
        JsonReply.WriteAsync(context, new NotificationTargetReply(shape), NotificationJson.Default.NotificationTargetReply);

    private static string PathId(HttpContext context, string name)
    {
        string text = (string)context.Request.RouteValues[name]!;
        return WireId.IsWellFormed(text)
            ? text
            : throw BodyReader.Refused($"{name} in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(text)}.");
    }
}
