namespace Strongroom.Repository.Indexes;

/// <summary>A unit of a run in memory.</summary>
/// <param name="rounds">How many rounds of the cache's hand it survives unused.</param>
internal sealed class CachedUnit(IndexRun run, int unit, byte[] bytes, int rounds)
{
    private int roundsSpent;

    public byte[] Bytes => bytes;

    /// <summary>Cheap: written only after the hand has passed.</summary>
    public void Use()
    {
        if (roundsSpent != 0)
            roundsSpent = 0;
    }

    /// <summary>The hand passes.</summary>
    /// <returns>True when the unit was not used for as many rounds as it has.</returns>
    public bool Age() => roundsSpent++ >= rounds;

    public void Drop() => run.Drop(unit);
}

/// <summary>
/// Bounds the memory of all runs' units together. Look-ups do not come here: they read the run's own slots without a
/// lock; only loading a unit does, and pushes out those not used for a round (the clock algorithm).
/// </summary>
internal sealed class UnitCache(long maxBytes)
{
    private readonly Lock gate = new();
    private readonly List<CachedUnit> ring = [];
    private long bytes;
    private int hand;

    public long SizeBytes => Interlocked.Read(ref bytes);

    public void Add(CachedUnit unit)
    {
        lock (gate)
        {
            bytes += unit.Bytes.Length;
            while (bytes > maxBytes && ring.Count > 0)
                PushOne();
            ring.Add(unit);
        }
    }

    private void PushOne()
    {
        while (true)
        {
            if (hand >= ring.Count)
                hand = 0;
            var unit = ring[hand];
            if (unit.Age())
            {
                unit.Drop();
                bytes -= unit.Bytes.Length;
                ring[hand] = ring[^1];
                ring.RemoveAt(ring.Count - 1);
                return;
            }

            hand++;
        }
    }
}
