namespace Strongroom.Repository.Compression;

/// <summary>
/// Compresses whole buffers into single zstd frames (RFC 8878) that carry their plain length. Keeps its working memory
/// between calls, some megabytes at most: one object for each worker, used by one thread at a time.
/// </summary>
internal sealed unsafe class ZstdCompressor : IDisposable
{
    public const int MinLevel = -7;
    public const int MaxLevel = 19;

    private readonly ZstdCompressionContext context;

    /// <param name="level"><see cref="MinLevel"/> to <see cref="MaxLevel"/>; below 1 faster and larger than 1.</param>
    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    public ZstdCompressor(int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, MinLevel);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, MaxLevel);
        ZstdNative.EnsureAvailable();
        context = ZstdNative.CreateCompressionContext();
        if (context.IsInvalid)
            throw new InvalidOperationException("libzstd could not make a compression context.");
        nuint result = ZstdNative.SetParameter(context, ZstdNative.ParameterCompressionLevel, level);
        if (ZstdNative.IsError(result))
            throw new InvalidOperationException($"libzstd refuses level {level}: {ZstdNative.Describe(result)}.");
    }

    /// <summary>A destination of this many bytes is always enough (ZSTD_COMPRESSBOUND of zstd.h).</summary>
    public static int Bound(int plainLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plainLength);
        const int SmallInput = 128 << 10;
        int margin = plainLength < SmallInput ? (SmallInput - plainLength) >> 11 : 0;
        return plainLength + (plainLength >> 8) + margin;
    }

    /// <returns>The length of the frame, or 0 when it does not fit the destination, whose content is undefined then. A
    /// destination shorter than the plain bytes is the way to ask for compression only where it saves something.</returns>
    public int Compress(ReadOnlySpan<byte> plain, Span<byte> destination)
    {
        fixed (byte* source = plain)
        fixed (byte* target = destination)
        {
            nuint result = ZstdNative.Compress(context, target, (nuint)destination.Length, source, (nuint)plain.Length);
            if (!ZstdNative.IsError(result))
                return (int)result;
            if (ZstdNative.GetErrorCode(result) == ZstdNative.DestinationTooSmall)
                return 0;
            throw new InvalidOperationException($"libzstd failed to compress {plain.Length} bytes: {ZstdNative.Describe(result)}.");
        }
    }

    public void Dispose() => context.Dispose();
}
