namespace Strongroom.Server.Audit;

internal static class AuditServices
{
    public static void AddAudit(this IServiceCollection services, AuditOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AuditTrail>();
        services.AddSingleton<AuditEndpoints>();
        services.AddHostedService<AuditSweep>();
    }

    public static void MapAudit(this WebApplication app) => app.Services.GetRequiredService<AuditEndpoints>().Map(app);
}
