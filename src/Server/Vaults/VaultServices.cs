using Strongroom.Server.Undo;

namespace Strongroom.Server.Vaults;

internal static class VaultServices
{
    public static void AddVaults(this IServiceCollection services, VaultOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<RenderedVaults>();
        services.AddSingleton<VaultEndpoints>();
        services.AddSingleton<VaultTagEndpoints>();
        services.AddSingleton<VaultReportEndpoints>();
        services.AddSingleton<VaultOrderEndpoints>();
        services.AddSingleton<UndoEndpoints>();
    }

    public static void MapVaults(this WebApplication app)
    {
        app.Services.GetRequiredService<VaultEndpoints>().Map(app);
        app.Services.GetRequiredService<VaultTagEndpoints>().Map(app);
        app.Services.GetRequiredService<VaultReportEndpoints>().Map(app);
        app.Services.GetRequiredService<VaultOrderEndpoints>().Map(app);
        app.Services.GetRequiredService<UndoEndpoints>().Map(app);
    }
}
