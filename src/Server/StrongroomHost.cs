using System.Data.Common;
using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Console;
using Strongroom.Server.Capabilities;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Idempotency;
using Strongroom.Server.Identity;
using Strongroom.Server.Metrics;
using Strongroom.Server.Notifications;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server;

/// <summary>The service as one process: everything it consists of is put together here, and nowhere else.</summary>
public static class StrongroomHost
{
    /// <summary>Puts the service together; <c>RunAsync</c> or <c>StartAsync</c> of the result starts it.</summary>
    /// <param name="options">The settings of this process.</param>
    /// <param name="time">The clock; the system's when null.</param>
    /// <param name="customise">Replaces or adds services, for tests; runs last.</param>
    /// <exception cref="StartRefusedException">A setting is wrong. Starting throws it too: the database is of another version.</exception>
    public static WebApplication Build(ServerOptions options, TimeProvider? time = null, Action<IServiceCollection>? customise = null)
    {
        options.Validate();
        options.CreateDataDirectory();

        // The empty builder: no settings files from the working directory, no environment but our own, nothing to switch off.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "Strongroom" });
        AddLogging(builder.Logging);
        AddKestrel(builder.WebHost, options);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        ActionPolicy policy = ActionPolicy.Load(options.Identity.PolicyFile);
        builder.Services.AddSingleton(policy);
        builder.Services.AddSingleton(_ => options.Database.Open(options.DataDirectory));
        builder.Services.AddHostedService<DatabaseStart>();
        AddNouns(builder.Services, options);
        customise?.Invoke(builder.Services);

        WebApplication app = builder.Build();
        app.Services.GetRequiredService<DiagnosticListener>()
            .Subscribe(new MalformedRequestReply(), name => name == MalformedRequestReply.EventName);
        app.UseMiddleware<RequestShell>();
        app.UseRouting();
        app.UseMiddleware<RequestGate>();
        app.UseMiddleware<RepeatedRequests>();
        app.UseEndpoints(_ => { });
        app.MapHealth();
        app.MapMetrics();
        if (options.Roles.HasFlag(ServerRoles.Api))
            MapNouns(app);
        RouteChecks.RequireAccess(app);
        if (options.Roles.HasFlag(ServerRoles.Api))
            policy.RequireMatches(RouteChecks.Actions(app), options.Identity.PolicyFile);
        return app;
    }

    /// <summary>What a policy comes to: every action of the service, in alphabetical order, and the roles that may do it.</summary>
    /// <param name="policyFile">Null: the built-in roles alone.</param>
    /// <exception cref="StartRefusedException">The file is wrong: the service would not start with it.</exception>
    public static IReadOnlyList<(string Action, IReadOnlyList<string> Roles)> ExplainPolicy(string? policyFile)
    {
        // Put together and not started: nothing is opened, and nothing made.
        var options = new ServerOptions { DataDirectory = Path.GetTempPath() };
        options.Identity.PolicyFile = policyFile;
        using WebApplication app = Build(options);
        ActionPolicy policy = app.Services.GetRequiredService<ActionPolicy>();
        return [.. RouteChecks.Actions(app).Select(action => (action, (IReadOnlyList<string>)[.. policy.Roles.Where(role => policy.Allows([role], action))]))];
    }

    /// <summary>What each noun keeps in the container, its loops (hosted services) included.</summary>
    private static void AddNouns(IServiceCollection services, ServerOptions options)
    {
        services.AddAudit(options.Audit);
        services.AddSingleton(new ExpiringRows("idempotency keys", KeyedRequestTable.DeleteExpiredAsync));
        services.AddHostedService<ExpirySweep>();
        services.AddIdentity(options.Identity);
        services.AddResources(options.DataDirectory);
        services.AddVaults(options);
        services.AddPolicies(options);
        services.AddTasks(options);
        services.AddNotifications(options);
        services.AddMetrics(options.Metrics);
        services.AddCapabilities();
    }

    /// <summary>The routes of each noun.</summary>
    private static void MapNouns(WebApplication app)
    {
        app.MapIdentity();
        app.MapAudit();
        app.MapResources();
        app.MapVaults();
        app.MapPolicies();
        app.MapTasks();
        app.MapNotifications();
        app.MapCapabilities();
    }

    private static void AddKestrel(IWebHostBuilder host, ServerOptions options)
    {
        (var address, int port) = options.ParseUrl();
        host.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            if (address is null)
                kestrel.ListenAnyIP(port, SetUp);
            else
                kestrel.Listen(address, port, SetUp);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = ReceivedBody.DrainedBytesMax;
            kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
            kestrel.Limits.MaxRequestLineSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
            // Junk bytes in a header must reach the token check and get its 401, not a bare refusal by the parser.
            kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        });

        static void SetUp(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(MalformedRequestReply.Wrap);
        }
    }

    private static void AddLogging(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        // It opens an activity and a scope for every request as long as anything of it could be logged; failures are the shell's.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ssZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        // Standard output is for what a command prints.
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    /// <summary>Registered before anything that uses the database, so that it runs first: schema, then the first user.</summary>
    private sealed class DatabaseStart(MetadataDatabase database, TimeProvider time, CredentialSeal seal, ServerOptions options) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            try
            {
                await Migrations.ApplyAsync(database, time, cancellationToken);
            }
            catch (DbException error)
            {
                throw new StartRefusedException($"The database cannot be used: {error.Message}", error);
            }

            var administration = new IdentityAdministration(database, time, options.Identity);
            await FirstStart.EnsureAsync(administration, options.Identity, Console.Error, cancellationToken);
            if (options.Roles.HasFlag(ServerRoles.Api))
                await seal.CheckAsync(database, cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
