using System.Security.Cryptography;

namespace Strongroom.Drivers.Testing;

/// <summary>Sparse disk images from a seed, and their comparison with holes.</summary>
public static class RandomImage
{
    /// <summary>An image of a size that is seldom a multiple of anything, with some pieces of data and holes between.</summary>
    public static void Create(string path, int seed, long sizeMaxBytes = 40_000_000, int pieces = 12)
    {
        var random = new Random(seed);
        long size = random.NextInt64(1, sizeMaxBytes);
        RawFiles.WriteFile(RawFiles.Path(path), size, Pieces(random, size, pieces));
    }

    /// <summary>An image of exactly that size with about that much data in pieces of 1 MiB, every second one compressible.</summary>
    public static void CreateSparse(string path, int seed, long sizeBytes, long dataBytes)
    {
        const int piece = 1 << 20;
        var random = new Random(seed);
        byte[] bytes = new byte[piece];
        RawFiles.WriteFile(RawFiles.Path(path), sizeBytes, Enumerable.Range(0, (int)(dataBytes / piece)).Select(i =>
        {
            random.NextBytes(bytes);
            if (i % 2 == 0)
                for (int at = 0; at < piece; at++)
                    bytes[at] = (byte)"0123456789abcdef"[bytes[at] & 15];
            return (random.NextInt64((sizeBytes - piece) / 65536) * 65536, bytes);
        }));
    }

    /// <summary>Overwrites some pieces of an image.</summary>
    public static void Change(string path, int seed, int pieces = 4)
    {
        var random = new Random(seed);
        long size = RawFiles.Status(RawFiles.Path(path)).SizeBytes;
        RawFiles.WriteFile(RawFiles.Path(path), size, Pieces(random, size, pieces));
    }

    /// <summary>Fails unless sizes and bytes are equal and the second has no data where the first has a hole.</summary>
    /// <remarks>The second may have more holes: blocks of zeros need not be written.</remarks>
    public static void AssertEqual(string expected, string actual)
    {
        long size = RawFiles.Status(RawFiles.Path(expected)).SizeBytes;
        Assert.Equal(size, RawFiles.Status(RawFiles.Path(actual)).SizeBytes);
        List<(long From, long To)> want = RawFiles.DataMap(RawFiles.Path(expected), size);
        List<(long From, long To)> have = RawFiles.DataMap(RawFiles.Path(actual), size);
        foreach ((long from, long to) in have)
            Assert.True(want.Any(range => range.From <= from && to <= range.To), $"{actual} has data at {from}-{to}, {expected} a hole");
        Assert.Equal(Hash(expected, want), Hash(actual, want));
    }

    private static IEnumerable<(long Offset, byte[] Bytes)> Pieces(Random random, long size, int count)
    {
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = new byte[(int)Math.Min(size, random.Next(1, 600_000))];
            random.NextBytes(bytes);
            if (i % 3 == 0)
                bytes.AsSpan(0, bytes.Length / 2).Clear();
            yield return (random.NextInt64(size - bytes.Length + 1), bytes);
        }
    }

    private static string Hash(string path, List<(long From, long To)> ranges)
    {
        using FileStream file = File.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        foreach ((long from, long to) in ranges)
        {
            file.Position = from;
            for (long at = from; at < Math.Min(to, file.Length);)
            {
                int got = file.Read(buffer, 0, (int)Math.Min(buffer.Length, Math.Min(to, file.Length) - at));
                hash.AppendData(buffer, 0, got);
                at += got;
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
