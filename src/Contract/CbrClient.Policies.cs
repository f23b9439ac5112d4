using Strongroom.Contract.Policies;
using Strongroom.Contract.Requests;

namespace Strongroom.Contract;

public sealed partial class CbrClient
{
    public async Task<PolicyShape> CreatePolicyAsync(PolicyCreation policy, CancellationToken cancellationToken) =>
        (await SendAsync<PolicyReply>(
            HttpMethod.Post, endpoint + "/policies",
            JsonContentOf(new PolicyCreationBody(policy), CbrRequestJson.Default.PolicyCreationBody), cancellationToken)).Policy;

    /// <summary>Newest first; pages are fetched as they are needed.</summary>
    public IAsyncEnumerable<PolicyShape> ListPoliciesAsync(PolicyFilter filter, CancellationToken cancellationToken)
    {
        string path = new Query(endpoint + "/policies")
            .With("operation_type", filter.OperationType)
            .With("vault_id", filter.VaultId)
            .Text;
        return PagesAsync(path, (PolicyListReply page) => (page.Policies, page.Count), cancellationToken);
    }

    public async Task<PolicyShape> GetPolicyAsync(string policyId, CancellationToken cancellationToken) =>
        (await GetAsync<PolicyReply>(PolicyPath(policyId), cancellationToken)).Policy;

    public async Task<PolicyShape> UpdatePolicyAsync(string policyId, PolicyChange change, CancellationToken cancellationToken) =>
        (await SendAsync<PolicyReply>(
            HttpMethod.Put, PolicyPath(policyId),
            JsonContentOf(new PolicyChangeBody(change), CbrRequestJson.Default.PolicyChangeBody), cancellationToken)).Policy;

    /// <summary>Deletes the policy and takes it off its vaults; backups stay.</summary>
    public Task DeletePolicyAsync(string policyId, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, PolicyPath(policyId), content: null, cancellationToken);

    /// <summary>Puts the policy on a vault, in place of another of its type.</summary>
    public Task AssociatePolicyAsync(string vaultId, string policyId, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Post, VaultPath(vaultId) + "/associatepolicy",
            JsonContentOf(new PolicyIdBody(policyId), CbrRequestJson.Default.PolicyIdBody), cancellationToken);

    /// <summary>Takes the policy off a vault.</summary>
    public Task DissociatePolicyAsync(string vaultId, string policyId, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Post, VaultPath(vaultId) + "/dissociatepolicy",
            JsonContentOf(new PolicyIdBody(policyId), CbrRequestJson.Default.PolicyIdBody), cancellationToken);

    /// <summary>When a policy runs next, and on whose wall clock.</summary>
    public async Task<PolicyClockShape> GetPolicyClockAsync(string policyId, CancellationToken cancellationToken) =>
        (await GetAsync<PolicyClockReply>($"{additions}/policies/{Uri.EscapeDataString(policyId)}", cancellationToken)).Policy;

    /// <summary>Has the patterns read on another wall clock.</summary>
    /// <param name="policyId">The policy.</param>
    /// <param name="timeZone">A name of the IANA database.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<PolicyClockShape> SetPolicyClockAsync(string policyId, string timeZone, CancellationToken cancellationToken) =>
        (await SendAsync<PolicyClockReply>(
            HttpMethod.Put, $"{additions}/policies/{Uri.EscapeDataString(policyId)}",
            JsonContentOf(new PolicyClockChangeBody(new PolicyClockChange(timeZone)), CbrRequestJson.Default.PolicyClockChangeBody), cancellationToken)).Policy;

    /// <summary>What a policy would do; changes nothing.</summary>
    public Task<PolicyPreviewReply> PreviewPolicyAsync(PolicyPreview preview, CancellationToken cancellationToken) =>
        SendAsync<PolicyPreviewReply>(
            HttpMethod.Post, additions + "/policies/preview",
            JsonContentOf(preview, CbrRequestJson.Default.PolicyPreview), cancellationToken);

    private string PolicyPath(string policyId) => $"{endpoint}/policies/{Uri.EscapeDataString(policyId)}";
}
