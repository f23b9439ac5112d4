using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Strongroom.Server.Identity;

/// <summary>
/// The SHA-256 of a token's text: all that is kept of it. A token is 32 random bytes in base64url (43 characters), so a
/// plain fast hash is enough: there is nothing to guess.
/// </summary>
internal readonly struct TokenHash : IEquatable<TokenHash>
{
    private const int TextLength = 43;
    private readonly ulong a;
    private readonly ulong b;
    private readonly ulong c;
    private readonly ulong d;

    private TokenHash(ReadOnlySpan<byte> hash)
    {
        a = BinaryPrimitives.ReadUInt64BigEndian(hash);
        b = BinaryPrimitives.ReadUInt64BigEndian(hash[8..]);
        c = BinaryPrimitives.ReadUInt64BigEndian(hash[16..]);
        d = BinaryPrimitives.ReadUInt64BigEndian(hash[24..]);
    }

    /// <summary>As stored: 64 hex digits.</summary>
    public string StoredText => $"{a:x16}{b:x16}{c:x16}{d:x16}";

    /// <summary>False when no token of ours can look like this, which saves asking for it.</summary>
    public static bool TryOf(string text, out TokenHash hash)
    {
        hash = default;
        if (text.Length != TextLength)
            return false;
        Span<byte> bytes = stackalloc byte[TextLength];
        for (int i = 0; i < TextLength; i++)
        {
            if (!char.IsAsciiLetterOrDigit(text[i]) && text[i] is not ('-' or '_'))
                return false;
            bytes[i] = (byte)text[i];
        }

        Span<byte> sum = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, sum);
        hash = new TokenHash(sum);
        return true;
    }

    public static string NewText() => System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public bool Equals(TokenHash other) => a == other.a && b == other.b && c == other.c && d == other.d;

    public override bool Equals(object? obj) => obj is TokenHash other && Equals(other);

    public override int GetHashCode() => unchecked((int)a);
}
