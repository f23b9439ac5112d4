using System.Security.Cryptography;

namespace Strongroom.Server.Identity;

/// <summary>
/// SHA-256 and HMAC-SHA-256 of short texts. The platform sets a context up anew for each one-shot hash, which takes longer
/// than hashing a request does: 1.3 µs against 0.5, and 1.9 against 0.8 for HMAC. So contexts are kept.
/// </summary>
internal static class ShortHash
{
    [ThreadStatic]
    private static IncrementalHash? kept;

    /// <param name="data">Any length.</param>
    /// <param name="hash">32 bytes, filled.</param>
    public static void Sha256(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        IncrementalHash context = kept ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        context.AppendData(data);
        context.GetHashAndReset(hash);
    }
}

/// <summary>HMAC-SHA-256 under one key; any number of threads at once, of which one finds the context that is kept.</summary>
internal sealed class HmacKey(byte[] key)
{
    private IncrementalHash? kept;

    /// <param name="data">Any length.</param>
    /// <param name="mac">32 bytes, filled.</param>
    public void Sign(ReadOnlySpan<byte> data, Span<byte> mac)
    {
        IncrementalHash context = Interlocked.Exchange(ref kept, null) ?? IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        context.AppendData(data);
        context.GetHashAndReset(mac);
        if (Interlocked.CompareExchange(ref kept, context, null) is not null)
            context.Dispose();
    }
}
