namespace Strongroom.Protection;

public enum RunPhase
{
    Opening,
    Reading,
    Committing,
    Writing,
    Checking,
}

/// <summary>Where a run is. All counts are of the whole run, not of one member, and only grow.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="BytesDone">Of <paramref name="BytesTotal"/>; holes count when they are passed.</param>
/// <param name="BytesTotal">Known when all members are open; an estimate for trees, never below <paramref name="BytesDone"/>.</param>
/// <param name="BytesChanged">Bytes not in the backup before.</param>
/// <param name="BytesStored">What the store grew by so far.</param>
public readonly record struct RunProgress(RunPhase Phase, long BytesDone, long BytesTotal, long BytesChanged, long BytesStored);
