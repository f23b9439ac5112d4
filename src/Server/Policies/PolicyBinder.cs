using Strongroom.Contract;
using Strongroom.Contract.Policies;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>
/// What it takes to put a policy on a vault and to take it off again (atlas of vaults, sections 3.10, 3.11 and 10.6): one
/// of each type, a second one replaces the first, the same one again changes nothing.
/// </summary>
internal static class PolicyBinder
{
    /// <exception cref="RefusedException">6000, or what the vault's kind or state forbids.</exception>
    public static async ValueTask BindAsync(
        DbSession session,
        Vault vault,
        IReadOnlyList<PolicyId> ids,
        VaultId? destinationId,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        vault.RefuseUnlessWritable("its policies cannot be changed");
        var bindings = new List<(PolicyBinding Binding, DateTimeOffset? NextAt)>(ids.Count);
        var left = new HashSet<PolicyId>();
        foreach (PolicyId id in ids)
        {
            Policy policy = await PolicyEndpoints.RequireAsync(session, vault.ProjectId, id, cancellationToken);
            VaultId? destination = policy.IsReplication ? await DestinationAsync(session, vault, policy, destinationId, cancellationToken) : null;
            RefuseUnfit(vault, policy);
            var binding = new PolicyBinding(id, vault.Id, policy.OperationType, destination);
            if (bindings.Exists(known => known.Binding.OperationType == binding.OperationType && known.Binding.PolicyId != id))
                throw BodyReader.Refused($"add_policy_ids names two {binding.OperationType} policies: a vault has one.");
            bindings.Add((binding, policy.NextAfter(now)));
            if (policy.PolicyType == PolicyOrigins.Left)
                left.Add(id);
        }

        List<PolicyBinding> present = await PolicyBindingTable.ListOfVaultAsync(session, vault.Id, cancellationToken);
        foreach ((PolicyBinding binding, DateTimeOffset? nextAt) in bindings)
        {
            PolicyBinding? replaced = present.Find(known => known.OperationType == binding.OperationType);
            if (replaced == binding)
                continue;
            if (left.Contains(binding.PolicyId) && replaced?.PolicyId != binding.PolicyId)
                throw new RefusedException(ErrorCodes.PolicyUnfit, $"Policy {binding.PolicyId} follows no organization policy any more: vaults that have it keep it, and no other gets it.");
            if (replaced is not null && replaced.PolicyId != binding.PolicyId)
                RefuseLocked(vault, replaced);
            await PolicyBindingTable.PutAsync(session, binding, nextAt, now, cancellationToken);
        }
    }

    /// <summary>Binds the policy a vault is made with, which has to be a backup policy.</summary>
    public static async ValueTask BindBackupAsync(DbSession session, Vault vault, PolicyId id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        Policy policy = await PolicyEndpoints.RequireAsync(session, vault.ProjectId, id, cancellationToken);
        if (policy.IsReplication)
            throw new RefusedException(ErrorCodes.PolicyUnfit, $"vault.backup_policy_id names {id}, which is a replication policy.");
        await BindAsync(session, vault, [id], destinationId: null, now, cancellationToken);
    }

    /// <exception cref="RefusedException">6000: there is no such policy; 6002: it is not on this vault; 6110: the vault is locked.</exception>
    public static async ValueTask UnbindAsync(DbSession session, Vault vault, PolicyId id, CancellationToken cancellationToken)
    {
        vault.RefuseUnlessWritable("its policies cannot be changed");
        await PolicyEndpoints.RequireAsync(session, vault.ProjectId, id, cancellationToken);
        List<PolicyBinding> present = await PolicyBindingTable.ListOfVaultAsync(session, vault.Id, cancellationToken);
        PolicyBinding binding = present.Find(known => known.PolicyId == id)
            ?? throw new RefusedException(ErrorCodes.PolicyNotBound, $"Policy {id} is not bound to vault {vault.Id}.");
        RefuseLocked(vault, binding);
        await PolicyBindingTable.DeleteAsync(session, binding, cancellationToken);
    }

    private static void RefuseLocked(Vault vault, PolicyBinding binding)
    {
        if (vault.IsLocked)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {vault.Id} is locked: policy {binding.PolicyId} cannot leave it.");
    }

    private static void RefuseUnfit(Vault vault, Policy policy)
    {
        if (policy.IsReplication)
            return;
        if (vault.IsReplication)
            throw new RefusedException(ErrorCodes.PolicyUnfit, $"Vault {vault.Id} holds replicas: it takes no backup policy.");
        if (vault.CloudType == CloudTypes.Hybrid)
            throw new RefusedException(ErrorCodes.HybridVaultTakesNoPolicy, $"Vault {vault.Id} is hybrid: it takes no backup policy.");
    }

    /// <summary>A replication vault of the same kind. One in a project the caller does not speak for is not there for them.</summary>
    private static async ValueTask<VaultId> DestinationAsync(
        DbSession session, Vault vault, Policy policy, VaultId? id, CancellationToken cancellationToken)
    {
        if (vault.IsReplication || vault.CloudType == CloudTypes.Hybrid)
            throw new RefusedException(ErrorCodes.PolicyUnfit, $"Vault {vault.Id} is not one that is replicated: it takes no replication policy.");
        if (vault.ObjectType == ObjectTypes.Disk)
            throw new RefusedException(ErrorCodes.VaultTypeNotReplicated, $"Vault {vault.Id} is of object_type {vault.ObjectType}, which is not replicated.");
        if (id is not { } destinationId)
            throw BodyReader.Refused($"destination_vault_id is missing: policy {policy.Id} is a replication policy.");
        Vault destination = await VaultTable.FindAsync(session, vault.ProjectId, destinationId, cancellationToken)
            ?? throw new RefusedException(ErrorCodes.DestinationVaultMissing, $"There is no destination vault with id {destinationId}.");
        return destination.IsReplication && destination.ObjectType == vault.ObjectType
            ? destinationId
            : throw new RefusedException(
                ErrorCodes.DestinationVaultTakesNoReplicas,
                $"Vault {destinationId} is of object_type {destination.ObjectType} and protect_type {destination.ProtectType}: it takes no replicas of vault {vault.Id}.");
    }
}
