using System.Security.Cryptography;
using System.Text;
using Strongroom.Contract;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>A secret as it is stored.</summary>
/// <param name="Text">Nonce (12 bytes), tag (16) and cipher text, in base64.</param>
/// <param name="SealingKey">Tells which key sealed it, and nothing else about that key.</param>
internal sealed record SealedSecret(string Text, string SealingKey);

/// <summary>
/// Seals the secrets of access keys and of notification targets with AES-256-GCM, bound to what they are of, so that whoever
/// reads the database, or writes to it, gets no secret and cannot put one in another's place. The key is <see cref="IdentityOptions.CredentialKey"/>
/// or a file beside the repository's, which is made when the first secret is sealed.
/// </summary>
internal sealed class CredentialSeal(ServerOptions options)
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int KeyBytes = 32;

    private readonly InstallationKeyFile file = new(options.DataDirectory, "credentials.key");
    private SealingKey? known;

    /// <summary>Seals one secret, to be stored in the same transaction, which <paramref name="session"/> is in.</summary>
    /// <param name="owner">What it is of: an access key, or another text that never is one.</param>
    /// <exception cref="StartRefusedException">Those already stored are sealed with a key that this process does not have.</exception>
    public async ValueTask<SealedSecret> SealAsync(DbSession session, string owner, string secret, CancellationToken cancellationToken)
    {
        SealingKey? key = await KeyAsync(cancellationToken);
        List<string> used = await CredentialTable.ListSealingKeysAsync(session, cancellationToken);
        if (used.Count > 0)
            RequireSame(key, used);
        if (key is null)
        {
            await file.EnsureAsync(cancellationToken);
            key = (await KeyAsync(cancellationToken))!;
        }

        byte[] plain = Encoding.UTF8.GetBytes(secret);
        byte[] sealedBytes = new byte[NonceBytes + TagBytes + plain.Length];
        Span<byte> nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key.Bytes, TagBytes);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceBytes + TagBytes), sealedBytes.AsSpan(NonceBytes, TagBytes), Encoding.ASCII.GetBytes(owner));
        return new SealedSecret(Convert.ToBase64String(sealedBytes), key.Name);
    }

    /// <param name="secret">As stored.</param>
    /// <param name="owner">What it was sealed for.</param>
    /// <param name="what">The same for people.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RefusedException">500: it was sealed with another key, or somebody changed it.</exception>
    public async ValueTask<string> OpenAsync(SealedSecret secret, string owner, string what, CancellationToken cancellationToken)
    {
        SealingKey? key = await KeyAsync(cancellationToken);
        if (key?.Name != secret.SealingKey)
            throw Unopened(what, $"this server does not have the key it is sealed with ({file.Path})");
        try
        {
            byte[] sealedBytes = Convert.FromBase64String(secret.Text);
            byte[] plain = new byte[sealedBytes.Length - NonceBytes - TagBytes];
            using var aes = new AesGcm(key.Bytes, TagBytes);
            aes.Decrypt(
                sealedBytes.AsSpan(0, NonceBytes),
                sealedBytes.AsSpan(NonceBytes + TagBytes),
                sealedBytes.AsSpan(NonceBytes, TagBytes),
                plain,
                Encoding.ASCII.GetBytes(owner));
            return Encoding.UTF8.GetString(plain);
        }
        catch (Exception error) when (error is CryptographicException or FormatException or OverflowException)
        {
            throw Unopened(what, "it is not as it was stored");
        }
    }

    /// <exception cref="StartRefusedException">The database has secrets that this process could not open.</exception>
    public async Task CheckAsync(MetadataDatabase database, CancellationToken cancellationToken)
    {
        List<string> used = await database.ReadAsync(session => CredentialTable.ListSealingKeysAsync(session, cancellationToken), cancellationToken);
        SealingKey? key = await KeyAsync(cancellationToken);
        if (used.Count > 0)
            RequireSame(key, used);
    }

    private void RequireSame(SealingKey? key, List<string> used)
    {
        if (used.Count == 1 && used[0] == key?.Name)
            return;
        throw new StartRefusedException(
            $"The secrets in the database are sealed with another key than {(options.Identity.CredentialKey is null ? file.Path : "Identity:CredentialKey")}: "
            + "bring that one from the server that made them, or delete access keys with 'strongroom credential delete' and notification targets.");
    }

    private static RefusedException Unopened(string what, string reason) =>
        new(ErrorCodes.InternalAuthenticationFailed, $"The secret of the {what} cannot be opened: {reason}.");

    /// <summary>Null when there is none yet.</summary>
    private async ValueTask<SealingKey?> KeyAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref known) is { } key)
            return key;
        byte[]? material = options.Identity.CredentialKey is { } configured ? Configured(configured) : await file.ReadAsync(cancellationToken);
        if (material is null)
            return null;
        key = new SealingKey(Derived(material, "strongroom credentials: seal"), Convert.ToHexStringLower(Derived(material, "strongroom credentials: name").AsSpan(0, 8)));
        Volatile.Write(ref known, key);
        return key;
    }

    private static byte[] Configured(string text)
    {
        byte[] bytes = new byte[KeyBytes + 1];
        return Convert.TryFromBase64String(text, bytes, out int length) && length == KeyBytes
            ? bytes[..KeyBytes]
            : throw new StartRefusedException("The setting Identity:CredentialKey is wrong: it must be 32 bytes in base64 (openssl rand -base64 32).");
    }

    private static byte[] Derived(byte[] material, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, material, KeyBytes, info: Encoding.ASCII.GetBytes(purpose));

    private sealed record SealingKey(byte[] Bytes, string Name);
}
