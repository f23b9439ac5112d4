using System.Buffers.Binary;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Indexes;

/// <summary>The layout of an index run (docs/repository-format.md, section 6), for its writer and its reader.</summary>
internal static class RunFormat
{
    public const int HeaderBytes = 32;
    public const int FooterBytes = 16;
    public const int EntriesPerBlock = 2340;
    public const int UnitBytes = EntriesPerBlock * IndexEntry.Size;
    public const int StoredUnitBytes = UnitBytes + Sealing.TagBytes;
    public const int BlocksPerFilterPage = 28;
    public const int FilterBytes = 2340;
    public const int MaxTailBytes = 1 << 30;
    public const int MaxPackPageBytes = 4 << 20;
    public const int TailFixedBytes = 20;
    public const int TailPackBytes = 24;
    public const int TailPageBytes = 12;
    public const string KeyInfo = "strongroom/index";
    private const int PackRecordFixedBytes = 32;
    private const int PackSegmentBytes = 20;
    private const int FilterBits = FilterBytes * 8;

    private static ReadOnlySpan<byte> HeaderMagic => "STRGINDX"u8;

    private static ReadOnlySpan<byte> FooterMagic => "STRGIEND"u8;

    public static byte[] Header(ObjectId id)
    {
        byte[] header = new byte[HeaderBytes];
        HeaderMagic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), FormatVersion.Current);
        id.Write(header.AsSpan(16));
        return header;
    }

    public static void CheckHeader(ReadOnlySpan<byte> header, ObjectId id, string objectName)
    {
        var reader = new ByteReader(header);
        reader.Magic(HeaderMagic);
        FormatVersion.Check(reader.U16(), objectName);
        reader.Zeros(6);
        if (ObjectId.Read(reader.Take(ObjectId.Size)) != id)
            throw new InvalidDataException("Its header names another run.");
    }

    public static byte[] Footer(int tailBytes)
    {
        var writer = new ByteWriter(FooterBytes);
        writer.U32((uint)tailBytes);
        writer.U32(0);
        writer.Raw(FooterMagic);
        return writer.Written.ToArray();
    }

    public static int CheckFooter(ReadOnlySpan<byte> footer, long runBytes)
    {
        var reader = new ByteReader(footer);
        int length = reader.Count(Math.Min(MaxTailBytes, runBytes - HeaderBytes - FooterBytes), "bytes of tail");
        reader.Zeros(4);
        reader.Magic(FooterMagic);
        if (length < Sealing.TagBytes + TailFixedBytes)
            throw new InvalidDataException($"A tail of {length} bytes is not possible.");
        return length;
    }

    /// <summary>The aad of a unit: the header, then the unit's number.</summary>
    public static void WriteAad(ReadOnlySpan<byte> header, uint unit, Span<byte> aad)
    {
        header.CopyTo(aad);
        BinaryPrimitives.WriteUInt32LittleEndian(aad[HeaderBytes..], unit);
    }

    public static int UnitOfBlock(int block) => block + (block / BlocksPerFilterPage);

    public static int FilterPageCount(int blocks) => (int)(((long)blocks + BlocksPerFilterPage - 1) / BlocksPerFilterPage);

    /// <summary>The unit of the filter page that covers this block: after 28 blocks, or after the last.</summary>
    public static int UnitOfFilter(int block, int blockCount)
    {
        int page = block / BlocksPerFilterPage;
        return UnitOfBlock(Math.Min((page * BlocksPerFilterPage) + BlocksPerFilterPage, blockCount) - 1) + 1;
    }

    public static void AddToFilter(Span<byte> filter, ReadOnlySpan<byte> prefix)
    {
        for (int i = 8; i < ChunkPrefix.Size; i += 2)
        {
            int bit = (BinaryPrimitives.ReadUInt16LittleEndian(prefix[i..]) * FilterBits) >> 16;
            filter[bit >> 3] |= (byte)(1 << (bit & 7));
        }
    }

    public static bool MayContain(ReadOnlySpan<byte> filter, ChunkPrefix prefix)
    {
        ulong values = BinaryPrimitives.ReverseEndianness(prefix.Low);
        for (int i = 0; i < 4; i++, values >>= 16)
        {
            int bit = ((int)(values & 0xFFFF) * FilterBits) >> 16;
            if ((filter[bit >> 3] & (1 << (bit & 7))) == 0)
                return false;
        }

        return true;
    }

    public static void WritePack(PackRecord pack, ByteWriter output)
    {
        pack.Id.Write(output.Append(ObjectId.Size));
        output.U8((byte)pack.Kind);
        output.Zeros(3);
        output.U32(checked((uint)pack.SizeBytes));
        output.U32((uint)pack.Segments.Length);
        output.U32((uint)pack.Origins.Length);
        foreach (var origin in pack.Origins)
            origin.Write(output.Append(ObjectId.Size));
        foreach (ref readonly var segment in pack.Segments.AsSpan())
        {
            output.U32(checked((uint)segment.Offset));
            output.U32((uint)segment.StoredLength);
            output.U32((uint)segment.PlainLength);
            output.U32(segment.OriginOrdinal);
            output.U16(segment.Origin);
            output.U8((byte)segment.Codec);
            output.U8(0);
        }
    }

    /// <summary>One segment of a pack record, without reading the others.</summary>
    /// <param name="record">The page's bytes from the record on.</param>
    public static SegmentLocation ReadSegment(ReadOnlySpan<byte> record, ObjectId pack, int segment)
    {
        ReadPackHead(record, pack, out _, out _, out int segmentCount, out int originCount);
        if (segment >= segmentCount)
            throw new InvalidDataException($"Pack {pack} has {segmentCount} segments; an entry names segment {segment}.");
        var origins = record.Slice(PackRecordFixedBytes, originCount * ObjectId.Size);
        var info = ReadSegmentInfo(record, originCount, segment);
        return new SegmentLocation(pack, segment, ObjectId.Read(origins[(info.Origin * ObjectId.Size)..]), info);
    }

    public static PackRecord ReadPack(ReadOnlySpan<byte> record, ObjectId pack)
    {
        ReadPackHead(record, pack, out var kind, out long sizeBytes, out int segmentCount, out int originCount);
        var origins = new ObjectId[originCount];
        for (int i = 0; i < originCount; i++)
            origins[i] = ObjectId.Read(record.Slice(PackRecordFixedBytes + (i * ObjectId.Size), ObjectId.Size));
        var segments = new SegmentInfo[segmentCount];
        for (int i = 0; i < segmentCount; i++)
            segments[i] = ReadSegmentInfo(record, originCount, i);
        return new PackRecord(pack, kind, sizeBytes, origins, segments);
    }

    private static void ReadPackHead(
        ReadOnlySpan<byte> record, ObjectId pack, out PackKind kind, out long sizeBytes, out int segmentCount, out int originCount)
    {
        var reader = new ByteReader(record);
        if (ObjectId.Read(reader.Take(ObjectId.Size)) != pack)
            throw new InvalidDataException($"The record of pack {pack} is not where the tail says.");
        kind = (PackKind)reader.U8();
        reader.Zeros(3);
        sizeBytes = reader.U32();
        segmentCount = reader.Count(PackFormat.MaxSegments, "segments");
        originCount = reader.Count(ushort.MaxValue, "origins");
        if (kind is not (PackKind.Data or PackKind.Pages) || originCount < 1
            || ((long)originCount * ObjectId.Size) + ((long)segmentCount * PackSegmentBytes) > reader.Remaining)
            throw new InvalidDataException($"The record of pack {pack} is not possible.");
    }

    private static SegmentInfo ReadSegmentInfo(ReadOnlySpan<byte> record, int originCount, int segment)
    {
        var reader = new ByteReader(record.Slice(
            PackRecordFixedBytes + (originCount * ObjectId.Size) + (segment * PackSegmentBytes), PackSegmentBytes));
        var info = new SegmentInfo(
            reader.U32(),
            reader.Count(PackFormat.MaxSegmentBytes + Sealing.TagBytes, "bytes of segment"),
            reader.Count(PackFormat.MaxSegmentBytes, "bytes of segment"),
            reader.U32(),
            reader.U16(),
            (SegmentCodec)reader.U8());
        reader.Zeros(1);
        info.Check(originCount);
        return info;
    }
}
