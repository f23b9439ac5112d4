namespace Strongroom.Server.Policies;

internal static class PolicyServices
{
    public static void AddPolicies(this IServiceCollection services, PolicyOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<PolicyEndpoints>();
    }

    public static void MapPolicies(this WebApplication app) => app.Services.GetRequiredService<PolicyEndpoints>().Map(app);
}
