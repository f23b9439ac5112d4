using Strongroom.Server.Retention;

namespace Strongroom.Server.Policies;

internal static class PolicyServices
{
    public static void AddPolicies(this IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options.Policies);
        services.AddSingleton<PolicyEndpoints>();
        services.AddSingleton<PolicyPreviewEndpoint>();
        services.AddSingleton<PolicyScheduler>();
        if (options.Roles.HasFlag(ServerRoles.Worker))
            services.AddHostedService(provider => provider.GetRequiredService<PolicyScheduler>());
    }

    public static void MapPolicies(this WebApplication app)
    {
        app.Services.GetRequiredService<PolicyEndpoints>().Map(app);
        app.Services.GetRequiredService<PolicyPreviewEndpoint>().Map(app);
    }
}
