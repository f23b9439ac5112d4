using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Manifests;

/// <summary>
/// The root of a backup (docs/repository-format.md, section 9): header 32 · backup id · sealed JSON · signature 64.
/// </summary>
internal static class RootFormat
{
    public const int MaxBytes = 16 << 20;
    public const int MaxMembers = 4096;
    public const int MaxProblems = 100;

    /// <summary>The next one still has a number that JSON readers of every language take.</summary>
    private const long MaxSequence = 1L << 52;
    private const int HeaderBytes = 32;
    private const int SignatureBytes = 64;
    private const byte BackupKind = 1;
    private const byte VoidKind = 2;
    private const string KeyInfo = "strongroom/root";

    private static readonly long MinCreatedUs = (DateTimeOffset.MinValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    private static readonly long MaxCreatedUs = (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static ReadOnlySpan<byte> Magic => "STRGROOT"u8;

    public static byte[] Write(BackupRecord record, DomainKeys keys)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(record, RootJson.Default.BackupRecord);
        var salt = ObjectId.NewRandom();
        byte[] head = Head(record.Id, BackupKind, plain.Length + Sealing.TagBytes, salt);
        byte[] body = new byte[plain.Length + Sealing.TagBytes];
        using (var cipher = Sealing.CipherFor(keys.SealingKey, salt, KeyInfo))
            Sealing.Seal(cipher, 0, plain, head, body);
        byte[] root = [.. head, .. body, .. keys.Sign([.. head, .. body])];
        if (root.Length > MaxBytes)
            throw new ArgumentException($"A root of {root.Length} bytes is too large; at most {MaxBytes} are possible.", nameof(record));
        return root;
    }

    /// <summary>The root that makes it impossible to commit this backup.</summary>
    public static byte[] WriteVoid(string backupId, DomainKeys keys)
    {
        byte[] head = Head(backupId, VoidKind, 0, ObjectId.NewRandom());
        return [.. head, .. keys.Sign(head)];
    }

    /// <returns>Null for a void root.</returns>
    /// <exception cref="RepositoryException">Damaged, forged, or a newer format.</exception>
    public static BackupRecord? Read(ReadOnlySpan<byte> root, string backupId, string objectName, DomainKeys keys)
    {
        try
        {
            if (root.Length < HeaderBytes + SignatureBytes)
                throw new InvalidDataException($"{root.Length} bytes are too few for a root.");
            var reader = new ByteReader(root[..^SignatureBytes]);
            reader.Magic(Magic);
            FormatVersion.Check(reader.U16(), objectName);
            byte kind = reader.U8();
            int idLength = reader.U8();
            int bodyLength = reader.Count(MaxBytes, "bytes of body");
            var salt = ObjectId.Read(reader.Take(ObjectId.Size));
            string id = Encoding.ASCII.GetString(reader.Take(idLength));
            var body = reader.Take(bodyLength);
            reader.End();
            if (!keys.Verify(root[..^SignatureBytes], root[^SignatureBytes..]))
                throw new InvalidDataException("Its signature is not the domain's.");
            if (id != backupId)
                throw new InvalidDataException($"It is the root of backup '{id}'.");
            if (kind == VoidKind && bodyLength == 0)
                return null;
            if (kind != BackupKind || bodyLength < Sealing.TagBytes)
                throw new InvalidDataException($"A root of kind {kind} with {bodyLength} bytes is not possible.");

            byte[] plain = new byte[bodyLength - Sealing.TagBytes];
            using (var cipher = Sealing.CipherFor(keys.SealingKey, salt, KeyInfo))
            {
                if (!Sealing.TryOpen(cipher, 0, body, root[..(HeaderBytes + idLength)], plain))
                    throw new InvalidDataException("The seal of its body is broken.");
            }

            return ReadBody(plain) with { Id = id, RootSha256 = Convert.ToHexStringLower(SHA256.HashData(root)), RootBytes = root.Length };
        }
        catch (Exception e) when (e is InvalidDataException or JsonException)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, objectName, e.Message, e);
        }
    }

    /// <exception cref="InvalidDataException">It is not possible.</exception>
    /// <exception cref="JsonException">It is not the JSON it should be.</exception>
    internal static BackupRecord ReadBody(ReadOnlySpan<byte> plain)
    {
        var record = JsonSerializer.Deserialize(plain, RootJson.Default.BackupRecord) ?? throw new InvalidDataException("Its body is null.");
        Check(record);
        return record;
    }

    /// <summary>The 32 bytes a member's root id consists of, or the bytes of a tree's root entry.</summary>
    public static byte[] RootBytes(MemberRecord member) =>
        member.Kind == MemberKind.Disk ? Convert.FromHexString(member.Root) : Convert.FromBase64String(member.Root);

    private static byte[] Head(string backupId, byte kind, int bodyLength, ObjectId salt)
    {
        byte[] id = Encoding.ASCII.GetBytes(backupId);
        byte[] head = new byte[HeaderBytes + id.Length];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), FormatVersion.Current);
        head[10] = kind;
        head[11] = checked((byte)id.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(12), (uint)bodyLength);
        salt.Write(head.AsSpan(16));
        id.CopyTo(head.AsSpan(HeaderBytes));
        return head;
    }

    private static void Check(BackupRecord record)
    {
        if (record.Members.Count is 0 or > MaxMembers || record.Sequence is < 1 or > MaxSequence || record.ProblemCount < record.Problems.Count
            || record.CreatedUs < MinCreatedUs || record.CreatedUs > MaxCreatedUs)
            throw new InvalidDataException("Its counts are not possible.");
        if (record.Problems.Contains(null!) || record.Attributes.Values.Contains(null!))
            throw new InvalidDataException("It lists a null.");
        foreach (var member in record.Members)
        {
            // A root that is not there is null, whatever its initializer says.
            bool possible = member is { Root: not null, SizeBytes: >= 0, DataBytes: >= 0, ChangedBytes: >= 0, StoredBytes: >= 0, Chunks: >= 0, Files: >= 0, Directories: >= 0 }
                && member.Kind switch
            {
                MemberKind.Disk => Hex.IsLower(member.Root, ChunkHasher.IdBytes * 2),
                MemberKind.Tree => member.Root.Length > 0 && System.Buffers.Text.Base64.IsValid(member.Root),
                _ => false,
            };
            if (!possible)
                throw new InvalidDataException($"Its member '{member?.Id}' is not possible.");
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BackupRecord))]
internal sealed partial class RootJson : JsonSerializerContext;
