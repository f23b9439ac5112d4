using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Strongroom.Repository.Crypto;

/// <summary>
/// The vector steps that want the processor's own instruction. Each has a portable form with the same result, so that every
/// width runs everywhere. "Unpack" interleaves the low or high halves of two vectors within each 128 bits.
/// </summary>
internal static class Blake3Shuffles
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> UnpackLow32(Vector128<uint> left, Vector128<uint> right) =>
        Sse2.IsSupported ? Sse2.UnpackLow(left, right)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(left, right)
        : Vector128.Create(left[0], right[0], left[1], right[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> UnpackHigh32(Vector128<uint> left, Vector128<uint> right) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(left, right)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(left, right)
        : Vector128.Create(left[2], right[2], left[3], right[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> UnpackLow64(Vector128<uint> left, Vector128<uint> right) =>
        Vector128.Create(left.GetLower(), right.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> UnpackHigh64(Vector128<uint> left, Vector128<uint> right) =>
        Sse2.IsSupported
            ? Sse2.UnpackHigh(left.AsUInt64(), right.AsUInt64()).AsUInt32()
            : Vector128.Create(left.GetUpper(), right.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> RotateRight16(Vector128<uint> value) =>
        Vector128.Shuffle(value.AsByte(), Vector128.Create((byte)2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> RotateRight12(Vector128<uint> value) => (value >>> 12) | (value << 20);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> RotateRight8(Vector128<uint> value) =>
        Vector128.Shuffle(value.AsByte(), Vector128.Create((byte)1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> RotateRight7(Vector128<uint> value) => (value >>> 7) | (value << 25);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> UnpackLow32(Vector256<uint> left, Vector256<uint> right) =>
        Avx2.IsSupported
            ? Avx2.UnpackLow(left, right)
            : Vector256.Create(UnpackLow32(left.GetLower(), right.GetLower()), UnpackLow32(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> UnpackHigh32(Vector256<uint> left, Vector256<uint> right) =>
        Avx2.IsSupported
            ? Avx2.UnpackHigh(left, right)
            : Vector256.Create(UnpackHigh32(left.GetLower(), right.GetLower()), UnpackHigh32(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> UnpackLow64(Vector256<uint> left, Vector256<uint> right) =>
        Avx2.IsSupported
            ? Avx2.UnpackLow(left.AsUInt64(), right.AsUInt64()).AsUInt32()
            : Vector256.Create(UnpackLow64(left.GetLower(), right.GetLower()), UnpackLow64(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> UnpackHigh64(Vector256<uint> left, Vector256<uint> right) =>
        Avx2.IsSupported
            ? Avx2.UnpackHigh(left.AsUInt64(), right.AsUInt64()).AsUInt32()
            : Vector256.Create(UnpackHigh64(left.GetLower(), right.GetLower()), UnpackHigh64(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateRight16(Vector256<uint> value) =>
        Vector256.Shuffle(
            value.AsByte(),
            Vector256.Create(
                (byte)2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
                18, 19, 16, 17, 22, 23, 20, 21, 26, 27, 24, 25, 30, 31, 28, 29)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateRight12(Vector256<uint> value) => (value >>> 12) | (value << 20);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateRight8(Vector256<uint> value) =>
        Vector256.Shuffle(
            value.AsByte(),
            Vector256.Create(
                (byte)1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12,
                17, 18, 19, 16, 21, 22, 23, 20, 25, 26, 27, 24, 29, 30, 31, 28)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateRight7(Vector256<uint> value) => (value >>> 7) | (value << 25);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> UnpackLow32(Vector512<uint> left, Vector512<uint> right) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackLow(left, right)
            : Vector512.Create(UnpackLow32(left.GetLower(), right.GetLower()), UnpackLow32(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> UnpackHigh32(Vector512<uint> left, Vector512<uint> right) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackHigh(left, right)
            : Vector512.Create(UnpackHigh32(left.GetLower(), right.GetLower()), UnpackHigh32(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> UnpackLow64(Vector512<uint> left, Vector512<uint> right) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackLow(left.AsUInt64(), right.AsUInt64()).AsUInt32()
            : Vector512.Create(UnpackLow64(left.GetLower(), right.GetLower()), UnpackLow64(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> UnpackHigh64(Vector512<uint> left, Vector512<uint> right) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackHigh(left.AsUInt64(), right.AsUInt64()).AsUInt32()
            : Vector512.Create(UnpackHigh64(left.GetLower(), right.GetLower()), UnpackHigh64(left.GetUpper(), right.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RotateRight16(Vector512<uint> value) =>
        Avx512F.IsSupported ? Avx512F.RotateRight(value, 16) : (value >>> 16) | (value << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RotateRight12(Vector512<uint> value) =>
        Avx512F.IsSupported ? Avx512F.RotateRight(value, 12) : (value >>> 12) | (value << 20);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RotateRight8(Vector512<uint> value) =>
        Avx512F.IsSupported ? Avx512F.RotateRight(value, 8) : (value >>> 8) | (value << 24);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RotateRight7(Vector512<uint> value) =>
        Avx512F.IsSupported ? Avx512F.RotateRight(value, 7) : (value >>> 7) | (value << 25);
}
