using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Strongroom.Server;

namespace Strongroom.Cli.Installation;

/// <summary><c>serve</c>: the service in this process, until it is told to stop.</summary>
internal static class ServeCommand
{
    public static void AddTo(Command command, Shell shell)
    {
        var installation = new InstallationOptions(command);
        var url = new Option<string?>("--url") { Description = "Where to listen: http://127.0.0.1:8799 when nothing else says so; port 0 takes a free one." };
        var role = new Option<string?>("--role") { Description = "What this process does: api, worker, console, or several with commas; all by default." };
        role.Validators.Add(result =>
        {
            try
            {
                _ = ServerOptions.ParseRoles(result.GetValueOrDefault<string>() ?? "");
            }
            catch (StartRefusedException error)
            {
                result.AddError(error.Message);
            }
        });
        command.Add(url);
        command.Add(role);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            ServerOptions options = installation.Load(parsed);
            options.Url = parsed.GetValue(url) ?? options.Url;
            options.Roles = parsed.GetValue(role) is { } roles ? ServerOptions.ParseRoles(roles) : options.Roles;
            await using WebApplication service = await StartAsync(options, customise: null, cancellationToken);
            shell.Say($"Strongroom listens on {service.Urls.First()}; stop it with Ctrl-C.");
            await service.WaitForShutdownAsync(cancellationToken);
            return (int)ExitCode.Done;
        });
    }

    /// <summary>The running service; disposing stops it.</summary>
    internal static async Task<WebApplication> StartAsync(
        ServerOptions options, Action<IServiceCollection>? customise, CancellationToken cancellationToken)
    {
        WebApplication service = StrongroomHost.Build(options, customise: customise);
        try
        {
            await service.StartAsync(cancellationToken);
            return service;
        }
        catch (IOException error)
        {
            await service.DisposeAsync();
            throw new CommandException(ExitCode.Failed, $"The service cannot listen on {options.Url}: {error.Message} Choose another address with --url.", error);
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }
}
