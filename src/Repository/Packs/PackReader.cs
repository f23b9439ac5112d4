using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Compression;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Packs;

/// <summary>Reads directories and segments of packs. One reader belongs to one worker at a time; its buffers are used again and again.</summary>
internal sealed class PackReader(IObjectStore store, DomainNames names, DomainKeys keys) : IDisposable
{
    private readonly ZstdDecompressor decompressor = new();
    private byte[] storedBuffer = [];
    private byte[] plainBuffer = [];
    private ObjectId cipherOrigin;
    private AesGcm? cipher;

    /// <summary>Reads, opens and decompresses one segment.</summary>
    /// <returns>Its plain bytes, valid until the next call.</returns>
    /// <exception cref="RepositoryException">Damaged: the segment is not as sealed, or cut off.</exception>
    /// <exception cref="ObjectStoreException">NotFound when the pack is gone; the caller may know another copy.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadSegmentAsync(SegmentLocation segment, CancellationToken cancellationToken)
    {
        string name = names.Pack(segment.Pack);
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
        int stored = segment.Info.StoredLength;
        Grow(ref storedBuffer, stored);
        int read = await store.GetAsync(name, segment.Info.Offset, storedBuffer.AsMemory(0, stored), cancellationToken);
        if (read != stored)
            throw Damaged(name, segment, $"it ends after {read} of {stored} bytes");
        return Open(name, segment, storedBuffer.AsSpan(0, stored));
    }

    /// <summary>Reads a pack's header, footer and directory.</summary>
    /// <exception cref="RepositoryException">Damaged, or a newer format.</exception>
    public async ValueTask<PackDirectory> ReadDirectoryAsync(ObjectId id, long packBytes, CancellationToken cancellationToken)
    {
        string name = names.Pack(id);
        try
        {
            if (packBytes < PackFormat.HeaderBytes + PackFormat.FooterBytes + Sealing.TagBytes)
                throw new InvalidDataException($"{packBytes} bytes are too few for a pack.");
            byte[] header = await ReadExactlyAsync(name, 0, PackFormat.HeaderBytes, cancellationToken);
            var kind = PackFormat.CheckHeader(header, id, name);
            byte[] footer = await ReadExactlyAsync(name, packBytes - PackFormat.FooterBytes, PackFormat.FooterBytes, cancellationToken);
            int length = PackFormat.CheckFooter(footer, packBytes);
            byte[] directory = await ReadExactlyAsync(name, packBytes - PackFormat.FooterBytes - length, length, cancellationToken);
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

    private ReadOnlyMemory<byte> Open(string name, in SegmentLocation segment, Span<byte> stored)
    {
        if (cipher is null || cipherOrigin != segment.Origin)
        {
            cipher?.Dispose();
            cipher = Sealing.CipherFor(keys.SealingKey, segment.Origin, PackFormat.KeyInfo);
            cipherOrigin = segment.Origin;
        }

        if (!PackFormat.TryOpenSegment(cipher, segment, stored))
            throw Damaged(name, segment, "its seal is broken");
        var payload = stored[..^Sealing.TagBytes];
        int plainLength = segment.Info.PlainLength;
        if (segment.Info.Codec == SegmentCodec.Plain)
            return storedBuffer.AsMemory(0, plainLength);
        Grow(ref plainBuffer, plainLength);
        int decompressed;
        try
        {
            decompressed = decompressor.Decompress(payload, plainBuffer.AsSpan(0, plainLength));
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
        int read = await store.GetAsync(name, offset, bytes, cancellationToken);
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
