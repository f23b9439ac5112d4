using System.Security.Cryptography;
using System.Text;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository;

/// <summary>What a person or an installation holds to open a repository: a password, the content of a key file, or an escrowed master key.</summary>
public sealed class RepositoryKey
{
    internal const string PasswordKind = "password";
    internal const string KeyFileKind = "key-file";
    private const string EscrowKind = "escrow";
    private readonly byte[] secret;

    private RepositoryKey(string kind, byte[] secret)
    {
        Kind = kind;
        this.secret = secret;
    }

    /// <summary>As key slots spell it; no slot has an escrowed key's.</summary>
    internal string Kind { get; }

    internal bool IsPassword => Kind == PasswordKind;

    /// <summary>The master key itself, when this was escrowed.</summary>
    internal byte[]? MasterKey => Kind == EscrowKind ? secret : null;

    /// <exception cref="ArgumentException">The password is empty.</exception>
    public static RepositoryKey FromPassword(string password)
    {
        ArgumentException.ThrowIfNullOrEmpty(password);
        return new RepositoryKey(PasswordKind, Encoding.UTF8.GetBytes(password));
    }

    /// <summary>The whole content counts, a line feed at its end too.</summary>
    /// <exception cref="ArgumentException">Shorter than 16 bytes: not a key.</exception>
    public static RepositoryKey FromKeyFile(ReadOnlySpan<byte> content)
    {
        if (content.Length < 16)
            throw new ArgumentException("A key file holds at least 16 random bytes.", nameof(content));
        return new RepositoryKey(KeyFileKind, content.ToArray());
    }

    /// <summary>What <see cref="BackupRepository.ExportKey"/> gave: it opens the repository without any slot.</summary>
    /// <exception cref="ArgumentException">It is not such a text, or a sign of it was mistyped.</exception>
    public static RepositoryKey FromEscrow(string content)
    {
        try
        {
            var line = CheckedText.Split(Encoding.UTF8.GetBytes(content.ReplaceLineEndings("\n").TrimEnd() + "\n"), "escrow");
            if (line.Matches(SHA256.HashData(line.Line)) && Convert.FromHexString(line.Parse(FormatJson.Default.EscrowText).MasterKey) is { Length: Sealing.KeyBytes } master)
                return new RepositoryKey(EscrowKind, master);
        }
        catch (Exception e) when (e is RepositoryException or FormatException)
        {
            throw new ArgumentException("It is no escrowed key: " + e.Message, nameof(content), e);
        }

        throw new ArgumentException("It is no escrowed key, or a sign of it differs: the second line does not fit the first.", nameof(content));
    }

    internal byte[] WrappingKey(ReadOnlySpan<byte> salt, int iterations) => IsPassword
        ? Rfc2898DeriveBytes.Pbkdf2(secret, salt, iterations, HashAlgorithmName.SHA256, Sealing.KeyBytes)
        : Sealing.Derive(secret, salt, "strongroom/key-file");
}
