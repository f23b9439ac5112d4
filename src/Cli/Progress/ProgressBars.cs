using Spectre.Console;
using Spectre.Console.Rendering;
using Strongroom.Cli.Output;

namespace Strongroom.Cli.Progress;

/// <summary>Bars on a terminal.</summary>
internal static class ProgressBars
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    public static async Task DrawUntilAsync(Shell shell, ProgressBoard board, Task running)
    {
        var bars = new Dictionary<ProgressItem, ProgressTask>();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = shell.AllowsColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(shell.Error),
        });
        var progress = new Spectre.Console.Progress(console) { AutoRefresh = false, HideCompleted = false };
        progress.Columns(
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn(),
            new PercentageColumn(),
            new AmountColumn(bars));
        await progress.StartAsync(async context =>
        {
            while (true)
            {
                bool last = running.IsCompleted;
                foreach (ProgressItem item in board.Items)
                {
                    if (!bars.TryGetValue(item, out ProgressTask? bar))
                        bars[item] = bar = context.AddTask(Markup.Escape(item.Name));
                    ProgressState state = item.State;
                    bar.IsIndeterminate = state.Total <= 0 && !state.IsFinished;
                    bar.Value = state.Share * 100;
                    if (state.IsFinished)
                        bar.StopTask();
                }

                context.Refresh();
                if (last)
                    return;
                await Task.WhenAny(running, Task.Delay(RefreshInterval, shell.Time));
            }
        });
    }

    /// <summary>Phase, bytes and rate, as the item last reported them.</summary>
    private sealed class AmountColumn(Dictionary<ProgressItem, ProgressTask> bars) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            ProgressItem? item = bars.FirstOrDefault(pair => pair.Value == task).Key;
            if (item is null)
                return Text.Empty;
            ProgressState state = item.State;
            if (!item.CountsBytes || state.Done == 0)
                return new Text(state.Detail);
            double seconds = task.ElapsedTime?.TotalSeconds ?? 0;
            string rate = seconds > 0.5 ? $", {new ByteSize((long)(state.Done / seconds))}/s" : "";
            return new Text($"{state.Detail} {new ByteSize(state.Done)}{rate}");
        }
    }
}
