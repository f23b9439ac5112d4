using Strongroom.Server.Database;

namespace Strongroom.Server.Audit;

internal static class AuditServices
{
    public static void AddAudit(this IServiceCollection services, AuditOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AuditTrail>();
        services.AddSingleton<AuditEndpoints>();
        services.AddSingleton(new ExpiringRows(
            "audit records",
            (session, now, countMax, cancellationToken) => AuditTable.DeleteBeforeAsync(session, now - options.Retention, countMax, cancellationToken)));
    }

    public static void MapAudit(this WebApplication app) => app.Services.GetRequiredService<AuditEndpoints>().Map(app);
}
