using Strongroom.Server.Identity;

namespace Strongroom.Server.Notifications;

internal static class NotificationServices
{
    public static void AddNotifications(this IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options.Notifications);
        services.AddSingleton<NotificationEndpoints>();
        services.AddSingleton<INotificationChannel>(provider => new WebhookChannel(
            options.Notifications, provider.GetRequiredService<CredentialSeal>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<INotificationChannel>(_ => new MailChannel(options.Notifications));
        services.AddSingleton<NotificationDispatcher>();
        services.AddSingleton<NotificationWatch>();
        if (!options.Roles.HasFlag(ServerRoles.Worker))
            return;
        services.AddHostedService(provider => provider.GetRequiredService<NotificationDispatcher>());
        services.AddHostedService(provider => provider.GetRequiredService<NotificationWatch>());
    }

    public static void MapNotifications(this WebApplication app) => app.Services.GetRequiredService<NotificationEndpoints>().Map(app);
}
