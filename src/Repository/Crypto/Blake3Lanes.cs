using System.Runtime.CompilerServices;

namespace Strongroom.Repository.Crypto;

/// <summary>One run of compressions that ends in a chaining value: a chunk, or a parent node (a single block).</summary>
internal unsafe struct Blake3Job
{
    public byte* Input;

    /// <summary>Bytes, 0 to 1024.</summary>
    public int Length;

    /// <summary>Flags of every block, and those added to the first and to the last.</summary>
    public uint Flags;
    public uint FirstFlags;
    public uint LastFlags;
    public ulong Counter;

    /// <summary>Receives 32 bytes when the job is done.</summary>
    public byte* Output;
}

/// <summary>
/// A compression function that works on a number of independent lanes side by side. Word <c>r</c> of lane <c>l</c> is at
/// <c>state[r * Lanes + l]</c>, with these rows: 0 to 7 chaining value (in and out), then the rows named below.
/// </summary>
internal unsafe interface IBlake3Kernel
{
    public const int CounterLow = 8;
    public const int CounterHigh = 9;
    public const int Flags = 10;

    /// <summary>Flags added to the first block of the call.</summary>
    public const int FirstFlags = 11;

    /// <summary>Flags added to the last block of the call, and that block's count of bytes; all others have 64.</summary>
    public const int LastFlags = 12;
    public const int LastLength = 13;
    public const int Rows = 14;

    static abstract int Lanes { get; }

    /// <summary>Compresses the next <paramref name="blocks"/> blocks of 64 bytes, 1 or more, of every lane.</summary>
    /// <param name="inputs">For each lane, where its blocks are; read and never written.</param>
    static abstract void Compress(byte** inputs, uint* state, int blocks);
}

/// <summary>
/// Runs jobs over the lanes of a kernel. A lane that finishes takes the next job at once, so jobs of different lengths share
/// a vector: each call of the kernel covers as many blocks as all lanes can go without one of them reaching its end.
/// </summary>
internal static unsafe class Blake3Lanes
{
    private const int BlockLength = 64;

    private struct Lane
    {
        /// <summary>Null when there is no more work for the lane.</summary>
        public Blake3Job* Job;
        public int FullBlocks;

        /// <summary>Bytes of the padded last block, or -1 when the job ends on a full one.</summary>
        public int TailLength;
    }

    /// <summary>
    /// Jobs start in order, and an output is written only when no job before it, and none of its own round, is still to be
    /// read; so a job's output may replace the input of itself or an earlier one when all are a single block.
    /// </summary>
    [SkipLocalsInit]
    public static void Run<TKernel>(uint* key, Blake3Job* jobs, int count)
        where TKernel : struct, IBlake3Kernel
    {
        if (count == 1 && TKernel.Lanes > 1)
        {
            Run<Blake3KernelScalar>(key, jobs, count);
            return;
        }

        unchecked
        {
            uint* state = stackalloc uint[TKernel.Lanes * IBlake3Kernel.Rows];
            byte* tails = stackalloc byte[TKernel.Lanes * BlockLength];
            byte** inputs = stackalloc byte*[TKernel.Lanes];
            Lane* lanes = stackalloc Lane[TKernel.Lanes];
            Blake3Job* end = jobs + count;
            for (int l = 0; l < TKernel.Lanes; l++)
            {
                lanes[l].Job = null;
                if (jobs < end)
                    Start<TKernel>(ref lanes[l], l, jobs++, key, state, inputs, tails);
            }

            while (true)
            {
                int blocks = int.MaxValue;
                byte* readable = null;
                for (int l = 0; l < TKernel.Lanes; l++)
                {
                    if (lanes[l].Job == null)
                        continue;
                    blocks = Math.Min(blocks, Math.Max(lanes[l].FullBlocks, 1));
                    readable = inputs[l];
                }

                if (readable == null)
                    return;

                for (int l = 0; l < TKernel.Lanes; l++)
                {
                    if (lanes[l].Job == null)
                    {
                        // An idle lane computes on another's bytes, for nothing.
                        inputs[l] = readable;
                        continue;
                    }

                    bool inTail = lanes[l].FullBlocks == 0;
                    bool ends = inTail || (lanes[l].FullBlocks == blocks && lanes[l].TailLength < 0);
                    state[IBlake3Kernel.LastFlags * TKernel.Lanes + l] = ends ? lanes[l].Job->LastFlags : 0;
                    state[IBlake3Kernel.LastLength * TKernel.Lanes + l] = inTail ? (uint)lanes[l].TailLength : BlockLength;
                }

                TKernel.Compress(inputs, state, blocks);

                for (int l = 0; l < TKernel.Lanes; l++)
                {
                    ref Lane lane = ref lanes[l];
                    if (lane.Job == null)
                        continue;
                    bool wasTail = lane.FullBlocks == 0;
                    if (!wasTail)
                    {
                        lane.FullBlocks -= blocks;
                        inputs[l] += blocks * BlockLength;
                        state[IBlake3Kernel.FirstFlags * TKernel.Lanes + l] = 0;
                        if (lane.FullBlocks > 0)
                            continue;
                        if (lane.TailLength >= 0)
                        {
                            EnterTail(ref lane, l, inputs, tails);
                            continue;
                        }
                    }

                    uint* output = (uint*)lane.Job->Output;
                    for (int word = 0; word < 8; word++)
                        output[word] = state[word * TKernel.Lanes + l];
                    lane.Job = null;
                    if (jobs < end)
                        Start<TKernel>(ref lane, l, jobs++, key, state, inputs, tails);
                }
            }
        }
    }

    private static void Start<TKernel>(ref Lane lane, int l, Blake3Job* job, uint* key, uint* state, byte** inputs, byte* tails)
        where TKernel : struct, IBlake3Kernel
    {
        unchecked
        {
            lane.Job = job;
            lane.FullBlocks = job->Length / BlockLength;
            int rest = job->Length % BlockLength;
            lane.TailLength = rest > 0 || job->Length == 0 ? rest : -1;
            inputs[l] = job->Input;
            if (lane.FullBlocks == 0)
                EnterTail(ref lane, l, inputs, tails);

            for (int word = 0; word < 8; word++)
                state[word * TKernel.Lanes + l] = key[word];
            state[IBlake3Kernel.CounterLow * TKernel.Lanes + l] = (uint)job->Counter;
            state[IBlake3Kernel.CounterHigh * TKernel.Lanes + l] = (uint)(job->Counter >> 32);
            state[IBlake3Kernel.Flags * TKernel.Lanes + l] = job->Flags;
            state[IBlake3Kernel.FirstFlags * TKernel.Lanes + l] = job->FirstFlags;
        }
    }

    /// <summary>The last block of a job may end anywhere; it is read from a copy padded with zeros.</summary>
    private static void EnterTail(ref Lane lane, int l, byte** inputs, byte* tails)
    {
        unchecked
        {
            byte* tail = tails + l * BlockLength;
            new Span<byte>(tail, BlockLength).Clear();
            new ReadOnlySpan<byte>(inputs[l], lane.TailLength).CopyTo(new Span<byte>(tail, BlockLength));
            inputs[l] = tail;
        }
    }
}
