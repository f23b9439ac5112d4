using Strongroom.Server.OpenApi;

namespace Strongroom.Server.Capabilities;

internal static class CapabilityServices
{
    public static void AddCapabilities(this IServiceCollection services)
    {
        services.AddSingleton<CapabilityEndpoints>();
        services.AddSingleton<AbsentEndpoints>();
        services.AddSingleton<OpenApiEndpoint>();
    }

    public static void MapCapabilities(this WebApplication app)
    {
        app.Services.GetRequiredService<CapabilityEndpoints>().Map(app);
        app.Services.GetRequiredService<AbsentEndpoints>().Map(app);
        app.Services.GetRequiredService<OpenApiEndpoint>().Map(app);
    }
}
