using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Policies;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Schedules;

namespace Strongroom.Server.Policies;

/// <summary>The time zone a policy runs in, which CBR's own bodies have no place for, and when it runs next.</summary>
internal sealed class PolicyClockEndpoints(MetadataDatabase database, TimeProvider time)
{
    private const string OnePolicy = "/strongroom/v1/{project_id}/policies/{policy_id}";
    private const int NextRunCount = 10;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(OnePolicy, ShowAsync).WithAction("cbr:policies:get");
        routes.MapPut(OnePolicy, UpdateAsync).WithAction("cbr:policies:update");
    }

    private async Task ShowAsync(HttpContext context)
    {
        PolicyId id = PolicyEndpoints.PathPolicy(context);
        string projectId = context.Caller().ProjectId;
        Policy policy = await database.ReadAsync(
            session => PolicyEndpoints.RequireAsync(session, projectId, id, context.RequestAborted), context.RequestAborted);
        await ReplyAsync(context, policy);
    }

    private async Task UpdateAsync(HttpContext context)
    {
        PolicyId id = PolicyEndpoints.PathPolicy(context);
        string? zone = await BodyReader.ReadAsync(context, PolicyRequests.TimeZone);
        string projectId = context.Caller().ProjectId;
        DateTimeOffset now = time.GetStoredNow();
        Policy policy = await database.WriteAsync(
            async session =>
            {
                Policy present = await PolicyEndpoints.RequireAsync(session, projectId, id, context.RequestAborted);
                present.RefuseUnlessOwn();
                Policy changed = present with { TimeZone = zone };
                await PolicyTable.UpdateAsync(session, changed, context.RequestAborted);
                await PolicyBindingTable.ReplanAsync(session, id, changed.NextAfter(now), now, context.RequestAborted);
                return changed;
            },
            context.RequestAborted);
        await ReplyAsync(context, policy);
    }

    private Task ReplyAsync(HttpContext context, Policy policy)
    {
        Schedule schedule = policy.Schedule();
        var runs = new List<PolicyRunTimeShape>();
        for (DateTimeOffset at = time.GetUtcNow(); policy.Enabled && runs.Count < NextRunCount;)
        {
            at = schedule.NextAfter(at);
            runs.Add(new PolicyRunTimeShape(
                WireUnits.Instant(at), WireUnits.Instant(new DateTimeOffset(WallClock.At(at, schedule.Zone), TimeSpan.Zero))));
        }

        var shape = new PolicyClockShape(policy.Id.Value, policy.TimeZone, runs);
        return JsonReply.WriteAsync(context, new PolicyClockReply(shape), PolicyJson.Default.PolicyClockReply);
    }
}
