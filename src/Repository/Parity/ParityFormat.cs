using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Parity;

/// <summary>
/// The bytes of a pack's parity (docs/repository-format.md, section 5): a head with a sum of each block of the pack and of the
/// parity, then one block for each column of the pack, the exclusive or of that column's blocks.
/// </summary>
internal static class ParityFormat
{
    /// <summary>What a medium loses at once is a sector of 512 or 4,096 bytes, or several.</summary>
    public const int BlockBytes = 4096;

    /// <summary>One column for this many blocks: about three per cent of a full pack.</summary>
    private const int BlocksPerColumn = 32;

    private const int HeaderBytes = 48;
    private const int MaxColumns = 1 << 14;
    private const int SumBytes = sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "STRGPRTY"u8;

    public static int BlockCount(long packBytes) => checked((int)((packBytes + BlockBytes - 1) / BlockBytes));

    /// <summary>Columns to begin with, for a pack of about this size: a power of two, so that two columns can be folded into one.</summary>
    public static int FirstColumns(long sizeHintBytes) => (int)Math.Min(
        MaxColumns, BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, BlockCount(sizeHintBytes) / BlocksPerColumn)));

    /// <summary>Columns to end with.</summary>
    public static int LastColumns(long sizeHintBytes, long packBytes)
    {
        int columns = FirstColumns(sizeHintBytes);
        while (columns > 1 && (long)columns / 2 * BlocksPerColumn >= BlockCount(packBytes))
            columns /= 2;
        return columns;
    }

    public static int HeadBytes(long packBytes, int columns) =>
        HeaderBytes + ((BlockCount(packBytes) + columns) * SumBytes) + SHA256.HashSizeInBytes;

    public static long SizeBytes(long packBytes, int columns) => HeadBytes(packBytes, columns) + ((long)columns * BlockBytes);

    /// <summary>The head of a parity.</summary>
    /// <param name="blocks">The parity itself, a block for each column.</param>
    public static byte[] Head(ObjectId pack, long packBytes, ReadOnlySpan<uint> blockSums, ReadOnlySpan<byte> blocks)
    {
        int columns = blocks.Length / BlockBytes;
        byte[] head = new byte[HeadBytes(packBytes, columns)];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), FormatVersion.Current);
        pack.Write(head.AsSpan(16));
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(32), packBytes);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(40), columns);
        int at = HeaderBytes;
        foreach (uint sum in blockSums)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(at), sum);
            at += SumBytes;
        }

        for (int column = 0; column < columns; column++, at += SumBytes)
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(at), Sum(0, blocks.Slice(column * BlockBytes, BlockBytes)));
        SHA256.HashData(head.AsSpan(0, at), head.AsSpan(at));
        return head;
    }

    /// <param name="header">The head, or its beginning.</param>
    /// <exception cref="InvalidDataException">It is not the header of the parity of this pack, or does not fit the object's size.</exception>
    public static ParityGeometry ReadHeader(ReadOnlySpan<byte> header, ObjectId pack, long objectBytes, string objectName)
    {
        var reader = new ByteReader(header);
        reader.Magic(Magic);
        FormatVersion.Check(reader.U16(), objectName);
        reader.Zeros(6);
        if (ObjectId.Read(reader.Take(ObjectId.Size)) != pack)
            throw new InvalidDataException("Its header names another pack.");
        ulong packBytes = reader.U64();
        int columns = reader.Count(MaxColumns, "columns");
        reader.Zeros(4);
        if (packBytes > uint.MaxValue || !BitOperations.IsPow2(columns) || SizeBytes((long)packBytes, columns) != objectBytes)
            throw new InvalidDataException($"{objectBytes} bytes are not the parity of {packBytes} bytes in {columns} columns.");
        return new ParityGeometry((long)packBytes, columns);
    }

    /// <exception cref="InvalidDataException">It is not as it was written.</exception>
    public static ParityHead ReadHead(ReadOnlySpan<byte> head, ParityGeometry geometry)
    {
        var reader = new ByteReader(head);
        var summed = reader.Take(geometry.HeadBytes - SHA256.HashSizeInBytes);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(summed, hash);
        if (!reader.Take(SHA256.HashSizeInBytes).SequenceEqual(hash))
            throw new InvalidDataException("Its head is not as it was written.");
        reader.End();
        uint[] sums = new uint[geometry.BlockCount + geometry.Columns];
        for (int i = 0; i < sums.Length; i++)
            sums[i] = BinaryPrimitives.ReadUInt32LittleEndian(summed[(HeaderBytes + (i * SumBytes))..]);
        return new ParityHead(geometry, sums);
    }

    /// <summary>CRC-32C (RFC 3720, section 12.1).</summary>
    /// <param name="sum">Of the bytes before these; 0 when there are none.</param>
    public static uint Sum(uint sum, ReadOnlySpan<byte> bytes)
    {
        sum = ~sum;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes)
            sum = BitOperations.Crc32C(sum, b);
        return ~sum;
    }

    public static void Xor(Span<byte> into, ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        for (; at <= bytes.Length - Vector<byte>.Count; at += Vector<byte>.Count)
            (new Vector<byte>(into[at..]) ^ new Vector<byte>(bytes[at..])).CopyTo(into[at..]);
        for (; at < bytes.Length; at++)
            into[at] ^= bytes[at];
    }
}

/// <summary>How a pack's blocks lie in columns: block n in column n modulo <paramref name="Columns"/>.</summary>
/// <param name="Columns">A power of two.</param>
internal readonly record struct ParityGeometry(long PackBytes, int Columns)
{
    public int BlockCount => ParityFormat.BlockCount(PackBytes);

    public int HeadBytes => ParityFormat.HeadBytes(PackBytes, Columns);

    public int ColumnOf(int block) => block & (Columns - 1);

    /// <summary>A block's bytes in the pack; the last one's may be fewer than the others'.</summary>
    public int LengthOf(int block) => (int)Math.Min(ParityFormat.BlockBytes, PackBytes - ((long)block * ParityFormat.BlockBytes));
}

/// <summary>The head of a parity as read back.</summary>
internal sealed class ParityHead(ParityGeometry geometry, uint[] sums)
{
    public ParityGeometry Geometry => geometry;

    public bool IsBlock(int block, ReadOnlySpan<byte> bytes) =>
        bytes.Length == geometry.LengthOf(block) && ParityFormat.Sum(0, bytes) == sums[block];

    public bool IsParity(int column, ReadOnlySpan<byte> bytes) => ParityFormat.Sum(0, bytes) == sums[geometry.BlockCount + column];
}
