using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <summary>
/// A tree of files being backed up. <see cref="TreeWorker"/>s store contents, any number side by side; each directory has a
/// <see cref="DirectoryWriter"/> that takes its entries in order and is finished before its own entry is added to the
/// directory above. What is held is one page per directory that is open, however many files there are.
/// </summary>
public sealed class TreeWriter : IMemberWriter
{
    private readonly BackupSession session;
    private readonly MemberDescription description;
    private readonly MemberCounters counters = new();
    private readonly MemberRecord? parent;
    private long sizeBytes;
    private byte[]? root;

    internal TreeWriter(BackupSession session, MemberDescription description, MemberRecord? parent)
    {
        this.session = session;
        this.description = description;
        this.parent = parent;
        ParentRoot = parent is null ? null : TreeReader.ReadRoot(session.Domain, session.Previous!, parent);
    }

    /// <summary>The root of the parent's tree, to begin comparing with; null without a parent.</summary>
    public StoredEntry? ParentRoot { get; }

    /// <summary>Bytes of files so far, holes left out.</summary>
    public long DataBytes => counters.DataBytes;

    /// <summary>Of those, bytes of files the parent does not have, and new pieces of those it has.</summary>
    public long ChangedBytes => counters.ChangedBytes;

    public long StoredBytes => counters.StoredBytes;

    public long Files => counters.Files;

    public long Directories => counters.Directories;

    internal BackupSession Session => session;

    internal MemberCounters Counters => counters;

    MemberDescription IMemberWriter.Description => description;

    MemberCounters IMemberWriter.Counters => counters;

    bool IMemberWriter.IsFinished => root is not null;

    /// <summary>A worker with buffers of its own, for one thread at a time.</summary>
    public TreeWorker CreateWorker() => new(this);

    /// <summary>Begins a directory.</summary>
    /// <param name="parentDirectory">The entry of the same directory in the parent's tree, or null.</param>
    public DirectoryWriter OpenDirectory(StoredEntry? parentDirectory) => new(this, parentDirectory);

    /// <summary>Completes the tree. All workers and directories must be finished.</summary>
    /// <param name="rootEntry">The root directory's own entry: name empty, <see cref="StoredEntry.Children"/> set.</param>
    public void Finish(StoredEntry rootEntry)
    {
        if (rootEntry.Type != StoredEntryType.Directory || rootEntry.Name.Length != 0)
            throw new ArgumentException("The root is a directory without a name.", nameof(rootEntry));
        var encoded = new ByteWriter();
        EntryCodec.Write(rootEntry, encoded);
        counters.AddDirectory();
        root = encoded.Written.ToArray();
    }

    internal void Count(StoredEntry entry)
    {
        if (entry.Type == StoredEntryType.Directory)
            counters.AddDirectory();
        else
            counters.AddFile();
        Interlocked.Add(ref sizeBytes, entry.Content?.LengthBytes ?? 0);
    }

    MemberRecord IMemberWriter.ToRecord() => new()
    {
        Id = description.Id,
        ResourceId = description.ResourceId,
        Name = description.Name,
        Location = description.Location,
        Kind = MemberKind.Tree,
        SizeBytes = sizeBytes,
        Root = Convert.ToBase64String(root!),
        Incremental = parent is not null,
        DataBytes = counters.DataBytes,
        ChangedBytes = counters.ChangedBytes,
        StoredBytes = counters.StoredBytes,
        Chunks = counters.Chunks,
        Files = counters.Files,
        Directories = counters.Directories,
    };
}

/// <summary>One directory being written. One user at a time; any number of directories side by side.</summary>
public sealed class DirectoryWriter
{
    /// <summary>Pages are cut at entries whose name says so, on average a little under 32 KiB, so that a new entry changes one of them.</summary>
    private const int MinPageBytes = 12 << 10;
    private const int MaxPageBytes = 128 << 10;
    private const uint CutMask = 63;

    private readonly TreeWriter tree;
    private readonly DirectoryCursor? parent;
    private readonly List<Level> levels = [];
    private byte[]? lastName;
    private StoredEntry? parentNext;
    private bool parentStarted;

    internal DirectoryWriter(TreeWriter tree, StoredEntry? parentDirectory)
    {
        this.tree = tree;
        var session = tree.Session;
        if (parentDirectory?.Type == StoredEntryType.Directory)
            parent = new DirectoryCursor(session.Domain.Source, parentDirectory, session.Domain.Names.Backup(session.Previous!.Id));
    }

    /// <summary>The parent's entry of this name, or null. Ask in ascending order of names.</summary>
    /// <exception cref="RepositoryException">The parent's directory is damaged.</exception>
    public async ValueTask<StoredEntry?> FindParentAsync(ReadOnlyMemory<byte> name, CancellationToken cancellationToken)
    {
        if (parent is null)
            return null;
        if (!parentStarted)
        {
            parentStarted = true;
            parentNext = await parent.NextAsync(cancellationToken);
        }

        while (parentNext is not null && parentNext.Name.AsSpan().SequenceCompareTo(name.Span) < 0)
            parentNext = await parent.NextAsync(cancellationToken);
        return parentNext is not null && parentNext.Name.AsSpan().SequenceEqual(name.Span) ? parentNext : null;
    }

    /// <summary>Adds an entry, in ascending order of the bytes of names. A file's content must be complete, a directory finished.</summary>
    /// <exception cref="ArgumentException">Out of order, no name for a file, content missing, or more metadata than can be stored.</exception>
    public async ValueTask AddAsync(StoredEntry entry, CancellationToken cancellationToken)
    {
        if (!EntryCodec.IsValidName(entry.Name) || (lastName is not null && lastName.AsSpan().SequenceCompareTo(entry.Name) >= 0))
            throw new ArgumentException("Names are valid and come in ascending order, each once.", nameof(entry));
        var page = LevelOf(0);
        page.Begin(0, entry.Name);
        int before = page.Items.Length;
        bool written = false;
        try
        {
            EntryCodec.Write(entry, page.Items);
            written = true;
        }
        finally
        {
            if (!written)
                page.Items.Truncate(before);
        }

        page.Count++;
        lastName = entry.Name;
        tree.Count(entry);
        await EndIfFullAsync(0, entry.Name, cancellationToken);
    }

    /// <summary>Stores what is left of the directory.</summary>
    /// <returns>To be put into the directory's own entry.</returns>
    public async ValueTask<DirectoryContent> FinishAsync(CancellationToken cancellationToken)
    {
        byte[] id = new byte[ChunkHasher.IdBytes];
        if (lastName is null)
            return new DirectoryContent(id);
        for (int level = 0; ; level++)
        {
            var page = LevelOf(level);
            bool isTop = level == levels.Count - 1;
            if (isTop && level > 0 && page.Count == 1)
                return new DirectoryContent(page.Items.Written.Slice(1, ChunkHasher.IdBytes).ToArray());
            if (page.Count > 0)
                await EndAsync(level, cancellationToken);
        }
    }

    private async ValueTask EndIfFullAsync(int level, byte[] name, CancellationToken cancellationToken)
    {
        int length = levels[level].Items.Length;
        if (length >= MaxPageBytes || (length >= MinPageBytes && (HashOf(name) & CutMask) == 0))
            await EndAsync(level, cancellationToken);
    }

    private async ValueTask EndAsync(int level, CancellationToken cancellationToken)
    {
        var page = levels[level];
        byte[] id = new byte[ChunkHasher.IdBytes];
        await tree.Session.Chunks.AddPageAsync(page.Items.WrittenMemory, id, tree.Counters, cancellationToken);
        byte[] first = page.First;
        page.Clear();

        var above = LevelOf(level + 1);
        above.Begin(level + 1, first);
        above.Items.Raw(id);
        above.Items.Bytes(first);
        above.Count++;
        await EndIfFullAsync(level + 1, first, cancellationToken);
    }

    private Level LevelOf(int level)
    {
        if (level == levels.Count)
            levels.Add(new Level());
        return levels[level];
    }

    /// <summary>FNV-1a with its bits mixed; any hash would do, readers never see it.</summary>
    private static uint HashOf(ReadOnlySpan<byte> name)
    {
        uint hash = 2166136261;
        foreach (byte b in name)
            hash = unchecked((hash ^ b) * 16777619);
        return hash ^ (hash >> 15);
    }

    private sealed class Level
    {
        public ByteWriter Items { get; } = new(1024);

        public int Count { get; set; }

        public byte[] First { get; private set; } = [];

        /// <summary>Starts the page when it is empty: its level, and the name it starts with.</summary>
        public void Begin(int level, byte[] name)
        {
            if (Count > 0)
                return;
            Items.Clear();
            Items.U8((byte)level);
            First = name;
        }

        public void Clear()
        {
            Items.Clear();
            Count = 0;
        }
    }
}
