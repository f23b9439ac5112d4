using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Strongroom.Repository.Chunking;

/// <summary>
/// Content-defined cut points: FastCDC with normalised chunking (W. Xia and others, "The Design of Fast Content-Defined
/// Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020).
/// </summary>
/// <remarks>
/// The rule is in docs/repository-format.md, section 4. By it a cut depends on where the chunk began and on the 64 bytes before
/// the cut, and on nothing else.
/// </remarks>
internal static unsafe class FastCdc
{
    internal static readonly ulong[] Gear = MakeGear();

    /// <summary>The length of the chunk at the start of the data; 0 only when there is no data.</summary>
    /// <param name="data">What follows the previous cut: at least <see cref="FastCdcParameters.MaxBytes"/>, or all up to the
    /// end of the file. With less the answer would depend on how the file was read.</param>
    public static int NextCut(ReadOnlySpan<byte> data, FastCdcParameters parameters)
    {
        int end = Math.Min(data.Length, parameters.MaxBytes);
        if (end <= parameters.MinBytes)
            return end;

        int normal = Math.Min(end, parameters.NormalBytes);
        ulong hash = 0;
        fixed (byte* bytes = data)
        fixed (ulong* gear = Gear)
        {
            int cut = Scan(bytes, parameters.MinBytes, normal, gear, parameters.StrictLimit, ref hash);
            if (cut == 0)
                cut = Scan(bytes, normal, end, gear, parameters.EasyLimit, ref hash);
            return cut == 0 ? end : cut;
        }
    }

    /// <summary>The place after the first byte from start to end whose hash is within the limit, or 0.</summary>
    /// <remarks>
    /// 3.2 GB/s where one byte a round is 1.8, eight bytes taken out of one load 2.1, and two hashes a step, as the paper has
    /// it, 1.8: this form compiles to one dependent instruction a byte.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Scan(byte* data, int start, int end, ulong* gear, ulong limit, ref ulong rollingHash)
    {
        unchecked
        {
            ulong hash = rollingHash;
            byte* next = data + start;
            for (; next <= data + end - 8; next += 8)
            {
                if ((hash = hash + hash + gear[next[0]]) <= limit) return (int)(next - data) + 1;
                if ((hash = hash + hash + gear[next[1]]) <= limit) return (int)(next - data) + 2;
                if ((hash = hash + hash + gear[next[2]]) <= limit) return (int)(next - data) + 3;
                if ((hash = hash + hash + gear[next[3]]) <= limit) return (int)(next - data) + 4;
                if ((hash = hash + hash + gear[next[4]]) <= limit) return (int)(next - data) + 5;
                if ((hash = hash + hash + gear[next[5]]) <= limit) return (int)(next - data) + 6;
                if ((hash = hash + hash + gear[next[6]]) <= limit) return (int)(next - data) + 7;
                if ((hash = hash + hash + gear[next[7]]) <= limit) return (int)(next - data) + 8;
            }

            for (; next < data + end; next++)
            {
                if ((hash = hash + hash + gear[*next]) <= limit) return (int)(next - data) + 1;
            }

            rollingHash = hash;
            return 0;
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
