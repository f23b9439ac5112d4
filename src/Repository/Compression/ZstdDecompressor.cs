using System.Buffers.Binary;

namespace Strongroom.Repository.Compression;

/// <summary>
/// Opens what <see cref="ZstdCompressor"/> made, and refuses anything else. One object for each worker, used by one thread at
/// a time.
/// </summary>
internal sealed unsafe class ZstdDecompressor : IDisposable
{
    private const uint FrameMagic = 0xFD2FB528;

    private readonly ZstdDecompressionContext context;

    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    public ZstdDecompressor()
    {
        ZstdNative.EnsureAvailable();
        context = ZstdNative.CreateDecompressionContext();
        if (context.IsInvalid)
            throw new InvalidOperationException("libzstd could not make a decompression context.");
    }

    /// <summary>
    /// The whole input must be one frame that says how many bytes are in it. Nothing is written beyond those and beyond the
    /// destination, and nothing is allocated by what the input says, whatever it is.
    /// </summary>
    /// <returns>How many bytes were written. When the input is refused, any part of the destination may have been.</returns>
    /// <exception cref="InvalidDataException">The input is not such a frame, is damaged, or holds more than fits.</exception>
    public int Decompress(ReadOnlySpan<byte> packed, Span<byte> destination)
    {
        if (packed.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(packed) != FrameMagic)
            throw new InvalidDataException("This is not a zstd frame.");

        fixed (byte* source = packed)
        fixed (byte* target = destination)
        {
            // Unknown and unreadable sizes are the two largest values and fail the same comparison.
            ulong plainLength = ZstdNative.GetFrameContentSize(source, (nuint)packed.Length);
            if (plainLength > (ulong)destination.Length)
                throw new InvalidDataException($"A zstd frame of {packed.Length} bytes does not say that it holds at most {destination.Length}.");
            nuint frameLength = ZstdNative.FindFrameLength(source, (nuint)packed.Length);
            if (ZstdNative.IsError(frameLength))
                throw new InvalidDataException($"A zstd frame is damaged: {ZstdNative.Describe(frameLength)}.");
            if (frameLength != (nuint)packed.Length)
                throw new InvalidDataException($"A zstd frame ends after {frameLength} of {packed.Length} bytes.");

            nuint result = ZstdNative.Decompress(context, target, (nuint)plainLength, source, (nuint)packed.Length);
            if (ZstdNative.IsError(result))
                throw new InvalidDataException($"A zstd frame is damaged: {ZstdNative.Describe(result)}.");
            if (result != plainLength)
                throw new InvalidDataException($"A zstd frame holds {result} bytes and not the {plainLength} it says.");
            return (int)result;
        }
    }

    public void Dispose() => context.Dispose();
}
