using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Policies;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>The policy operations (atlas of backups, section 6), and binding policies to vaults (atlas of vaults, 3.10 and 3.11).</summary>
internal sealed class PolicyEndpoints(MetadataDatabase database, TimeProvider time, PolicyOptions options, IdentityOptions identity)
{
    private const string Policies = "/v3/{project_id}/policies";
    private const string OnePolicy = Policies + "/{policy_id}";
    private const string OneVault = "/v3/{project_id}/vaults/{vault_id}";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Policies, CreateAsync).WithAction("cbr:policies:create");
        routes.MapGet(Policies, ListAsync).WithAction("cbr:policies:list");
        routes.MapGet(OnePolicy, ShowAsync).WithAction("cbr:policies:get");
        routes.MapPut(OnePolicy, UpdateAsync).WithAction("cbr:policies:update");
        routes.MapDelete(OnePolicy, DeleteAsync).WithAction("cbr:policies:delete");
        routes.MapPost(OneVault + "/associatepolicy", AssociateAsync).WithAction("cbr:vaults:associatePolicy");
        routes.MapPost(OneVault + "/dissociatepolicy", DissociateAsync).WithAction("cbr:vaults:dissociatePolicy");
    }

    /// <summary>The policy id of the path.</summary>
    public static PolicyId PathPolicy(HttpContext context)
    {
        string text = (string)context.Request.RouteValues["policy_id"]!;
        return WireId.IsWellFormed(text)
            ? new PolicyId(text)
            : throw BodyReader.Refused($"policy_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(text)}.");
    }

    /// <summary>A policy of the caller's project, or the refusal that there is none.</summary>
    public static async ValueTask<Policy> RequireAsync(DbSession session, string projectId, PolicyId id, CancellationToken cancellationToken) =>
        await PolicyTable.FindAsync(session, projectId, id, cancellationToken)
            ?? throw new RefusedException(ErrorCodes.PolicyMissing, $"There is no policy with id {id} in this project.");

    /// <summary>Stores a change that fits, and plans its vaults' next slots anew where it moves them.</summary>
    public static async ValueTask<(Policy Policy, List<PolicyBinding> Bindings)> ChangeAsync(
        DbSession session, Policy present, PolicyChange change, DateTimeOffset now, CancellationToken cancellationToken)
    {
        List<PolicyBinding> bindings = await PolicyBindingTable.ListOfPoliciesAsync(session, [present.Id], cancellationToken);
        Policy changed = present.Changed(change, bindings, now);
        await PolicyTable.UpdateAsync(session, changed, cancellationToken);
        if (changed.Enabled != present.Enabled || changed.StartAt != present.StartAt || !changed.Patterns.SequenceEqual(present.Patterns))
            await PolicyBindingTable.ReplanAsync(session, present.Id, changed.NextAfter(now), now, cancellationToken);
        return (changed, bindings);
    }

    /// <summary>Deletes a policy and all that is of it.</summary>
    public static async ValueTask DropAsync(DbSession session, PolicyId id, CancellationToken cancellationToken)
    {
        await PolicyBindingTable.DeleteOfPolicyAsync(session, id, cancellationToken);
        await PolicyRunTable.DeleteOfPolicyAsync(session, id, cancellationToken);
        await PolicyTable.DeleteAsync(session, id, cancellationToken);
    }

    private async Task CreateAsync(HttpContext context)
    {
        PolicyCreation creation = await BodyReader.ReadAsync(context, PolicyRequests.Creation);
        creation.Definition.RefuseUnlessFits(creation.OperationType, identity.Region);
        Policy policy = creation.ToPolicy(context.Caller().ProjectId, time.GetStoredNow());
        context.AuditResource(policy.Id.Value);
        await database.WriteAsync(
            async session =>
            {
                if (await PolicyTable.CountAsync(session, policy.ProjectId, policy.OperationType, context.RequestAborted) >= options.CountMax)
                {
                    throw new RefusedException(
                        ErrorCodes.PolicyCountExceeded, $"The project has {options.CountMax} {policy.OperationType} policies: no more can be made.");
                }

                await PolicyTable.InsertAsync(session, policy, context.RequestAborted);
            },
            context.RequestAborted);
        await ReplyAsync(context, policy, bindings: null);
    }

    private async Task ListAsync(HttpContext context)
    {
        PolicyFilter filter = PolicyFilter.Of(context.Request);
        string projectId = context.Caller().ProjectId;
        CancellationToken cancellationToken = context.RequestAborted;
        PolicyListReply reply = await database.ReadAsync(
            async session =>
            {
                if (filter.Marker is { } marker && await PolicyTable.FindAsync(session, projectId, marker, cancellationToken) is null)
                    throw BodyReader.Refused($"marker must be the id of a policy of this project: there is none with id {marker}.");
                (List<Policy> page, long count) = await PolicyTable.ListAsync(session, projectId, filter, cancellationToken);
                ILookup<PolicyId, PolicyBinding> bindings =
                    (await PolicyBindingTable.ListOfPoliciesAsync(session, page.ConvertAll(policy => policy.Id), cancellationToken))
                    .ToLookup(binding => binding.PolicyId);
                return new PolicyListReply(page.ConvertAll(policy => ToShape(policy, bindings[policy.Id])), count, filter.Limit, filter.Offset);
            },
            cancellationToken);
        await JsonReply.WriteAsync(context, reply, PolicyJson.Default.PolicyListReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        PolicyId id = PathPolicy(context);
        string projectId = context.Caller().ProjectId;
        (Policy policy, List<PolicyBinding> bindings) = await database.ReadAsync(
            async session => (
                await RequireAsync(session, projectId, id, context.RequestAborted),
                await PolicyBindingTable.ListOfPoliciesAsync(session, [id], context.RequestAborted)),
            context.RequestAborted);
        await ReplyAsync(context, policy, bindings);
    }

    private async Task UpdateAsync(HttpContext context)
    {
        PolicyId id = PathPolicy(context);
        PolicyChange change = await BodyReader.ReadAsync(context, PolicyRequests.Change);
        string projectId = context.Caller().ProjectId;
        DateTimeOffset now = time.GetStoredNow();
        (Policy policy, List<PolicyBinding> bindings) = await database.WriteAsync(
            async session =>
            {
                Policy present = await RequireAsync(session, projectId, id, context.RequestAborted);
                present.RefuseUnlessOwn();
                change.Definition?.RefuseUnlessFits(present.OperationType, identity.Region);
                return await ChangeAsync(session, present, change, now, context.RequestAborted);
            },
            context.RequestAborted);
        await ReplyAsync(context, policy, bindings);
    }

    /// <summary>Bindings go with it, except that a locked vault keeps its policies.</summary>
    private async Task DeleteAsync(HttpContext context)
    {
        PolicyId id = PathPolicy(context);
        string projectId = context.Caller().ProjectId;
        await database.WriteAsync(
            async session =>
            {
                (await RequireAsync(session, projectId, id, context.RequestAborted)).RefuseUnlessOwn();
                if (await PolicyBindingTable.FindLockedVaultAsync(session, id, context.RequestAborted) is { } vaultId)
                    throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Policy {id} is bound to vault {vaultId}, which is locked: it cannot be deleted.");
                await DropAsync(session, id, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }

    private async Task AssociateAsync(HttpContext context)
    {
        VaultId vaultId = VaultEndpoints.PathVault(context);
        (IReadOnlyList<PolicyId> policies, VaultId? destination) = await BodyReader.ReadAsync(context, PolicyRequests.Association);
        string projectId = context.Caller().ProjectId;
        DateTimeOffset now = time.GetStoredNow();
        List<PolicyBinding> bound = await database.WriteAsync(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, projectId, vaultId, context.RequestAborted);
                await PolicyBinder.BindAsync(session, vault, policies, destination, now, context.RequestAborted);
                return await PolicyBindingTable.ListOfVaultAsync(session, vaultId, context.RequestAborted);
            },
            context.RequestAborted);
        PolicyBinding first = bound.Find(binding => binding.PolicyId == policies[0])!;
        var shape = new AssociatedPolicyShape(vaultId.Value, first.PolicyId.Value, first.DestinationVaultId?.Value);
        await JsonReply.WriteAsync(context, new AssociatePolicyReply(shape), PolicyJson.Default.AssociatePolicyReply);
    }

    private async Task DissociateAsync(HttpContext context)
    {
        VaultId vaultId = VaultEndpoints.PathVault(context);
        PolicyId policyId = await BodyReader.ReadAsync(context, PolicyRequests.Dissociation);
        string projectId = context.Caller().ProjectId;
        await database.WriteAsync(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, projectId, vaultId, context.RequestAborted);
                await PolicyBinder.UnbindAsync(session, vault, policyId, context.RequestAborted);
            },
            context.RequestAborted);
        var shape = new DissociatedPolicyShape(vaultId.Value, policyId.Value);
        await JsonReply.WriteAsync(context, new DissociatePolicyReply(shape), PolicyJson.Default.DissociatePolicyReply);
    }

    private static Task ReplyAsync(HttpContext context, Policy policy, IEnumerable<PolicyBinding>? bindings) =>
        JsonReply.WriteAsync(context, new PolicyReply(ToShape(policy, bindings)), PolicyJson.Default.PolicyReply);

    private static PolicyShape ToShape(Policy policy, IEnumerable<PolicyBinding>? bindings) => new()
    {
        Id = policy.Id.Value,
        Name = policy.Name,
        Enabled = policy.Enabled,
        OperationType = policy.OperationType,
        OperationDefinition = policy.Definition.Text,
        Trigger = new PolicyTriggerShape(
            policy.TriggerId,
            "default",
            "time",
            new PolicyTriggerPropertiesShape(
                policy.Patterns, policy.StartAt.UtcDateTime.ToString(PolicyRequests.StartTimeFormat, CultureInfo.InvariantCulture))),
        PolicyType = policy.PolicyType,
        AssociatedVaults = bindings?.Select(binding => new AssociatedVaultShape(binding.VaultId.Value, binding.DestinationVaultId?.Value)).ToList(),
    };
}
