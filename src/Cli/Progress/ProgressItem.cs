namespace Strongroom.Cli.Progress;

/// <summary>One thing that is being waited for. Whoever does the work reports; the board draws.</summary>
internal sealed class ProgressItem(string name, bool countsBytes)
{
    private readonly Lock gate = new();
    private ProgressState state = new(0, 0, "", IsFinished: false);

    public string Name { get; } = name;

    /// <summary>Amounts are bytes; otherwise percent.</summary>
    public bool CountsBytes { get; } = countsBytes;

    public ProgressState State
    {
        get
        {
            lock (gate)
                return state;
        }
    }

    /// <param name="done">Never drawn going backwards: a smaller amount than reported before keeps the larger one.</param>
    /// <param name="total">0 while it is not known.</param>
    /// <param name="detail">A few words: the phase.</param>
    public void Report(long done, long total, string detail)
    {
        lock (gate)
            state = state with { Done = Math.Max(done, state.Done), Total = total, Detail = detail };
    }

    public void Finish(string detail)
    {
        lock (gate)
            state = state with { Done = Math.Max(state.Total, state.Done), Detail = detail, IsFinished = true };
    }
}

internal readonly record struct ProgressState(long Done, long Total, string Detail, bool IsFinished)
{
    /// <summary>0 to 1; 0 while the total is not known.</summary>
    public double Share => Total > 0 ? Math.Clamp((double)Done / Total, 0, 1) : IsFinished ? 1 : 0;
}
