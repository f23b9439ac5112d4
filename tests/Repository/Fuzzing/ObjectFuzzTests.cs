using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Tests.Fuzzing;

/// <summary>
/// Whole objects of the golden repository of all kinds, changed behind their seals and sealed, signed and summed again, as a
/// writer gone mad would leave them; and changed as plain bytes. Opening and restoring work or throw what is documented, and a
/// check never ends early.
/// </summary>
public sealed class ObjectFuzzTests
{
    private InMemoryObjectStore store = new();
    private string[] names = [];
    private byte[] masterKey = [];
    private readonly Dictionary<string, DomainKeys> keys = [];

    [Fact]
    public Task Plain_bytes_of_any_object() => Run(random =>
    {
        string name = names[random.Next(names.Length)];
        return (name, Mutator.Bytes(random, store.Peek(name)!));
    });

    [Fact]
    public Task Text_objects_with_a_right_check() => Run(random =>
    {
        string name = Any(random, name => name == "config" || name.StartsWith("keys/", StringComparison.Ordinal) || name.EndsWith("/key", StringComparison.Ordinal)
            || name.Contains("/sessions/", StringComparison.Ordinal));
        byte[] content = store.Peek(name)!;
        byte[] line = Mutator.Json(random, content[..Array.IndexOf(content, (byte)'\n')]);
        byte[] check = name == "config" ? RepositoryParameters.CheckOf(line, masterKey)
            : name.EndsWith("/key", StringComparison.Ordinal) ? HMACSHA256.HashData(Sealing.Derive(masterKey, [], "strongroom/domain-check"), line)
            : SHA256.HashData(line);
        return (name, [.. line, (byte)'\n', .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(check)), (byte)'\n']);
    });

    [Fact]
    public Task Roots_sealed_and_signed() => Run(random =>
    {
        string name = Any(random, name => name.Contains("/backups/", StringComparison.Ordinal));
        var domain = keys[name.Split('/')[1]];
        byte[] content = store.Peek(name)!;
        int idLength = content[11];
        byte[] head = content[..(32 + idLength)];
        byte[] body = content[(32 + idLength)..^64];
        if (body.Length > 0)
        {
            byte[] plain = Open(domain.SealingKey, head.AsSpan(16, 16), "strongroom/root", 0, body, head);
            plain = Mutator.Json(random, plain);
            if (random.Next(6) == 0)
                head = [.. Mutator.Bytes(random, head[..16]), .. head[16..]];
            else
                BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(12), (uint)(plain.Length + Sealing.TagBytes));
            body = head.Length >= 32 ? Seal(domain.SealingKey, head.AsSpan(16, 16), "strongroom/root", 0, plain, head) : body;
        }
        else
        {
            head = Mutator.Bytes(random, head);
        }

        byte[] signed = [.. head, .. body];
        return (name, [.. signed, .. domain.Sign(signed)]);
    });

    [Fact]
    public Task Collections_sealed() => Run(random =>
    {
        string name = Any(random, name => name.Contains("/collections/", StringComparison.Ordinal));
        byte[] key = keys[name.Split('/')[1]].SealingKey;
        byte[] content = store.Peek(name)!;
        byte[] head = content[..32];
        byte[] plain = Open(key, head.AsSpan(16), "strongroom/collection", 0, content[32..], head);
        return (name, [.. head, .. Seal(key, head.AsSpan(16), "strongroom/collection", 0, Mutator.Bytes(random, plain), head)]);
    });

    [Fact]
    public Task Pack_directories_sealed() => Run(random =>
    {
        string name = Any(random, name => name.Contains("/packs/", StringComparison.Ordinal));
        byte[] key = keys[name.Split('/')[1]].SealingKey;
        byte[] content = store.Peek(name)!;
        byte[] head = content[..32];
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(content.Length - 16));
        byte[] segments = content[32..(content.Length - 16 - length)];
        byte[] plain = Open(key, head.AsSpan(16), PackFormat.KeyInfo, Sealing.LastNonce, content[(content.Length - 16 - length)..^16], head);
        byte[] changed = Mutator.Bytes(random, plain);
        return (name, [.. head, .. segments, .. Sealed(key, head, PackFormat.KeyInfo, head, changed), .. "STRGPEND"u8]);
    });

    [Fact]
    public Task Segments_sealed() => Run(random =>
    {
        string name = Any(random, name => name.Contains("/packs/", StringComparison.Ordinal));
        byte[] key = keys[name.Split('/')[1]].SealingKey;
        byte[] content = [.. store.Peek(name)!];
        byte[] head = content[..32];
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(content.Length - 16));
        byte[] plain = Open(key, head.AsSpan(16), PackFormat.KeyInfo, Sealing.LastNonce, content[(content.Length - 16 - length)..^16], head);

        // The first segment, its payload changed in place: same length, so that the directory still fits.
        var segment = plain.AsSpan(12 + 16, 24);
        int stored = (int)BinaryPrimitives.ReadUInt32LittleEndian(segment[4..]);
        byte[] aad = [.. head.AsSpan(16), .. segment[12..16], .. segment[8..12], segment[22]];
        byte[] payload = Open(key, head.AsSpan(16), PackFormat.KeyInfo, BinaryPrimitives.ReadUInt32LittleEndian(segment[12..]), content[32..(32 + stored)], aad);
        byte[] changed = Mutator.Bytes(random, payload);
        Array.Resize(ref changed, payload.Length);
        Seal(key, head.AsSpan(16), PackFormat.KeyInfo, BinaryPrimitives.ReadUInt32LittleEndian(segment[12..]), changed, aad).CopyTo(content.AsSpan(32));
        return (name, content);
    });

    [Fact]
    public Task Index_runs_sealed() => Run(random =>
    {
        string name = Any(random, name => name.Contains("/indexes/", StringComparison.Ordinal));
        byte[] key = keys[name.Split('/')[1]].SealingKey;
        byte[] content = store.Peek(name)!;
        byte[] head = content[..32];
        int tailLength = (int)BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(content.Length - 16));
        byte[] tail = OpenUnit(Sealing.LastNonce, content[(content.Length - 16 - tailLength)..^16]);
        int blockBytes = (int)BinaryPrimitives.ReadUInt64LittleEndian(tail) * 28;
        int pagesAt = 32 + blockBytes + 16 + 2340 + 16;
        byte[][] parts =
        [
            OpenUnit(0, content[32..(32 + blockBytes + 16)]), OpenUnit(1, content[(32 + blockBytes + 16)..pagesAt]),
            OpenUnit(2, content[pagesAt..(content.Length - 16 - tailLength)]), tail,
        ];
        int which = random.Next(parts.Length);
        byte[] changed = Mutator.Bytes(random, parts[which]);
        if (which < 3)
            Array.Resize(ref changed, parts[which].Length);
        parts[which] = changed;
        byte[] sealedTail = SealUnit(Sealing.LastNonce, parts[3]);
        return (name, [.. head, .. SealUnit(0, parts[0]), .. SealUnit(1, parts[1]), .. SealUnit(2, parts[2]), .. sealedTail,
            .. BitConverter.GetBytes(sealedTail.Length), 0, 0, 0, 0, .. "STRGIEND"u8]);

        byte[] OpenUnit(uint unit, byte[] bytes) => Open(key, head.AsSpan(16), "strongroom/index", unit, bytes, [.. head, .. BitConverter.GetBytes(unit)]);
        byte[] SealUnit(uint unit, byte[] bytes) => Seal(key, head.AsSpan(16), "strongroom/index", unit, bytes, [.. head, .. BitConverter.GetBytes(unit)]);
    });

    private async Task Run(Func<Random, (string Name, byte[] Content)> make)
    {
        await Load();
        await Fuzz.Run(
            random =>
            {
                var (name, content) = make(random);
                return [(byte)Array.IndexOf(names, name), .. content];
            },
            input => Use(names[input[0]], input[1..]),
            e => e is RepositoryException,
            null);
    }

    /// <summary>Everything there is to do with a repository.</summary>
    private async ValueTask Use(string changed, byte[] content)
    {
        var copy = new InMemoryObjectStore();
        foreach (string name in names)
            copy.Poke(name, name == changed ? content : store.Peek(name));
        await using var repository = await BackupRepository.OpenAsync(copy, GoldenRepository.Key, TestRepository.SmallOptions, TimeProvider.System, default);
        string domainId = changed.Split('/') is [_, var id, ..] ? id : "second";
        await using var domain = await repository.OpenDomainAsync(keys.ContainsKey(domainId) ? domainId : "second", false, default);
        try
        {
            await RepositoryCheck.RunAsync(repository, [domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
        }
        catch (RepositoryException e)
        {
            throw new InvalidOperationException("The check ended early: " + e.Message, e);
        }

        await foreach (var backup in domain.ListBackupsAsync([], default))
        {
            foreach (var member in backup.Members)
                await Restore(domain, backup, member);
        }

        // A new backup reads sessions, collections, packs and runs in a way of its own.
        await GoldenRepository.BackUp(domain, "fuzz", Bytes.Of(1, 100_000), new TestTree());
    }

    private static async Task Restore(RepositoryDomain domain, BackupRecord backup, MemberRecord member)
    {
        try
        {
            if (member.Kind == MemberKind.Tree)
            {
                await WalkTree(domain.OpenTree(backup, member.Id));
                return;
            }

            var disk = domain.OpenDisk(backup, member.Id);
            if (disk.SizeBytes < 16 << 20)
                await disk.RestoreAsync(new MemorySink(disk.SizeBytes), 1, default);
            else
                await disk.ReadAsync(disk.SizeBytes - 5, new byte[100], default);
        }
        catch (RepositoryException)
        {
        }
    }

    private static async Task WalkTree(TreeReader tree)
    {
        var waiting = new Stack<StoredEntry>([tree.Root]);
        while (waiting.TryPop(out var directory))
        {
            await foreach (var entry in tree.ListAsync(directory, default))
            {
                if (entry.Type == StoredEntryType.Directory)
                    waiting.Push(entry);
                else if (entry.Type == StoredEntryType.File)
                    await tree.ReadAsync(entry, Math.Max(0, entry.SizeBytes - 1000), new byte[2000], default);
            }
        }
    }

    private async Task Load()
    {
        store = await GoldenRepository.Load(GoldenRepository.AllKinds);
        names = [.. store.Names];
        var line = (await CheckedText.ReadAsync(store, ObjectNames.Config, default))!;
        (masterKey, _) = await KeySlots.OpenAsync(store, GoldenRepository.Key, candidate => line.Matches(RepositoryParameters.CheckOf(line.Line, candidate)), default);
        foreach (string id in new[] { "first", "second" })
            keys[id] = (await DomainKeys.OpenAsync(store, id, masterKey, ChunkHash.Blake3Keyed, default))!;
    }

    private string Any(Random random, Func<string, bool> which)
    {
        string[] some = [.. names.Where(which)];
        return some[random.Next(some.Length)];
    }

    private static byte[] Sealed(byte[] key, byte[] head, string info, byte[] aad, byte[] plain)
    {
        byte[] bytes = Seal(key, head.AsSpan(16), info, Sealing.LastNonce, plain, aad);
        return [.. bytes, .. BitConverter.GetBytes(bytes.Length), 0, 0, 0, 0];
    }

    private static byte[] Open(byte[] key, ReadOnlySpan<byte> salt, string info, uint nonce, byte[] bytes, byte[] aad)
    {
        using var cipher = Sealing.CipherFor(key, ObjectId.Read(salt), info);
        byte[] plain = new byte[bytes.Length - Sealing.TagBytes];
        Assert.True(Sealing.TryOpen(cipher, nonce, bytes, aad, plain), "the test opens its sample");
        return plain;
    }

    private static byte[] Seal(byte[] key, ReadOnlySpan<byte> salt, string info, uint nonce, byte[] plain, byte[] aad)
    {
        using var cipher = Sealing.CipherFor(key, ObjectId.Read(salt), info);
        byte[] bytes = new byte[plain.Length + Sealing.TagBytes];
        Sealing.Seal(cipher, nonce, plain, aad, bytes);
        return bytes;
    }
}
