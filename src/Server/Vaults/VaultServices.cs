using Strongroom.Server.Undo;

namespace Strongroom.Server.Vaults;

internal static class VaultServices
{
    public static void AddVaults(this IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options.Vaults);
        services.AddSingleton<RenderedVaults>();
        services.AddSingleton<VaultEndpoints>();
        services.AddSingleton<VaultTagEndpoints>();
        services.AddSingleton<VaultReportEndpoints>();
        services.AddSingleton<VaultOrderEndpoints>();
        services.AddSingleton<UndoEndpoints>();
        services.AddSingleton<AutoBinder>();
        services.AddSingleton<AutoBindEndpoint>();
        services.AddSingleton<AutoBindSweep>();
        if (options.Roles.HasFlag(ServerRoles.Worker))
            services.AddHostedService(provider => provider.GetRequiredService<AutoBindSweep>());
    }

    public static void MapVaults(this WebApplication app)
    {
        app.Services.GetRequiredService<VaultEndpoints>().Map(app);
        app.Services.GetRequiredService<VaultTagEndpoints>().Map(app);
        app.Services.GetRequiredService<VaultReportEndpoints>().Map(app);
        app.Services.GetRequiredService<VaultOrderEndpoints>().Map(app);
        app.Services.GetRequiredService<UndoEndpoints>().Map(app);
        app.Services.GetRequiredService<AutoBindEndpoint>().Map(app);
    }
}
