using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Strongroom.ObjectStores;

namespace Strongroom.Repository.Format;

/// <summary>
/// The small text objects (docs/repository-format.md, section 3): a line of JSON, then a line with the hex of a check
/// over the first. The check is HMAC-SHA-256 where a key is known before, else plain SHA-256.
/// </summary>
internal static class CheckedText
{
    private const int MaxBytes = 64 << 10;

    public static byte[] Write<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, Func<byte[], byte[]> check)
    {
        byte[] line = JsonSerializer.SerializeToUtf8Bytes(value, type);
        return [.. line, (byte)'\n', .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(check(line))), (byte)'\n'];
    }

    /// <summary>The object's two lines, its check not yet compared; null when there is none.</summary>
    public static async ValueTask<CheckedLine?> ReadAsync(IObjectStore store, string name, CancellationToken cancellationToken)
    {
        byte[]? content = await store.ReadAllAsync(name, MaxBytes, cancellationToken);
        return content is null ? null : Split(content, name);
    }

    /// <exception cref="RepositoryException">Damaged: not two lines.</exception>
    public static CheckedLine Split(byte[] content, string name)
    {
        int end = Array.IndexOf(content, (byte)'\n');
        string check = end < 0 ? "" : Encoding.Latin1.GetString(content, end + 1, content.Length - end - 1);
        if (check.Length != 65 || check[64] != '\n' || !Hex.IsLower(check.AsSpan(0, 64), 64))
            throw new RepositoryException(RepositoryFailure.Damaged, name, "It is not two lines, JSON and a check.");
        return new CheckedLine(name, content[..end], Convert.FromHexString(check.AsSpan(0, 64)));
    }
}

/// <param name="Name">The object.</param>
/// <param name="Line">The first line's bytes.</param>
/// <param name="Check">The check as stored.</param>
internal sealed record CheckedLine(string Name, byte[] Line, byte[] Check)
{
    public bool Matches(ReadOnlySpan<byte> expected) =>
        System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(Check, expected);

    /// <exception cref="RepositoryException">Damaged, or a newer format when its version says so.</exception>
    public T Parse<T>(System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class, IVersionedText
    {
        T? value;
        try
        {
            value = JsonSerializer.Deserialize(Line, type);
        }
        catch (JsonException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, Name, "Its first line is not the JSON it should be: " + e.Message, e);
        }

        if (value is null)
            throw new RepositoryException(RepositoryFailure.Damaged, Name, "Its first line is empty.");
        if (value.Version > FormatVersion.Current)
            throw new RepositoryException(RepositoryFailure.NewerFormat, Name, $"It has format version {value.Version}; this program knows up to {FormatVersion.Current}.");
        if (value.Version < 1)
            throw new RepositoryException(RepositoryFailure.Damaged, Name, $"There is no format version {value.Version}.");
        return value;
    }
}

internal interface IVersionedText
{
    int Version { get; }
}

internal static class FormatVersion
{
    public const int Current = 1;

    /// <summary>Checks the u16 version of a binary object.</summary>
    public static void Check(ushort version, string objectName)
    {
        if (version > Current)
            throw new RepositoryException(RepositoryFailure.NewerFormat, objectName, $"It has format version {version}; this program knows up to {Current}.");
        if (version == 0)
            throw new RepositoryException(RepositoryFailure.Damaged, objectName, "There is no format version 0.");
    }
}

internal sealed record ConfigText(
    int Version, string Repository, string Hash, int DiskChunkBytes, int MapFanOut, int FileChunkMinBytes, int FileChunkAvgBytes, int FileChunkMaxBytes,
    bool? Parity = null)
    : IVersionedText;

internal sealed record KeySlotText(int Version, string Slot, string Kind, string Salt, string Wrapped, int? Iterations = null) : IVersionedText;

internal sealed record EscrowText(int Version, string Repository, string MasterKey) : IVersionedText;

internal sealed record DomainKeyText(int Version, string Domain, string Salt, string Secret, string PublicKey, string SigningKey) : IVersionedText;

internal sealed record SessionText(int Version, string Session, string Backup, long Sequence, bool? Collection = null) : IVersionedText;

internal sealed record DamagedText(int Version, string Backup) : IVersionedText;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip)]
[JsonSerializable(typeof(ConfigText))]
[JsonSerializable(typeof(KeySlotText))]
[JsonSerializable(typeof(EscrowText))]
[JsonSerializable(typeof(DomainKeyText))]
[JsonSerializable(typeof(SessionText))]
[JsonSerializable(typeof(DamagedText))]
internal sealed partial class FormatJson : JsonSerializerContext;
