using Strongroom.Drivers;

namespace Strongroom.Server.Resources;

internal static class ResourceServices
{
    public static void AddResources(this IServiceCollection services, string dataDirectory)
    {
        services.AddSingleton(_ => DriverCatalog.CreateDefault());
        services.AddSingleton(container => new HostPaths(container.GetRequiredService<DriverCatalog>(), dataDirectory));
        services.AddSingleton<ResourceEndpoints>();
        services.AddSingleton<ProtectableEndpoints>();
    }

    public static void MapResources(this WebApplication app)
    {
        app.Services.GetRequiredService<ResourceEndpoints>().Map(app);
        app.Services.GetRequiredService<ProtectableEndpoints>().Map(app);
    }
}
