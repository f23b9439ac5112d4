using System.Runtime.CompilerServices;

namespace Strongroom.Repository.Crypto;

/// <summary>One run of compressions that ends in a chaining value: a chunk, or a parent node (a single block).</summary>
internal unsafe struct Blake3Job
{
    public byte* Input;

    /// <summary>Bytes, 0 to 1024.</summary>
    public int Length;

    /// <summary>Flags added to those of every block, for the first and for the last.</summary>
    public uint FirstFlags;
    public uint LastFlags;

    /// <summary>The number of the chunk in its piece, 0 for a parent. Of the counter's 64 bits a span of 2 GiB needs 21.</summary>
    public uint Counter;

    /// <summary>Receives 32 bytes when the job is done.</summary>
    public byte* Output;

    /// <summary>Blocks of 64 bytes; no bytes at all are one empty block.</summary>
    public static int Blocks(int length) => length == 0 ? 1 : (length + 63) / 64;
}

/// <summary>
/// A compression function that works on a number of independent lanes side by side. Word <c>r</c> of lane <c>l</c> is at
/// <c>state[r * Lanes + l]</c>, with these rows: 0 to 7 chaining value (in and out), then the rows named below.
/// </summary>
internal unsafe interface IBlake3Kernel
{
    public const int Counter = 8;
    public const int Flags = 9;

    /// <summary>Flags added to the first block of the call.</summary>
    public const int FirstFlags = 10;

    /// <summary>Flags added to the last block of the call, and that block's count of bytes; all others have 64.</summary>
    public const int LastFlags = 11;
    public const int LastLength = 12;
    public const int Rows = 13;

    static abstract int Lanes { get; }

    /// <summary>Compresses the next <paramref name="blocks"/> blocks of 64 bytes, 1 or more, of every lane.</summary>
    /// <param name="inputs">For each lane, where its blocks are; read and never written.</param>
    static abstract void Compress(byte** inputs, uint* state, int blocks);
}

/// <summary>Runs jobs over the lanes of a kernel.</summary>
/// <param name="key">The chaining value every job starts from.</param>
/// <param name="flags">Flags of every block.</param>
internal readonly unsafe struct Blake3Lanes<TKernel>(uint* key, uint flags)
    where TKernel : struct, IBlake3Kernel
{
    private const int BlockLength = 64;
    private const int ChunkLength = 1024;

    /// <param name="jobs">In order of their blocks, most first: a round takes as many as there are lanes, and lasts as long as
    /// its first. All of a round is read before its first output is written when all of it has one block, so an output
    /// may then replace the input of its own or an earlier job.</param>
    [SkipLocalsInit]
    public void Run(Blake3Job* jobs, int count)
    {
        unchecked
        {
            byte* memory = stackalloc byte[(IBlake3Kernel.Rows * sizeof(uint) + ChunkLength) * TKernel.Lanes + BlockLength];
            uint* state = (uint*)(((nuint)memory + (BlockLength - 1)) & ~(nuint)(BlockLength - 1));
            byte* padded = (byte*)(state + IBlake3Kernel.Rows * TKernel.Lanes);
            byte** inputs = stackalloc byte*[TKernel.Lanes];
            Fill(state, IBlake3Kernel.Flags, flags);

            // One lane alone is done sooner by the scalar kernel.
            int alone = TKernel.Lanes > 1 ? 1 : 0;
            while (count > alone)
            {
                int round = Math.Min(count, TKernel.Lanes);
                RunRound(jobs, round, state, inputs, padded);
                jobs += round;
                count -= round;
            }

            if (count > 0)
                new Blake3Lanes<Blake3KernelScalar>(key, flags).Run(jobs, count);
        }
    }

    /// <remarks>Compiled once and for good, like all that runs for every chunk: a command is over before its hot methods are found.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunRound(Blake3Job* jobs, int count, uint* state, byte** inputs, byte* padded)
    {
        unchecked
        {
            for (int word = 0; word < 8; word++)
                Fill(state, word, key[word]);
            for (int l = 0; l < count; l++)
            {
                inputs[l] = jobs[l].Length % BlockLength == 0 && jobs[l].Length > 0
                    ? jobs[l].Input
                    : Pad(jobs[l], padded + l * ChunkLength);
                state[IBlake3Kernel.Counter * TKernel.Lanes + l] = jobs[l].Counter;
                state[IBlake3Kernel.FirstFlags * TKernel.Lanes + l] = jobs[l].FirstFlags;
            }

            int done = 0;
            for (int running = count; running > 0;)
            {
                // The shortest are at the end; they end together, and the others go on.
                int target = Blake3Job.Blocks(jobs[running - 1].Length);
                int going = running;
                while (going > 0 && Blake3Job.Blocks(jobs[going - 1].Length) == target)
                {
                    going--;
                    state[IBlake3Kernel.LastFlags * TKernel.Lanes + going] = jobs[going].LastFlags;
                    state[IBlake3Kernel.LastLength * TKernel.Lanes + going] = (uint)(jobs[going].Length - (target - 1) * BlockLength);
                }

                for (int l = 0; l < going; l++)
                {
                    state[IBlake3Kernel.LastFlags * TKernel.Lanes + l] = 0;
                    state[IBlake3Kernel.LastLength * TKernel.Lanes + l] = BlockLength;
                }

                // A lane without work computes on another's bytes, for nothing.
                for (int l = running; l < TKernel.Lanes; l++)
                    inputs[l] = inputs[0];

                TKernel.Compress(inputs, state, target - done);

                for (int l = going; l < running; l++)
                    Store(state, l, (uint*)jobs[l].Output);
                for (int l = 0; l < going; l++)
                    inputs[l] += (target - done) * BlockLength;
                if (going > 0)
                    Fill(state, IBlake3Kernel.FirstFlags, 0);
                done = target;
                running = going;
            }
        }
    }

    /// <summary>A job that does not end with a full block is read from a copy filled up with zeros.</summary>
    private static byte* Pad(in Blake3Job job, byte* padded)
    {
        unchecked
        {
            var copy = new Span<byte>(padded, Blake3Job.Blocks(job.Length) * BlockLength);
            copy[^BlockLength..].Clear();
            new ReadOnlySpan<byte>(job.Input, job.Length).CopyTo(copy);
            return padded;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fill(uint* state, int row, uint value) =>
        new Span<uint>(state + row * TKernel.Lanes, TKernel.Lanes).Fill(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(uint* state, int lane, uint* output)
    {
        unchecked
        {
            for (int word = 0; word < 8; word++)
                output[word] = state[word * TKernel.Lanes + lane];
        }
    }
}
