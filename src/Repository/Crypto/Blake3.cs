using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Strongroom.Repository.Crypto;

/// <summary>
/// BLAKE3 with 32 bytes of output, plain and keyed (https://github.com/BLAKE3-team/BLAKE3-specs, version of 2021-11-05,
/// sections 2.1 to 2.6). Safe to call from any number of threads.
/// </summary>
/// <remarks>
/// Held by the official test vectors, by a plain twin in the tests that shares no code with this one, and by running every
/// vector width on every machine: where the processor lacks a width the runtime emulates it, slowly, with the same result.
/// </remarks>
internal static unsafe class Blake3
{
    public const int KeyLength = 32;
    public const int HashLength = 32;

    internal static ReadOnlySpan<uint> InitialValue =>
        [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19];

    /// <param name="input">The bytes to hash; may be empty.</param>
    /// <param name="output">Receives exactly 32 bytes. Must not overlap <paramref name="input"/>.</param>
    public static void Hash(ReadOnlySpan<byte> input, Span<byte> output)
    {
        int length = input.Length;
        HashMany(InitialValue, 0, input, new ReadOnlySpan<int>(ref length), output);
    }

    /// <param name="key">Exactly 32 bytes.</param>
    /// <param name="input">The bytes to hash; may be empty.</param>
    /// <param name="output">Receives exactly 32 bytes. Must not overlap <paramref name="input"/>.</param>
    public static void KeyedHash(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input, Span<byte> output)
    {
        int length = input.Length;
        KeyedHashMany(key, input, new ReadOnlySpan<int>(ref length), output);
    }

    /// <summary>
    /// Hashes many pieces in one call. One small piece cannot fill the lanes of a vector, many together can: this is the way
    /// to hash anything under about 16 KiB, and is never slower than a call for each piece.
    /// </summary>
    /// <param name="key">Exactly 32 bytes.</param>
    /// <param name="data">The pieces, each directly after the one before.</param>
    /// <param name="lengths">The length of each piece in bytes, 0 or more; together exactly the length of the data.</param>
    /// <param name="outputs">Receives 32 bytes for each piece, in their order. Must not overlap the data.</param>
    /// <exception cref="ArgumentException">Key, lengths or outputs are not as described; nothing was written.</exception>
    public static void KeyedHashMany(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, ReadOnlySpan<int> lengths, Span<byte> outputs)
    {
        if (key.Length != KeyLength)
            throw new ArgumentException($"A key has {KeyLength} bytes, not {key.Length}.", nameof(key));
        HashMany(MemoryMarshal.Cast<byte, uint>(key), Blake3Flags.KeyedHash, data, lengths, outputs);
    }

    private static void HashMany(
        ReadOnlySpan<uint> key, uint mode, ReadOnlySpan<byte> data, ReadOnlySpan<int> lengths, Span<byte> outputs)
    {
        if (Vector512.IsHardwareAccelerated)
            HashMany<Blake3Kernel512>(key, mode, data, lengths, outputs);
        else if (Vector256.IsHardwareAccelerated)
            HashMany<Blake3Kernel256>(key, mode, data, lengths, outputs);
        else if (Vector128.IsHardwareAccelerated)
            HashMany<Blake3Kernel128>(key, mode, data, lengths, outputs);
        else
            HashMany<Blake3KernelScalar>(key, mode, data, lengths, outputs);
    }

    /// <summary>The work of all the others with the kernel named, so that a test can run each width on any machine.</summary>
    /// <param name="key">Eight words: the key, or <see cref="InitialValue"/>.</param>
    /// <param name="mode"><see cref="Blake3Flags.KeyedHash"/> or 0.</param>
    internal static void HashMany<TKernel>(
        ReadOnlySpan<uint> key, uint mode, ReadOnlySpan<byte> data, ReadOnlySpan<int> lengths, Span<byte> outputs)
        where TKernel : struct, IBlake3Kernel
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("This BLAKE3 reads words where they lie and needs a little-endian processor.");
        long total = 0;
        foreach (int length in lengths)
        {
            if (length < 0)
                throw new ArgumentException($"A piece cannot have {length} bytes.", nameof(lengths));
            total += length;
        }

        if (total != data.Length)
            throw new ArgumentException($"The pieces have {total} bytes together, the data {data.Length}.", nameof(lengths));
        if (outputs.Length != (long)lengths.Length * HashLength)
            throw new ArgumentException(
                $"{lengths.Length} hashes have {(long)lengths.Length * HashLength} bytes, not {outputs.Length}.", nameof(outputs));

        fixed (uint* keyWords = key)
        fixed (byte* input = data)
        fixed (byte* output = outputs)
            new Blake3Tree<TKernel>(keyWords, mode).HashPieces(input, lengths, output);
    }
}
