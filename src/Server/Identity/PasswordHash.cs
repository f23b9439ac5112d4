using System.Globalization;
using System.Security.Cryptography;

namespace Strongroom.Server.Identity;

/// <summary>
/// Passwords as stored: <c>pbkdf2-sha512$iterations$salt$hash</c>, salt and hash in base64. The iteration count is part of
/// the text, so it can be raised without breaking what is there.
/// </summary>
internal static class PasswordHash
{
    // OWASP Password Storage Cheat Sheet (2023) for PBKDF2-HMAC-SHA512; about 0.1 s of one core here.
    public const int DefaultIterations = 210_000;

    private const string Scheme = "pbkdf2-sha512";
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    public static string Make(string password, int iterations)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] hash = Derive(password, salt, iterations, HashBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}${iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}");
    }

    /// <summary>Takes as long for a wrong password as for the right one.</summary>
    public static bool Matches(string stored, string password)
    {
        string[] parts = stored.Split('$');
        if (parts.Length != 4 || parts[0] != Scheme)
            throw new InvalidDataException("A stored password hash is not of a kind this version knows.");
        byte[] expected = Convert.FromBase64String(parts[3]);
        byte[] actual = Derive(password, Convert.FromBase64String(parts[2]), int.Parse(parts[1], CultureInfo.InvariantCulture), expected.Length);
        return CryptographicOperations.FixedTimeEquals(expected, actual);
    }

    private static byte[] Derive(string password, byte[] salt, int iterations, int length) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA512, length);
}
