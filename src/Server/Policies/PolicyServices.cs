using Strongroom.Server.OrganizationPolicies;
using Strongroom.Server.Retention;

namespace Strongroom.Server.Policies;

internal static class PolicyServices
{
    public static void AddPolicies(this IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options.Policies);
        services.AddSingleton<PolicyEndpoints>();
        services.AddSingleton<PolicyPreviewEndpoint>();
        services.AddSingleton<PolicyClockEndpoints>();
        services.AddSingleton<OrganizationPolicyEndpoints>();
        services.AddSingleton<PolicyScheduler>();
        services.AddSingleton(options.Retention);
        services.AddSingleton<RetentionSweep>();
        if (!options.Roles.HasFlag(ServerRoles.Worker))
            return;
        services.AddHostedService(provider => provider.GetRequiredService<PolicyScheduler>());
        services.AddHostedService(provider => provider.GetRequiredService<RetentionSweep>());
    }

    public static void MapPolicies(this WebApplication app)
    {
        app.Services.GetRequiredService<PolicyEndpoints>().Map(app);
        app.Services.GetRequiredService<PolicyPreviewEndpoint>().Map(app);
        app.Services.GetRequiredService<PolicyClockEndpoints>().Map(app);
        app.Services.GetRequiredService<OrganizationPolicyEndpoints>().Map(app);
    }
}
