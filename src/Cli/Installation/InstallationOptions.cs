using System.CommandLine;
using Strongroom.Server;

namespace Strongroom.Cli.Installation;

/// <summary><c>--data</c> and <c>--config</c>: which installation a command works on, without asking its service.</summary>
internal sealed class InstallationOptions
{
    private readonly Option<string?> data = new("--data")
    {
        Description = "The installation's data directory; ./data when nothing else says so.",
        HelpName = "directory",
    };

    private readonly Option<string?> config = new("--config") { Description = "The installation's settings (JSON).", HelpName = "file" };

    public InstallationOptions(Command command)
    {
        command.Add(data);
        command.Add(config);
    }

    public ServerOptions Load(ParseResult parsed)
    {
        ServerOptions options = ServerOptions.Load(parsed.GetValue(config));
        if (parsed.GetValue(data) is { } directory)
            options.DataDirectory = directory;
        return options;
    }

    /// <summary>The same, for commands that must not make an installation where a path was mistyped.</summary>
    public ServerOptions LoadExisting(ParseResult parsed)
    {
        ServerOptions options = Load(parsed);
        if (options.Database.ConnectionString.Length == 0 && !Directory.Exists(options.DataDirectory))
            throw CommandException.NotFound($"There is no installation at {options.DataDirectory}; name its directory with --data, or start it once with 'strongroom serve'.");
        return options;
    }
}
