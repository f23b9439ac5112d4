using System.Globalization;
using Strongroom.Cli.Output;

namespace Strongroom.Cli.Progress;

/// <summary>
/// Shows on standard error how far work is, once it takes longer than a second: bars on a terminal, a line now and then
/// anywhere else.
/// </summary>
internal sealed class ProgressBoard
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly List<ProgressItem> items = [];

    /// <summary>In the order they were added.</summary>
    public IReadOnlyList<ProgressItem> Items
    {
        get
        {
            lock (gate)
                return [.. items];
        }
    }

    public ProgressItem Add(string name, bool countsBytes)
    {
        var item = new ProgressItem(name, countsBytes);
        lock (gate)
            items.Add(item);
        return item;
    }

    public static async Task<T> RunAsync<T>(Shell shell, Func<ProgressBoard, Task<T>> work, CancellationToken cancellationToken)
    {
        var board = new ProgressBoard();
        long startedAt = shell.Time.GetTimestamp();
        Task<T> running = work(board);
        await Task.WhenAny(running, Task.Delay(Patience, shell.Time, cancellationToken));
        if (!running.IsCompleted)
        {
            if (shell.ErrorIsTerminal)
                await ProgressBars.DrawUntilAsync(shell, board, running);
            else
                await WriteLinesUntilAsync(shell, board, running, startedAt);
        }

        return await running;
    }

    private static async Task WriteLinesUntilAsync(Shell shell, ProgressBoard board, Task running, long startedAt)
    {
        var finished = new HashSet<ProgressItem>();
        while (true)
        {
            foreach (ProgressItem item in board.Items)
            {
                ProgressState state = item.State;
                if (!finished.Contains(item))
                    shell.Say(Line(item, state, shell.Time.GetElapsedTime(startedAt)));
                if (state.IsFinished)
                    finished.Add(item);
            }

            if (running.IsCompleted)
                return;
            await Task.WhenAny(running, Task.Delay(LineInterval, shell.Time));
        }
    }

    private static string Line(ProgressItem item, ProgressState state, TimeSpan elapsed)
    {
        string share = state.Total > 0 || state.IsFinished
            ? Math.Floor(state.Share * 100).ToString("0", CultureInfo.InvariantCulture) + " %"
            : "";
        string amount = item.CountsBytes && state.Done > 0
            ? state.Total > 0 ? $"{new ByteSize(state.Done)} of {new ByteSize(state.Total)}" : $"{new ByteSize(state.Done)}"
            : "";
        string time = elapsed.TotalSeconds.ToString("0", CultureInfo.InvariantCulture) + " s";
        return $"{item.Name}: " + string.Join(", ", new[] { state.Detail, share, amount, time }.Where(part => part.Length > 0));
    }
}
