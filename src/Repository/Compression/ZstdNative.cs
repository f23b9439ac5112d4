using System.Runtime.InteropServices;

namespace Strongroom.Repository.Compression;

/// <summary>
/// The part of libzstd's stable interface that is used (zstd.h, 1.4.0 and later; Debian 12 has 1.5.4). Every function that
/// returns <c>nuint</c> returns an error there, to be told by <see cref="IsError"/>.
/// </summary>
internal static unsafe partial class ZstdNative
{
    /// <summary>The name of version 1's stable ABI, which the runtime package has; <c>libzstd.so</c> comes with the -dev package.</summary>
    public const string Library = "libzstd.so.1";

    public const int ParameterCompressionLevel = 100;
    public const int ParameterContentSizeFlag = 200;

    /// <summary>ZSTD_error_dstSize_tooSmall.</summary>
    public const int DestinationTooSmall = 70;

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    public static partial ZstdCompressionContext CreateCompressionContext();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint FreeCompressionContext(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetParameter(ZstdCompressionContext context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress2")]
    public static partial nuint Compress(
        ZstdCompressionContext context, byte* destination, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    public static partial ZstdDecompressionContext CreateDecompressionContext();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeDecompressionContext(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    public static partial nuint Decompress(
        ZstdDecompressionContext context, byte* destination, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_getFrameContentSize")]
    public static partial ulong GetFrameContentSize(byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_findFrameCompressedSize")]
    public static partial nuint FindFrameLength(byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsErrorCode(nuint result);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorCode")]
    public static partial int GetErrorCode(nuint result);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint GetErrorName(nuint result);

    public static bool IsError(nuint result) => IsErrorCode(result) != 0;

    public static string Describe(nuint result) => Marshal.PtrToStringUTF8(GetErrorName(result)) ?? "unknown error";

    /// <summary>Called before the first use, so that a missing library is told in words and not by the loader.</summary>
    /// <exception cref="DllNotFoundException">The library cannot be loaded; the message says what to install.</exception>
    public static void EnsureAvailable(string library = Library)
    {
        if (!NativeLibrary.TryLoad(library, out _))
            throw new DllNotFoundException(
                $"The compression library {library} cannot be loaded. On Debian and Ubuntu it is in the package libzstd1: apt-get install libzstd1");
    }
}

internal sealed class ZstdCompressionContext() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => ZstdNative.FreeCompressionContext(handle) == 0;
}

internal sealed class ZstdDecompressionContext() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => ZstdNative.FreeDecompressionContext(handle) == 0;
}
