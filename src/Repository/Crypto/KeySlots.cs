using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Crypto;

/// <summary>The slots that wrap the master key (docs/repository-format.md, section 3).</summary>
internal static class KeySlots
{
    private const int SaltBytes = 32;

    /// <summary>OWASP's figure for PBKDF2-HMAC-SHA-256 (2023); a faster machine gets more, so that opening takes about as long.</summary>
    private const int MinIterations = 600_000;
    private const int MaxIterations = 50_000_000;
    private static readonly TimeSpan TargetDuration = TimeSpan.FromSeconds(0.3);

    /// <summary>Wraps the master key for one more password or key file.</summary>
    /// <returns>The new slot's object name.</returns>
    public static async ValueTask<string> AddAsync(
        IObjectStore store, RepositoryKey key, ReadOnlyMemory<byte> masterKey, TimeProvider time, CancellationToken cancellationToken)
    {
        string slot = ObjectId.NewRandom().ToString();
        string name = ObjectNames.Keys + slot;
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        int? iterations = key.IsPassword ? CalibratedIterations(key, time) : null;
        byte[] wrapped = Sealing.Seal(key.WrappingKey(salt, iterations ?? 0), masterKey.Span, Encoding.ASCII.GetBytes(name));

        var text = new KeySlotText(FormatVersion.Current, slot, key.Kind, Convert.ToHexStringLower(salt), Convert.ToHexStringLower(wrapped), iterations);
        await store.PutAsync(name, CheckedText.Write(text, FormatJson.Default.KeySlotText, SHA256.HashData), PutMode.CreateOnly, cancellationToken);
        return name;
    }

    /// <summary>Tries every slot of the key's kind.</summary>
    /// <param name="accept">Whether the master key found is the one of this repository.</param>
    /// <returns>The master key, and the name of the slot that gave it.</returns>
    /// <exception cref="RepositoryException">WrongKey when none opens; Damaged when none opens and a slot is not as written.</exception>
    public static async ValueTask<(byte[] MasterKey, string Name)> OpenAsync(
        IObjectStore store, RepositoryKey key, Func<byte[], bool> accept, CancellationToken cancellationToken)
    {
        RepositoryException? damage = null;
        int tried = 0;
        await foreach (var stat in store.ListAsync(ObjectNames.Keys, cancellationToken))
        {
            try
            {
                if (await TryOpenAsync(store, stat.Name, key, cancellationToken) is not { } masterKey)
                    continue;
                tried++;
                if (masterKey.Length == Sealing.KeyBytes && accept(masterKey))
                    return (masterKey, stat.Name);
            }
            catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                damage = e;
            }
        }

        if (tried > 0)
            throw new RepositoryException(RepositoryFailure.Damaged, ObjectNames.Config, "Its check does not fit the key, which does open a slot.");
        throw damage ?? new RepositoryException(
            RepositoryFailure.WrongKey, ObjectNames.Keys, $"None of the key slots opens with this {(key.IsPassword ? "password" : "key file")}.");
    }

    /// <exception cref="RepositoryException">The slot is not as written; whether it opens only its key can tell.</exception>
    public static async ValueTask CheckAsync(IObjectStore store, string name, CancellationToken cancellationToken) =>
        await ReadAsync(store, name, cancellationToken);

    /// <returns>Null when there is none.</returns>
    /// <exception cref="RepositoryException">The slot is not as written.</exception>
    public static async ValueTask<KeySlotText?> ReadAsync(IObjectStore store, string name, CancellationToken cancellationToken)
    {
        if (await CheckedText.ReadAsync(store, name, cancellationToken) is not { } line)
            return null;
        if (!line.Matches(SHA256.HashData(line.Line)))
            throw new RepositoryException(RepositoryFailure.Damaged, name, "Its check does not match.");
        var text = line.Parse(FormatJson.Default.KeySlotText);
        return name == ObjectNames.Keys + text.Slot
            ? text
            : throw new RepositoryException(RepositoryFailure.Damaged, name, $"It is slot '{text.Slot}'.");
    }

    private static async ValueTask<byte[]?> TryOpenAsync(IObjectStore store, string name, RepositoryKey key, CancellationToken cancellationToken)
    {
        if (await ReadAsync(store, name, cancellationToken) is not { } text || text.Kind != key.Kind)
            return null;
        int iterations = text.Iterations ?? 0;
        if (key.IsPassword && iterations is < 1 or > MaxIterations)
            throw new RepositoryException(RepositoryFailure.Damaged, name, $"{iterations} iterations are not possible.");
        byte[] salt = FromHex(text.Salt, name);
        byte[] wrapped = FromHex(text.Wrapped, name);
        return Sealing.TryOpen(key.WrappingKey(salt, iterations), wrapped, Encoding.ASCII.GetBytes(name));
    }

    internal static byte[] FromHex(string hex, string objectName)
    {
        try
        {
            return Convert.FromHexString(hex);
        }
        catch (FormatException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, objectName, "A hexadecimal member is not one.", e);
        }
    }

    private static int CalibratedIterations(RepositoryKey key, TimeProvider time)
    {
        const int Sample = 100_000;
        long start = time.GetTimestamp();
        key.WrappingKey(new byte[SaltBytes], Sample);
        double seconds = time.GetElapsedTime(start).TotalSeconds;
        double wanted = seconds > 0 ? Sample * (TargetDuration.TotalSeconds / seconds) : MinIterations;
        return (int)Math.Clamp(wanted, MinIterations, MaxIterations);
    }
}
