using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Compression;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository.Packs;

/// <summary>Reads directories and segments of packs. One reader belongs to one worker at a time; its buffers are used again and again.</summary>
internal sealed class PackReader(IObjectStore store, DomainNames names, DomainKeys keys, PackHealer? healer) : IDisposable
{
    /// <summary>Read first: holds the directory of nearly every pack of 32 MiB.</summary>
    private const int DirectoryGuessBytes = 64 << 10;

    private readonly ZstdDecompressor decompressor = new();
    private byte[] storedBuffer = [];
    private byte[] plainBuffer = [];
    private ObjectId cipherOrigin;
    private AesGcm? cipher;

    // What was read ahead: bytes from aheadOffset to aheadEnd of one pack, usable from aheadStart on.
    private byte[] ahead = [];
    private ObjectId aheadPack;
    private long aheadOffset;
    private long aheadStart;
    private long aheadEnd;

    /// <summary>Reads, opens and decompresses one segment.</summary>
    /// <returns>Its plain bytes, valid until the next call.</returns>
    /// <exception cref="RepositoryException">Damaged: the segment is not as sealed, or cut off. Unreadable.</exception>
    /// <exception cref="ObjectStoreException">NotFound when the pack is gone; the caller may know another copy.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadSegmentAsync(SegmentLocation segment, CancellationToken cancellationToken)
    {
        string name = names.Pack(segment.Pack);
        try
        {
            return await ReadFreshAsync(name, segment, cancellationToken);
        }
        catch (RepositoryException e) when (healer is not null && e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
        {
            if (await healer!.TryReadAsync(segment.Pack, segment.Info.Offset, segment.Info.StoredLength, cancellationToken) is not { } healed)
                throw;
            return Open(name, segment, healed);
        }
    }

    /// <summary>Reads one segment as it is stored, its seal untested.</summary>
    /// <returns>Its bytes, valid until the next call; fewer than <see cref="SegmentInfo.StoredLength"/> where the pack is cut off.</returns>
    public async ValueTask<Memory<byte>> ReadStoredAsync(SegmentLocation segment, CancellationToken cancellationToken)
    {
        if (TryFindAhead(segment, out var here))
            return here;
        int stored = segment.Info.StoredLength;
        Grow(ref storedBuffer, stored);
        int read = await store.ReadAsync(names.Pack(segment.Pack), segment.Info.Offset, storedBuffer.AsMemory(0, stored), cancellationToken);
        return storedBuffer.AsMemory(0, read);
    }

    /// <summary>
    /// Reads this segment and those that follow it closely with one get, where the store's gets have a price, for the calls to come. Only a
    /// hint: a pack that is gone, too short or unreadable is told by those.
    /// </summary>
    /// <param name="segments">Those that will be read, in this order; each pack's ascending.</param>
    /// <param name="next">The first that was not read yet.</param>
    public async ValueTask ReadAheadAsync(IReadOnlyList<SegmentLocation> segments, int next, CancellationToken cancellationToken)
    {
        if (store.ReadAheadBytes == 0 || TryFindAhead(segments[next], out _))
            return;
        aheadEnd = aheadOffset;
        int end = EndOfStretch(segments, next, store.ReadAheadBytes);
        if (end == next + 1)
            return;
        if (ahead.Length == 0)
            ahead = GC.AllocateUninitializedArray<byte>(store.ReadAheadBytes);
        var last = segments[end - 1].Info;
        (aheadPack, aheadOffset) = (segments[next].Pack, segments[next].Info.Offset);
        aheadStart = aheadOffset;
        try
        {
            int length = (int)(last.Offset + last.StoredLength - aheadOffset);
            aheadEnd = aheadOffset + await store.ReadAsync(names.Pack(aheadPack), aheadOffset, ahead.AsMemory(0, length), cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            aheadEnd = aheadOffset;
        }
        catch (RepositoryException e) when (e.Failure == RepositoryFailure.Unreadable)
        {
            // Of all that was asked for one sector: each segment by itself tells which.
            aheadEnd = aheadOffset;
        }
    }

    /// <summary>How far one get should reach: over segments of one pack, as many as fit, while what lies between them is little.</summary>
    /// <returns>The first that is left for another.</returns>
    public static int EndOfStretch(IReadOnlyList<SegmentLocation> segments, int first, int maxBytes)
    {
        // At the speed of a bucket's connection about what another request would take to be answered.
        int gapMax = maxBytes / 32;
        long start = segments[first].Info.Offset;
        int next = first + 1;
        for (; next < segments.Count && segments[next].Pack == segments[first].Pack; next++)
        {
            var (before, info) = (segments[next - 1].Info, segments[next].Info);
            long gap = info.Offset - before.Offset - before.StoredLength;
            if (gap < 0 || gap > gapMax || info.Offset + info.StoredLength - start > maxBytes)
                break;
        }

        return next;
    }

    private bool TryFindAhead(in SegmentLocation segment, out Memory<byte> stored)
    {
        var info = segment.Info;
        bool isHere = segment.Pack == aheadPack && info.Offset >= aheadStart && info.Offset + info.StoredLength <= aheadEnd;
        stored = isHere ? ahead.AsMemory((int)(info.Offset - aheadOffset), info.StoredLength) : default;
        return isHere;
    }

    /// <summary>From the store at last, where what the cache has cannot be used.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> ReadFreshAsync(string name, SegmentLocation segment, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadSegmentAsync(name, segment, cancellationToken);
        }
        catch (RepositoryException) when (store.Forget(name))
        {
            return await ReadSegmentAsync(name, segment, cancellationToken);
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadSegmentAsync(string name, SegmentLocation segment, CancellationToken cancellationToken)
    {
        var stored = await ReadStoredAsync(segment, cancellationToken);
        if (stored.Length != segment.Info.StoredLength)
            throw Damaged(name, segment, $"it ends after {stored.Length} of {segment.Info.StoredLength} bytes");

        // It is opened in place: what was read ahead up to its end cannot be read again.
        aheadStart = Math.Max(aheadStart, segment.Pack == aheadPack ? segment.Info.Offset + segment.Info.StoredLength : 0);
        return Open(name, segment, stored);
    }

    /// <summary>Reads a pack's header, footer and directory.</summary>
    /// <exception cref="RepositoryException">Damaged, unreadable, or a newer format.</exception>
    public async ValueTask<PackDirectory> ReadDirectoryAsync(ObjectId id, long packBytes, CancellationToken cancellationToken)
    {
        string name = names.Pack(id);
        try
        {
            if (packBytes < PackFormat.HeaderBytes + PackFormat.FooterBytes + Sealing.TagBytes)
                throw new InvalidDataException($"{packBytes} bytes are too few for a pack.");
            byte[] end = await ReadExactlyAsync(
                name, Math.Max(0, packBytes - DirectoryGuessBytes), (int)Math.Min(packBytes, DirectoryGuessBytes), cancellationToken);
            byte[] header = end.Length == packBytes
                ? end[..PackFormat.HeaderBytes]
                : await ReadExactlyAsync(name, 0, PackFormat.HeaderBytes, cancellationToken);
            var kind = PackFormat.CheckHeader(header, id, name);
            int length = PackFormat.CheckFooter(end.AsSpan(^PackFormat.FooterBytes), packBytes);
            byte[] directory = length + PackFormat.FooterBytes <= end.Length
                ? end[^(length + PackFormat.FooterBytes)..^PackFormat.FooterBytes]
                : await ReadExactlyAsync(name, packBytes - PackFormat.FooterBytes - length, length, cancellationToken);
            using var directoryCipher = Sealing.CipherFor(keys.SealingKey, id, PackFormat.KeyInfo);
            byte[] plain = new byte[length - Sealing.TagBytes];
            if (!Sealing.TryOpen(directoryCipher, Sealing.LastNonce, directory, header, plain))
                throw new InvalidDataException("The seal of its directory is broken.");
            return PackFormat.ParseDirectory(plain, id, kind, packBytes, length);
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, name, e.Message, e);
        }
    }

    public void Dispose()
    {
        decompressor.Dispose();
        cipher?.Dispose();
    }

    private ReadOnlyMemory<byte> Open(string name, in SegmentLocation segment, Memory<byte> stored)
    {
        if (cipher is null || cipherOrigin != segment.Origin)
        {
            cipher?.Dispose();
            cipher = Sealing.CipherFor(keys.SealingKey, segment.Origin, PackFormat.KeyInfo);
            cipherOrigin = segment.Origin;
        }

        if (!PackFormat.TryOpenSegment(cipher, segment, stored.Span))
            throw Damaged(name, segment, "its seal is broken");
        var payload = stored[..^Sealing.TagBytes];
        int plainLength = segment.Info.PlainLength;
        if (segment.Info.Codec == SegmentCodec.Plain)
            return payload;
        Grow(ref plainBuffer, plainLength);
        int decompressed;
        try
        {
            decompressed = decompressor.Decompress(payload.Span, plainBuffer.AsSpan(0, plainLength));
        }
        catch (InvalidDataException e)
        {
            throw Damaged(name, segment, e.Message);
        }

        if (decompressed != plainLength)
            throw Damaged(name, segment, $"it decompresses to {decompressed} of {plainLength} bytes");
        return plainBuffer.AsMemory(0, plainLength);
    }

    private async ValueTask<byte[]> ReadExactlyAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        int read = await store.ReadAsync(name, offset, bytes, cancellationToken);
        if (read != length)
            throw new InvalidDataException($"It ends after {read} of {length} bytes at {offset}.");
        return bytes;
    }

    private static void Grow(ref byte[] buffer, int length)
    {
        // In whole megabytes: segments of ever a little more would leave a trail of large buffers for the collector.
        const int StepBytes = 1 << 20;
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<byte>((length + StepBytes - 1) / StepBytes * StepBytes);
    }

    private static RepositoryException Damaged(string name, in SegmentLocation segment, string what) =>
        new(RepositoryFailure.Damaged, name, segment.Info.Offset, $"Segment {segment.Ordinal} cannot be read: {what}.");
}
