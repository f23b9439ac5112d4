namespace Strongroom.Repository.Packs;

/// <summary>
/// The packs of one backup, numbered as they are begun, and which of them are durable: only those may be named in an
/// index run.
/// </summary>
internal sealed class PackLedger
{
    private readonly Lock gate = new();
    private readonly Dictionary<uint, PackRecord> durable = [];
    private uint next;

    public uint Begin()
    {
        lock (gate)
            return next++;
    }

    public void Complete(uint number, PackRecord record)
    {
        lock (gate)
            durable.Add(number, record);
    }

    /// <summary>Durable packs not yet taken, by number; they are the taker's to write into a run.</summary>
    public Dictionary<uint, PackRecord> TakeDurable()
    {
        lock (gate)
        {
            var taken = new Dictionary<uint, PackRecord>(durable);
            durable.Clear();
            return taken;
        }
    }
}

/// <summary>What one member of a backup amounts to so far; workers add to it in parallel.</summary>
internal sealed class MemberCounters
{
    private long dataBytes;
    private long changedBytes;
    private long storedBytes;
    private long chunks;
    private long files;
    private long directories;

    public long DataBytes => Interlocked.Read(ref dataBytes);

    public long ChangedBytes => Interlocked.Read(ref changedBytes);

    public long StoredBytes => Interlocked.Read(ref storedBytes);

    public long Chunks => Interlocked.Read(ref chunks);

    public long Files => Interlocked.Read(ref files);

    public long Directories => Interlocked.Read(ref directories);

    public void AddData(long bytes, long changed, long chunkCount)
    {
        Interlocked.Add(ref dataBytes, bytes);
        Interlocked.Add(ref changedBytes, changed);
        Interlocked.Add(ref chunks, chunkCount);
    }

    public void AddStored(long bytes) => Interlocked.Add(ref storedBytes, bytes);

    public void AddFile() => Interlocked.Increment(ref files);

    public void AddDirectory() => Interlocked.Increment(ref directories);
}
