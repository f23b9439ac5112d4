namespace Strongroom.Repository.Maintenance;

/// <summary>What a check has found so far. Thread-safe.</summary>
internal sealed class Findings
{
    private const int MaxNotes = 1000;
    private readonly Lock gate = new();
    private readonly List<Damage> damages = [];
    private readonly List<string> notes = [];
    private long damageCount;
    private long backups;
    private long packs;
    private long chunks;
    private long readBytes;

    /// <returns>The number by which <see cref="Affects"/> knows it.</returns>
    public int Add(string objectName, long offset, string message)
    {
        lock (gate)
        {
            damageCount++;
            var backupIds = new SortedSet<string>(StringComparer.Ordinal);
            if (damages.Count < RepositoryCheck.MaxDamages)
                damages.Add(new Damage(objectName, offset, message, backupIds));
            else if (damages.Count == RepositoryCheck.MaxDamages)
                damages.Add(new Damage(objectName, -1, "This and more damage is not listed.", backupIds));
            return damages.Count - 1;
        }
    }

    public int Add(RepositoryException damage) =>
        Add(damage.ObjectName, damage.Offset, damage.Failure == RepositoryFailure.Damaged ? damage.Message : $"{damage.Failure}: {damage.Message}");

    public void Affects(int damage, string backupId)
    {
        lock (gate)
            damages[damage].Backups.Add(backupId);
    }

    public void Note(string note)
    {
        lock (gate)
        {
            if (notes.Count < MaxNotes)
                notes.Add(note);
        }
    }

    public void CountBackup() => Interlocked.Increment(ref backups);

    public void CountPack(int chunkCount)
    {
        Interlocked.Increment(ref packs);
        Interlocked.Add(ref chunks, chunkCount);
    }

    public void CountRead(long bytes) => Interlocked.Add(ref readBytes, bytes);

    /// <summary>Does one step; damage it meets is kept, and false returned.</summary>
    public async ValueTask<bool> TryAsync(Func<ValueTask> step)
    {
        try
        {
            await step();
            return true;
        }
        catch (RepositoryException e)
        {
            Add(e);
            return false;
        }
    }

    public CheckReport ToReport()
    {
        lock (gate)
        {
            return new CheckReport
            {
                DamageCount = damageCount,
                Damages = [.. damages.Select(damage => new CheckDamage(damage.ObjectName, damage.Offset, damage.Message, [.. damage.Backups]))],
                Notes = [.. notes],
                Backups = backups,
                Packs = packs,
                Chunks = chunks,
                ReadBytes = readBytes,
            };
        }
    }

    private sealed record Damage(string ObjectName, long Offset, string Message, SortedSet<string> Backups);
}
