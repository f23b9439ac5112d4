using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>
/// Which resources the rules of which vaults bring in (atlas of the vault API, section 10.5). Pure.
///
/// A vault asks for what is of its type and carries one of the tags of its rules, or for everything of its type when it has no
/// rules. Of several vaults that ask for a resource, the one whose policy runs next has the first word, and the next one when
/// the resource does not fit there; among equals the oldest. Servers come before disks, so that a disk whose server is taken
/// along is not taken twice.
/// </summary>
internal static class AutoBinding
{
    /// <param name="vaults">Those with <c>auto_bind</c> and a backup policy, in any order.</param>
    /// <param name="candidates">Resources in no vault that anything may bring in, in any order.</param>
    /// <param name="disks">All disks of the servers among them.</param>
    /// <param name="holders">Bindings, in vaults that take backups, of these disks and of the servers that candidates are disks of.</param>
    /// <param name="reserveGb">A vault takes nothing when not more than this of it is unallocated.</param>
    /// <param name="now">When they join.</param>
    public static AutoBindDecision Decide(
        IReadOnlyList<AutoBindVault> vaults,
        IReadOnlyList<Resource> candidates,
        IReadOnlyList<Resource> disks,
        IReadOnlyList<BindingHolder> holders,
        long reserveGb,
        DateTimeOffset now)
    {
        List<Vault> asking = [.. vaults
            .OrderBy(vault => vault.NextRunAt ?? DateTimeOffset.MaxValue)
            .ThenBy(vault => vault.Vault.CreatedAt)
            .ThenBy(vault => vault.Vault.Id.Value, StringComparer.Ordinal)
            .Select(vault => vault.Vault)];
        ILookup<ResourceId?, Resource> disksOf = disks.ToLookup(disk => disk.ServerId);
        Dictionary<ResourceId, BindingHolder> held = holders.DistinctBy(holder => holder.ResourceId).ToDictionary(holder => holder.ResourceId);
        var decision = new AutoBindDecision([], []);
        foreach (Resource candidate in candidates
            .OrderBy(resource => resource.Type != ResourceTypes.Server)
            .ThenBy(resource => resource.CreatedAt)
            .ThenBy(resource => resource.Id.Value, StringComparer.Ordinal))
        {
            Place(candidate);
        }

        return decision;

        void Place(Resource candidate)
        {
            // Protected through its server.
            if (candidate.ServerId is { } server && held.TryGetValue(server, out BindingHolder? holder) && holder.Disks.Takes(candidate.Id))
                return;
            AutoBindRefusal? refusal = null;
            List<Resource> registered = [candidate, .. disksOf[candidate.Id]];
            for (int i = 0; i < asking.Count; i++)
            {
                Vault vault = asking[i];
                if (!Asks(vault, candidate))
                    continue;
                try
                {
                    VaultResource added = Added(vault, candidate, registered);
                    asking[i] = vault with { Resources = [.. vault.Resources, added] };
                    held[candidate.Id] = new BindingHolder(candidate.Id, vault.Id, added.Status, added.Disks);
                    decision.Joined.Add(new AutoBindJoin(vault, added));
                    return;
                }
                catch (RefusedException refused)
                {
                    refusal ??= new AutoBindRefusal(candidate, vault, refused.Error.Code, refused.Message);
                }
            }

            if (refusal is not null)
                decision.Refused.Add(refusal);
        }

        VaultResource Added(Vault vault, Resource candidate, List<Resource> registered)
        {
            long freeGb = vault.SizeGb - vault.AllocatedGb;
            if (reserveGb > 0 && freeGb <= reserveGb)
            {
                throw new RefusedException(
                    ErrorCodes.VaultSizeInvalid, $"Vault {vault.Id} takes nothing by itself: {freeGb} GB of it are not allocated, and {reserveGb} GB are to stay so. Enlarge it first.");
            }

            BindingHolder[] others = [.. registered.Select(resource => resource.Id)
                .Concat(candidate.ServerId is { } server ? [server] : [])
                .Where(held.ContainsKey)
                .Select(id => held[id])
                .Where(holder => holder.VaultId != vault.Id)];
            return ResourceBinding.Add(vault, [new ResourceAddition(candidate.Id, candidate.Type, null, DiskSelection.All)], registered, others, now).Added[0];
        }
    }

    /// <summary>Whether the rules of the vault mean the resource.</summary>
    public static bool Asks(Vault vault, Resource resource) => VaultKind.Takes(vault.ObjectType, resource.Type) && Matches(vault.BindRules ?? [], resource.Tags);

    private static bool Matches(IReadOnlyList<TagShape> rules, IReadOnlyList<TagShape> tags) =>
        rules.Count == 0 || rules.Any(rule => tags.Any(tag => tag.Key == rule.Key && tag.Value == rule.Value));
}

/// <param name="NextRunAt">Of its backup policy; null while that is disabled.</param>
internal sealed record AutoBindVault(Vault Vault, DateTimeOffset? NextRunAt);

internal sealed record AutoBindDecision(List<AutoBindJoin> Joined, List<AutoBindRefusal> Refused);

/// <param name="Vault">Before it joined.</param>
internal sealed record AutoBindJoin(Vault Vault, VaultResource Resource);

/// <param name="Vault">The first that asked for it.</param>
/// <param name="Code">Why it did not fit there.</param>
internal sealed record AutoBindRefusal(Resource Resource, Vault Vault, string Code, string Message);
