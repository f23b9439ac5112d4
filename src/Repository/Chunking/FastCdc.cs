using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Strongroom.Repository.Chunking;

/// <summary>
/// Content-defined cut points: FastCDC with normalised chunking (W. Xia and others, "The Design of Fast Content-Defined
/// Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020).
/// </summary>
/// <remarks>
/// <para>The rule, as the format has it. Let the chunk begin at byte 0 of <c>data</c>, which goes on to the end of the file or
/// for <c>max</c> bytes, whichever is less; <c>n</c> is its length.</para>
/// <code>
/// gear[i], i = 0..255 = the first 8 bytes, little-endian, of SHA-256("strongroom gear 1" followed by the one byte i)
/// strict = 2^(64 - log2(normal) - 2) - 1        easy = 2^(64 - log2(normal) + 2) - 1
///
/// if n &lt;= min: the chunk has n bytes
/// h = 0
/// for i = min, min + 1, ... n - 1:
///     h = (2 * h + gear[data[i]]) mod 2^64
///     if h &lt;= (strict if i &lt; normal else easy): the chunk has i + 1 bytes
/// the chunk has n bytes
/// </code>
/// <para>A cut therefore depends on where the chunk began and on the 64 bytes before the cut, and on nothing else.</para>
/// </remarks>
internal static class FastCdc
{
    private static readonly ulong[] Gear = MakeGear();

    /// <summary>The length of the chunk at the start of the data; 0 only when there is no data.</summary>
    /// <param name="data">What follows the previous cut: at least <see cref="FastCdcParameters.MaxBytes"/>, or all up to the
    /// end of the file. With less the answer would depend on how the file was read.</param>
    public static int NextCut(ReadOnlySpan<byte> data, FastCdcParameters parameters)
    {
        unchecked
        {
            int length = Math.Min(data.Length, parameters.MaxBytes);
            ulong hash = 0;
            for (int i = parameters.MinBytes; i < length; i++)
            {
                hash = (hash << 1) + Gear[data[i]];
                if (hash <= (i < parameters.NormalBytes ? parameters.StrictLimit : parameters.EasyLimit))
                    return i + 1;
            }

            return length;
        }
    }

    private static ulong[] MakeGear()
    {
        byte[] text = [.. "strongroom gear 1"u8, 0];
        var gear = new ulong[256];
        for (int i = 0; i < gear.Length; i++)
        {
            text[^1] = (byte)i;
            gear[i] = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(text));
        }

        return gear;
    }
}
