namespace Strongroom.Cli;

/// <summary>Ends a command with an exit code and one line for the user that says what happened and what to do.</summary>
internal sealed class CommandException : Exception
{
    public CommandException(ExitCode exitCode, string message, Exception? inner = null)
        : base(message, inner) => ExitCode = exitCode;

    public ExitCode ExitCode { get; }

    public static CommandException Usage(string message) => new(ExitCode.Usage, message);

    public static CommandException NotFound(string message) => new(ExitCode.NotFound, message);
}
