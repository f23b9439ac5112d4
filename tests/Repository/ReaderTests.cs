using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

/// <summary>
/// Holds tools/reader.py, written from the format document alone, against this code: both list the same, find the same
/// sound or damaged, and restore the same bytes.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ReaderTests : IDisposable
{
    /// <summary>Prints what is below a directory, names as bytes, which .NET cannot read.</summary>
    private const string Walker = """
        import os, stat, sys, hashlib
        top = os.fsencode(sys.argv[1])
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = os.path.join(folder, name)
                s = os.lstat(path)
                kind = {stat.S_IFREG: "File", stat.S_IFDIR: "Directory", stat.S_IFLNK: "SymbolicLink", stat.S_IFIFO: "Fifo",
                        stat.S_IFSOCK: "Socket", stat.S_IFCHR: "CharacterDevice", stat.S_IFBLK: "BlockDevice"}[stat.S_IFMT(s.st_mode)]
                data = open(path, "rb").read() if kind == "File" else os.readlink(path) if kind == "SymbolicLink" else b""
                print(os.path.relpath(path, top).hex(), kind, "-" if kind == "SymbolicLink" else oct(s.st_mode & 0o7777)[2:],
                      f"{s.st_uid}:{s.st_gid}" if os.geteuid() == 0 else "-", s.st_mtime_ns, len(data), hashlib.sha256(data).hexdigest())
        """;

    private static readonly Lazy<string?> Python = new(FindPython);
    private readonly TemporaryDirectory directory = new();

    public static TheoryData<string> Golden => ["v1-blake3", "v1-hmac", GoldenRepository.WithParity, GoldenRepository.AllKinds];

    [Theory]
    [MemberData(nameof(Golden))]
    public async Task The_reader_and_this_code_agree_on_what_is_golden(string name)
    {
        string keyFile = Path.Combine(directory.Path, "key");
        await File.WriteAllBytesAsync(keyFile, GoldenRepository.KeyFileContent);

        await AssertAgree(GoldenRepository.PathOf(name), GoldenRepository.Key, "--key-file", keyFile);
    }

    [Theory]
    [InlineData(1, ChunkHash.Blake3Keyed)]
    [InlineData(2, ChunkHash.HmacSha256)]
    public async Task The_reader_and_this_code_agree_on_what_was_just_written(int seed, ChunkHash hash)
    {
        string password = Path.Combine(directory.Path, "password");
        await File.WriteAllTextAsync(password, "a pässword\n");
        var key = RepositoryKey.FromPassword("a pässword");
        string root = Path.Combine(directory.Path, "store");
        await Write(root, key, seed, hash);

        await AssertAgree(root, key, "--password-file", password);
    }

    [Theory]
    [InlineData("v1-hmac")]
    [InlineData(GoldenRepository.WithParity)]
    public async Task The_reader_and_this_code_find_the_same_damage(string golden)
    {
        string keyFile = Path.Combine(directory.Path, "key");
        await File.WriteAllBytesAsync(keyFile, GoldenRepository.KeyFileContent);
        string[] names = [.. (await GoldenRepository.Load(golden)).Names];
        var random = new Random(7);

        // One of each kind of object, at a place by chance.
        foreach (string name in names.GroupBy(name => name.Split('/') is [_, _, var kind, ..] ? kind : name.Split('/')[0]).Select(kind => kind.First()))
        {
            string copy = Path.Combine(directory.Path, "copy-" + Guid.NewGuid().ToString("n"));
            await Run("cp", "-r", GoldenRepository.PathOf(golden), copy);
            string path = Path.Combine(copy, name);
            byte[] content = await File.ReadAllBytesAsync(path);
            content[random.Next(content.Length)] ^= (byte)random.Next(1, 256);
            await File.WriteAllBytesAsync(path, content);

            var reader = await Read(copy, "--key-file", keyFile, "check");
            Assert.True(reader.Code == 1, $"{name}: {reader.Output}{reader.Errors}");
            Assert.Contains(name, reader.Errors + (name == "config" ? "config" : ""), StringComparison.Ordinal);
        }
    }

    public void Dispose() => directory.Dispose();

    private async Task AssertAgree(string root, RepositoryKey key, string keyOption, string keyPath)
    {
        await using var store = LocalObjectStore.Open(root);
        await using var repository = await BackupRepository.OpenAsync(store, key, TestRepository.SmallOptions, TimeProvider.System, default);
        var listed = new StringBuilder();
        foreach (string id in await repository.ListDomainsAsync(default).ToListAsync())
        {
            await using var domain = await repository.OpenDomainAsync(id, false, default);
            var backups = await domain.ListBackupsAsync(default).ToListAsync();
            foreach (var backup in backups)
            {
                foreach (var member in backup.Members)
                {
                    listed.Append(CultureInfo.InvariantCulture, $"{id}\t{member.Id}\t{backup.CreatedUs}\t{backup.ResourceName}\t{member.Name}\t");
                    listed.Append(CultureInfo.InvariantCulture, $"{member.Kind.ToString().ToLowerInvariant()}\t{member.SizeBytes}\n");

                    // The reader takes its time: the first and the last have to do.
                    if (backup != backups[0] && backup != backups[^1])
                        continue;
                    string target = Path.Combine(directory.Path, "restored-" + Guid.NewGuid().ToString("n"));
                    var restored = await Read(root, keyOption, keyPath, "restore", member.Id, target);
                    Assert.True(restored.Code == 0, restored.Errors);
                    if (member.Kind == MemberKind.Disk)
                        await AssertDisk(domain, backup, member, target);
                    else
                        await AssertTree(domain, backup, member, target);
                }
            }
        }

        Assert.Equal(listed.ToString(), (await Read(root, keyOption, keyPath, "list")).Output);
        var check = await Read(root, keyOption, keyPath, "check");
        Assert.True(check.Code == 0 && check.Errors.Length == 0, check.Errors);
    }

    private static async Task AssertDisk(RepositoryDomain domain, BackupRecord backup, MemberRecord member, string target)
    {
        var disk = domain.OpenDisk(backup, member.Id);
        var sink = new MemorySink(disk.SizeBytes);
        await disk.RestoreAsync(sink, 2, default);
        byte[] restored = await File.ReadAllBytesAsync(target);
        Assert.True(sink.Bytes.AsSpan().SequenceEqual(restored), member.Id);
    }

    private static async Task AssertTree(RepositoryDomain domain, BackupRecord backup, MemberRecord member, string target)
    {
        var expected = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (path, node) in (await TestTree.Read(domain.OpenTree(backup, member.Id))).Nodes)
        {
            var entry = node.Entry;
            byte[] data = entry.Type == StoredEntryType.SymbolicLink ? entry.LinkTarget! : node.Content;
            string mode = entry.Type == StoredEntryType.SymbolicLink ? "-" : Convert.ToString(entry.Mode & 0xFFF, 8);
            string owner = Environment.IsPrivilegedProcess ? $"{entry.Uid}:{entry.Gid}" : "-";
            if (path.Length > 0)
                expected.Add($"{Convert.ToHexStringLower(Encoding.Latin1.GetBytes(path))} {entry.Type} {mode} {owner} {entry.ModifiedNs} {data.Length} {Convert.ToHexStringLower(SHA256.HashData(data))}");
        }

        var walked = await Run(Python.Value!, "-c", Walker, target);
        Assert.Equal(expected, new SortedSet<string>(walked.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal));
    }

    /// <summary>Several backups of a disk and a tree in two domains, one deleted, runs merged, with small packs.</summary>
    private static async Task Write(string root, RepositoryKey key, int seed, ChunkHash hash)
    {
        var options = TestRepository.SmallOptions with { Hash = hash, SegmentBytes = 100 << 10, PackBytes = 200 << 10, SessionIndexEntries = 64 };
        await using var store = LocalObjectStore.Open(root);
        await using var repository = await BackupRepository.CreateAsync(store, key, options, TimeProvider.System, default);
        foreach (string id in new[] { "one", "two" })
        {
            await using var domain = await repository.OpenDomainAsync(id, true, default);
            byte[] disk = TestDisk.Make(seed, (id == "one" ? 70 : 9) * TestDisk.Chunk / 4);
            var tree = TestTree.Make(seed + 10, 40, 60_000).Add("link", StoredEntryType.SymbolicLink, seed: 5);
            for (int i = 0; i < (id == "one" ? 9 : 2); i++)
            {
                disk = TestDisk.Edit(disk, i, 1);
                await GoldenRepository.BackUp(domain, $"{id}-{i}", disk, tree);
            }

            await domain.DeleteBackupAsync($"{id}-1", default);
            if (id == "one")
            {
                for (int i = 2; i < 8; i++)
                    await domain.DeleteBackupAsync($"{id}-{i}", default);
            }
        }
    }

    private static string? FindPython()
    {
        // Debian's own first: another python3 on the PATH does not see Debian's packages.
        foreach (string python in new[] { "/usr/bin/python3", "python3" })
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(python, ["-c", "import cryptography, zstandard"]) { RedirectStandardError = true })!;
                process.WaitForExit();
                if (process.ExitCode == 0)
                    return python;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // There is none of that name.
            }
        }

        return null;
    }

    private static Task<(int Code, string Output, string Errors)> Read(string root, params string[] arguments)
    {
        Assert.SkipUnless(Python.Value is not null, "needs Debian's python3-cryptography and python3-zstandard: install them, or run ./test");
        return Run(Python.Value!, [Path.Combine(AppContext.BaseDirectory, "reader.py"), root, .. arguments]);
    }

    private static async Task<(int Code, string Output, string Errors)> Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PYTHONIOENCODING"] = "utf-8";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
