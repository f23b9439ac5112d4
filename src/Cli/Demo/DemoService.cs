using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Strongroom.Contract;
using Strongroom.Server;

namespace Strongroom.Cli.Demo;

/// <summary>The real service in this process; the demo speaks to it over HTTP like anyone else.</summary>
internal sealed class DemoService(ServerOptions options) : IAsyncDisposable
{
    private WebApplication? running;

    public ServerOptions Options => options;

    public string Address => Running.Urls.First();

    public IdentityCredentials Credentials => new()
    {
        UserName = "admin",
        Password = options.Identity.AdminPassword,
        ProjectName = "demo",
    };

    private WebApplication Running => running ?? throw new InvalidOperationException("The service was not started.");

    public async Task StartAsync(CancellationToken cancellationToken) =>
        // What fails is told by the tasks; the log would run through the progress bars.
        running = await Installation.ServeCommand.StartAsync(
            options, services => services.Configure<LoggerFilterOptions>(filter => filter.MinLevel = LogLevel.Critical), cancellationToken);

    public Task WaitForShutdownAsync(CancellationToken cancellationToken) => Running.WaitForShutdownAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (running is null)
            return;
        await running.StopAsync();
        await running.DisposeAsync();
    }
}
