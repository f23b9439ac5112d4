using System.Buffers.Binary;
using System.Security.Cryptography;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Packs;

/// <summary>
/// The bytes of a pack (docs/repository-format.md, section 5): header, sealed segments, sealed directory, footer.
/// </summary>
internal static class PackFormat
{
    public const int HeaderBytes = 32;
    public const int FooterBytes = 16;
    public const int MaxSegmentBytes = (1 << 24) - 1;
    public const int MaxSegments = ushort.MaxValue;
    public const int MaxDirectoryBytes = 64 << 20;
    public const int ChunkEntryBytes = ChunkHasher.IdBytes + 4;
    public const string KeyInfo = "strongroom/pack";
    private const int SegmentEntryBytes = 24;
    private const int SegmentAadBytes = 25;

    private static ReadOnlySpan<byte> HeaderMagic => "STRGPACK"u8;

    private static ReadOnlySpan<byte> FooterMagic => "STRGPEND"u8;

    public static byte[] Header(ObjectId id, PackKind kind)
    {
        byte[] header = new byte[HeaderBytes];
        HeaderMagic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), FormatVersion.Current);
        header[10] = (byte)kind;
        id.Write(header.AsSpan(16));
        return header;
    }

    /// <exception cref="InvalidDataException">It is not the header of this pack.</exception>
    public static PackKind CheckHeader(ReadOnlySpan<byte> header, ObjectId id, string objectName)
    {
        var reader = new ByteReader(header);
        reader.Magic(HeaderMagic);
        FormatVersion.Check(reader.U16(), objectName);
        byte kind = reader.U8();
        reader.Zeros(5);
        if (ObjectId.Read(reader.Take(ObjectId.Size)) != id)
            throw new InvalidDataException("Its header names another pack.");
        if (kind is not ((byte)PackKind.Data or (byte)PackKind.Pages))
            throw new InvalidDataException($"There is no pack of kind {kind}.");
        return (PackKind)kind;
    }

    /// <summary>Length of the sealed directory according to the footer of a pack of this size.</summary>
    public static int CheckFooter(ReadOnlySpan<byte> footer, long packBytes)
    {
        var reader = new ByteReader(footer);
        int length = reader.Count(Math.Min(MaxDirectoryBytes, packBytes - HeaderBytes - FooterBytes), "bytes of directory");
        reader.Zeros(4);
        reader.Magic(FooterMagic);
        if (length < Sealing.TagBytes)
            throw new InvalidDataException($"A directory of {length} bytes is not possible.");
        return length;
    }

    public static void SealSegment(
        AesGcm cipher, ObjectId pack, uint ordinal, SegmentCodec codec, int plainLength, ReadOnlySpan<byte> payload, Span<byte> sealedBytes)
    {
        Span<byte> aad = stackalloc byte[SegmentAadBytes];
        WriteSegmentAad(aad, pack, ordinal, plainLength, codec);
        Sealing.Seal(cipher, ordinal, payload, aad, sealedBytes);
    }

    /// <summary>Opens in place: the payload is left at the start of <paramref name="sealedBytes"/>.</summary>
    public static bool TryOpenSegment(AesGcm cipher, in SegmentLocation segment, Span<byte> sealedBytes)
    {
        Span<byte> aad = stackalloc byte[SegmentAadBytes];
        WriteSegmentAad(aad, segment.Origin, segment.Info.OriginOrdinal, segment.Info.PlainLength, segment.Info.Codec);
        return Sealing.TryOpen(cipher, segment.Info.OriginOrdinal, sealedBytes, aad, sealedBytes[..^Sealing.TagBytes]);
    }

    /// <summary>The sealed directory and the footer, appended to <paramref name="output"/>.</summary>
    /// <param name="chunks">36 bytes each: id and plain length, in order of segments.</param>
    public static void WriteEnd(
        AesGcm cipher, ReadOnlySpan<byte> header, IReadOnlyList<ObjectId> origins, ReadOnlySpan<SegmentInfo> segments,
        ReadOnlySpan<int> chunkCounts, ReadOnlySpan<byte> chunks, ByteWriter output)
    {
        var plain = new ByteWriter(16 + (origins.Count * ObjectId.Size) + (segments.Length * SegmentEntryBytes) + chunks.Length);
        plain.U32((uint)segments.Length);
        plain.U32((uint)(chunks.Length / ChunkEntryBytes));
        plain.U32((uint)origins.Count);
        foreach (var origin in origins)
            origin.Write(plain.Append(ObjectId.Size));
        for (int i = 0; i < segments.Length; i++)
        {
            ref readonly var segment = ref segments[i];
            plain.U32(checked((uint)segment.Offset));
            plain.U32((uint)segment.StoredLength);
            plain.U32((uint)segment.PlainLength);
            plain.U32(segment.OriginOrdinal);
            plain.U32((uint)chunkCounts[i]);
            plain.U16(segment.Origin);
            plain.U8((byte)segment.Codec);
            plain.U8(0);
        }

        plain.Raw(chunks);

        var sealedBytes = output.Append(plain.Length + Sealing.TagBytes);
        Sealing.Seal(cipher, Sealing.LastNonce, plain.Written, header, sealedBytes);
        output.U32((uint)sealedBytes.Length);
        output.U32(0);
        output.Raw(FooterMagic);
    }

    /// <exception cref="InvalidDataException">The directory does not describe a pack of this size.</exception>
    public static PackDirectory ParseDirectory(byte[] plain, ObjectId id, PackKind kind, long packBytes, int sealedDirectoryBytes)
    {
        var reader = new ByteReader(plain);
        int segmentCount = reader.Count(MaxSegments, "segments");
        int chunkCount = reader.Count(plain.Length / ChunkEntryBytes, "chunks");
        int originCount = reader.Count(plain.Length / ObjectId.Size, "origins");
        if (originCount is < 1 or > ushort.MaxValue)
            throw new InvalidDataException($"{originCount} origins are not possible.");
        var origins = new ObjectId[originCount];
        for (int i = 0; i < originCount; i++)
            origins[i] = ObjectId.Read(reader.Take(ObjectId.Size));
        if (origins[0] != id)
            throw new InvalidDataException("The first origin is not the pack itself.");

        if ((long)segmentCount * SegmentEntryBytes > reader.Remaining)
            throw new InvalidDataException($"{segmentCount} segments do not fit.");
        var segments = new SegmentInfo[segmentCount];
        int[] chunkCounts = new int[segmentCount];
        long offset = HeaderBytes;
        long chunksSeen = 0;
        for (int i = 0; i < segmentCount; i++)
        {
            long at = reader.U32();
            int stored = reader.Count(MaxSegmentBytes + Sealing.TagBytes, "bytes of segment");
            int plainLength = reader.Count(MaxSegmentBytes, "bytes of segment");
            uint ordinal = reader.U32();
            chunkCounts[i] = reader.Count(chunkCount, "chunks");
            segments[i] = new SegmentInfo(at, stored, plainLength, ordinal, reader.U16(), (SegmentCodec)reader.U8());
            reader.Zeros(1);
            segments[i].Check(originCount);
            if (at != offset)
                throw new InvalidDataException($"Segment {i} is at {at} and not at {offset}.");
            offset += stored;
            chunksSeen += chunkCounts[i];
        }

        if (chunksSeen != chunkCount || reader.Remaining != (long)chunkCount * ChunkEntryBytes)
            throw new InvalidDataException($"{chunkCount} chunks are listed, segments name {chunksSeen}, {reader.Remaining} bytes are left.");
        if (offset + sealedDirectoryBytes + FooterBytes != packBytes)
            throw new InvalidDataException($"Segments end at {offset}, which does not fit the pack's {packBytes} bytes.");
        var directory = new PackDirectory(new PackRecord(id, kind, packBytes, origins, segments), chunkCounts, plain, reader.Position);
        directory.CheckLengths();
        return directory;
    }

    private static void WriteSegmentAad(Span<byte> aad, ObjectId origin, uint ordinal, int plainLength, SegmentCodec codec)
    {
        origin.Write(aad);
        BinaryPrimitives.WriteUInt32LittleEndian(aad[16..], ordinal);
        BinaryPrimitives.WriteUInt32LittleEndian(aad[20..], (uint)plainLength);
        aad[24] = (byte)codec;
    }
}

/// <summary>A pack's directory as read back: its record and its chunks in order.</summary>
internal sealed class PackDirectory(PackRecord record, int[] chunkCounts, byte[] bytes, int chunksStart)
{
    public PackRecord Record => record;

    public int ChunkCount => (bytes.Length - chunksStart) / PackFormat.ChunkEntryBytes;

    public int ChunksIn(int segment) => chunkCounts[segment];

    public ReadOnlySpan<byte> ChunkId(int chunk) =>
        bytes.AsSpan(chunksStart + (chunk * PackFormat.ChunkEntryBytes), ChunkHasher.IdBytes);

    public int ChunkLength(int chunk) =>
        (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(chunksStart + (chunk * PackFormat.ChunkEntryBytes) + ChunkHasher.IdBytes));

    /// <exception cref="InvalidDataException">Chunk lengths do not fill their segment exactly.</exception>
    internal void CheckLengths()
    {
        for (int segment = 0, chunk = 0; segment < chunkCounts.Length; segment++)
        {
            long sum = 0;
            for (int end = chunk + chunkCounts[segment]; chunk < end; chunk++)
            {
                uint length = BinaryPrimitives.ReadUInt32LittleEndian(
                    bytes.AsSpan(chunksStart + (chunk * PackFormat.ChunkEntryBytes) + ChunkHasher.IdBytes));
                if (length == 0)
                    throw new InvalidDataException($"Chunk {chunk} is empty.");
                sum += length;
            }

            if (sum != record.Segments[segment].PlainLength)
                throw new InvalidDataException($"The chunks of segment {segment} have {sum} bytes, the segment {record.Segments[segment].PlainLength}.");
        }
    }
}
