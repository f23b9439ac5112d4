using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Crypto;

/// <summary>A domain's keys, opened. Lives as long as the domain object.</summary>
internal sealed class DomainKeys
{
    private const string CheckInfo = "strongroom/domain-check";
    private const string WrapInfo = "strongroom/domain-wrap";
    private readonly byte[] signingKey;
    private readonly byte[] publicKey;

    private DomainKeys(ChunkHash hash, byte[] secret, byte[] publicKey, byte[] signingKey)
    {
        this.publicKey = publicKey;
        this.signingKey = signingKey;
        Chunks = ChunkHasher.Create(hash, Sealing.Derive(secret, [], "strongroom/chunk-id"));
        Pages = ChunkHasher.Create(hash, Sealing.Derive(secret, [], "strongroom/page-id"));
        SealingKey = Sealing.Derive(secret, [], "strongroom/seal");
    }

    /// <summary>Names data.</summary>
    public ChunkHasher Chunks { get; }

    /// <summary>Names map, directory and content pages.</summary>
    public ChunkHasher Pages { get; }

    /// <summary>K of the format document: the source of the keys of packs, runs, roots and collections.</summary>
    public byte[] SealingKey { get; }

    public byte[] Sign(ReadOnlySpan<byte> bytes)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportPkcs8PrivateKey(signingKey, out _);
        return ecdsa.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    public bool Verify(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(publicKey, out _);
        return ecdsa.VerifyData(bytes, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>Makes a domain. Of two who do it at once one wins, and both then open the winner's.</summary>
    public static async ValueTask CreateAsync(IObjectStore store, string domainId, byte[] masterKey, CancellationToken cancellationToken)
    {
        string name = new DomainNames(domainId).Key;
        byte[] aad = Encoding.ASCII.GetBytes(name);
        byte[] secret = RandomNumberGenerator.GetBytes(Sealing.KeyBytes);
        byte[] salt = RandomNumberGenerator.GetBytes(32);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var text = new DomainKeyText(
            FormatVersion.Current,
            domainId,
            Convert.ToHexStringLower(salt),
            Convert.ToHexStringLower(Sealing.Seal(Sealing.Derive(masterKey, salt, WrapInfo), secret, aad)),
            Convert.ToBase64String(ecdsa.ExportSubjectPublicKeyInfo()),
            Convert.ToBase64String(Sealing.Seal(SigningWrapKey(secret, salt), ecdsa.ExportPkcs8PrivateKey(), aad)));
        byte[] checkKey = Sealing.Derive(masterKey, [], CheckInfo);
        byte[] content = CheckedText.Write(text, FormatJson.Default.DomainKeyText, line => HMACSHA256.HashData(checkKey, line));
        try
        {
            await store.PutAsync(name, content, PutMode.CreateOnly, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.AlreadyExists)
        {
            // Someone else made it a moment ago: theirs is the domain.
        }
    }

    /// <returns>Null when there is no such domain.</returns>
    public static async ValueTask<DomainKeys?> OpenAsync(
        IObjectStore store, string domainId, byte[] masterKey, ChunkHash hash, CancellationToken cancellationToken)
    {
        string name = new DomainNames(domainId).Key;
        if (await CheckedText.ReadAsync(store, name, cancellationToken) is not { } line)
            return null;
        if (!line.Matches(HMACSHA256.HashData(Sealing.Derive(masterKey, [], CheckInfo), line.Line)))
            throw new RepositoryException(RepositoryFailure.Damaged, name, "Its check does not match.");
        var text = line.Parse(FormatJson.Default.DomainKeyText);
        if (text.Domain != domainId)
            throw new RepositoryException(RepositoryFailure.Damaged, name, $"It is the key of domain '{text.Domain}'.");
        byte[] aad = Encoding.ASCII.GetBytes(name);
        byte[] salt = KeySlots.FromHex(text.Salt, name);
        if (Sealing.TryOpen(Sealing.Derive(masterKey, salt, WrapInfo), KeySlots.FromHex(text.Secret, name), aad) is not { Length: Sealing.KeyBytes } secret
            || Sealing.TryOpen(SigningWrapKey(secret, salt), FromBase64(text.SigningKey, name), aad) is not { } signingKey)
            throw new RepositoryException(RepositoryFailure.Damaged, name, "The domain's secret does not open.");
        byte[] publicKey = FromBase64(text.PublicKey, name);
        CheckKeyPair(publicKey, signingKey, name);
        return new DomainKeys(hash, secret, publicKey, signingKey);
    }

    private static void CheckKeyPair(byte[] publicKey, byte[] signingKey, string objectName)
    {
        try
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportPkcs8PrivateKey(signingKey, out _);
            ecdsa.ImportSubjectPublicKeyInfo(publicKey, out _);
        }
        catch (CryptographicException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, objectName, "Its signing keys are none.", e);
        }
    }

    private static byte[] SigningWrapKey(byte[] secret, byte[] salt) => Sealing.Derive(secret, salt, "strongroom/signing-wrap");

    private static byte[] FromBase64(string base64, string objectName)
    {
        try
        {
            return Convert.FromBase64String(base64);
        }
        catch (FormatException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, objectName, "A base64 member is not one.", e);
        }
    }
}
