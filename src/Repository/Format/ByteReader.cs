using System.Buffers.Binary;

namespace Strongroom.Repository.Format;

/// <summary>
/// Reads stored bytes field by field. Every method throws <see cref="InvalidDataException"/> rather than read past the end
/// or return a value out of its range; who knows the object's name turns that into a <see cref="RepositoryException"/>.
/// </summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private int position;

    public readonly int Position => position;

    public readonly int Remaining => bytes.Length - position;

    public ReadOnlySpan<byte> Take(int length)
    {
        if (length < 0 || length > Remaining)
            throw new InvalidDataException($"{length} bytes are expected at {position}, but only {Remaining} are left.");
        var taken = bytes.Slice(position, length);
        position += length;
        return taken;
    }

    /// <summary>Gives back the last bytes taken.</summary>
    public void Back(int length) => position -= length;

    public byte U8() => Take(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>A u32 that must be at most <paramref name="max"/>.</summary>
    public int Count(long max, string what)
    {
        uint value = U32();
        if (value > max)
            throw new InvalidDataException($"{value} {what} at {position - 4}; at most {max} are possible.");
        return (int)value;
    }

    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte b = U8();
            if (shift == 63 && b > 1)
                break;
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }

        throw new InvalidDataException($"The number at {position} is longer than 64 bits.");
    }

    /// <summary>A varint that must be at most <paramref name="max"/>.</summary>
    public long Varint(long max, string what)
    {
        ulong value = Varint();
        if (value > (ulong)max)
            throw new InvalidDataException($"{what} is {value} at {position}; at most {max} is possible.");
        return (long)value;
    }

    public long Zigzag()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public ReadOnlySpan<byte> Bytes(int max, string what) => Take((int)Varint(max, what));

    public void Zeros(int length)
    {
        if (Take(length).ContainsAnyExcept((byte)0))
            throw new InvalidDataException($"Reserved bytes before {position} are not zero.");
    }

    public void Magic(ReadOnlySpan<byte> magic)
    {
        if (!Take(magic.Length).SequenceEqual(magic))
            throw new InvalidDataException($"It does not say {System.Text.Encoding.ASCII.GetString(magic)} at {position - magic.Length}.");
    }

    public readonly void End()
    {
        if (Remaining != 0)
            throw new InvalidDataException($"{Remaining} bytes too many at {position}.");
    }
}
