using System.CommandLine;
using System.Globalization;
using System.Text;

namespace Strongroom.Cli.Client;

/// <summary><c>openrc</c>: the variables client commands and other OpenStack tools read, as shell exports.</summary>
internal static class OpenrcCommand
{
    public static void AddTo(Command command, Shell shell)
    {
        var url = new Option<string>("--url") { Description = "Address of the service.", DefaultValueFactory = _ => "http://127.0.0.1:8799" };
        var user = new Option<string>("--username") { Description = "Who logs in.", DefaultValueFactory = _ => "admin" };
        var project = new Option<string>("--project") { Description = "The project to work in.", DefaultValueFactory = _ => "demo" };
        var domain = new Option<string>("--domain") { Description = "Domain of both.", DefaultValueFactory = _ => "default" };
        command.Add(url);
        command.Add(user);
        command.Add(project);
        command.Add(domain);
        command.SetAction(parsed =>
        {
            string address = parsed.GetValue(url)!.TrimEnd('/');
            if (!address.EndsWith("/v3", StringComparison.Ordinal))
                address += "/v3";
            var text = new StringBuilder();
            AppendExport(text, "OS_AUTH_URL", address);
            AppendExport(text, "OS_IDENTITY_API_VERSION", "3");
            AppendExport(text, "OS_USERNAME", parsed.GetValue(user)!);
            AppendExport(text, "OS_PROJECT_NAME", parsed.GetValue(project)!);
            AppendExport(text, "OS_USER_DOMAIN_NAME", parsed.GetValue(domain)!);
            AppendExport(text, "OS_PROJECT_DOMAIN_NAME", parsed.GetValue(domain)!);
            AppendPassword(text, shell, parsed.GetValue(user)!);
            shell.Output.Write(text);
            return (int)ExitCode.Done;
        });
    }

    // The service keeps only a hash. What the environment knows is passed on; otherwise the shell that evaluates the lines
    // asks, and only when someone is there to answer.
    private static void AppendPassword(StringBuilder text, Shell shell, string user)
    {
        if (shell.Variable("OS_PASSWORD") is { Length: > 0 } known)
            AppendExport(text, "OS_PASSWORD", known);
        else if (user == "admin" && shell.Variable("STRONGROOM_ADMIN_PASSWORD") is { Length: > 0 } first)
            AppendExport(text, "OS_PASSWORD", first);
        else
            text.Append(CultureInfo.InvariantCulture, $"""
                if [ -z "${"{"}OS_PASSWORD:-{"}"}" ] && [ -t 0 ]; then
                    printf 'Password of %s: ' {Quoted(user)} >&2; stty -echo; read -r OS_PASSWORD; stty echo; printf '\n' >&2
                    export OS_PASSWORD
                fi

                """);
    }

    private static void AppendExport(StringBuilder text, string name, string value) =>
        text.Append("export ").Append(name).Append('=').Append(Quoted(value)).Append('\n');

    private static string Quoted(string value) => $"'{value.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
