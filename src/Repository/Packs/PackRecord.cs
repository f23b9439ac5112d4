using Strongroom.Repository.Format;

namespace Strongroom.Repository.Packs;

/// <summary>The numbers are those of the stored format; never renumber.</summary>
internal enum PackKind : byte
{
    Data = 1,
    Pages = 2,
}

/// <summary>The numbers are those of the stored format; never renumber.</summary>
internal enum SegmentCodec : byte
{
    Plain = 0,
    Zstd = 1,
}

/// <summary>Where a sealed segment is in its pack, and under which name it was sealed.</summary>
/// <param name="Offset">In the pack object.</param>
/// <param name="StoredLength">With the tag.</param>
/// <param name="PlainLength">After decompression.</param>
/// <param name="OriginOrdinal">Its position in the pack it was sealed for.</param>
/// <param name="Origin">Index into <see cref="PackRecord.Origins"/>.</param>
internal readonly record struct SegmentInfo(
    long Offset, int StoredLength, int PlainLength, uint OriginOrdinal, ushort Origin, SegmentCodec Codec)
{
    /// <exception cref="InvalidDataException">No writer makes such a segment.</exception>
    public void Check(int originCount)
    {
        if (PlainLength is < 1 or > PackFormat.MaxSegmentBytes
            || StoredLength <= Crypto.Sealing.TagBytes
            || StoredLength > PlainLength + Crypto.Sealing.TagBytes
            || Codec > SegmentCodec.Zstd
            || (Codec == SegmentCodec.Plain && StoredLength != PlainLength + Crypto.Sealing.TagBytes)
            || Origin >= originCount
            || Offset < PackFormat.HeaderBytes)
            throw new InvalidDataException($"{this} is not possible.");
    }
}

/// <summary>What an index keeps of a pack: enough to read any segment with one ranged get.</summary>
internal sealed record PackRecord(ObjectId Id, PackKind Kind, long SizeBytes, ObjectId[] Origins, SegmentInfo[] Segments)
{
    public SegmentLocation LocationOf(int segment) => new(Id, segment, Origins[Segments[segment].Origin], Segments[segment]);
}

/// <summary>One segment to be read.</summary>
/// <param name="Pack">The pack that holds it now.</param>
/// <param name="Ordinal">Its position there.</param>
/// <param name="Origin">The pack it was sealed for.</param>
internal readonly record struct SegmentLocation(ObjectId Pack, int Ordinal, ObjectId Origin, SegmentInfo Info);
