using System.Runtime.InteropServices;
using Strongroom.ObjectStores;
using Strongroom.Repository.Chunking;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <summary>A file as it is read for a backup. Called by one worker at a time, on its thread.</summary>
public interface IFileSource
{
    /// <summary>The next range that may hold data at or after the offset; null when only a hole remains.</summary>
    DataExtent? NextData(long offset);

    /// <summary>Fills the span; fewer bytes only at the end of the file, 0 past it.</summary>
    int Read(long offset, Span<byte> destination);
}

/// <summary>
/// One thread's way of storing file contents: cuts them by content, hashes many pieces at once, asks the index, gathers
/// neighbours in one segment, compresses, seals and stores, all on the caller's thread.
/// </summary>
public sealed class TreeWorker : IAsyncDisposable
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Pieces hashed in one call; more gain nothing.</summary>
    private const int MaxPieces = 1024;

    private readonly TreeWriter tree;
    private readonly ChunkStore store;
    private readonly ChunkHasher hasher;
    private readonly FastCdcParameters cut;
    private readonly byte[] buffer;
    private readonly byte[] ids = new byte[MaxPieces * ChunkHasher.IdBytes];
    private readonly List<int> lengths = [];
    private readonly List<Step> steps = [];
    private PackLane? lane;
    private int fill;

    /// <summary>Half-way through its steps: going on would do some of them twice.</summary>
    private bool isBroken;

    internal TreeWorker(TreeWriter tree)
    {
        this.tree = tree;
        store = tree.Session.Chunks;
        var domain = tree.Session.Domain;
        hasher = domain.Keys.Chunks;
        var parameters = domain.Parameters;
        cut = new FastCdcParameters(parameters.FileMinBytes, parameters.FileAvgBytes, parameters.FileMaxBytes);
        buffer = GC.AllocateUninitializedArray<byte>(Math.Max(BufferBytes, parameters.FileMaxBytes * 2));
    }

    /// <summary>
    /// Reads a file and stores what is new of it. Small files are gathered, so the content returned may be complete only
    /// after <see cref="CompleteAsync"/>; until then it cannot be added to a directory.
    /// </summary>
    /// <param name="file">Read from start to <paramref name="sizeBytes"/>; its exceptions come out as they are, and the worker goes on.</param>
    /// <param name="sizeBytes">The size to read; when the file ends before it, so does the content.</param>
    /// <param name="parent">The entry of the same file in the parent's tree, or null: decides only what counts as changed.</param>
    public async ValueTask<FileContent> StoreAsync(IFileSource file, long sizeBytes, StoredEntry? parent, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(isBroken, this);
        lane ??= store.Rent(tree.Counters);
        var content = new FileContent();
        var builder = new ContentBuilder(content);
        bool isNew = parent?.Type != StoredEntryType.File;
        for (long offset = 0; offset < sizeBytes;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var data = file.NextData(offset);
            long start = Math.Clamp(data?.Offset ?? sizeBytes, offset, sizeBytes);
            long end = data is { } range && range.Offset + range.LengthBytes > start ? Math.Min(sizeBytes, range.Offset + range.LengthBytes) : sizeBytes;
            if (start > offset)
                steps.Add(Step.Hole(builder, start - offset));
            long read = start == sizeBytes ? 0 : await StoreRangeAsync(file, builder, isNew, start, end, cancellationToken);
            offset = start + read;
            if (offset < end)
                break;
        }

        steps.Add(Step.End(builder));
        if (steps.Count >= MaxPieces)
            await CompleteAsync(cancellationToken);
        return content;
    }

    /// <summary>Completes every content this worker returned.</summary>
    /// <exception cref="ObjectStoreException">Something could not be stored. The worker, and its session, are then of no more use.</exception>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(isBroken, this);
        isBroken = true;
        hasher.HashMany(buffer.AsSpan(0, fill), CollectionsMarshal.AsSpan(lengths), ids.AsSpan(0, lengths.Count * ChunkHasher.IdBytes));
        long dataBytes = 0;
        long changedBytes = 0;
        int at = 0;
        int piece = 0;
        foreach (var step in steps)
        {
            switch (step.Kind)
            {
                case StepKind.Hole:
                    step.Builder.AddHole(step.LengthBytes);
                    break;
                case StepKind.End:
                    await step.Builder.FinishAsync(store, tree.Counters, cancellationToken);
                    break;
                default:
                    int length = (int)step.LengthBytes;
                    var id = ids.AsMemory(piece++ * ChunkHasher.IdBytes, ChunkHasher.IdBytes);
                    bool added = await store.AddAsync(lane!, id, buffer.AsMemory(at, length), cancellationToken);
                    await step.Builder.AddChunkAsync(id, length, store, tree.Counters, cancellationToken);
                    at += length;
                    dataBytes += length;
                    changedBytes += added || step.IsNewFile ? length : 0;
                    break;
            }
        }

        tree.Counters.AddData(dataBytes, changedBytes, lengths.Count);
        steps.Clear();
        lengths.Clear();
        fill = 0;
        isBroken = false;
    }

    /// <summary>Counts an unchanged file, whose content is then taken from the parent's entry.</summary>
    public async ValueTask KeepAsync(StoredEntry parent, CancellationToken cancellationToken)
    {
        if (parent.Content is not { } content)
            throw new ArgumentException("Only files have contents.", nameof(parent));
        var session = tree.Session;
        var cursor = new ContentCursor(session.Domain.Source, content, session.Domain.Names.Backup(session.Previous!.Id));
        long dataBytes = 0;
        long chunks = 0;
        while (await cursor.NextAsync(cancellationToken) is { } piece)
        {
            if (piece.Id.IsEmpty)
                continue;
            dataBytes += piece.LengthBytes;
            chunks++;
        }

        tree.Counters.AddData(dataBytes, 0, chunks);
    }

    /// <summary>Completes every content and gives back what the worker holds.</summary>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        await CompleteAsync(cancellationToken);
        ReturnLane();
    }

    public ValueTask DisposeAsync()
    {
        ReturnLane();
        return ValueTask.CompletedTask;
    }

    /// <returns>Bytes read; fewer than asked for when the file ends early.</returns>
    private async ValueTask<long> StoreRangeAsync(
        IFileSource file, ContentBuilder builder, bool isNewFile, long start, long end, CancellationToken cancellationToken)
    {
        long offset = start;
        int uncut = 0;
        bool ended = false;
        while (true)
        {
            int room = (int)Math.Min(buffer.Length - fill - uncut, end - offset);
            if (room > 0 && !ended)
            {
                int read = file.Read(offset, buffer.AsSpan(fill + uncut, room));
                ended = read < room;
                offset += read;
                uncut += read;
            }

            bool isLast = ended || offset == end;
            while (uncut > 0 && (isLast || uncut >= cut.MaxBytes) && lengths.Count < MaxPieces)
            {
                int length = FastCdc.NextCut(buffer.AsSpan(fill, uncut), cut);
                uncut -= length;
                AddPiece(builder, length, uncut, isNewFile);
            }

            if (uncut == 0 && isLast)
                return offset - start;

            // No room for a whole piece: store what is cut, and move the rest to the front.
            int from = fill;
            await CompleteAsync(cancellationToken);
            buffer.AsSpan(from, uncut).CopyTo(buffer);
        }
    }

    private void AddPiece(ContentBuilder builder, int length, int uncut, bool isNewFile)
    {
        if (ZeroTest.IsAllZero(buffer.AsSpan(fill, length)))
        {
            // Zeros are never stored. What follows closes the gap.
            steps.Add(Step.Hole(builder, length));
            buffer.AsSpan(fill + length, uncut).CopyTo(buffer.AsSpan(fill));
            return;
        }

        steps.Add(Step.Chunk(builder, length, isNewFile));
        lengths.Add(length);
        fill += length;
    }

    private void ReturnLane()
    {
        if (lane is not null)
            store.Return(lane);
        lane = null;
    }

    private enum StepKind
    {
        Chunk,
        Hole,
        End,
    }

    private readonly record struct Step(StepKind Kind, ContentBuilder Builder, long LengthBytes, bool IsNewFile)
    {
        public static Step Chunk(ContentBuilder builder, int length, bool isNewFile) => new(StepKind.Chunk, builder, length, isNewFile);

        public static Step Hole(ContentBuilder builder, long length) => new(StepKind.Hole, builder, length, false);

        public static Step End(ContentBuilder builder) => new(StepKind.End, builder, 0, false);
    }
}
