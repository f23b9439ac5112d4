using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>Reads the entries of a stored directory in order, one page of each level in memory. One user at a time.</summary>
internal sealed class DirectoryCursor(ChunkSource source, StoredEntry directory, string owner)
{
    private readonly Stack<Page> path = new();
    private readonly OwnerNames owners = new();
    private byte[]? lastName;
    private bool started;

    /// <summary>The next entry, or null at the end.</summary>
    /// <exception cref="RepositoryException">Damaged.</exception>
    public async ValueTask<StoredEntry?> NextAsync(CancellationToken cancellationToken)
    {
        if (!started)
        {
            started = true;
            if (directory.Depth >= EntryCodec.MaxDepth)
                throw new RepositoryException(RepositoryFailure.Damaged, owner, $"Its directories are more than {EntryCodec.MaxDepth} deep.");
            if (directory.Children is { } children && children.Id.AsSpan().ContainsAnyExcept((byte)0))
                await PushAsync(children.Id, -1, cancellationToken);
        }

        while (path.TryPeek(out var page))
        {
            if (page.Position == page.Bytes.Length)
                path.Pop();
            else if (page.Level == 0)
                return ReadEntry(page);
            else
                await PushAsync(ReadChild(page), page.Level - 1, cancellationToken);
        }

        return null;
    }

    /// <param name="level">What the page must be of; -1 for any.</param>
    private async ValueTask PushAsync(ReadOnlyMemory<byte> id, int level, CancellationToken cancellationToken)
    {
        var bytes = await source.ReadPageAsync(id, cancellationToken);
        int actual = bytes.Span[0];
        if (actual > EntryCodec.MaxLevel || (level >= 0 && actual != level) || bytes.Length < 2)
            throw Damaged(id.Span, $"It is no directory page of level {(level < 0 ? "0 to 8" : level)}.");
        path.Push(new Page(id, bytes, actual));
    }

    private StoredEntry ReadEntry(Page page)
    {
        try
        {
            var reader = new ByteReader(page.Bytes.Span[page.Position..]);
            var entry = EntryCodec.Read(ref reader, isRoot: false, directory.Depth + 1, owners);
            if (lastName is not null && lastName.AsSpan().SequenceCompareTo(entry.Name) >= 0)
                throw new InvalidDataException("Its names are not in order.");
            lastName = entry.Name;
            page.Position += reader.Position;
            return entry;
        }
        catch (InvalidDataException e)
        {
            throw Damaged(page.Id.Span, e.Message);
        }
    }

    private ReadOnlyMemory<byte> ReadChild(Page page)
    {
        try
        {
            var reader = new ByteReader(page.Bytes.Span[page.Position..]);
            reader.Take(ChunkHasher.IdBytes);
            reader.Bytes(EntryCodec.MaxNameBytes, "length of a name");
            var id = page.Bytes.Slice(page.Position, ChunkHasher.IdBytes);
            page.Position += reader.Position;
            return id;
        }
        catch (InvalidDataException e)
        {
            throw Damaged(page.Id.Span, e.Message);
        }
    }

    private RepositoryException Damaged(ReadOnlySpan<byte> id, string what) =>
        new(RepositoryFailure.Damaged, owner, $"Directory page {ChunkSource.Show(id)}: {what}");

    private sealed class Page(ReadOnlyMemory<byte> id, ReadOnlyMemory<byte> bytes, int level)
    {
        public ReadOnlyMemory<byte> Id => id;

        public ReadOnlyMemory<byte> Bytes => bytes;

        public int Level => level;

        public int Position { get; set; } = 1;
    }
}
