using Strongroom.Repository.Chunking;

namespace Strongroom.Repository.Tests.Chunking;

public sealed class ZeroTestTests
{
    [Fact]
    public void One_bit_anywhere_is_noticed()
    {
        foreach (int length in (int[])[1, 7, 8, 31, 32, 33, 63, 64, 127, 128, 129, 300])
        {
            // Neighbours that are not zero must not count.
            byte[] memory = new byte[length + 2];
            memory[0] = memory[^1] = 0xFF;
            Span<byte> data = memory.AsSpan(1, length);
            Assert.True(ZeroTest.IsAllZero(data), $"{length} zeros");

            for (int bit = 0; bit < 8 * length; bit++)
            {
                data[bit / 8] = (byte)(1 << (bit % 8));
                Assert.False(ZeroTest.IsAllZero(data), $"bit {bit} of {length} bytes");
                data[bit / 8] = 0;
            }
        }
    }

    [Fact]
    public void The_last_byte_of_a_chunk_is_noticed()
    {
        byte[] chunk = new byte[64 << 10];
        Assert.True(ZeroTest.IsAllZero(chunk));

        chunk[^1] = 1;

        Assert.False(ZeroTest.IsAllZero(chunk));
    }

    [Fact]
    public void No_bytes_are_all_zero()
    {
        Assert.True(ZeroTest.IsAllZero([]));
    }
}
