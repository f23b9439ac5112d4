using Strongroom.ObjectStores;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Parity;

/// <summary>
/// Brings back, from their parity, blocks of packs that are not as they were written or that the medium does not give up: one in
/// each column. Thread-safe.
/// </summary>
internal sealed class PackHealer(IObjectStore store, DomainNames names)
{
    /// <summary>Read first: holds the head for a pack of 60 MiB.</summary>
    private const int HeadGuessBytes = 64 << 10;

    private const int WindowBlocks = 256;

    /// <summary>Compares a pack with the sums in its parity, and works out what is not as it was.</summary>
    /// <returns>Null when there is no parity that could tell, or no pack.</returns>
    public async ValueTask<PackExamination?> ExamineAsync(ObjectId pack, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.StatAsync(names.Pack(pack), cancellationToken) is not { } stat
                || await ReadHeadAsync(pack, cancellationToken) is not { } head)
                return null;
            return await ExamineAsync(pack, stat.SizeBytes, head, cancellationToken);
        }
        catch (RepositoryException)
        {
            return null;
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }
    }

    /// <summary>Reads a part of a pack that a plain read gave damaged or not at all.</summary>
    /// <returns>Null when parity does not help. Nobody vouches for the bytes but their seals.</returns>
    public async ValueTask<byte[]?> TryReadAsync(ObjectId pack, long offset, int length, CancellationToken cancellationToken)
    {
        if (await ExamineAsync(pack, cancellationToken) is not { } found || found.Patches.Count == 0 || offset + length > found.Geometry.PackBytes)
            return null;
        byte[] bytes = new byte[length];
        return await found.ReadAsync(store, names.Pack(pack), offset, bytes, cancellationToken) ? bytes : null;
    }

    /// <summary>Writes a pack anew as it was, under its name, where its parity can tell all that is missing.</summary>
    /// <returns>Whether that was done.</returns>
    public async ValueTask<bool> HealAsync(ObjectId pack, CancellationToken cancellationToken)
    {
        if (await ExamineAsync(pack, cancellationToken) is not { IsWhole: false, CanBeMadeWhole: true } found)
            return false;
        string name = names.Pack(pack);
        await using var upload = await store.PutAsync(name, PutMode.Replace, found.Geometry.PackBytes, cancellationToken);
        byte[] window = new byte[WindowBlocks * ParityFormat.BlockBytes];
        for (long at = 0; at < found.Geometry.PackBytes; at += window.Length)
        {
            var bytes = window.AsMemory(0, (int)Math.Min(window.Length, found.Geometry.PackBytes - at));
            if (!await found.ReadAsync(store, name, at, bytes, cancellationToken))
                return false;
            await upload.AppendAsync(bytes, cancellationToken);
        }

        await upload.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>Writes the parity of a pack that has none, or none that is sound.</summary>
    /// <param name="packBytes">Of the pack, which is sound.</param>
    /// <returns>Whether that was needed.</returns>
    public async ValueTask<bool> EnsureAsync(ObjectId pack, long packBytes, CancellationToken cancellationToken)
    {
        try
        {
            if (await CheckAsync(pack, packBytes, readBlocks: true, cancellationToken))
                return false;
        }
        catch (RepositoryException)
        {
            // Written anew. Of a newer format it can only seem to be: config is not.
        }

        using var builder = new ParityBuilder(pack, packBytes);
        byte[] window = new byte[WindowBlocks * ParityFormat.BlockBytes];
        for (long at = 0; at < packBytes;)
        {
            int read = await store.ReadAsync(names.Pack(pack), at, window, cancellationToken);
            if (read == 0)
                throw new RepositoryException(RepositoryFailure.Damaged, names.Pack(pack), $"It ends after {at} of {packBytes} bytes.");
            builder.Append(window.AsSpan(0, read));
            at += read;
        }

        await builder.StoreAsync(store, names.Parity(pack), cancellationToken);
        return true;
    }

    /// <summary>Checks a pack's parity by itself: its head, and its blocks if wanted.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="RepositoryException">Damaged, unreadable, or a newer format.</exception>
    public async ValueTask<bool> CheckAsync(ObjectId pack, long packBytes, bool readBlocks, CancellationToken cancellationToken)
    {
        if (await ReadHeadAsync(pack, cancellationToken) is not { } head)
            return false;
        string name = names.Parity(pack);
        if (head.Geometry.PackBytes != packBytes)
            throw new RepositoryException(RepositoryFailure.Damaged, name, $"It is of a pack of {head.Geometry.PackBytes} bytes, the pack has {packBytes}.");
        if (!readBlocks)
            return true;
        byte[] blocks = await ReadBlocksAsync(pack, head.Geometry, cancellationToken);
        for (int column = 0; column < head.Geometry.Columns; column++)
        {
            int at = column * ParityFormat.BlockBytes;
            if (!head.IsParity(column, blocks.AsSpan(at, ParityFormat.BlockBytes)))
                throw new RepositoryException(RepositoryFailure.Damaged, name, head.Geometry.HeadBytes + at, $"Block {column} is not as it was written.");
        }

        return true;
    }

    private async ValueTask<PackExamination> ExamineAsync(ObjectId pack, long packBytes, ParityHead head, CancellationToken cancellationToken)
    {
        var geometry = head.Geometry;
        var bad = new Dictionary<int, List<int>>();
        byte[] columns = new byte[geometry.Columns * ParityFormat.BlockBytes];
        byte[] window = new byte[WindowBlocks * ParityFormat.BlockBytes];
        bool[] isRead = new bool[WindowBlocks];
        for (int first = 0; first < geometry.BlockCount; first += WindowBlocks)
        {
            int count = Math.Min(WindowBlocks, geometry.BlockCount - first);
            await ReadWindowAsync(names.Pack(pack), geometry, first, window, isRead.AsMemory(0, count), cancellationToken);
            for (int i = 0; i < count; i++)
            {
                var bytes = window.AsSpan(i * ParityFormat.BlockBytes, geometry.LengthOf(first + i));
                int column = geometry.ColumnOf(first + i);
                if (isRead[i] && head.IsBlock(first + i, bytes))
                    ParityFormat.Xor(columns.AsSpan(column * ParityFormat.BlockBytes, bytes.Length), bytes);
                else if (bad.TryGetValue(column, out var others))
                    others.Add(first + i);
                else
                    bad.Add(column, [first + i]);
            }
        }

        var patches = new Dictionary<int, byte[]>();
        var lost = bad.Values.Where(blocks => blocks.Count > 1).SelectMany(blocks => blocks).ToHashSet();
        byte[]? parity = bad.Count > 0 ? await ReadBlocksAsync(pack, geometry, cancellationToken) : null;
        foreach (var (column, blocks) in bad.Where(column => column.Value.Count == 1))
        {
            var theirs = columns.AsSpan(column * ParityFormat.BlockBytes, ParityFormat.BlockBytes);
            ParityFormat.Xor(theirs, parity.AsSpan(column * ParityFormat.BlockBytes, ParityFormat.BlockBytes));
            byte[] block = theirs[..geometry.LengthOf(blocks[0])].ToArray();
            if (head.IsBlock(blocks[0], block))
                patches.Add(blocks[0], block);
            else
                lost.Add(blocks[0]);
        }

        return new PackExamination(geometry, packBytes, patches, lost);
    }

    /// <summary>Reads neighbouring blocks, one by one where the medium does not give all of them up.</summary>
    private async ValueTask ReadWindowAsync(
        string name, ParityGeometry geometry, int first, Memory<byte> window, Memory<bool> isRead, CancellationToken cancellationToken)
    {
        isRead.Span.Clear();
        long at = (long)first * ParityFormat.BlockBytes;
        try
        {
            int read = await store.ReadAsync(name, at, window[..(int)Math.Min(window.Length, geometry.PackBytes - at)], cancellationToken);
            for (int i = 0; i < isRead.Length; i++)
                isRead.Span[i] = (i * ParityFormat.BlockBytes) + geometry.LengthOf(first + i) <= read;
        }
        catch (RepositoryException e) when (e.Failure == RepositoryFailure.Unreadable)
        {
            for (int i = 0; i < isRead.Length; i++)
            {
                var block = window.Slice(i * ParityFormat.BlockBytes, geometry.LengthOf(first + i));
                try
                {
                    int read = await store.ReadAsync(name, at + (i * ParityFormat.BlockBytes), block, cancellationToken);
                    isRead.Span[i] = read == block.Length;
                }
                catch (RepositoryException one) when (one.Failure == RepositoryFailure.Unreadable)
                {
                    // This is one of them.
                }
            }
        }
    }

    private async ValueTask<ParityHead?> ReadHeadAsync(ObjectId pack, CancellationToken cancellationToken)
    {
        string name = names.Parity(pack);
        if (await store.StatAsync(name, cancellationToken) is not { } stat)
            return null;
        try
        {
            byte[] head = await ReadExactlyAsync(name, 0, (int)Math.Min(stat.SizeBytes, HeadGuessBytes), cancellationToken);
            var geometry = ParityFormat.ReadHeader(head, pack, stat.SizeBytes, name);
            if (geometry.HeadBytes > head.Length)
                head = await ReadExactlyAsync(name, 0, geometry.HeadBytes, cancellationToken);
            return ParityFormat.ReadHead(head.AsSpan(0, geometry.HeadBytes), geometry);
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, name, e.Message, e);
        }
    }

    private ValueTask<byte[]> ReadBlocksAsync(ObjectId pack, ParityGeometry geometry, CancellationToken cancellationToken) =>
        ReadExactlyAsync(names.Parity(pack), geometry.HeadBytes, geometry.Columns * ParityFormat.BlockBytes, cancellationToken);

    private async ValueTask<byte[]> ReadExactlyAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        int read = await store.ReadAsync(name, offset, bytes, cancellationToken);
        if (read != length)
            throw new RepositoryException(RepositoryFailure.Damaged, name, offset, $"It ends after {read} of {length} bytes.");
        return bytes;
    }
}

/// <summary>What a pack is, compared with its parity.</summary>
/// <param name="StoredBytes">Of the pack, now.</param>
/// <param name="Patches">Blocks that are not as they were written, as they were.</param>
/// <param name="Lost">Blocks that are not, of which no more is known.</param>
internal sealed record PackExamination(ParityGeometry Geometry, long StoredBytes, IReadOnlyDictionary<int, byte[]> Patches, IReadOnlySet<int> Lost)
{
    public bool IsWhole => Patches.Count == 0 && Lost.Count == 0 && StoredBytes == Geometry.PackBytes;

    public bool CanBeMadeWhole => Lost.Count == 0;

    /// <summary>Reads a part of the pack as it was.</summary>
    /// <returns>False when that cannot be told.</returns>
    public async ValueTask<bool> ReadAsync(IObjectStore store, string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        for (int done = 0; done < destination.Length;)
        {
            int block = (int)((offset + done) / ParityFormat.BlockBytes);
            int end = block;
            while (end * (long)ParityFormat.BlockBytes < offset + destination.Length && !Patches.ContainsKey(end))
            {
                if (Lost.Contains(end++))
                    return false;
            }

            // Up to the next patch, or, where there is one here, over it.
            long start = offset + done;
            long until = Math.Min((end == block ? end + 1L : end) * ParityFormat.BlockBytes, offset + destination.Length);
            var part = destination.Slice(done, (int)(until - start));
            if (end == block)
                Patches[block].AsMemory((int)(start % ParityFormat.BlockBytes), part.Length).CopyTo(part);
            else if (await store.ReadAsync(name, start, part, cancellationToken) != part.Length)
                return false;
            done += part.Length;
        }

        return true;
    }
}
