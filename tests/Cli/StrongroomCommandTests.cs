namespace Strongroom.Cli.Tests;

public sealed class StrongroomCommandTests
{
    [Fact]
    public async Task Help_names_every_command_and_succeeds()
    {
        using var shell = new ShellDouble();

        ExitCode code = await shell.Run("--help");

        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("openrc", shell.Output, StringComparison.Ordinal);
        Assert.Empty(shell.Error);
    }

    [Theory]
    [InlineData("what to do is missing; there are ")]
    [InlineData("there is no 'vaul'; there are ", "vaul")]
    [InlineData("Required argument missing for option: '--url'.", "openrc", "--url")]
    [InlineData("Unrecognized command or argument 'now'.", "openrc", "now")]
    public async Task A_wrong_command_line_is_one_line_and_exit_code_2(string message, params string[] arguments)
    {
        using var shell = new ShellDouble();

        ExitCode code = await shell.Run(arguments);

        Assert.Equal(ExitCode.Usage, code);
        string line = Assert.Single(shell.Error.TrimEnd('\n').Split('\n'));
        Assert.Contains(message, line, StringComparison.Ordinal);
        Assert.Contains("--help'.", line, StringComparison.Ordinal);
        Assert.Empty(shell.Output);
    }
}
