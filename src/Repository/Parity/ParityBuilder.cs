using System.Buffers;
using System.Runtime.InteropServices;
using Strongroom.ObjectStores;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Parity;

/// <summary>Makes a pack's parity of its bytes as they pass.</summary>
internal sealed class ParityBuilder : IDisposable
{
    private readonly ObjectId pack;
    private readonly long sizeHintBytes;
    private readonly int columnBytes;
    private readonly List<uint> sums;
    private byte[] columns;
    private long packBytes;
    private uint sum;

    /// <param name="sizeHintBytes">About the size of the pack to come.</param>
    public ParityBuilder(ObjectId pack, long sizeHintBytes)
    {
        this.pack = pack;
        this.sizeHintBytes = sizeHintBytes;
        sums = new List<uint>(ParityFormat.BlockCount(sizeHintBytes));
        columnBytes = ParityFormat.FirstColumns(sizeHintBytes) * ParityFormat.BlockBytes;
        columns = ArrayPool<byte>.Shared.Rent(columnBytes);
        columns.AsSpan(0, columnBytes).Clear();
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            // As many blocks as there are columns fill this buffer once; its last column and its first one are neighbours.
            int at = (int)(packBytes % columnBytes);
            int inBlock = at % ParityFormat.BlockBytes;
            int length = Math.Min(bytes.Length, ParityFormat.BlockBytes - inBlock);
            ParityFormat.Xor(columns.AsSpan(at, length), bytes[..length]);
            sum = ParityFormat.Sum(sum, bytes[..length]);
            packBytes += length;
            if (inBlock + length == ParityFormat.BlockBytes)
                EndBlock();
            bytes = bytes[length..];
        }
    }

    /// <summary>Stores the parity of all that passed; once.</summary>
    public async ValueTask StoreAsync(IObjectStore store, string name, CancellationToken cancellationToken)
    {
        if (packBytes % ParityFormat.BlockBytes != 0)
            EndBlock();
        var blocks = Fold();
        byte[] head = ParityFormat.Head(pack, packBytes, CollectionsMarshal.AsSpan(sums), blocks.Span);

        // A repair beside it may have written the same already.
        await using var upload = await store.PutAsync(name, PutMode.Replace, head.Length + blocks.Length, cancellationToken);
        await upload.AppendAsync(head, cancellationToken);
        await upload.AppendAsync(blocks, cancellationToken);
        await upload.CommitAsync(cancellationToken);
    }

    public void Dispose()
    {
        if (columns.Length > 0)
            ArrayPool<byte>.Shared.Return(columns);
        columns = [];
    }

    private ReadOnlyMemory<byte> Fold()
    {
        var folded = columns.AsMemory(0, columnBytes);
        for (int bytes = ParityFormat.LastColumns(sizeHintBytes, packBytes) * ParityFormat.BlockBytes; folded.Length > bytes;)
        {
            int half = folded.Length / 2;
            ParityFormat.Xor(folded.Span[..half], folded.Span[half..]);
            folded = folded[..half];
        }

        return folded;
    }

    private void EndBlock()
    {
        sums.Add(sum);
        sum = 0;
    }
}
