using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Tasks;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Tasks;

/// <summary>Tasks on the wire: CBR's operation logs, and our own view with everything known of one, which can also cancel it.</summary>
internal sealed class TaskEndpoints(MetadataDatabase database, TaskSignal signal, TaskOptions options, TimeProvider time)
{
    private const string Logs = "/v3/{project_id}/operation-logs";
    private const string OneTask = "/strongroom/v1/{project_id}/tasks/{task_id}";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Logs, ListAsync).WithAction("cbr:tasks:list");
        routes.MapGet(Logs + "/{task_id}", ShowLogAsync).WithAction("cbr:tasks:get");
        routes.MapGet(OneTask, ShowAsync).WithAction("cbr:tasks:get");
        routes.MapPost(OneTask + "/cancel", CancelAsync).WithAction("cbr:tasks:cancel");
    }

    private async Task ListAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        var query = new TaskQuery(projectId, context.Request);
        CancellationToken cancellationToken = context.RequestAborted;
        OperationLogListReply reply = await database.ReadAsync(
            async session =>
            {
                Sql filter = query.Filter();
                long count = await TaskTable.CountAsync(session, filter, cancellationToken);
                if (query.Marker is { } marker && await TaskTable.FindAsync(session, projectId, new TaskId(marker), cancellationToken) is null)
                    throw BodyReader.Refused($"marker must be the id of an operation log of this project: there is none with id {marker}.");
                if (query.Marker is not null)
                    filter = $"{filter} and {query.Order.After(query.Marker)}";
                List<TaskRecord> page = await TaskTable.ListAsync(
                    session, filter, query.Order.OrderBy(), query.Limit, query.Offset, cancellationToken);
                return new OperationLogListReply(page.ConvertAll(TaskShapes.ToOperationLog), count, query.Limit, query.Offset);
            },
            cancellationToken);
        await JsonReply.WriteAsync(context, reply, TaskShapesJson.Default.OperationLogListReply);
    }

    private async Task ShowLogAsync(HttpContext context)
    {
        TaskId id = PathTask(context);
        TaskRecord task = await database.ReadAsync(session => FindAsync(context, session, id, ErrorCodes.OperationLogMissing), context.RequestAborted);
        await JsonReply.WriteAsync(context, new OperationLogReply(task.ToOperationLog()), TaskShapesJson.Default.OperationLogReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        TaskId id = PathTask(context);
        await WriteAsync(context, await database.ReadAsync(session => ReadShapeAsync(context, session, id), context.RequestAborted));
    }

    /// <summary>
    /// Notes the wish; a worker acts on it within a second, and a task that still waits is settled as soon as it would have
    /// started. Cancelling twice, or what has ended, changes nothing.
    /// </summary>
    private async Task CancelAsync(HttpContext context)
    {
        TaskId id = PathTask(context);
        TaskShape shape = await database.WriteAsync(
            async session =>
            {
                await FindAsync(context, session, id, ErrorCodes.TaskMissing);
                await TaskTable.RequestCancelAsync(session, id, context.RequestAborted);
                return await ReadShapeAsync(context, session, id);
            },
            context.RequestAborted);
        signal.Notify();
        await WriteAsync(context, shape, StatusCodes.Status202Accepted);
    }

    private async ValueTask<TaskShape> ReadShapeAsync(HttpContext context, DbSession session, TaskId id)
    {
        TaskRecord task = await FindAsync(context, session, id, ErrorCodes.TaskMissing);
        TaskQueue? queue = task.State == TaskState.Waiting ? await TaskQueue.ReadAsync(session, task, context.RequestAborted) : null;
        return task.ToShape(queue?.Position, queue?.CauseFor(task.Kind, options), time.GetStoredNow());
    }

    private static async ValueTask<TaskRecord> FindAsync(HttpContext context, DbSession session, TaskId id, ErrorCode whenMissing) =>
        await TaskTable.FindAsync(session, context.Caller().ProjectId, id, context.RequestAborted)
            ?? throw new RefusedException(whenMissing, $"There is no task with id {id} in this project.");

    private static Task WriteAsync(HttpContext context, TaskShape shape, int status = StatusCodes.Status200OK) =>
        JsonReply.WriteAsync(context, new TaskReply(shape), TaskShapesJson.Default.TaskReply, status);

    private static TaskId PathTask(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["task_id"]!;
        return WireId.IsWellFormed(id)
            ? new TaskId(id)
            : throw BodyReader.Refused($"The id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(id)}.");
    }
}
