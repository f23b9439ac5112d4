using Strongroom.Contract.Resources;

namespace Strongroom.Contract;

// Resources are registered under /strongroom/v1: where clouds have them from Nova and Cinder, CBR has no call for it.
public sealed partial class CbrClient
{
    /// <summary>Makes a path of the service's host, or a server made of such disks, known to the project.</summary>
    public async Task<ResourceShape> RegisterResourceAsync(ResourceRegistrationShape resource, CancellationToken cancellationToken) =>
        (await SendAsync<ResourceReply>(
            HttpMethod.Post, additions + "/resources",
            JsonContentOf(new ResourceRegistration(resource), ResourceJson.Default.ResourceRegistration), cancellationToken)).Resource;

    public async Task<ResourceShape> UpdateResourceAsync(string resourceId, ResourceChangeShape change, CancellationToken cancellationToken) =>
        (await SendAsync<ResourceReply>(
            HttpMethod.Put, ResourcePath(resourceId),
            JsonContentOf(new ResourceChange(change), ResourceJson.Default.ResourceChange), cancellationToken)).Resource;

    public IAsyncEnumerable<ResourceShape> ListResourcesAsync(string? type, string? name, CancellationToken cancellationToken) =>
        PagesAsync(
            new Query(additions + "/resources").With("type", type).With("name", name).Text,
            (ResourceListReply page) => (page.Resources, page.Count),
            cancellationToken);

    public async Task<ResourceShape> GetResourceAsync(string resourceId, CancellationToken cancellationToken) =>
        (await GetAsync<ResourceReply>(ResourcePath(resourceId), cancellationToken)).Resource;

    /// <summary>Forgets the resource; what it names on disk is not touched, and its backups stay.</summary>
    public Task RemoveResourceAsync(string resourceId, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, ResourcePath(resourceId), content: null, cancellationToken);

    private string ResourcePath(string resourceId) => $"{additions}/resources/{Uri.EscapeDataString(resourceId)}";
}
