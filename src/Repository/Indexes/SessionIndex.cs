namespace Strongroom.Repository.Indexes;

/// <summary>
/// The chunks one backup has stored and not yet written to an index run: open-addressing tables in shards, so that workers
/// seldom meet. Claiming a chunk here is what keeps two workers from storing it twice.
/// </summary>
internal sealed class SessionIndex
{
    private const int ShardCount = 16;
    private readonly Shard[] shards = [.. Enumerable.Range(0, ShardCount).Select(_ => new Shard())];

    public int Count
    {
        get
        {
            int count = 0;
            foreach (var shard in shards)
                count += shard.Count;
            return count;
        }
    }

    public bool Contains(ChunkPrefix prefix) => ShardOf(prefix).Contains(prefix);

    /// <summary>False when the chunk is already there.</summary>
    public bool TryAdd(in IndexEntry entry) => ShardOf(entry.Prefix).TryAdd(entry);

    /// <summary>Takes out every entry of the given packs, in no order.</summary>
    public List<IndexEntry> Extract(IReadOnlySet<uint> packs)
    {
        var extracted = new List<IndexEntry>(Count);
        foreach (var shard in shards)
            shard.Extract(packs, extracted);
        return extracted;
    }

    private Shard ShardOf(ChunkPrefix prefix) => shards[prefix.High >> 60];

    private sealed class Shard
    {
        private readonly Lock gate = new();
        private IndexEntry[] slots = new IndexEntry[64];

        public int Count { get; private set; }

        public bool Contains(ChunkPrefix prefix)
        {
            lock (gate)
                return slots[SlotOf(prefix)].Length != 0;
        }

        public bool TryAdd(in IndexEntry entry)
        {
            lock (gate)
            {
                int slot = SlotOf(entry.Prefix);
                if (slots[slot].Length != 0)
                    return false;
                slots[slot] = entry;
                if (++Count * 4 > slots.Length * 3)
                    Rebuild(slots.Length * 2, null, null);
                return true;
            }
        }

        public void Extract(IReadOnlySet<uint> packs, List<IndexEntry> extracted)
        {
            lock (gate)
                Rebuild(64, packs, extracted);
        }

        private void Rebuild(int minSlots, IReadOnlySet<uint>? leaving, List<IndexEntry>? extracted)
        {
            var before = slots;
            int staying = 0;
            foreach (ref readonly var entry in before.AsSpan())
                staying += entry.Length != 0 && leaving?.Contains(entry.Pack) != true ? 1 : 0;
            int size = minSlots;
            while (staying * 4 > size * 3)
                size *= 2;
            slots = new IndexEntry[size];
            Count = staying;
            foreach (ref readonly var entry in before.AsSpan())
            {
                if (entry.Length == 0)
                    continue;
                if (leaving?.Contains(entry.Pack) == true)
                    extracted!.Add(entry);
                else
                    slots[SlotOf(entry.Prefix)] = entry;
            }
        }

        /// <summary>The slot of this prefix, or the empty one where it would go. There always is an empty one.</summary>
        private int SlotOf(ChunkPrefix prefix)
        {
            int mask = slots.Length - 1;
            int slot = (int)(prefix.Low & (uint)mask);
            while (slots[slot].Length != 0 && slots[slot].Prefix != prefix)
                slot = (slot + 1) & mask;
            return slot;
        }
    }
}
