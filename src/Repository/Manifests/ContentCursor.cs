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
    private readonly Stack<Page> path = new();
    private long offset;

    public ContentCursor(ChunkSource source, FileContent content, string owner)
    {
        this.source = source;
        this.owner = owner;
        path.Push(new Page(content.Items, content.Level));
    }

    /// <summary>Called with the id of each page of the list before it is read.</summary>
    public Action<ReadOnlyMemory<byte>>? PageSeen { get; init; }

    public async ValueTask<ContentPiece?> NextAsync(CancellationToken cancellationToken)
    {
        while (path.TryPeek(out var page))
        {
            if (page.Position == page.Bytes.Length)
            {
                path.Pop();
                continue;
            }

            var (id, length) = Read(page);
            if (page.Level == 0)
            {
                var piece = new ContentPiece(id, offset, length);
                offset += length;
                return piece;
            }

            PageSeen?.Invoke(id);
            path.Push(Parse(await source.ReadPageAsync(id, cancellationToken), page.Level - 1, length, id.Span));
        }

        return null;
    }

    /// <summary>Items were checked when the list was parsed.</summary>
    private static (ReadOnlyMemory<byte> Id, long LengthBytes) Read(Page page)
    {
        var reader = new ByteReader(page.Bytes.Span[page.Position..]);
        var item = ContentItem.Read(ref reader, page.Level);
        int end = page.Position + reader.Position;
        var id = item.Id.IsEmpty ? ReadOnlyMemory<byte>.Empty
            : page.Level == 0 ? page.Bytes[(end - ChunkHasher.IdBytes)..end]
            : page.Bytes.Slice(page.Position, ChunkHasher.IdBytes);
        page.Position = end;
        return (id, item.LengthBytes);
    }

    private Page Parse(ReadOnlyMemory<byte> bytes, int level, long lengthBytes, ReadOnlySpan<byte> id)
    {
        try
        {
            var reader = new ByteReader(bytes.Span);
            var content = EntryCodec.ReadContent(ref reader, lengthBytes);
            reader.End();
            return content.Level == level
                ? new Page(content.Items, level)
                : throw new InvalidDataException($"It is of level {content.Level} and not {level}.");
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, owner, $"Content page {ChunkSource.Show(id)}: {e.Message}", e);
        }
    }

    private sealed class Page(ReadOnlyMemory<byte> bytes, int level)
    {
        public ReadOnlyMemory<byte> Bytes => bytes;

        public int Level => level;

        public int Position { get; set; }
    }
}
