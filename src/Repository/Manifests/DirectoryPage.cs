using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>A directory page being read from front to back: entries on level 0, pages of the level below on others.</summary>
internal sealed class DirectoryPage
{
    private readonly ReadOnlyMemory<byte> id;
    private readonly ReadOnlyMemory<byte> bytes;
    private readonly string owner;
    private int position = 1;

    /// <param name="level">What it must be of; -1 for any.</param>
    /// <param name="owner">The root object, named when the page is damaged.</param>
    /// <exception cref="RepositoryException">It is no directory page of this level.</exception>
    public DirectoryPage(ReadOnlyMemory<byte> id, ReadOnlyMemory<byte> bytes, int level, string owner)
    {
        this.id = id;
        this.bytes = bytes;
        this.owner = owner;
        Level = bytes.Span[0];
        if (Level > EntryCodec.MaxLevel || (level >= 0 && Level != level) || bytes.Length < 2)
            throw Damaged($"It is no directory page of level {(level < 0 ? "0 to 8" : level)}.");
    }

    public int Level { get; }

    public bool IsAtEnd => position == bytes.Length;

    /// <param name="depth">How deep in the tree the entries are.</param>
    /// <param name="last">The name before, which this one must follow; null for the first of a directory.</param>
    public StoredEntry ReadEntry(int depth, OwnerNames owners, byte[]? last)
    {
        try
        {
            var reader = new ByteReader(bytes.Span[position..]);
            var entry = EntryCodec.Read(ref reader, isRoot: false, depth, owners);
            if (last is not null && last.AsSpan().SequenceCompareTo(entry.Name) >= 0)
                throw new InvalidDataException("Its names are not in order.");
            position += reader.Position;
            return entry;
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e.Message);
        }
    }

    /// <returns>The id of the next page below.</returns>
    public ReadOnlyMemory<byte> ReadChild()
    {
        try
        {
            var reader = new ByteReader(bytes.Span[position..]);
            reader.Take(ChunkHasher.IdBytes);
            reader.Bytes(EntryCodec.MaxNameBytes, "length of a name");
            var child = bytes.Slice(position, ChunkHasher.IdBytes);
            position += reader.Position;
            return child;
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e.Message);
        }
    }

    private RepositoryException Damaged(string what) =>
        new(RepositoryFailure.Damaged, owner, $"Directory page {ChunkSource.Show(id.Span)}: {what}");
}
