using System.Buffers.Binary;
using System.Numerics;

namespace Strongroom.Repository.Tests.Crypto;

/// <summary>
/// BLAKE3 written from the specification alone, one byte and one node at a time, the tree by recursion from the top. It is
/// the other side of the comparison and shares nothing with the code it checks: keep it plain.
/// </summary>
internal static class Blake3Reference
{
    private const int ChunkStart = 1, ChunkEnd = 2, Parent = 4, Root = 8, Keyed = 16;

    private static readonly uint[] Iv =
        [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19];

    private static readonly int[] MessagePermutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

    public static byte[] Hash(ReadOnlySpan<byte> input) => Node(Iv, 0, input, 0, Root);

    public static byte[] KeyedHash(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input) => Node(Words(key), Keyed, input, 0, Root);

    private static byte[] Node(uint[] key, int mode, ReadOnlySpan<byte> input, ulong chunk, int root)
    {
        if (input.Length <= 1024)
            return Chunk(key, mode, input, chunk, root);

        int chunks = (input.Length + 1023) / 1024;
        int left = 1;
        while (left * 2 < chunks)
            left *= 2;
        byte[] children =
        [
            .. Node(key, mode, input[..(left * 1024)], chunk, 0),
            .. Node(key, mode, input[(left * 1024)..], chunk + (ulong)left, 0),
        ];
        return Bytes(Compress(key, children, 0, 64, mode | Parent | root));
    }

    private static byte[] Chunk(uint[] key, int mode, ReadOnlySpan<byte> input, ulong chunk, int root)
    {
        uint[] chaining = key;
        int flags = mode | ChunkStart;
        while (input.Length > 64)
        {
            chaining = Compress(chaining, input[..64], chunk, 64, flags);
            input = input[64..];
            flags = mode;
        }

        byte[] last = new byte[64];
        input.CopyTo(last);
        return Bytes(Compress(chaining, last, chunk, input.Length, flags | ChunkEnd | root));
    }

    private static uint[] Compress(uint[] chaining, ReadOnlySpan<byte> block, ulong counter, int length, int flags)
    {
        uint[] v = [.. chaining, .. Iv[..4], (uint)(counter & 0xFFFFFFFF), (uint)(counter >> 32), (uint)length, (uint)flags];
        uint[] message = Words(block);
        for (int round = 0; round < 7; round++)
        {
            for (int column = 0; column < 4; column++)
                Mix(v, column, column + 4, column + 8, column + 12, message[2 * column], message[2 * column + 1]);
            for (int diagonal = 0; diagonal < 4; diagonal++)
                Mix(v, diagonal, (diagonal + 1) % 4 + 4, (diagonal + 2) % 4 + 8, (diagonal + 3) % 4 + 12, message[8 + 2 * diagonal], message[9 + 2 * diagonal]);

            uint[] permuted = new uint[16];
            for (int i = 0; i < 16; i++)
                permuted[i] = message[MessagePermutation[i]];
            message = permuted;
        }

        for (int i = 0; i < 8; i++)
            v[i] ^= v[i + 8];
        return v[..8];
    }

    private static void Mix(uint[] v, int a, int b, int c, int d, uint x, uint y)
    {
        unchecked
        {
            v[a] += v[b] + x;
            v[d] = BitOperations.RotateRight(v[d] ^ v[a], 16);
            v[c] += v[d];
            v[b] = BitOperations.RotateRight(v[b] ^ v[c], 12);
            v[a] += v[b] + y;
            v[d] = BitOperations.RotateRight(v[d] ^ v[a], 8);
            v[c] += v[d];
            v[b] = BitOperations.RotateRight(v[b] ^ v[c], 7);
        }
    }

    private static uint[] Words(ReadOnlySpan<byte> bytes)
    {
        uint[] words = new uint[bytes.Length / 4];
        for (int i = 0; i < words.Length; i++)
            words[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * i)..]);
        return words;
    }

    private static byte[] Bytes(uint[] words)
    {
        byte[] bytes = new byte[words.Length * 4];
        for (int i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * i), words[i]);
        return bytes;
    }
}
