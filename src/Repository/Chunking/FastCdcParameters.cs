using System.Numerics;

namespace Strongroom.Repository.Chunking;

/// <summary>Sizes in bytes of content-defined chunks. They are part of a repository's format: other sizes, other cut points.</summary>
/// <param name="MinBytes">No chunk is shorter, except the last of a file. At least 64.</param>
/// <param name="NormalBytes">A power of two from 256 to 2^30. Up to this length a cut is four times rarer, beyond it four
/// times more frequent, than one in <c>NormalBytes</c>: most chunks end shortly after it.</param>
/// <param name="MaxBytes">No chunk is longer.</param>
internal sealed record FastCdcParameters(int MinBytes, int NormalBytes, int MaxBytes)
{
    /// <summary>16, 64 and 256 KiB: the mean is 76 KiB where no chunk is cut short by the end of a file.</summary>
    public static FastCdcParameters Default { get; } = new(16 << 10, 64 << 10, 256 << 10);

    public int MinBytes { get; } = MinBytes >= 64 ? MinBytes : throw Refused(nameof(MinBytes), MinBytes);

    public int NormalBytes { get; } = BitOperations.IsPow2(NormalBytes) && NormalBytes is >= 256 and <= 1 << 30 && NormalBytes >= MinBytes
        ? NormalBytes
        : throw Refused(nameof(NormalBytes), NormalBytes);

    public int MaxBytes { get; } = MaxBytes >= NormalBytes ? MaxBytes : throw Refused(nameof(MaxBytes), MaxBytes);

    /// <summary>A cut is where the rolling hash is at most this: in the top bits, 2 more than log2(NormalBytes), all zero.</summary>
    internal ulong StrictLimit => ulong.MaxValue >> (BitOperations.Log2((uint)NormalBytes) + 2);

    internal ulong EasyLimit => ulong.MaxValue >> (BitOperations.Log2((uint)NormalBytes) - 2);

    private static ArgumentOutOfRangeException Refused(string name, int value) =>
        new(name, value, "Chunk sizes need 64 <= min <= normal <= max, with normal a power of two from 256 to 2^30.");
}
