using System.Text;

namespace Strongroom.Repository.Tests;

/// <summary>A tree of files in memory: directories by path (empty for the root), entries with content for files.</summary>
public sealed class TestTree
{
    public SortedDictionary<string, TestNode> Nodes { get; } = new(StringComparer.Ordinal) { [""] = new TestNode(Entry("", StoredEntryType.Directory)) };

    public static StoredEntry Entry(string name, StoredEntryType type, int seed = 0) => new()
    {
        Name = Encoding.Latin1.GetBytes(name),
        Type = type,
        Mode = 0x1ED,
        Uid = 1000,
        Gid = (uint)(1000 + (seed % 3)),
        UserName = "user",
        GroupName = seed % 2 == 0 ? "group" : null,
        ModifiedNs = (seed * 1_000_000_007L) - 5_000_000_000,
        ChangedNs = seed * 1_000_000_009L,
        Device = 7,
        Inode = (ulong)seed + 1,
        LinkCount = 1,
    };

    public TestTree Add(string path, StoredEntryType type, byte[]? content = null, int seed = 0, Func<StoredEntry, StoredEntry>? change = null)
    {
        string name = path[(path.LastIndexOf('/') + 1)..];
        var entry = Entry(name, type, seed) with { LinkTarget = type == StoredEntryType.SymbolicLink ? Encoding.UTF8.GetBytes("../target of " + name) : null };
        Nodes[path] = new TestNode(change?.Invoke(entry) ?? entry, content ?? []);
        return this;
    }

    public static TestTree Make(int seed, int files, int maxFileBytes = 300_000)
    {
        var random = new Random(seed);
        var tree = new TestTree();
        var directories = new List<string> { "" };
        for (int i = 0; i < files; i++)
        {
            if (random.Next(8) == 0)
            {
                string directory = Join(directories[random.Next(directories.Count)], $"directory {i}");
                tree.Add(directory, StoredEntryType.Directory, seed: i);
                directories.Add(directory);
            }

            string path = Join(directories[random.Next(directories.Count)], $"{random.Next(100)}-file-{i}\u00fe");
            int length = random.Next(4) == 0 ? random.Next(maxFileBytes) : random.Next(Math.Min(3000, maxFileBytes));
            byte[] content = new byte[length];
            if (random.Next(3) > 0)
                random.NextBytes(content);
            if (length > 100_000 && random.Next(2) == 0)
                content.AsSpan(20_000, 70_000).Clear();
            tree.Add(path, StoredEntryType.File, content, i);
        }

        return tree;
    }

    public static string Join(string directory, string name) => directory.Length == 0 ? name : directory + "/" + name;

    /// <summary>Entries of a directory in order of their names' bytes.</summary>
    public IEnumerable<(string Path, TestNode Node)> ChildrenOf(string directory) =>
        Nodes.Where(node => node.Key.Length > 0 && (node.Key.Contains('/', StringComparison.Ordinal) ? node.Key[..node.Key.LastIndexOf('/')] : "") == directory)
            .Select(node => (node.Key, node.Value))
            .OrderBy(node => node.Value.Entry.Name, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));

    /// <summary>Backs the tree up as the only member of a backup, compared with the newest one of the same resource.</summary>
    public async Task<BackupRecord> BackUp(TestRepository repository, string resource = "tree-1", bool trustParent = true, string? id = null)
    {
        id ??= "tree-" + Guid.NewGuid().ToString("n");
        await using var session = await repository.Domain.BeginBackupAsync(await repository.Describe(id, resource), default);
        var writer = session.OpenTree(new MemberDescription(id, resource, "tree", "/t"), session.Previous?.Members[0]);
        writer.Finish(await Write(writer, trustParent));
        return await session.CommitAsync(null, default);
    }

    /// <summary>Stores the tree as a walk would: contents of a directory first, its subdirectories, then the directory itself.</summary>
    public async Task<StoredEntry> Write(TreeWriter writer, bool trustParent = true)
    {
        await using var worker = writer.CreateWorker();
        var root = await WriteDirectory(writer, worker, "", Nodes[""].Entry, writer.ParentRoot, trustParent);
        await worker.FinishAsync(default);
        return root;
    }

    private async Task<StoredEntry> WriteDirectory(
        TreeWriter writer, TreeWorker worker, string path, StoredEntry entry, StoredEntry? parent, bool trustParent)
    {
        var directory = writer.OpenDirectory(parent);
        var entries = new List<StoredEntry>();
        foreach (var (childPath, node) in ChildrenOf(path))
        {
            var before = await directory.FindParentAsync(node.Entry.Name, default);
            if (node.Entry.Type == StoredEntryType.Directory)
            {
                entries.Add(await WriteDirectory(writer, worker, childPath, node.Entry, before, trustParent));
            }
            else if (node.Entry.Type == StoredEntryType.File)
            {
                bool unchanged = trustParent && before is { Type: StoredEntryType.File } && before.ModifiedNs == node.Entry.ModifiedNs
                    && before.SizeBytes == node.Content.Length;
                if (unchanged)
                    await worker.KeepAsync(before!, default);
                entries.Add(node.Entry with { Content = unchanged ? before!.Content : await worker.StoreAsync(node, node.Content.Length, before, default) });
            }
            else
            {
                entries.Add(node.Entry);
            }
        }

        await worker.CompleteAsync(default);
        foreach (var child in entries)
            await directory.AddAsync(child, default);
        return entry with { Children = await directory.FinishAsync(default) };
    }

    /// <summary>Reads a stored tree back, contents in bulk.</summary>
    public static async Task<TestTree> Read(TreeReader reader, int workers = 2)
    {
        var tree = new TestTree();
        tree.Nodes[""] = new TestNode(reader.Root);
        await reader.RestoreFilesAsync(Walk(reader, tree, "", reader.Root), workers, default);
        return tree;
    }

    private static async IAsyncEnumerable<FileToRestore> Walk(TreeReader reader, TestTree tree, string path, StoredEntry directory)
    {
        await foreach (var entry in reader.ListAsync(directory, default))
        {
            string child = Join(path, Encoding.Latin1.GetString(entry.Name));
            var node = new TestNode(entry, new byte[entry.SizeBytes]);
            tree.Nodes.Add(child, node);
            if (entry.Type == StoredEntryType.File)
                yield return new FileToRestore(entry, () => node.Open(), () => child);
            if (entry.Type == StoredEntryType.Directory)
            {
                await foreach (var file in Walk(reader, tree, child, entry))
                    yield return file;
            }
        }
    }

    public void AssertEquals(TestTree other)
    {
        Assert.Equal(Nodes.Keys, other.Nodes.Keys);
        foreach (var (path, node) in Nodes)
        {
            var restored = other.Nodes[path];
            Assert.True(node.Content.AsSpan().SequenceEqual(restored.Content), path);
            Assert.True(node.Entry.Type != StoredEntryType.File || restored.Completed == 1, path + " was not completed once");
            Assert.Equivalent(Plain(node.Entry, node.Content.Length), Plain(restored.Entry, node.Content.Length), strict: true);
        }
    }

    private static StoredEntry Plain(StoredEntry entry, int length) =>
        entry with { Content = null, Children = null, SizeBytes = entry.Type == StoredEntryType.File ? length : 0, Depth = 0 };
}

public sealed class TestNode(StoredEntry entry, byte[]? content = null) : IFileSource, IFileSink
{
    private int opened;

    public StoredEntry Entry => entry;

    public byte[] Content { get; } = content ?? [];

    public int Completed { get; private set; }

    /// <summary>What a read throws, should the test want one.</summary>
    public Exception? Failure { get; init; }

    /// <summary>Where the file ends although its size says more; -1 where its size says.</summary>
    public int EndsAt { get; init; } = -1;

    public TestNode Open()
    {
        Assert.Equal(1, Interlocked.Increment(ref opened));
        return this;
    }

    /// <summary>Ranges of 4 KiB that are zero are holes, as a file system would have them.</summary>
    public DataExtent? NextData(long offset)
    {
        int at = (int)offset;
        while (at < Content.Length && IsZero(at))
            at = (at / 4096 * 4096) + 4096;
        if (at >= Content.Length)
            return null;
        int end = at;
        while (end < Content.Length && !IsZero(end))
            end = (end / 4096 * 4096) + 4096;
        return new DataExtent(at, end - at);
    }

    public int Read(long offset, Span<byte> destination)
    {
        if (Failure is not null)
            throw Failure;
        int length = (int)Math.Clamp((EndsAt >= 0 ? EndsAt : Content.Length) - offset, 0, destination.Length);
        Content.AsSpan((int)offset, length).CopyTo(destination);
        return length;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(0, Completed);
        bytes.CopyTo(Content.AsSpan((int)offset));
    }

    public void Complete() => Completed++;

    public void Dispose()
    {
    }

    private bool IsZero(int at)
    {
        int start = at / 4096 * 4096;
        return !Content.AsSpan(start, Math.Min(4096, Content.Length - start)).ContainsAnyExcept((byte)0);
    }
}
