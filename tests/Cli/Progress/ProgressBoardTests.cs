using Strongroom.Cli.Progress;

namespace Strongroom.Cli.Tests.Progress;

public sealed class ProgressBoardTests
{
    [Fact]
    public async Task Work_that_lasts_is_told_in_plain_lines_where_there_is_no_terminal()
    {
        await using var error = new SignallingWriter();

        int result = await ProgressBoard.RunAsync(
            ShellWith(error),
            async board =>
            {
                ProgressItem item = board.Add("backup web-1", countsBytes: true);
                item.Report(512 << 10, 1 << 20, "reading");
                await error.LineWritten;
                item.Finish("success");
                return 7;
            },
            CancellationToken.None);

        Assert.Equal(7, result);
        string[] lines = error.ToString().TrimEnd('\n').Split('\n');
        Assert.StartsWith("backup web-1: reading, 50 %, 512.0 KiB of 1.0 MiB, ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("backup web-1: success, 100 %, 1.0 MiB of 1.0 MiB, ", lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', error.ToString());
    }

    [Fact]
    public async Task Work_that_is_quick_says_nothing()
    {
        await using var error = new SignallingWriter();

        await ProgressBoard.RunAsync(ShellWith(error), board => Task.FromResult(board.Add("quick", countsBytes: false)), CancellationToken.None);

        Assert.Empty(error.ToString());
    }

    [Fact]
    public void Progress_never_goes_back()
    {
        var item = new ProgressItem("x", countsBytes: true);

        item.Report(10, 100, "");
        item.Report(5, 100, "");

        Assert.Equal(10, item.State.Done);
    }

    private static Shell ShellWith(TextWriter error) => new() { Output = TextWriter.Null, Error = error, Variable = _ => null };

    private sealed class SignallingWriter : StringWriter
    {
        private readonly TaskCompletionSource written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SignallingWriter() => NewLine = "\n";

        public Task LineWritten => written.Task;

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            written.TrySetResult();
        }
    }
}
