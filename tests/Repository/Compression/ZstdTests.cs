using System.Buffers.Binary;
using Strongroom.Repository.Compression;

namespace Strongroom.Repository.Tests.Compression;

public sealed class ZstdTests
{
    [Theory]
    [InlineData(-7)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(19)]
    public void What_was_compressed_comes_back(int level)
    {
        using var compressor = new ZstdCompressor(level);
        using var decompressor = new ZstdDecompressor();
        foreach (int length in (int[])[0, 1, 100, 65_536, 1 << 20, (1 << 20) + 1])
        {
            byte[] plain = Text(length);
            byte[] packed = new byte[ZstdCompressor.Bound(length)];
            byte[] back = new byte[length];

            int packedLength = compressor.Compress(plain, packed);

            Assert.InRange(packedLength, 1, packed.Length);
            Assert.Equal(length, decompressor.Decompress(packed.AsSpan(0, packedLength), back));
            Assert.Equal(plain, back);
        }
    }

    [Fact]
    public void The_bound_is_enough_for_noise_of_any_length()
    {
        using var compressor = new ZstdCompressor(1);
        foreach (int length in (int[])[0, 1, 2, 255, 256, 4096, 131_071, 131_072, 131_073, 1 << 20])
        {
            byte[] noise = Noise(length);

            Assert.NotEqual(0, compressor.Compress(noise, new byte[ZstdCompressor.Bound(length)]));
        }
    }

    [Fact]
    public void A_result_that_does_not_fit_is_0_and_the_compressor_works_on()
    {
        using var compressor = new ZstdCompressor(1);
        using var decompressor = new ZstdDecompressor();
        byte[] noise = Noise(65_536);
        byte[] text = Text(65_536);

        Assert.Equal(0, compressor.Compress(noise, new byte[noise.Length]));
        Assert.Equal(0, compressor.Compress(noise, []));
        byte[] packed = new byte[text.Length];
        int packedLength = compressor.Compress(text, packed);

        Assert.Equal(text, Open(decompressor, packed.AsSpan(0, packedLength), text.Length));
    }

    [Fact]
    public void Nothing_beyond_the_destination_is_written()
    {
        using var compressor = new ZstdCompressor(3);
        using var decompressor = new ZstdDecompressor();
        byte[] packed = Pack(compressor, Text(50_000));
        byte[] memory = new byte[70_000];
        foreach (int room in (int[])[0, 1, 49_999])
        {
            Array.Fill(memory, (byte)0xAB);

            Assert.Throws<InvalidDataException>(() => decompressor.Decompress(packed, memory.AsSpan(0, room)));
            Assert.True(memory.AsSpan(room).IndexOfAnyExcept((byte)0xAB) < 0);
        }

        Assert.Equal(50_000, decompressor.Decompress(packed, memory));
        Assert.True(memory.AsSpan(50_000).IndexOfAnyExcept((byte)0xAB) < 0);
    }

    /// <summary>Frames cut short, with bytes turned, with other bytes: refused, or opened within the destination.</summary>
    [Fact]
    public void Junk_is_refused_and_never_leaves_the_destination()
    {
        using var compressor = new ZstdCompressor(1);
        using var decompressor = new ZstdDecompressor();
        byte[] plain = Text(5000);
        byte[] packed = Pack(compressor, plain);
        byte[] memory = new byte[8192];
        var random = new Random(9);
        int refused = 0;
        const int Rounds = 20_000;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] junk = (round % 3) switch
            {
                0 => packed[..random.Next(packed.Length)],
                1 => Flip(packed, random),
                _ => [.. packed.AsSpan(0, random.Next(12)), .. Noise(random.Next(200), random.Next())],
            };
            Array.Fill(memory, (byte)0xAB);
            try
            {
                decompressor.Decompress(junk, memory.AsSpan(0, 6000));
            }
            catch (InvalidDataException)
            {
                refused++;
            }

            Assert.True(memory.AsSpan(6000).IndexOfAnyExcept((byte)0xAB) < 0, $"round {round}");
        }

        // zstd frames here carry no checksum (the seal around them does): a turned literal can go unnoticed.
        Assert.InRange(refused, Rounds * 2 / 3, Rounds);
        Assert.Equal(plain, Open(decompressor, packed, plain.Length));

        static byte[] Flip(byte[] packed, Random random)
        {
            byte[] flipped = [.. packed];
            for (int i = random.Next(1, 4); i > 0; i--)
                flipped[random.Next(flipped.Length)] ^= (byte)random.Next(1, 256);
            return flipped;
        }
    }

    [Fact]
    public void A_frame_must_say_its_length_and_be_all_of_the_input()
    {
        using var compressor = new ZstdCompressor(1);
        using var decompressor = new ZstdDecompressor();
        byte[] packed = Pack(compressor, Text(1000));
        byte[] skippable = new byte[8 + 16];
        BinaryPrimitives.WriteUInt32LittleEndian(skippable, 0x184D2A50);
        BinaryPrimitives.WriteUInt32LittleEndian(skippable.AsSpan(4), 16);

        // Magic, a header with neither content size nor single segment, window 1 KiB, one last raw block of 3 bytes.
        byte[] withoutLength = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x19, 0x00, 0x00, 1, 2, 3];

        // The same with single segment and a content size of 255 + 2^63: an allocation no machine has.
        byte[] boasting = [0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0xFF, 0, 0, 0, 0, 0, 0, 0x80, 0x19, 0x00, 0x00, 1, 2, 3];

        byte[][] refused =
        [
            [], [0x28, 0xB5, 0x2F], [.. packed, .. packed], [.. packed, 0], skippable, [.. skippable, .. packed], [.. packed, .. skippable],
            withoutLength, boasting,
        ];
        foreach (byte[] input in refused)
            Assert.Throws<InvalidDataException>(() => decompressor.Decompress(input, new byte[4000]));
    }

    [Theory]
    [InlineData(-8)]
    [InlineData(20)]
    public void A_level_out_of_range_is_refused(int level)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ZstdCompressor(level));
    }

    [Fact]
    public void After_disposal_nothing_is_called_with_the_freed_context()
    {
        var compressor = new ZstdCompressor(1);
        compressor.Dispose();
        compressor.Dispose();

        Assert.Throws<ObjectDisposedException>(() => compressor.Compress([1, 2, 3], new byte[100]));
    }

    [Fact]
    public void A_missing_library_is_told_with_the_package_to_install()
    {
        var missing = Assert.Throws<DllNotFoundException>(() => ZstdNative.EnsureAvailable("libzstd-that-nobody-has.so.1"));

        Assert.Contains("apt-get install libzstd1", missing.Message, StringComparison.Ordinal);
    }

    private static byte[] Pack(ZstdCompressor compressor, byte[] plain)
    {
        byte[] packed = new byte[ZstdCompressor.Bound(plain.Length)];
        return packed[..compressor.Compress(plain, packed)];
    }

    private static byte[] Open(ZstdDecompressor decompressor, ReadOnlySpan<byte> packed, int length)
    {
        byte[] plain = new byte[length];
        Assert.Equal(length, decompressor.Decompress(packed, plain));
        return plain;
    }

    private static byte[] Text(int length)
    {
        var random = new Random(length);
        byte[] text = new byte[length];
        for (int i = 0; i < length; i++)
            text[i] = i > 50 && random.Next(8) != 0 ? text[i - random.Next(1, 50)] : (byte)random.Next(97, 123);
        return text;
    }

    private static byte[] Noise(int length, int seed = 1)
    {
        byte[] noise = new byte[length];
        new Random(seed).NextBytes(noise);
        return noise;
    }
}
