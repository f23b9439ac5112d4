using Strongroom.Contract.Requests;
using Strongroom.Contract.Vaults;

namespace Strongroom.Contract;

public sealed partial class CbrClient
{
    /// <exception cref="CbrException">Refused: the limits, a resource that does not exist or is protected already.</exception>
    public async Task<VaultShape> CreateVaultAsync(VaultCreation vault, CancellationToken cancellationToken) =>
        (await SendAsync<VaultReply>(
            HttpMethod.Post, endpoint + "/vaults",
            JsonContentOf(new VaultCreationBody(vault), CbrRequestJson.Default.VaultCreationBody), cancellationToken)).Vault;

    /// <summary>Newest first; pages are fetched as they are needed.</summary>
    public IAsyncEnumerable<VaultShape> ListVaultsAsync(VaultFilter filter, CancellationToken cancellationToken)
    {
        string path = new Query(endpoint + "/vaults")
            .With("name", filter.Name)
            .With("object_type", filter.ObjectType)
            .With("status", filter.Status)
            .With("resource_ids", filter.ResourceId)
            .Text;
        return PagesAsync(path, (VaultListReply page) => (page.Vaults, page.Count), cancellationToken);
    }

    public async Task<VaultShape> GetVaultAsync(string vaultId, CancellationToken cancellationToken) =>
        (await GetAsync<VaultReply>(VaultPath(vaultId), cancellationToken)).Vault;

    public async Task<VaultShape> UpdateVaultAsync(string vaultId, VaultChange change, CancellationToken cancellationToken) =>
        (await SendAsync<VaultReply>(
            HttpMethod.Put, VaultPath(vaultId),
            JsonContentOf(new VaultChangeBody(change), CbrRequestJson.Default.VaultChangeBody), cancellationToken)).Vault;

    /// <summary>Deletes the vault with every backup in it.</summary>
    public Task DeleteVaultAsync(string vaultId, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, VaultPath(vaultId), content: null, cancellationToken);

    /// <summary>Puts resources into the vault, all or none; one that is in it already gets the new choice of disks.</summary>
    /// <param name="vaultId">The vault.</param>
    /// <param name="resources">1 to 256.</param>
    /// <param name="cancellationToken">Gives up waiting; the change may have been made.</param>
    /// <returns>Their ids, in order.</returns>
    public async Task<IReadOnlyList<string>> AddResourcesAsync(
        string vaultId, IReadOnlyList<ResourceReference> resources, CancellationToken cancellationToken) =>
        (await SendAsync<AddResourcesReply>(
            HttpMethod.Post, VaultPath(vaultId) + "/addresources",
            JsonContentOf(new ResourceReferencesBody(resources), CbrRequestJson.Default.ResourceReferencesBody), cancellationToken)).AddResourceIds;

    /// <summary>Takes resources out of the vault and deletes their backups in it.</summary>
    public async Task<IReadOnlyList<string>> RemoveResourcesAsync(
        string vaultId, IReadOnlyList<string> resourceIds, CancellationToken cancellationToken) =>
        (await SendAsync<RemoveResourcesReply>(
            HttpMethod.Post, VaultPath(vaultId) + "/removeresources",
            JsonContentOf(new ResourceIdsBody(resourceIds), CbrRequestJson.Default.ResourceIdsBody), cancellationToken)).RemoveResourceIds;

    /// <summary>Carries out the rules of the project's vaults now.</summary>
    /// <exception cref="CbrException">Refused: the vault has no rules to go by, or no backup policy.</exception>
    public Task<AutoBindReply> BindVaultAsync(string vaultId, CancellationToken cancellationToken) =>
        SendAsync<AutoBindReply>(HttpMethod.Post, $"{additions}/vaults/{Uri.EscapeDataString(vaultId)}/bind", content: null, cancellationToken);

    private string VaultPath(string vaultId) => $"{endpoint}/vaults/{Uri.EscapeDataString(vaultId)}";
}
