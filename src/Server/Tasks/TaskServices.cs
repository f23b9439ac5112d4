using Strongroom.ObjectStores;
using Strongroom.Server.Backups;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Shares;

namespace Strongroom.Server.Tasks;

/// <summary>Checkpoints, backups and tasks: one story, so they are put together in one place.</summary>
internal static class TaskServices
{
    public static void AddTasks(this IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options.Tasks);
        services.AddSingleton<TaskSignal>();
        services.AddSingleton(provider => new StoreActivity(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ProtectionEngine>();
        services.AddSingleton<IProtectionEngine>(provider => provider.GetRequiredService<ProtectionEngine>());
        services.AddSingleton<ITaskWork, BackupWork>();
        services.AddSingleton<ITaskWork, RestoreWork>();
        services.AddSingleton<CheckpointEndpoints>();
        services.AddSingleton<BackupEndpoints>();
        services.AddSingleton<RestoreEndpoint>();
        services.AddSingleton<ShareEndpoints>();
        services.AddSingleton<TaskEndpoints>();
        services.AddSingleton<BackupPurge>();
        services.AddSingleton<SpaceCollection>();
        services.AddSingleton(Ended(options.Tasks));
        if (!options.Roles.HasFlag(ServerRoles.Worker))
            return;
        services.AddHostedService(provider => provider.GetRequiredService<ProtectionEngine>());
        services.AddHostedService(provider => new TaskRunner(
            provider.GetRequiredService<MetadataDatabase>(),
            provider.GetServices<ITaskWork>(),
            provider.GetRequiredService<TaskSignal>(),
            options.Tasks,
            Path.Combine(options.DataDirectory, "workers"),
            provider.GetRequiredService<StoreActivity>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<TaskRunner>>()));
        services.AddHostedService(provider => provider.GetRequiredService<BackupPurge>());
        services.AddHostedService(provider => provider.GetRequiredService<SpaceCollection>());
    }

    /// <summary>Tasks that ended longer ago than <see cref="TaskOptions.HistoryRetention"/>.</summary>
    public static ExpiringRows Ended(TaskOptions options) => new(
        "tasks that ended",
        (session, now, countMax, cancellationToken) =>
            TaskTable.DeleteEndedBeforeAsync(session, now - options.HistoryRetention, countMax, cancellationToken));

    public static void MapTasks(this WebApplication app)
    {
        app.Services.GetRequiredService<CheckpointEndpoints>().Map(app);
        app.Services.GetRequiredService<BackupEndpoints>().Map(app);
        app.Services.GetRequiredService<RestoreEndpoint>().Map(app);
        app.Services.GetRequiredService<ShareEndpoints>().Map(app);
        app.Services.GetRequiredService<TaskEndpoints>().Map(app);
    }
}
