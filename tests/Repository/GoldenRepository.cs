using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Format;
using Strongroom.Repository.Maintenance;
using Strongroom.Repository.Manifests;

namespace Strongroom.Repository.Tests;

/// <summary>What is in the golden repositories, how they were written, and what is to be read from them.</summary>
internal static class GoldenRepository
{
    /// <summary>Both domains, and every kind of object there is, those that are left behind by crashes included.</summary>
    public const string AllKinds = "v1-kinds";

    /// <summary>As the first ones, with a parity of every pack.</summary>
    public const string WithParity = "v1-parity";

    public const string Password = "golden password";

    public static readonly byte[] KeyFileContent = Encoding.ASCII.GetBytes("golden key file, not a secret\n");

    public static readonly RepositoryKey Key = RepositoryKey.FromKeyFile(KeyFileContent);

    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with
    {
        SegmentBytes = 40 << 10,
        PackBytes = 64 << 10,
        CompressionLevel = 3,
    };

    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", name);

    /// <summary>A copy in memory, to be damaged.</summary>
    public static async Task<InMemoryObjectStore> Load(string name)
    {
        await using var store = LocalObjectStore.Open(PathOf(name));
        var copy = new InMemoryObjectStore();
        await foreach (var stat in store.ListAsync("", default))
            copy.Poke(stat.Name, await store.GetAllAsync(stat.Name, int.MaxValue, default));
        return copy;
    }

    public static async Task Write(string folder, ChunkHash hash, bool parity = false)
    {
        Assert.False(Directory.Exists(folder), "What is golden is never written again.");
        Directory.CreateDirectory(folder);
        await using var store = LocalObjectStore.Open(folder);
        await using var repository = await BackupRepository.CreateAsync(store, Key, Options with { Hash = hash, Parity = parity }, TimeProvider.System, default);
        await repository.AddKeyAsync(RepositoryKey.FromPassword(Password), default);
        await using var domain = await repository.OpenDomainAsync("golden", true, default);

        // Compressible text, a little that is not, zeros, and an odd end; then a change in the middle.
        byte[] disk = new byte[(70 * TestDisk.Chunk) + 777];
        for (int i = 0; i + 32 < 300_000; i += 32)
            Encoding.ASCII.GetBytes($"{i / 32:D10} times something written. ").AsSpan(0, 32).CopyTo(disk.AsSpan(i));
        Bytes.Of(1, 9000).CopyTo(disk.AsSpan(20 * TestDisk.Chunk));
        Bytes.Of(2, 700).CopyTo(disk.AsSpan(disk.Length - 700));
        byte[] changed = [.. disk];
        Bytes.Of(3, 500).CopyTo(changed.AsSpan(100_000));
        await BackUp(domain, "golden-1", disk, Tree(0));
        await BackUp(domain, "golden-2", changed, Tree(1));
        await File.WriteAllTextAsync(parity ? folder + ".txt" : Path.Combine(Path.GetDirectoryName(folder)!, "v1.txt"), await Describe(domain));
    }

    private static TestTree Tree(int generation)
    {
        var tree = new TestTree()
            .Add("empty", StoredEntryType.Directory, seed: 1)
            .Add("d", StoredEntryType.Directory, seed: 2)
            .Add("d/\u00fe not utf-8", StoredEntryType.File, Bytes.Of(4 + generation, 3000), 3 + generation)
            .Add("d/link", StoredEntryType.SymbolicLink, seed: 4)
            .Add("fifo", StoredEntryType.Fifo, seed: 5)
            .Add("socket", StoredEntryType.Socket, seed: 6)
            .Add("tty", StoredEntryType.CharacterDevice, seed: 7, change: entry => entry with { DeviceMajor = 4, DeviceMinor = 64 })
            .Add("disk", StoredEntryType.BlockDevice, seed: 8, change: entry => entry with { DeviceMajor = 259, DeviceMinor = 1 })
            .Add("marked", StoredEntryType.File, [], 9, entry => entry with { LinkCount = 2, Attributes = [new("user.note"u8.ToArray(), "kept"u8.ToArray())] });
        byte[] sparse = new byte[600_000];
        Bytes.Of(9, 20_000).CopyTo(sparse.AsSpan(300_000));
        tree.Add("sparse", StoredEntryType.File, sparse, 10);
        for (int i = 0; i < 150; i++)
            tree.Add($"d/small {i:D3}", StoredEntryType.File, Encoding.ASCII.GetBytes($"content of {i}"), 20 + i);
        return tree;
    }

    public static async Task WriteAllKinds(string folder)
    {
        Assert.False(Directory.Exists(folder), "What is golden is never written again.");
        Directory.CreateDirectory(folder);
        await using var store = LocalObjectStore.Open(folder);
        await using var repository = await BackupRepository.CreateAsync(store, Key, Options, TimeProvider.System, default);
        await repository.AddKeyAsync(RepositoryKey.FromPassword(Password), default);
        await using var first = await repository.OpenDomainAsync("first", true, default);
        await using var second = await repository.OpenDomainAsync("second", true, default);

        // Ten backups, so that index runs were merged once; two of them are gone again.
        byte[] disk = new byte[(9 * TestDisk.Chunk) + 123];
        for (int i = 0; i + 16 < 300_000; i += 16)
            Encoding.ASCII.GetBytes($"line {i / 16:D9} \n").AsSpan(0, 16).CopyTo(disk.AsSpan(i));
        for (int i = 0; i < 10; i++)
        {
            Bytes.Of(100 + i, 1500).CopyTo(disk.AsSpan((i % 9 * TestDisk.Chunk) + 40_000));
            if (i % 3 == 0)
                await BackUp(first, $"both-{i}", disk, SmallTree(i));
            else
                await BackUpDisk(first, $"disk-{i}", disk);
        }

        await first.DeleteBackupAsync("disk-1", default);
        await first.DeleteBackupAsync("disk-2", default);
        await BackUp(second, "other-0", disk, SmallTree(0));
        await BackUpDisk(second, "other-1", disk[..(5 * TestDisk.Chunk)]);

        foreach (var domain in new[] { first, second })
        {
            for (int i = 0; i < 2; i++)
            {
                await store.PutAsync(domain.Names.Backup($"void-{i}"), RootFormat.WriteVoid($"void-{i}", domain.Keys), PutMode.CreateOnly, default);
                var collection = ObjectId.NewRandom();
                byte[] condemned = new PublishedCollection(
                    collection, [ObjectId.NewRandom(), ObjectId.NewRandom()], new HashSet<string>()).Write(domain.Keys);
                await store.PutAsync(domain.Names.Collection(collection), condemned, PutMode.CreateOnly, default);
                var session = ObjectId.NewRandom();
                byte[] left = CheckedText.Write(
                    new SessionText(FormatVersion.Current, session.ToString(), $"void-{i}", 3), FormatJson.Default.SessionText, SHA256.HashData);
                await store.PutAsync(domain.Names.Session(session), left, PutMode.CreateOnly, default);
            }
        }

        await File.WriteAllTextAsync(folder + ".txt", await Describe(first) + await Describe(second));
    }

    private static TestTree SmallTree(int generation)
    {
        byte[] sparse = new byte[90_000];
        Bytes.Of(9, 3000).CopyTo(sparse.AsSpan(40_000));
        var tree = new TestTree()
            .Add("d", StoredEntryType.Directory, seed: 2)
            .Add("d/changing", StoredEntryType.File, Bytes.Of(generation, 2000 + generation), 50 + generation)
            .Add("d/link", StoredEntryType.SymbolicLink, seed: 4)
            .Add("d/marked", StoredEntryType.File, Bytes.Of(8, 20), 9, entry => entry with { LinkCount = 2, Attributes = [new("user.note"u8.ToArray(), "kept"u8.ToArray())] })
            .Add("sparse", StoredEntryType.File, sparse, 10);
        for (int i = 0; i < 8; i++)
            tree.Add($"d/small {i}", StoredEntryType.File, Encoding.ASCII.GetBytes($"content of {i}"), 20 + i);
        return tree;
    }

    private static async Task BackUpDisk(RepositoryDomain domain, string id, byte[] disk)
    {
        await using var session = await domain.BeginBackupAsync(await Server(domain, id), default);
        var writer = session.OpenDisk(new MemberDescription(id + "-disk", "disk", "disk", "/disk"), disk.Length, session.Previous?.Members[0]);
        await TestRepository.Write(writer, disk, 1);
        await writer.FinishAsync(default);
        await session.CommitAsync(null, default);
    }

    public static async Task BackUp(RepositoryDomain domain, string id, byte[] disk, TestTree tree)
    {
        await using var session = await domain.BeginBackupAsync(await Server(domain, id), default);
        var diskWriter = session.OpenDisk(new MemberDescription(id + "-disk", "disk", "disk", "/disk"), disk.Length, session.Previous?.Members[0]);
        await TestRepository.Write(diskWriter, disk, 1);
        await diskWriter.FinishAsync(default);
        var treeWriter = session.OpenTree(new MemberDescription(id + "-tree", "tree", "tree", "/tree"), session.Previous?.Members.ElementAtOrDefault(1));
        treeWriter.Finish(await tree.Write(treeWriter));
        session.ReportProblem("one thing was unreadable");
        await session.CommitAsync(null, default);
    }

    private static async Task<BackupDescription> Server(RepositoryDomain domain, string id) => new()
    {
        BackupId = id,
        ResourceId = "server",
        ResourceName = "sérver",
        ResourceType = "OS::Nova::Server",
        CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
        Attributes = new Dictionary<string, string> { ["vault"] = "v" },
        Previous = await domain.FindNewestAsync("server", default),
    };

    /// <summary>Everything the backups hold, as text.</summary>
    public static async Task<string> Describe(RepositoryDomain domain)
    {
        var text = new StringBuilder();
        await foreach (var backup in domain.ListBackupsAsync(default))
        {
            text.Append($"{backup.Id} sequence {backup.Sequence} created {backup.CreatedAt:O} {backup.ResourceType} {backup.ResourceName} problems {backup.ProblemCount}\n");
            foreach (var member in backup.Members)
                await Describe(domain, backup, member, text);
        }

        return text.ToString();
    }

    private static async Task Describe(RepositoryDomain domain, BackupRecord backup, MemberRecord member, StringBuilder text)
    {
        if (member.Kind == MemberKind.Disk)
        {
            var reader = domain.OpenDisk(backup, member.Id);
            var sink = new MemorySink(reader.SizeBytes);
            await reader.RestoreAsync(sink, 2, default);
            text.Append($"  {member.Id} {sink.Bytes.Length} {Sum(sink.Bytes)}\n");
            return;
        }

        foreach (var (path, node) in (await TestTree.Read(domain.OpenTree(backup, member.Id))).Nodes)
        {
            var entry = node.Entry;
            string shown = string.Concat(path.Select(c => c is >= ' ' and < (char)127 ? c.ToString() : $"\\x{(int)c:x2}"));
            text.Append($"  {member.Id} '{shown}' {entry.Type} {entry.Mode:x} {entry.Uid} {entry.Gid} {entry.UserName} {entry.GroupName} ")
                .Append($"{entry.ModifiedNs} {entry.ChangedNs} {entry.Device} {entry.Inode} {entry.LinkCount} {entry.DeviceMajor}:{entry.DeviceMinor} ")
                .Append($"'{Encoding.ASCII.GetString(entry.LinkTarget ?? [])}' {entry.Attributes.Count} {node.Content.Length} {Sum(node.Content)}\n");
        }
    }

    private static string Sum(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)[..16]);
}
