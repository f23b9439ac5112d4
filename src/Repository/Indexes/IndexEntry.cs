using System.Buffers.Binary;

namespace Strongroom.Repository.Indexes;

/// <summary>The first 16 bytes of a chunk's id, in the order of its bytes.</summary>
internal readonly record struct ChunkPrefix(ulong High, ulong Low) : IComparable<ChunkPrefix>
{
    public const int Size = 16;

    public static ChunkPrefix Of(ReadOnlySpan<byte> id) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(id), BinaryPrimitives.ReadUInt64BigEndian(id[8..]));

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    public int CompareTo(ChunkPrefix other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    public static bool operator <(ChunkPrefix left, ChunkPrefix right) => left.CompareTo(right) < 0;

    public static bool operator >(ChunkPrefix left, ChunkPrefix right) => left.CompareTo(right) > 0;
}

/// <summary>
/// One chunk at one place (docs/repository-format.md, section 6), 28 bytes: prefix 16 · u32 pack number · u16 segment ·
/// u24 offset · u24 length. A length of 0 marks an empty place in tables in memory; no stored chunk is empty.
/// </summary>
/// <param name="Pack">Number in the table of packs of its run or session.</param>
/// <param name="Segment">Position in that pack.</param>
/// <param name="Offset">In the segment's plain bytes.</param>
internal readonly record struct IndexEntry(ChunkPrefix Prefix, uint Pack, ushort Segment, int Offset, int Length) : IComparable<IndexEntry>
{
    public const int Size = 28;

    public static IndexEntry Read(ReadOnlySpan<byte> bytes) => new(
        ChunkPrefix.Of(bytes),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[20..]),
        bytes[22] | (bytes[23] << 8) | (bytes[24] << 16),
        bytes[25] | (bytes[26] << 8) | (bytes[27] << 16));

    public void Write(Span<byte> destination)
    {
        Prefix.Write(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[16..], Pack);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[20..], Segment);
        destination[22] = (byte)(Offset & 0xFF);
        destination[23] = (byte)((Offset >> 8) & 0xFF);
        destination[24] = (byte)(Offset >> 16);
        destination[25] = (byte)(Length & 0xFF);
        destination[26] = (byte)((Length >> 8) & 0xFF);
        destination[27] = (byte)(Length >> 16);
    }

    public int CompareTo(IndexEntry other)
    {
        int byPrefix = Prefix.CompareTo(other.Prefix);
        return byPrefix != 0 ? byPrefix : Pack.CompareTo(other.Pack);
    }
}
