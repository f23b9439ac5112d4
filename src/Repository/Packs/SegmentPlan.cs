using System.Runtime.InteropServices;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;

namespace Strongroom.Repository.Packs;

/// <summary>Where a chunk goes that a <see cref="SegmentPlan"/> reads.</summary>
/// <param name="owner">The number given with the chunk.</param>
/// <param name="target">The offset given with the chunk, or with the first of several that lie together in both places.</param>
internal delegate void ChunkReceiver(int owner, long target, ReadOnlySpan<byte> bytes);

/// <summary>
/// A bounded number of chunks to be read in the order they are stored: every segment is opened once, every chunk's hash is
/// checked, and what comes out is handed on in any order, from several threads.
/// </summary>
/// <param name="chunkCount">How many will be planned at once, about: room is made for them, and grows.</param>
internal sealed class SegmentPlan(ChunkSource source, int chunkCount = 64)
{
    private readonly List<Item> items = new(chunkCount);
    private readonly List<int> groups = [];
    private readonly List<Stretch> stretches = [];
    private byte[] ids = new byte[chunkCount * ChunkHasher.IdBytes];

    public int Count => items.Count;

    public void Add(IndexHit hit, ReadOnlySpan<byte> id, int owner, long target)
    {
        int at = items.Count * ChunkHasher.IdBytes;
        if (at == ids.Length)
            Array.Resize(ref ids, ids.Length * 2);
        id.CopyTo(ids.AsSpan(at));
        items.Add(new Item(hit.Pack, hit, owner, target, items.Count));
    }

    /// <summary>Reads everything planned, then is empty again.</summary>
    /// <param name="workers">
    /// Threads that read, open and check; one more where gets take time, since then somebody always waits for the store.
    /// </param>
    /// <param name="nameOf">What people call an owner, for the message when it cannot be read; null, or its null: nobody is named.</param>
    /// <exception cref="RepositoryException">Damaged or unreadable, and there is no other copy.</exception>
    public async Task RunAsync(int workers, ChunkReceiver receiver, Func<int, string?>? nameOf, CancellationToken cancellationToken)
    {
        Group();
        if (source.ReadAheadBytes > 0)
        {
            workers++;
            await FindStretchesAsync(cancellationToken);
        }

        int next = -1;
        int count = stretches.Count > 0 ? stretches.Count : groups.Count;
        using var failure = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(workers, count)).Select(_ => Task.Run(
            async () =>
            {
                bool done = false;
                var reader = source.Rent();
                var scratch = new Scratch();
                try
                {
                    for (int piece; (piece = Interlocked.Increment(ref next)) < count;)
                    {
                        failure.Token.ThrowIfCancellationRequested();
                        if (stretches.Count > 0)
                            await ReadStretchAsync(reader, stretches[piece], scratch, receiver, nameOf, failure.Token);
                        else
                            await ReadGroupAsync(reader, piece, scratch, receiver, nameOf, failure.Token);
                    }

                    done = true;
                }
                finally
                {
                    source.Return(reader);

                    // The first to fail stops the others.
                    if (!done)
                        await failure.CancelAsync();
                }
            },
            CancellationToken.None)));
        items.Clear();
        groups.Clear();
        stretches.Clear();
    }

    private void Group()
    {
        var span = CollectionsMarshal.AsSpan(items);
        span.Sort();
        for (int i = 0; i < span.Length; i++)
        {
            if (i == 0 || span[i].Pack != span[i - 1].Pack || span[i].Hit.Entry.Segment != span[i - 1].Hit.Entry.Segment)
                groups.Add(i);
        }
    }

    /// <summary>Puts groups whose segments lie close together into one piece of work.</summary>
    private async ValueTask FindStretchesAsync(CancellationToken cancellationToken)
    {
        var segments = new List<SegmentLocation>(groups.Count);
        foreach (int from in groups)
        {
            try
            {
                segments.Add(await items[from].Hit.SegmentAsync(cancellationToken));
            }
            catch (Exception e) when (IsElsewhere(e))
            {
                // Whoever reads the group meets it again. It belongs to no stretch: no pack has this id.
                segments.Add(default);
            }
        }

        for (int group = 0; group < segments.Count;)
        {
            int end = segments[group] == default ? group + 1 : PackReader.EndOfStretch(segments, group, source.ReadAheadBytes);
            stretches.Add(new Stretch(group, segments.GetRange(group, end - group)));
            group = end;
        }
    }

    private async ValueTask ReadStretchAsync(
        PackReader reader, Stretch stretch, Scratch scratch, ChunkReceiver receiver, Func<int, string?>? nameOf, CancellationToken cancellationToken)
    {
        await reader.ReadAheadAsync(stretch.Segments, 0, cancellationToken);
        for (int i = 0; i < stretch.Segments.Count; i++)
            await ReadGroupAsync(reader, stretch.Group + i, scratch, receiver, nameOf, cancellationToken);
    }

    private static bool IsElsewhere(Exception e) =>
        e is ObjectStoreException { Failure: ObjectStoreFailure.NotFound } or RepositoryException { Failure: RepositoryFailure.Damaged or RepositoryFailure.Unreadable };

    private async ValueTask ReadGroupAsync(
        PackReader reader, int group, Scratch scratch, ChunkReceiver receiver, Func<int, string?>? nameOf, CancellationToken cancellationToken)
    {
        int from = groups[group];
        int to = group + 1 < groups.Count ? groups[group + 1] : items.Count;
        SegmentLocation segment;
        ReadOnlyMemory<byte> plain;
        try
        {
            segment = await items[from].Hit.SegmentAsync(cancellationToken);
            plain = await reader.ReadSegmentAsync(segment, cancellationToken);
            for (int i = from; i < to;)
                i = VerifyRun(plain.Span, segment, i, to, scratch);
        }
        catch (Exception e) when (IsElsewhere(e))
        {
            // Its pack was collected, or its run merged, since this was planned, or it is damaged or unreadable: its chunks may be
            // found elsewhere, one by one.
            for (int i = from; i < to; i++)
            {
                try
                {
                    var chunk = await source.ReadChunkAsync(IdOf(items[i]), cancellationToken);
                    receiver(items[i].Owner, items[i].Target, chunk.Span);
                }
                catch (RepositoryException lost) when (nameOf?.Invoke(items[i].Owner) is { } name)
                {
                    throw lost.ReadFor(name);
                }
            }

            return;
        }

        Deliver(plain.Span, from, to, receiver);
    }

    private void Deliver(ReadOnlySpan<byte> plain, int from, int to, ChunkReceiver receiver)
    {
        var span = CollectionsMarshal.AsSpan(items);
        for (int i = from; i < to;)
        {
            // Neighbours in the segment that are neighbours at the target too go out as one piece.
            int first = i;
            int start = span[i].Hit.Entry.Offset;
            int length = 0;
            do
                length += span[i++].Hit.Entry.Length;
            while (i < to && span[i].Owner == span[first].Owner && span[i].Hit.Entry.Offset == start + length
                && span[i].Target == span[first].Target + length);

            receiver(span[first].Owner, span[first].Target, plain.Slice(start, length));
        }
    }

    /// <summary>Checks the hashes of chunks that follow each other in the segment, all in one call.</summary>
    /// <returns>The first item that is not of this run.</returns>
    private int VerifyRun(ReadOnlySpan<byte> plain, in SegmentLocation segment, int from, int to, Scratch scratch)
    {
        var span = CollectionsMarshal.AsSpan(items);
        int start = span[from].Hit.Entry.Offset;
        int end = start;
        int last = -1;
        scratch.Lengths.Clear();
        int i = from;
        for (; i < to; i++)
        {
            var entry = span[i].Hit.Entry;
            if (entry.Offset + (long)entry.Length > plain.Length)
                throw new RepositoryException(RepositoryFailure.Damaged, span[i].Hit.Run.Name, $"{entry} does not fit its segment of {plain.Length} bytes.");
            if (entry.Offset == end)
            {
                last = entry.Offset;
                scratch.Lengths.Add(entry.Length);
                end += entry.Length;
            }
            else if (entry.Offset != last)
            {
                break;
            }
        }

        var ids = scratch.Hash(source.Keys.Chunks, plain[start..end]);
        int chunk = -1;
        last = -1;
        for (int item = from; item < i; item++)
        {
            int offset = span[item].Hit.Entry.Offset;
            chunk += offset == last ? 0 : 1;
            last = offset;
            if (!ids.Slice(chunk * ChunkHasher.IdBytes, ChunkHasher.IdBytes).SequenceEqual(IdOf(span[item]).Span))
                source.Verify(plain.Slice(offset, span[item].Hit.Entry.Length), IdOf(span[item]).Span, source.Keys.Chunks, segment, offset);
        }

        return i;
    }

    private ReadOnlyMemory<byte> IdOf(in Item item) => ids.AsMemory(item.IdIndex * ChunkHasher.IdBytes, ChunkHasher.IdBytes);

    /// <summary>One worker's room for hashes.</summary>
    private sealed class Scratch
    {
        private byte[] hashes = [];

        public List<int> Lengths { get; } = [];

        public ReadOnlySpan<byte> Hash(ChunkHasher hasher, ReadOnlySpan<byte> data)
        {
            int bytes = Lengths.Count * ChunkHasher.IdBytes;
            if (hashes.Length < bytes)
                hashes = new byte[bytes * 2];
            hasher.HashMany(data, CollectionsMarshal.AsSpan(Lengths), hashes.AsSpan(0, bytes));
            return hashes.AsSpan(0, bytes);
        }
    }

    /// <param name="Group">The first of its groups; there is one for each segment.</param>
    private readonly record struct Stretch(int Group, List<SegmentLocation> Segments);

    private readonly record struct Item(ObjectId Pack, IndexHit Hit, int Owner, long Target, int IdIndex) : IComparable<Item>
    {
        public int CompareTo(Item other)
        {
            int order = Pack.CompareTo(other.Pack);
            if (order == 0)
                order = Hit.Entry.Segment.CompareTo(other.Hit.Entry.Segment);
            if (order == 0)
                order = Hit.Entry.Offset.CompareTo(other.Hit.Entry.Offset);
            if (order == 0)
                order = Owner.CompareTo(other.Owner);
            return order != 0 ? order : Target.CompareTo(other.Target);
        }
    }
}
