using System.Buffers.Binary;

namespace Strongroom.Repository.Format;

/// <summary>Appends stored fields to a buffer that grows and is kept for the next use. The counterpart of <see cref="ByteReader"/>.</summary>
internal sealed class ByteWriter(int capacity = 256)
{
    private byte[] bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => bytes.AsMemory(0, Length);

    public void Clear() => Length = 0;

    /// <summary>Takes back everything past this length.</summary>
    public void Truncate(int length) => Length = Math.Min(Length, length);

    /// <summary>Room for <paramref name="length"/> bytes, to be filled by the caller before the next call.</summary>
    public Span<byte> Append(int length)
    {
        if (bytes.Length - Length < length)
            Array.Resize(ref bytes, Math.Max(checked(Length + length), (int)Math.Min(bytes.Length * 2L, Array.MaxLength)));
        var room = bytes.AsSpan(Length, length);
        Length += length;
        return room;
    }

    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Append(value.Length));

    public void U8(byte value) => Append(1)[0] = value;

    public void U16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Append(2), value);

    public void U32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Append(4), value);

    public void U64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Append(8), value);

    public void Varint(ulong value)
    {
        Span<byte> encoded = stackalloc byte[10];
        int length = 0;
        while (value >= 0x80)
        {
            encoded[length++] = (byte)(value & 0x7F | 0x80);
            value >>= 7;
        }

        encoded[length++] = (byte)value;
        Raw(encoded[..length]);
    }

    public void Varint(long value) => Varint(checked((ulong)value));

    public void Zigzag(long value) => Varint(unchecked((ulong)((value << 1) ^ (value >> 63))));

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Varint((ulong)value.Length);
        Raw(value);
    }

    public void Zeros(int length) => Append(length).Clear();
}
