namespace Strongroom.Cli;

/// <summary>What surrounds a command: its streams and what they are, variables, the clock. Tests bring their own.</summary>
internal sealed class Shell
{
    private const int WidthWithoutTerminal = 4096;

    /// <summary>Results, and nothing else.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Progress, logs and errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>The value of an environment variable; null when it is not set.</summary>
    public required Func<string, string?> Variable { get; init; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>Columns of the terminal; tables written elsewhere are never wrapped.</summary>
    public int WidthColumns { get; init; } = WidthWithoutTerminal;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The transport under the typed client; null means the network.</summary>
    public HttpMessageHandler? Transport { get; init; }

    /// <summary>https://no-color.org: any value that is not empty.</summary>
    public bool AllowsColor => string.IsNullOrEmpty(Variable("NO_COLOR")) && Variable("TERM") != "dumb";

    public static Shell OfProcess()
    {
        bool outputIsTerminal = !Console.IsOutputRedirected;
        return new Shell
        {
            Output = Console.Out,
            Error = Console.Error,
            Variable = Environment.GetEnvironmentVariable,
            OutputIsTerminal = outputIsTerminal,
            ErrorIsTerminal = !Console.IsErrorRedirected,
            WidthColumns = outputIsTerminal && Console.WindowWidth > 0 ? Console.WindowWidth : WidthWithoutTerminal,
        };
    }

    /// <summary>One line on standard error.</summary>
    public void Say(string line) => Error.WriteLine(line);
}
