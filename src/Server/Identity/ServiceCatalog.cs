using Strongroom.Contract.Identity;

namespace Strongroom.Server.Identity;

/// <summary>Where clients find what. GTC takes the URL of type <c>cbr</c> as it is, so it ends with the project.</summary>
internal static class ServiceCatalog
{
    private static readonly string[] Interfaces = ["public", "internal", "admin"];

    /// <param name="projectId">Empty: only identity, as CBR has no URL without a project.</param>
    /// <param name="region">As in the settings.</param>
    /// <param name="baseUrl">Without a slash at its end.</param>
    public static IReadOnlyList<ServiceShape> For(string projectId, string region, string baseUrl)
    {
        ServiceShape identity = Service("identity", "keystone", region, $"{baseUrl}/v3");
        return projectId.Length == 0 ? [identity] : [identity, Service("cbr", "cbr", region, $"{baseUrl}/v3/{projectId}")];
    }

    private static ServiceShape Service(string type, string name, string region, string url) =>
        new(type, type, name, [.. Interfaces.Select(which => new EndpointShape($"{type}-{which}", which, region, region, url))]);
}
