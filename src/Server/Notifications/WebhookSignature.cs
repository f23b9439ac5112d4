using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Strongroom.Server.Notifications;

/// <summary>
/// Signs webhooks as Standard Webhooks 1.0 has it (standardwebhooks.com, read 2026-01), for which receivers find libraries in
/// every language: HMAC-SHA256 over <c>id.timestamp.body</c>, in base64 after <c>v1,</c>.
/// </summary>
internal static class WebhookSignature
{
    public const string IdHeader = "webhook-id";
    public const string TimestampHeader = "webhook-timestamp";
    public const string SignatureHeader = "webhook-signature";

    private const string SecretPrefix = "whsec_";
    private const int SecretBytesMin = 24;
    private const int SecretBytesMax = 64;

    public const string SecretRule = "whsec_ and 24 to 64 bytes in base64";

    public static string NewSecret() => SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    public static bool IsSecret(string secret) => KeyOf(secret) is not null;

    /// <param name="secret">One for which <see cref="IsSecret"/> holds.</param>
    /// <param name="id">Of the notification.</param>
    /// <param name="at">When it is sent, in whole seconds since 1970.</param>
    /// <param name="body">The bytes of the request.</param>
    public static string Of(string secret, string id, long at, ReadOnlySpan<byte> body)
    {
        byte[] key = KeyOf(secret) ?? throw new ArgumentException("This is no webhook secret.", nameof(secret));
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{at}.")));
        hmac.AppendData(body);
        return "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
    }

    private static byte[]? KeyOf(string secret)
    {
        if (!secret.StartsWith(SecretPrefix, StringComparison.Ordinal))
            return null;
        byte[] key = new byte[SecretBytesMax + 3];
        return Convert.TryFromBase64String(secret[SecretPrefix.Length..], key, out int length) && length is >= SecretBytesMin and <= SecretBytesMax
            ? key[..length]
            : null;
    }
}
