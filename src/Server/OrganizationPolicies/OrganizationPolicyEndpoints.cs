using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.OrganizationPolicies;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Policies;

namespace Strongroom.Server.OrganizationPolicies;

/// <summary>The organization policy operations (atlas of backups, section 11). Who may do what: <see cref="OrganizationReach"/>.</summary>
internal sealed class OrganizationPolicyEndpoints(
    MetadataDatabase database, TimeProvider time, ActionPolicy actions, PolicyOptions options, IdentityOptions identity)
{
    private const string Policies = "/v3/{project_id}/organization-policies";
    private const string OnePolicy = Policies + "/{organization_policy_id}";
    private const string Action = "cbr:organizationPolicies:";
    private const string DefinitionPath = "policy.policy_operation_definition";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Policies, CreateAsync).WithAction(Action + "create");
        routes.MapGet(Policies, ListAsync).WithAction(Action + "list");
        routes.MapGet(OnePolicy, ShowAsync).WithAction(Action + "get");
        routes.MapPut(OnePolicy, UpdateAsync).WithAction(Action + "update");
        routes.MapDelete(OnePolicy, DeleteAsync).WithAction(Action + "delete");
        routes.MapGet(OnePolicy + "/policy-detail", DetailAsync).WithAction(Action + "get");
    }

    private async Task CreateAsync(HttpContext context)
    {
        OrganizationPolicyContent content = await BodyReader.ReadAsync(context, OrganizationPolicyRequests.Creation);
        content.Definition!.RefuseUnlessFits(content.OperationType!, identity.Region, DefinitionPath);
        OrganizationPolicyId id = OrganizationPolicyId.New();
        context.AuditResource(id.Value);
        Token token = context.Token();
        DateTimeOffset now = time.GetStoredNow();
        OrganizationPolicy policy = await database.WriteAsync(
            async session =>
            {
                OrganizationReach reach = await ReachAsync(session, context, "create");
                OrganizationScope scope = reach.Resolve(content.EffectiveScope, token.ProjectId);
                if (await OrganizationPolicyTable.CountAsync(session, token.ProjectId, content.OperationType!, context.RequestAborted) >= options.CountMax)
                {
                    throw new RefusedException(
                        ErrorCodes.PolicyCountExceeded,
                        $"{options.CountMax} organization policies for {content.OperationType} were made in this project: no more can be made.");
                }

                var made = new OrganizationPolicy
                {
                    Id = id,
                    DomainId = reach.DomainId,
                    ProjectId = token.ProjectId,
                    Name = content.Name!,
                    Description = content.Description ?? "",
                    OperationType = content.OperationType!,
                    PolicyName = content.PolicyName!,
                    PolicyEnabled = content.PolicyEnabled!.Value,
                    Definition = content.Definition,
                    Patterns = content.Patterns!,
                    EffectiveScope = scope.Text,
                    CoversDomain = scope.CoversDomain,
                    CreatedAt = now,
                };
                await OrganizationPolicyTable.InsertAsync(session, made, context.RequestAborted);
                await OrganizationPolicyPush.PushAsync(session, made, scope.ProjectIds, now, context.RequestAborted);
                return made;
            },
            context.RequestAborted);
        await ReplyAsync(context, policy);
    }

    private async Task ListAsync(HttpContext context)
    {
        OrganizationPolicyQuery query = OrganizationPolicyRequests.List(context.Request);
        (List<OrganizationPolicy> page, long count) = await database.ReadAsync(
            async session =>
            {
                OrganizationReach reach = await ReachAsync(session, context, "list");
                if (query.Marker is { } marker && await OrganizationPolicyTable.FindAsync(session, reach, marker, context.RequestAborted) is null)
                    throw BodyReader.Refused($"marker must be the id of an organization policy: there is none with id {marker}.");
                return await OrganizationPolicyTable.ListAsync(session, reach, query, context.RequestAborted);
            },
            context.RequestAborted);
        string domainName = context.Token().ScopeDomainName;
        var reply = new OrganizationPolicyListReply(page.ConvertAll(policy => ToShape(policy, domainName)), count, query.Limit, query.Offset);
        await JsonReply.WriteAsync(context, reply, OrganizationPolicyJson.Default.OrganizationPolicyListReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        OrganizationPolicyId id = PathPolicy(context);
        await ReplyAsync(context, await database.ReadAsync(session => RequireAsync(session, context, id, "get"), context.RequestAborted));
    }

    private async Task UpdateAsync(HttpContext context)
    {
        OrganizationPolicyId id = PathPolicy(context);
        OrganizationPolicyContent content = await BodyReader.ReadAsync(context, OrganizationPolicyRequests.Change);
        DateTimeOffset now = time.GetStoredNow();
        OrganizationPolicy policy = await database.WriteAsync(
            async session =>
            {
                OrganizationPolicy present = await RequireAsync(session, context, id, "update");
                if (content.OperationType is { } type && type != present.OperationType)
                    throw BodyReader.Refused($"policy.operation_type of organization policy {id} is {present.OperationType} and cannot become {type}.");
                content.Definition?.RefuseUnlessFits(present.OperationType, identity.Region, DefinitionPath);
                (OrganizationPolicy changed, IReadOnlyList<string> projectIds) = await RescopedAsync(session, context, present.Changed(content), content.EffectiveScope);
                await OrganizationPolicyTable.UpdateAsync(session, changed, context.RequestAborted);
                await OrganizationPolicyPush.PushAsync(session, changed, projectIds, now, context.RequestAborted);
                return changed;
            },
            context.RequestAborted);
        await ReplyAsync(context, policy);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        OrganizationPolicyId id = PathPolicy(context);
        DateTimeOffset now = time.GetStoredNow();
        await database.WriteAsync(
            async session =>
            {
                OrganizationPolicy present = await RequireAsync(session, context, id, "delete");
                await OrganizationPolicyPush.PushAsync(session, present, [], now, context.RequestAborted);
                await OrganizationPolicyTable.DeleteAsync(session, id, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }

    private async Task DetailAsync(HttpContext context)
    {
        OrganizationPolicyId id = PathPolicy(context);
        (int limit, int offset) = OrganizationPolicyRequests.Detail(context.Request);
        (OrganizationPolicy policy, List<Policy> deployed) = await database.ReadAsync(
            async session => (
                await RequireAsync(session, context, id, "get"),
                await PolicyTable.ListOfOrganizationAsync(session, id, context.RequestAborted)),
            context.RequestAborted);
        var reply = new OrganizationPolicyDetailReply(
            [.. deployed.Skip(offset).Take(limit).Select(own => new DeployedPolicyShape(own.Id.Value, policy.DomainId, own.ProjectId))],
            deployed.Count,
            limit,
            offset);
        await JsonReply.WriteAsync(context, reply, OrganizationPolicyJson.Default.OrganizationPolicyDetailReply);
    }

    /// <summary>A scope not sent, or sent as it is, leaves the projects as they are, even when one of those it names is gone.</summary>
    private async ValueTask<(OrganizationPolicy Policy, IReadOnlyList<string> ProjectIds)> RescopedAsync(
        DbSession session, HttpContext context, OrganizationPolicy policy, string? sent)
    {
        if (string.IsNullOrWhiteSpace(sent) || sent == policy.EffectiveScope)
            return (policy, [.. (await PolicyTable.ListOfOrganizationAsync(session, policy.Id, context.RequestAborted)).Select(own => own.ProjectId)]);
        OrganizationScope scope = (await ReachAsync(session, context, "update")).Resolve(sent, policy.ProjectId);
        return (policy with { EffectiveScope = scope.Text, CoversDomain = scope.CoversDomain }, scope.ProjectIds);
    }

    private ValueTask<OrganizationReach> ReachAsync(DbSession session, HttpContext context, string verb) =>
        OrganizationReach.FindAsync(session, actions, context.Token(), verb, context.RequestAborted);

    private async ValueTask<OrganizationPolicy> RequireAsync(DbSession session, HttpContext context, OrganizationPolicyId id, string verb) =>
        await OrganizationPolicyTable.FindAsync(session, await ReachAsync(session, context, verb), id, context.RequestAborted)
            ?? throw new RefusedException(ErrorCodes.PolicyMissing, $"There is no organization policy with id {id}.");

    private static OrganizationPolicyId PathPolicy(HttpContext context)
    {
        string text = (string)context.Request.RouteValues["organization_policy_id"]!;
        return WireId.IsWellFormed(text)
            ? new OrganizationPolicyId(text)
            : throw BodyReader.Refused($"organization_policy_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(text)}.");
    }

    private static Task ReplyAsync(HttpContext context, OrganizationPolicy policy) => JsonReply.WriteAsync(
        context, new OrganizationPolicyReply(ToShape(policy, context.Token().ScopeDomainName)), OrganizationPolicyJson.Default.OrganizationPolicyReply);

    private static OrganizationPolicyShape ToShape(OrganizationPolicy policy, string domainName) => new()
    {
        Id = policy.Id.Value,
        Name = policy.Name,
        Description = policy.Description,
        OperationType = policy.OperationType,
        DomainId = policy.DomainId,
        DomainName = domainName,
        PolicyName = policy.PolicyName,
        PolicyEnabled = policy.PolicyEnabled,
        PolicyOperationDefinition = policy.Definition.Text,
        PolicyTrigger = new OrganizationTriggerShape(new OrganizationTriggerPropertiesShape(policy.Patterns)),
        EffectiveScope = policy.EffectiveScope,
    };
}
