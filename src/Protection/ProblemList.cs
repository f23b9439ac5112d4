namespace Strongroom.Protection;

/// <summary>Counts what a restore could not put back and keeps the first hundred for people. Thread-safe.</summary>
internal sealed class ProblemList
{
    private const int KeptMax = 100;

    private readonly Lock gate = new();
    private readonly List<string> first = [];
    private long count;

    internal long Count
    {
        get
        {
            lock (gate)
                return count;
        }
    }

    internal IReadOnlyList<string> First
    {
        get
        {
            lock (gate)
                return [.. first];
        }
    }

    internal void Add(string problem) => Add(1, [problem]);

    /// <summary>Adds many, of which only the first ones are known.</summary>
    internal void Add(long number, IEnumerable<string> known)
    {
        lock (gate)
        {
            count += number;
            first.AddRange(known.Take(KeptMax - first.Count));
        }
    }
}
