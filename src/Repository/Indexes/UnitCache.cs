namespace Strongroom.Repository.Indexes;

/// <summary>A unit of a run in memory.</summary>
internal sealed class CachedUnit(IndexRun run, int unit, byte[] bytes)
{
    public byte[] Bytes => bytes;

    /// <summary>Set by every use, cleared as the cache's hand passes: the unit has until the next round to be used again.</summary>
    public bool Used { get; set; } = true;

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
            if (!unit.Used)
            {
                unit.Drop();
                bytes -= unit.Bytes.Length;
                ring[hand] = ring[^1];
                ring.RemoveAt(ring.Count - 1);
                return;
            }

            unit.Used = false;
            hand++;
        }
    }
}
