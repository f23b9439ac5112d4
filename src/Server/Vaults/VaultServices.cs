namespace Strongroom.Server.Vaults;

internal static class VaultServices
{
    public static void AddVaults(this IServiceCollection services, VaultOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<VaultEndpoints>();
    }

    public static void MapVaults(this WebApplication app)
    {
        app.Services.GetRequiredService<VaultEndpoints>().Map(app);
    }
}
