using Strongroom.Cli.Progress;
using Strongroom.Protection;

namespace Strongroom.Cli.Repositories;

/// <summary>Shows what a run reports.</summary>
internal sealed class RunBoard(ProgressItem item) : IProgress<RunProgress>
{
    public void Report(RunProgress value) => item.Report(value.BytesDone, value.BytesTotal, value.Phase switch
    {
        RunPhase.Opening => "opening",
        RunPhase.Reading => "reading",
        RunPhase.Committing => "committing",
        RunPhase.Writing => "writing",
        _ => "checking",
    });
}
