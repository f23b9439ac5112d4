using System.Globalization;
using System.Security.Cryptography;

namespace Strongroom.Repository.Format;

/// <summary>16 random bytes that name a pack, a run, a session or a collection; also the salt of its key.</summary>
internal readonly record struct ObjectId(UInt128 Value) : IComparable<ObjectId>
{
    public const int Size = 16;

    public static ObjectId NewRandom()
    {
        Span<byte> bytes = stackalloc byte[Size];
        RandomNumberGenerator.Fill(bytes);
        return Read(bytes);
    }

    public static ObjectId Read(ReadOnlySpan<byte> bytes) => new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));

    public void Write(Span<byte> destination) => System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    public static ObjectId? TryParse(ReadOnlySpan<char> hex) =>
        Hex.IsLower(hex, Size * 2)
            ? new ObjectId(UInt128.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))
            : null;

    public int CompareTo(ObjectId other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
