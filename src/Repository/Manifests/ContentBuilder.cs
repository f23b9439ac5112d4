using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>
/// Builds the content list of one file, piece by piece in order. Short lists stay in the entry; longer ones go to pages
/// that are cut after pieces whose id says so, so that a change in the middle of a large file changes few of them.
/// </summary>
internal sealed class ContentBuilder(FileContent content)
{
    /// <summary>What stays in the directory entry.</summary>
    private const int MaxInline = 64;
    private const int MinPage = 128;
    private const int MaxPage = 2048;

    /// <summary>Cuts after one in 512 pieces, about every 32 MiB of file.</summary>
    private const int CutMask = 511;
    private readonly List<Level> levels = [];
    private long hole;
    private long lengthBytes;

    public void AddHole(long length)
    {
        hole += length;
        lengthBytes += length;
    }

    public async ValueTask AddChunkAsync(ReadOnlyMemory<byte> id, int length, ChunkStore store, MemberCounters counters, CancellationToken cancellationToken)
    {
        await FlushHoleAsync(store, counters, cancellationToken);
        lengthBytes += length;
        await AddAsync(0, id, length, store, counters, cancellationToken);
    }

    /// <summary>Sets the content, complete.</summary>
    public async ValueTask FinishAsync(ChunkStore store, MemberCounters counters, CancellationToken cancellationToken)
    {
        await FlushHoleAsync(store, counters, cancellationToken);
        for (int level = 0; ; level++)
        {
            var current = LevelOf(level);
            if (level == levels.Count - 1 && current.Count <= MaxInline)
            {
                content.Set(level, current.Count, current.Items.Written.ToArray(), lengthBytes);
                return;
            }

            if (current.Count > 0)
                await EndPageAsync(level, store, counters, cancellationToken);
        }
    }

    private ValueTask FlushHoleAsync(ChunkStore store, MemberCounters counters, CancellationToken cancellationToken)
    {
        if (hole == 0)
            return ValueTask.CompletedTask;
        long length = hole;
        hole = 0;
        return AddAsync(0, ReadOnlyMemory<byte>.Empty, length, store, counters, cancellationToken);
    }

    private async ValueTask AddAsync(
        int level, ReadOnlyMemory<byte> id, long length, ChunkStore store, MemberCounters counters, CancellationToken cancellationToken)
    {
        var current = LevelOf(level);
        ContentItem.Write(current.Items, level, id.Span, length);
        current.Count++;
        current.LengthBytes += length;
        if (current.Count >= MaxPage || (current.Count >= MinPage && IsCut(id.Span)))
            await EndPageAsync(level, store, counters, cancellationToken);
    }

    private async ValueTask EndPageAsync(int level, ChunkStore store, MemberCounters counters, CancellationToken cancellationToken)
    {
        var current = LevelOf(level);
        var page = new ByteWriter(current.Items.Length + 16);
        page.Varint(level);
        page.Varint(current.Count);
        page.Raw(current.Items.Written);
        long length = current.LengthBytes;
        current.Items.Clear();
        current.Count = 0;
        current.LengthBytes = 0;

        byte[] id = new byte[ChunkHasher.IdBytes];
        await store.AddPageAsync(page.WrittenMemory, id, counters, cancellationToken);
        await AddAsync(level + 1, id, length, store, counters, cancellationToken);
    }

    private Level LevelOf(int level)
    {
        if (level == levels.Count)
            levels.Add(new Level());
        return levels[level];
    }

    private static bool IsCut(ReadOnlySpan<byte> id) => !id.IsEmpty && ((id[0] | (id[1] << 8)) & CutMask) == 0;

    private sealed class Level
    {
        public ByteWriter Items { get; } = new(48);

        public int Count { get; set; }

        public long LengthBytes { get; set; }
    }
}
