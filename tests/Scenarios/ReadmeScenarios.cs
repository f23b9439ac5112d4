using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strongroom.Scenarios;

/// <summary>The commands of README.md, in its order, in one shell: only the place, the port and the resource differ.</summary>
public sealed class ReadmeScenarios
{
    [Fact]
    public async Task The_five_minutes_of_the_readme_work()
    {
        using var directory = new TemporaryDirectory();
        await Sums.Shell("mkdir \"$1\"; cp /etc/hostname /etc/passwd \"$1\"", directory["etc"]);
        string script = Script(directory, FreePort());
        await File.WriteAllTextAsync(directory["readme.sh"], script);

        string output = await Sums.Shell("cd \"$1\"; bash readme.sh 2>&1 || { cat readme.sh; exit 1; }", directory.Path);

        Assert.Equal(await Sums.OfTree(directory["etc"]), await Sums.OfTree(directory["etc-restored"]));
        Assert.Contains("token of ", output, StringComparison.Ordinal);
    }

    private static string Script(TemporaryDirectory directory, int port)
    {
        var script = new StringBuilder("set -euo pipefail\n");
        foreach (string line in CodeLines())
        {
            string command = line
                .Replace("./strongroom", StrongroomBinary.Built, StringComparison.Ordinal)
                .Replace("./data", directory["data"], StringComparison.Ordinal)
                .Replace("/tmp/etc-restored", directory["etc-restored"], StringComparison.Ordinal)
                .Replace("--path /etc", "--path " + directory["etc"], StringComparison.Ordinal)
                .Replace("8799", port.ToString(), StringComparison.Ordinal)
                .Replace("BACKUP-ID", "\"$backup\"", StringComparison.Ordinal);
            if (command.Contains(" serve ", StringComparison.Ordinal))
            {
                // Its own terminal: in the background, and gone with the script.
                script.Append(command).Append(" 2>serve.log & service=$!\ntrap 'kill $service' EXIT\n");
                script.Append(
                    $"for try in $(seq 300); do curl -fs http://127.0.0.1:{port}/healthcheck >/dev/null && break; kill -0 $service; read -rt 0.2 <> <(:) || :; done\n");
                continue;
            }

            if (command.Contains("\"$backup\"", StringComparison.Ordinal))
                script.Append($"backup=$({StrongroomBinary.Built} backup list -f value -c id)\n");
            script.Append(command).Append('\n');
        }

        return script.Append("echo \"token of ${#token} characters\"; [ ${#token} -gt 20 ]\n").ToString();
    }

    /// <summary>The indented lines after the heading 'Five minutes', up to the next heading.</summary>
    private static string[] CodeLines()
    {
        string[] found =
        [
            .. File.ReadLines(Path.Combine(StrongroomBinary.Root, "README.md"))
                .SkipWhile(line => line != "## Five minutes").Skip(1)
                .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
                .Where(line => line.StartsWith("    ", StringComparison.Ordinal))
                .Select(line => line[4..]),
        ];
        Assert.True(found.Length > 8, "README.md has no commands under 'Five minutes' any more.");
        return found;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
