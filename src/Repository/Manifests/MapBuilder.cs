using Strongroom.Repository.Crypto;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>
/// Builds a map from its leaves, which may come in any order and from any thread. A page is stored as soon as all of its
/// children are known, so that only pages on the border of what is done are held.
/// </summary>
internal sealed class MapBuilder(ChunkStore store, MapGeometry geometry, MemberCounters counters)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(int Height, long Index), Node> open = [];
    private readonly System.Collections.BitArray closed = new(checked((int)geometry.CountAt(2)));
    private readonly byte[] top = new byte[ChunkHasher.IdBytes];

    /// <summary>The id of the top page, after <see cref="FinishAsync"/>.</summary>
    public ReadOnlyMemory<byte> Top => top;

    /// <summary>Stores a leaf unless nothing is in it, and places it.</summary>
    /// <param name="ids">64 chunk ids.</param>
    public async ValueTask SetLeafAsync(long region, ReadOnlyMemory<byte> ids, CancellationToken cancellationToken)
    {
        byte[] id = new byte[ChunkHasher.IdBytes];
        await StorePageAsync(ids, id, cancellationToken);
        await SetAsync(1, region, id, cancellationToken);
    }

    /// <summary>Places a leaf that is stored already.</summary>
    public ValueTask SetLeafIdAsync(long region, ReadOnlyMemory<byte> leafId, CancellationToken cancellationToken) =>
        SetAsync(1, region, leafId, cancellationToken);

    /// <summary>Places nothing but zeros on a range of regions; what is never placed is zeros too, but keeps its page waiting.</summary>
    public async ValueTask SetZerosAsync(long fromRegion, long toRegion, CancellationToken cancellationToken)
    {
        byte[] zero = new byte[ChunkHasher.IdBytes];
        for (long region = fromRegion; region < toRegion;)
        {
            long group = region / MapGeometry.FanOut;
            if (geometry.Height > 1 && region % MapGeometry.FanOut == 0 && toRegion - region >= geometry.ChildrenOf(2, group) && TryClose(group))
            {
                await SetAsync(2, group, zero, cancellationToken);
                region += MapGeometry.FanOut;
            }
            else
            {
                await SetAsync(1, region++, zero, cancellationToken);
            }
        }
    }

    /// <summary>Takes a whole map that is stored already.</summary>
    public void SetTop(ReadOnlySpan<byte> topId) => topId.CopyTo(top);

    /// <summary>Stores every page still waiting, the lower ones first.</summary>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        for (int height = 2; height <= geometry.Height; height++)
        {
            foreach (var key in open.Keys.Where(key => key.Height == height).Order().ToList())
            {
                if (open.Remove(key, out var node))
                    await CloseAsync(key.Height, key.Index, node, cancellationToken);
            }
        }
    }

    private async ValueTask SetAsync(int height, long index, ReadOnlyMemory<byte> id, CancellationToken cancellationToken)
    {
        if (height == geometry.Height)
        {
            id.CopyTo(top);
            return;
        }

        var parent = (Height: height + 1, Index: index / MapGeometry.FanOut);
        Node? complete;
        lock (gate)
            complete = Place(parent, (int)(index % MapGeometry.FanOut), id.Span);
        if (complete is not null)
            await CloseAsync(parent.Height, parent.Index, complete, cancellationToken);
    }

    /// <returns>The parent, taken out, when this was the last of its children.</returns>
    private Node? Place((int Height, long Index) parent, int slot, ReadOnlySpan<byte> id)
    {
        if (!open.TryGetValue(parent, out var node))
        {
            if (parent.Height == 2 && closed[(int)parent.Index])
                throw new InvalidOperationException($"A region below page {parent.Index} is written a second time.");
            node = new Node();
            open.Add(parent, node);
        }

        ulong bit = 1UL << slot;
        if ((node.Set & bit) != 0)
            throw new InvalidOperationException($"Child {slot} of page {parent} is written a second time.");
        node.Set |= bit;
        id.CopyTo(node.Ids.AsSpan(slot * ChunkHasher.IdBytes));
        if (System.Numerics.BitOperations.PopCount(node.Set) < geometry.ChildrenOf(parent.Height, parent.Index))
            return null;
        open.Remove(parent);
        if (parent.Height == 2)
            closed[(int)parent.Index] = true;
        return node;
    }

    private bool TryClose(long group)
    {
        lock (gate)
        {
            if (closed[(int)group] || open.ContainsKey((2, group)))
                return false;
            closed[(int)group] = true;
            return true;
        }
    }

    private async ValueTask CloseAsync(int height, long index, Node node, CancellationToken cancellationToken)
    {
        byte[] id = new byte[ChunkHasher.IdBytes];
        await StorePageAsync(node.Ids, id, cancellationToken);
        await SetAsync(height, index, id, cancellationToken);
    }

    private async ValueTask StorePageAsync(ReadOnlyMemory<byte> ids, Memory<byte> id, CancellationToken cancellationToken)
    {
        int last = ids.Span.LastIndexOfAnyExcept((byte)0);
        if (last < 0)
            return;
        int length = ((last / ChunkHasher.IdBytes) + 1) * ChunkHasher.IdBytes;
        await store.AddPageAsync(ids[..length], id, counters, cancellationToken);
    }

    private sealed class Node
    {
        public byte[] Ids { get; } = new byte[MapGeometry.PageBytes];

        public ulong Set { get; set; }
    }
}
