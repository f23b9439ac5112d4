using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>A piece of a file: a chunk, or a hole when the id is empty.</summary>
internal readonly record struct ContentPiece(ReadOnlyMemory<byte> Id, long Offset, long LengthBytes);

/// <summary>Reads the pieces of a file's content in order, one page of each level in memory.</summary>
internal sealed class ContentCursor
{
    private readonly ChunkSource source;
    private readonly string owner;
    private readonly Stack<ContentPage> path = new();
    private readonly long from;
    private long offset;

    /// <param name="from">Pieces that end at or before this offset of the file are passed over, their pages unread.</param>
    public ContentCursor(ChunkSource source, FileContent content, string owner, long from = 0)
    {
        this.source = source;
        this.owner = owner;
        this.from = from;
        path.Push(ContentPage.Of(content));
    }

    public async ValueTask<ContentPiece?> NextAsync(CancellationToken cancellationToken)
    {
        while (path.TryPeek(out var page))
        {
            if (page.IsAtEnd)
            {
                path.Pop();
                continue;
            }

            var (id, length) = page.Read();
            if (offset + length <= from)
            {
                offset += length;
                continue;
            }

            if (page.Level == 0)
            {
                var piece = new ContentPiece(id, offset, length);
                offset += length;
                return piece;
            }

            path.Push(ContentPage.Parse(await source.ReadPageAsync(id, cancellationToken), page.Level - 1, length, id.Span, owner));
        }

        return null;
    }
}

/// <summary>A content list being read from front to back; its items were checked when it was parsed.</summary>
internal sealed class ContentPage(ReadOnlyMemory<byte> items, int level)
{
    private int position;

    public int Level => level;

    public bool IsAtEnd => position == items.Length;

    public static ContentPage Of(FileContent content) => new(content.Items, content.Level);

    /// <exception cref="RepositoryException">It is no content list of this level and length.</exception>
    public static ContentPage Parse(ReadOnlyMemory<byte> bytes, int level, long lengthBytes, ReadOnlySpan<byte> id, string owner)
    {
        try
        {
            var reader = new ByteReader(bytes.Span);
            var content = EntryCodec.ReadContent(ref reader, lengthBytes);
            reader.End();
            return content.Level == level ? Of(content) : throw new InvalidDataException($"It is of level {content.Level} and not {level}.");
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, owner, $"Content page {ChunkSource.Show(id)}: {e.Message}", e);
        }
    }

    /// <returns>The next item: an empty id for a hole.</returns>
    public (ReadOnlyMemory<byte> Id, long LengthBytes) Read()
    {
        var reader = new ByteReader(items.Span[position..]);
        var item = ContentItem.Read(ref reader, level);
        int end = position + reader.Position;
        var id = item.Id.IsEmpty ? ReadOnlyMemory<byte>.Empty
            : level == 0 ? items[(end - ChunkHasher.IdBytes)..end]
            : items.Slice(position, ChunkHasher.IdBytes);
        position = end;
        return (id, item.LengthBytes);
    }
}
