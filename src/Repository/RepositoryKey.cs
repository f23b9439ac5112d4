using System.Security.Cryptography;
using System.Text;
using Strongroom.Repository.Crypto;

namespace Strongroom.Repository;

/// <summary>What a person or an installation holds to open a repository: a password, or the content of a key file.</summary>
public sealed class RepositoryKey
{
    private readonly byte[] secret;

    private RepositoryKey(bool isPassword, byte[] secret)
    {
        IsPassword = isPassword;
        this.secret = secret;
    }

    internal bool IsPassword { get; }

    internal string Kind => IsPassword ? "password" : "key-file";

    /// <exception cref="ArgumentException">The password is empty.</exception>
    public static RepositoryKey FromPassword(string password)
    {
        ArgumentException.ThrowIfNullOrEmpty(password);
        return new RepositoryKey(true, Encoding.UTF8.GetBytes(password));
    }

    /// <summary>The whole content counts, a line feed at its end too.</summary>
    /// <exception cref="ArgumentException">Shorter than 16 bytes: not a key.</exception>
    public static RepositoryKey FromKeyFile(ReadOnlySpan<byte> content)
    {
        if (content.Length < 16)
            throw new ArgumentException("A key file holds at least 16 random bytes.", nameof(content));
        return new RepositoryKey(false, content.ToArray());
    }

    internal byte[] WrappingKey(ReadOnlySpan<byte> salt, int iterations) => IsPassword
        ? Rfc2898DeriveBytes.Pbkdf2(secret, salt, iterations, HashAlgorithmName.SHA256, Sealing.KeyBytes)
        : Sealing.Derive(secret, salt, "strongroom/key-file");
}
