namespace Strongroom.Server.Capabilities;

internal static class CapabilityServices
{
    public static void AddCapabilities(this IServiceCollection services)
    {
        services.AddSingleton<CapabilityEndpoints>();
        services.AddSingleton<AbsentEndpoints>();
    }

    public static void MapCapabilities(this WebApplication app)
    {
        app.Services.GetRequiredService<CapabilityEndpoints>().Map(app);
        app.Services.GetRequiredService<AbsentEndpoints>().Map(app);
    }
}
