using System.Data.Common;
using Microsoft.AspNetCore.Routing;
using Strongroom.Server.Database;

namespace Strongroom.Server.Http;

internal static class HealthEndpoint
{
    /// <summary>Shallow, for load balancers: this process runs and its database answers.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/healthcheck", (RequestDelegate)AnswerAsync).OpenToAll();

    private static async Task AnswerAsync(HttpContext context)
    {
        var database = context.RequestServices.GetRequiredService<MetadataDatabase>();
        string status;
        try
        {
            await database.ReadAsync(session => session.QueryLongAsync($"select 1", context.RequestAborted), context.RequestAborted);
            status = "ok";
        }
        catch (DbException)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            status = "the database does not answer";
        }

        context.Response.ContentType = ErrorReply.MediaType;
        await context.Response.WriteAsync($$"""{"status":"{{status}}"}""", context.RequestAborted);
    }
}
