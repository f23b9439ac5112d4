using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

/// <summary>
/// Small repositories of every format version there was, with what they hold. They are kept and read for ever; a new
/// version gets new ones beside them. Written once with STRONGROOM_TEST_WRITE_GOLDEN naming the folder to write to.
/// </summary>
public sealed class GoldenTests
{
    private const string Password = "golden password";
    private static readonly byte[] KeyFile = Encoding.ASCII.GetBytes("golden key file, not a secret\n");

    public static TheoryData<string> Repositories => ["v1-blake3", "v1-hmac"];

    [Theory]
    [MemberData(nameof(Repositories))]
    public async Task A_repository_of_this_version_is_read_for_ever(string name)
    {
        await using var store = LocalObjectStore.Open(Path.Combine(AppContext.BaseDirectory, "Golden", name));
        await using var repository = await BackupRepository.OpenAsync(
            store, RepositoryKey.FromKeyFile(KeyFile), TestRepository.SmallOptions, TimeProvider.System, default);
        await using var domain = await repository.OpenDomainAsync("golden", false, default);

        string expected = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Golden", name[..2] + ".txt"));

        Assert.Equal(expected, await Describe(domain));
        var report = await RepositoryCheck.RunAsync(repository, [domain], new CheckOptions { ReadData = true }, null, default);
        Assert.Empty(report.Damages);
        Assert.Empty(report.Notes);
    }

    [Fact]
    public async Task The_golden_password_still_opens()
    {
        await using var store = LocalObjectStore.Open(Path.Combine(AppContext.BaseDirectory, "Golden", "v1-blake3"));
        await using var repository = await BackupRepository.OpenAsync(
            store, RepositoryKey.FromPassword(Password), TestRepository.SmallOptions, TimeProvider.System, default);

        Assert.Equal(["golden"], await repository.ListDomainsAsync(default).ToListAsync());
    }

    [Fact]
    public async Task Golden_repositories_are_written()
    {
        string? folder = Environment.GetEnvironmentVariable("STRONGROOM_TEST_WRITE_GOLDEN");
        Assert.SkipUnless(folder is not null, "Only for a new format version: STRONGROOM_TEST_WRITE_GOLDEN names the folder to write to.");

        await WriteGolden(Path.Combine(folder!, "v1-blake3"), ChunkHash.Blake3Keyed);
        await WriteGolden(Path.Combine(folder!, "v1-hmac"), ChunkHash.HmacSha256);
    }

    private static async Task WriteGolden(string folder, ChunkHash hash)
    {
        Assert.False(Directory.Exists(folder), "What is golden is never written again.");
        Directory.CreateDirectory(folder);
        var options = TestRepository.SmallOptions with { Hash = hash, SegmentBytes = 40 << 10, PackBytes = 64 << 10, CompressionLevel = 3 };
        await using var store = LocalObjectStore.Open(folder);
        await using var repository = await BackupRepository.CreateAsync(store, RepositoryKey.FromKeyFile(KeyFile), options, TimeProvider.System, default);
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
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(folder)!, "v1.txt"), await Describe(domain));
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

    private static async Task BackUp(RepositoryDomain domain, string id, byte[] disk, TestTree tree)
    {
        await using var session = await domain.BeginBackupAsync(
            new BackupDescription
            {
                BackupId = id,
                ResourceId = "server",
                ResourceName = "sérver",
                ResourceType = "OS::Nova::Server",
                CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
                Attributes = new Dictionary<string, string> { ["vault"] = "v" },
                Previous = await domain.FindNewestAsync("server", default),
            },
            default);
        var diskWriter = session.OpenDisk(new MemberDescription(id + "-disk", "disk", "disk", "/disk"), disk.Length, session.Previous?.Members[0]);
        await TestRepository.Write(diskWriter, disk, 1);
        await diskWriter.FinishAsync(default);
        var treeWriter = session.OpenTree(new MemberDescription(id + "-tree", "tree", "tree", "/tree"), session.Previous?.Members[1]);
        treeWriter.Finish(await tree.Write(treeWriter));
        session.ReportProblem("one thing was unreadable");
        await session.CommitAsync(null, default);
    }

    /// <summary>Everything the backups hold, as text.</summary>
    private static async Task<string> Describe(RepositoryDomain domain)
    {
        var text = new StringBuilder();
        await foreach (var backup in domain.ListBackupsAsync(default))
        {
            text.Append($"{backup.Id} sequence {backup.Sequence} created {backup.CreatedAt:O} {backup.ResourceType} {backup.ResourceName} problems {backup.ProblemCount}\n");
            var reader = domain.OpenDisk(backup, backup.Members[0].Id);
            var sink = new MemorySink(reader.SizeBytes);
            await reader.RestoreAsync(sink, 2, default);
            text.Append($"  {backup.Members[0].Id} {sink.Bytes.Length} {Sum(sink.Bytes)}\n");
            foreach (var (path, node) in (await TestTree.Read(domain.OpenTree(backup, backup.Members[1].Id))).Nodes)
            {
                var entry = node.Entry;
                string shown = string.Concat(path.Select(c => c is >= ' ' and < (char)127 ? c.ToString() : $"\\x{(int)c:x2}"));
                text.Append($"  {backup.Members[1].Id} '{shown}' {entry.Type} {entry.Mode:x} {entry.Uid} {entry.Gid} {entry.UserName} {entry.GroupName} ")
                    .Append($"{entry.ModifiedNs} {entry.ChangedNs} {entry.Device} {entry.Inode} {entry.LinkCount} {entry.DeviceMajor}:{entry.DeviceMinor} ")
                    .Append($"'{Encoding.ASCII.GetString(entry.LinkTarget ?? [])}' {entry.Attributes.Count} {node.Content.Length} {Sum(node.Content)}\n");
            }
        }

        return text.ToString();
    }

    private static string Sum(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)[..16]);
}
