using System.Numerics;
using System.Runtime.CompilerServices;

namespace Strongroom.Repository.Crypto;

/// <summary>Domain separation flags of a compression (specification, table 3).</summary>
internal static class Blake3Flags
{
    public const uint ChunkStart = 1;
    public const uint ChunkEnd = 2;
    public const uint Parent = 4;
    public const uint Root = 8;
    public const uint KeyedHash = 16;
}

/// <summary>
/// The tree above the chunks of 1 KiB. The left subtree of a node holds the largest power of two of chunks that is less than
/// all of them; the same tree arises when neighbours are joined level by level and an odd last node moves up unjoined. That
/// form is used here, for the chunks and then for each level of many pieces at once, so that the lanes stay full.
/// </summary>
internal readonly unsafe struct Blake3Tree<TKernel>(uint* key, uint mode)
    where TKernel : struct, IBlake3Kernel
{
    private const int ChunkLength = 1024;
    private const int ChunkBlocks = ChunkLength / 64;
    private const int NodeLength = Blake3.HashLength;

    /// <summary>
    /// Chunks scheduled together. Bounds the stack of one call to 64 KiB, and makes the last, partly filled round of
    /// lanes one of many.
    /// </summary>
    private const int WindowChunks = 256;

    private struct Piece
    {
        public byte* Input;
        public int Length;
        public uint RootFlag;
        public uint FirstChunk;
        public byte* Output;

        /// <summary>The chaining values of the piece's current level: where, and how many.</summary>
        public byte* Nodes;
        public int NodeCount;
    }

    [SkipLocalsInit]
    public void HashPieces(byte* input, ReadOnlySpan<int> lengths, byte* output)
    {
        unchecked
        {
            Piece* pieces = stackalloc Piece[Math.Min(lengths.Length, WindowChunks)];
            int pieceCount = 0;
            int chunkCount = 0;
            foreach (int length in lengths)
            {
                int chunks = ChunkCount(length);
                if (chunks > WindowChunks)
                {
                    HashSubtree(input, length, 0, Blake3Flags.Root, output);
                }
                else
                {
                    if (chunkCount + chunks > WindowChunks)
                    {
                        HashWindow(pieces, pieceCount, chunkCount);
                        pieceCount = 0;
                        chunkCount = 0;
                    }

                    pieces[pieceCount++] = new Piece { Input = input, Length = length, RootFlag = Blake3Flags.Root, Output = output };
                    chunkCount += chunks;
                }

                input += length;
                output += Blake3.HashLength;
            }

            if (pieceCount > 0)
                HashWindow(pieces, pieceCount, chunkCount);
        }
    }

    private static int ChunkCount(int length) => length == 0 ? 1 : (length - 1) / ChunkLength + 1;

    /// <summary>Halves what is larger than a window. At most 13 levels deep, for 2 GiB.</summary>
    [SkipLocalsInit]
    private void HashSubtree(byte* input, int length, uint firstChunk, uint rootFlag, byte* output)
    {
        unchecked
        {
            int chunks = ChunkCount(length);
            if (chunks <= WindowChunks)
            {
                var piece = new Piece { Input = input, Length = length, FirstChunk = firstChunk, RootFlag = rootFlag, Output = output };
                HashWindow(&piece, 1, chunks);
                return;
            }

            int leftChunks = 1 << BitOperations.Log2((uint)chunks - 1);
            int leftLength = leftChunks * ChunkLength;
            byte* children = stackalloc byte[2 * NodeLength];
            HashSubtree(input, leftLength, firstChunk, 0, children);
            HashSubtree(input + leftLength, length - leftLength, firstChunk + (uint)leftChunks, 0, children + NodeLength);
            Blake3Job parent = Parent(children, rootFlag, output);
            new Blake3Lanes<TKernel>(key, mode | Blake3Flags.Parent).Run(&parent, 1);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void HashWindow(Piece* pieces, int pieceCount, int chunkCount)
    {
        unchecked
        {
            Blake3Job* jobs = stackalloc Blake3Job[chunkCount];
            byte* nodes = stackalloc byte[chunkCount * NodeLength];

            // Jobs go by their blocks, most first: where those of each number of blocks begin.
            int* starts = stackalloc int[ChunkBlocks + 1];
            new Span<int>(starts, ChunkBlocks + 1).Clear();
            for (Piece* piece = pieces; piece < pieces + pieceCount; piece++)
            {
                piece->NodeCount = ChunkCount(piece->Length);
                starts[ChunkBlocks] += piece->NodeCount - 1;
                starts[Blake3Job.Blocks(piece->Length - (piece->NodeCount - 1) * ChunkLength)]++;
            }

            int start = 0;
            for (int blocks = ChunkBlocks; blocks > 0; blocks--)
                (starts[blocks], start) = (start, start + starts[blocks]);

            bool joining = false;
            for (Piece* piece = pieces; piece < pieces + pieceCount; piece++)
            {
                piece->Nodes = nodes;
                nodes += piece->NodeCount * NodeLength;
                bool single = piece->NodeCount == 1;
                joining |= !single;
                for (int chunk = 0; chunk < piece->NodeCount; chunk++)
                {
                    int length = Math.Min(ChunkLength, piece->Length - chunk * ChunkLength);
                    jobs[starts[Blake3Job.Blocks(length)]++] = new Blake3Job
                    {
                        Input = piece->Input + chunk * ChunkLength,
                        Length = length,
                        FirstFlags = Blake3Flags.ChunkStart,
                        LastFlags = Blake3Flags.ChunkEnd | (single ? piece->RootFlag : 0),
                        Counter = piece->FirstChunk + (uint)chunk,
                        Output = single ? piece->Output : piece->Nodes + chunk * NodeLength,
                    };
                }
            }

            new Blake3Lanes<TKernel>(key, mode).Run(jobs, chunkCount);
            while (joining)
                joining = JoinLevel(pieces, pieceCount, jobs);
        }
    }

    /// <summary>Joins neighbours of one level in every piece that has more than one node; false when no piece has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool JoinLevel(Piece* pieces, int pieceCount, Blake3Job* jobs)
    {
        unchecked
        {
            int jobCount = 0;
            for (Piece* piece = pieces; piece < pieces + pieceCount; piece++)
            {
                bool last = piece->NodeCount == 2;
                // A parent is written over a node that is read in the same round of lanes or was in an earlier one.
                for (int pair = 0; pair < piece->NodeCount / 2; pair++)
                    jobs[jobCount++] = Parent(
                        piece->Nodes + 2 * pair * NodeLength,
                        last ? piece->RootFlag : 0,
                        last ? piece->Output : piece->Nodes + pair * NodeLength);
            }

            new Blake3Lanes<TKernel>(key, mode | Blake3Flags.Parent).Run(jobs, jobCount);

            bool more = false;
            for (Piece* piece = pieces; piece < pieces + pieceCount; piece++)
            {
                int pairs = piece->NodeCount / 2;
                if (piece->NodeCount > 1 && (piece->NodeCount & 1) != 0)
                    Unsafe.CopyBlockUnaligned(piece->Nodes + pairs * NodeLength, piece->Nodes + 2 * pairs * NodeLength, NodeLength);
                piece->NodeCount -= pairs;
                more |= piece->NodeCount > 1;
            }

            return more;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Blake3Job Parent(byte* children, uint rootFlag, byte* output) => new()
    {
        Input = children,
        Length = 2 * NodeLength,
        LastFlags = rootFlag,
        Output = output,
    };
}
