using Strongroom.Server.Retention;

namespace Strongroom.Server.Policies;

internal static class PolicyServices
{
    public static void AddPolicies(this IServiceCollection services, PolicyOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(new RetentionOptions());
        services.AddSingleton<PolicyEndpoints>();
        services.AddSingleton<PolicyPreviewEndpoint>();
    }

    public static void MapPolicies(this WebApplication app)
    {
        app.Services.GetRequiredService<PolicyEndpoints>().Map(app);
        app.Services.GetRequiredService<PolicyPreviewEndpoint>().Map(app);
    }
}
