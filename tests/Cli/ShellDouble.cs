namespace Strongroom.Cli.Tests;

/// <summary>A shell in memory: what a command writes, and the variables it sees.</summary>
internal sealed class ShellDouble : IDisposable
{
    private readonly StringWriter output = new() { NewLine = "\n" };
    private readonly StringWriter error = new() { NewLine = "\n" };

    public Dictionary<string, string> Variables { get; } = [];

    public HttpMessageHandler? Transport { get; init; }

    public bool IsTerminal { get; init; }

    public string Output => output.ToString();

    public string Error => error.ToString();

    public Shell Shell => new()
    {
        Output = output,
        Error = error,
        Variable = Variables.GetValueOrDefault,
        OutputIsTerminal = IsTerminal,
        Transport = Transport,
    };

    public void Dispose()
    {
        output.Dispose();
        error.Dispose();
    }

    public async Task<ExitCode> Run(params string[] arguments) => await StrongroomCommand.RunAsync(arguments, Shell);
}
