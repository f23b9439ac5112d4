using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Strongroom.Repository.Crypto;

/// <summary>Key derivation and sealing exactly as docs/repository-format.md section 1 defines them.</summary>
internal static class Sealing
{
    public const int KeyBytes = 32;
    public const int TagBytes = 16;
    public const int NonceBytes = 12;

    /// <summary>The nonce of what comes last in an object: a pack's directory, a run's tail.</summary>
    public const uint LastNonce = 0xFFFFFFFF;

    public static byte[] Derive(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt, string info)
    {
        byte[] derived = new byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt, Encoding.ASCII.GetBytes(info));
        return derived;
    }

    /// <summary>The cipher of one pack, run, root or collection, named by its salt. Not for two threads at once.</summary>
    public static AesGcm CipherFor(ReadOnlySpan<byte> sealingKey, Format.ObjectId salt, string info)
    {
        Span<byte> saltBytes = stackalloc byte[Format.ObjectId.Size];
        salt.Write(saltBytes);
        return new AesGcm(Derive(sealingKey, saltBytes, info), TagBytes);
    }

    /// <param name="sealedBytes">Receives the ciphertext and the tag; may start at the same byte as <paramref name="plain"/>.</param>
    public static void Seal(AesGcm cipher, uint nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> aad, Span<byte> sealedBytes)
    {
        Span<byte> nonceBytes = stackalloc byte[NonceBytes];
        nonceBytes.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(nonceBytes, nonce);
        cipher.Encrypt(nonceBytes, plain, sealedBytes[..plain.Length], sealedBytes.Slice(plain.Length, TagBytes), aad);
    }

    public static byte[] Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> aad)
    {
        using var cipher = new AesGcm(key, TagBytes);
        byte[] sealedBytes = new byte[plain.Length + TagBytes];
        Seal(cipher, 0, plain, aad, sealedBytes);
        return sealedBytes;
    }

    /// <summary>False when the bytes, the key or the place are not those they were sealed with; then <paramref name="plain"/> is cleared.</summary>
    /// <param name="plain">As long as <paramref name="sealedBytes"/> without the tag; may start at the same byte.</param>
    public static bool TryOpen(AesGcm cipher, uint nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> aad, Span<byte> plain)
    {
        Span<byte> nonceBytes = stackalloc byte[NonceBytes];
        nonceBytes.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(nonceBytes, nonce);
        try
        {
            cipher.Decrypt(nonceBytes, sealedBytes[..^TagBytes], sealedBytes[^TagBytes..], plain, aad);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public static byte[]? TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> aad)
    {
        if (sealedBytes.Length < TagBytes)
            return null;
        using var cipher = new AesGcm(key, TagBytes);
        byte[] plain = new byte[sealedBytes.Length - TagBytes];
        return TryOpen(cipher, 0, sealedBytes, aad, plain) ? plain : null;
    }
}
