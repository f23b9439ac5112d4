using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Strongroom.Repository.Crypto;

namespace Strongroom.Repository.Tests.Crypto;

public sealed class Blake3Tests
{
    private static readonly byte[] Key = Encoding.ASCII.GetBytes("whats the Elvish word for friend");

    /// <summary>The plain twin is slow, and each kernel is compared with the same hashes.</summary>
    private static readonly Dictionary<int, byte[]> Twins = [];

    /// <summary>What the processor at hand selects, and each kernel by name, on any processor.</summary>
    public static TheoryData<string> Kernels => ["selected", "scalar", "128", "256", "512"];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void The_official_vectors_hold(string kernel)
    {
        using var vectors = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Crypto", "blake3-test-vectors.json")));
        int cases = 0;
        foreach (JsonElement vector in vectors.RootElement.GetProperty("cases").EnumerateArray())
        {
            byte[] input = Counting(vector.GetProperty("input_len").GetInt32());

            Assert.Equal(vector.GetProperty("hash").GetString()![..64], Hex(Hash(kernel, null, input, [input.Length])));
            Assert.Equal(vector.GetProperty("keyed_hash").GetString()![..64], Hex(Hash(kernel, Key, input, [input.Length])));
            cases++;
        }

        Assert.Equal(35, cases);
    }

    /// <summary>
    /// The kernels branch on what the processor has. Here they run, in a process of their own, as on one that has less.
    /// </summary>
    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task The_official_vectors_hold_with_fewer_instructions(string setting)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Strongroom.Repository.Tests");
        Assert.SkipUnless(File.Exists(program), "The tests were not built as a program for this system.");
        var start = new ProcessStartInfo(program, ["-method", "*.Blake3Tests.The_official_vectors_hold"]) { RedirectStandardOutput = true };
        start.Environment[setting] = "0";
        using Process child = Process.Start(start)!;

        string output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(child.ExitCode == 0, output);
        Assert.Contains("Total: 5,", output, StringComparison.Ordinal);
    }

    /// <summary>Around the ends of blocks (64), chunks (1 KiB), rounds of lanes (4, 8, 16 chunks), and windows (256 chunks).</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_length_around_a_boundary_agrees_with_the_plain_twin(string kernel)
    {
        int[] boundaries =
        [
            0, 64, 128, 960, 1024, 1088, 2048, 3072, 4096, 5120, 7168, 8192, 9216, 15360, 16384, 17408, 31 << 10, 32 << 10,
            33 << 10, 64 << 10, 255 << 10, 256 << 10, 257 << 10, 512 << 10, 513 << 10,
        ];
        foreach (int boundary in boundaries)
        {
            for (int length = Math.Max(0, boundary - 2); length <= boundary + 2; length++)
            {
                byte[] input = Noise(length, seed: length);
                if (!Twins.TryGetValue(length, out byte[]? twin))
                    Twins.Add(length, twin = Blake3Reference.KeyedHash(Key, input));

                Assert.True(Hash(kernel, Key, input, [length]).AsSpan().SequenceEqual(twin), $"{length} bytes");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_length_up_to_two_chunks_and_a_block_agrees_with_the_plain_twin(string kernel)
    {
        byte[] input = Noise(2 * 1024 + 65, seed: 7);
        for (int length = 0; length <= input.Length; length++)
        {
            byte[] expected = Blake3Reference.Hash(input.AsSpan(0, length));

            Assert.True(Hash(kernel, null, input[..length], [length]).AsSpan().SequenceEqual(expected), $"{length} bytes");
        }
    }

    /// <summary>Pieces of all sizes share the lanes of a vector: empty, one block, cut tails, trees, more than a window.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Many_pieces_at_once_hash_as_each_alone(string kernel)
    {
        var random = new Random(20);
        for (int round = 0; round < 30; round++)
        {
            int[] lengths = [.. Enumerable.Range(0, random.Next(0, 60)).Select(_ => PieceLength(random))];
            byte[] data = Noise(lengths.Sum(), seed: round);

            byte[] hashes = Hash(kernel, Key, data, lengths);

            int offset = 0;
            for (int piece = 0; piece < lengths.Length; piece++)
            {
                byte[] expected = Blake3Reference.KeyedHash(Key, data.AsSpan(offset, lengths[piece]));
                Assert.True(
                    hashes.AsSpan(piece * 32, 32).SequenceEqual(expected),
                    $"round {round}, piece {piece} of {lengths.Length}, {lengths[piece]} bytes");
                offset += lengths[piece];
            }
        }

        static int PieceLength(Random random) => random.Next(12) switch
        {
            0 => 0,
            1 => random.Next(1, 64),
            2 => 64 * random.Next(1, 17),
            3 => 1024 * random.Next(1, 20),
            4 => random.Next(1, 40_000),
            5 when random.Next(20) == 0 => random.Next(256 << 10, 600 << 10),
            _ => random.Next(1, 4000),
        };
    }

    [Fact]
    public void Input_and_output_may_lie_at_any_address()
    {
        byte[] data = Noise(70_000, seed: 3);
        byte[] output = new byte[40];
        for (int shift = 0; shift < 8; shift++)
        {
            Blake3.KeyedHash(Key, data.AsSpan(shift, 65_536), output.AsSpan(shift, 32));

            Assert.Equal(Blake3Reference.KeyedHash(Key, data.AsSpan(shift, 65_536)), output[shift..(shift + 32)]);
        }
    }

    [Fact]
    public void Nothing_beyond_the_outputs_is_written()
    {
        byte[] data = Noise(9000, seed: 4);
        byte[] output = new byte[32 * 5];
        Array.Fill(output, (byte)0xAB);

        Blake3.KeyedHashMany(Key, data, [1000, 3000, 5000], output.AsSpan(32, 96));

        Assert.True(output.AsSpan(0, 32).IndexOfAnyExcept((byte)0xAB) < 0);
        Assert.True(output.AsSpan(128).IndexOfAnyExcept((byte)0xAB) < 0);
    }

    [Fact]
    public void Another_key_gives_another_hash()
    {
        byte[] other = [.. Key];
        other[31] ^= 0x80;

        Assert.NotEqual(Hash("selected", Key, [1], [1]), Hash("selected", other, [1], [1]));
        Assert.NotEqual(Hash("selected", null, [1], [1]), Hash("selected", Key, [1], [1]));
    }

    [Theory]
    [InlineData(31, 10, new[] { 10 }, 32)]
    [InlineData(33, 10, new[] { 10 }, 32)]
    [InlineData(32, 10, new[] { 9 }, 32)]
    [InlineData(32, 10, new[] { 11, -1 }, 64)]
    [InlineData(32, 10, new[] { 5, 5 }, 32)]
    [InlineData(32, 10, new[] { 10 }, 33)]
    [InlineData(32, 0, new[] { int.MaxValue, int.MaxValue, 2 }, 96)]
    public void Arguments_that_do_not_fit_each_other_are_refused(int keyBytes, int dataBytes, int[] lengths, int outputBytes)
    {
        byte[] output = new byte[outputBytes];

        Assert.Throws<ArgumentException>(() => Blake3.KeyedHashMany(new byte[keyBytes], new byte[dataBytes], lengths, output));
        Assert.Equal(new byte[outputBytes], output);
    }

    [Fact]
    public void No_pieces_are_no_work()
    {
        Blake3.KeyedHashMany(Key, [], [], []);
    }

    private static byte[] Hash(string kernel, byte[]? key, byte[] data, int[] lengths)
    {
        byte[] outputs = new byte[lengths.Length * 32];
        ReadOnlySpan<uint> words = key is null ? Blake3.InitialValue : MemoryMarshal.Cast<byte, uint>(key);
        uint mode = key is null ? 0 : Blake3Flags.KeyedHash;
        switch (kernel)
        {
            case "scalar": Blake3.HashMany<Blake3KernelScalar>(words, mode, data, lengths, outputs); break;
            case "128": Blake3.HashMany<Blake3Kernel128>(words, mode, data, lengths, outputs); break;
            case "256": Blake3.HashMany<Blake3Kernel256>(words, mode, data, lengths, outputs); break;
            case "512": Blake3.HashMany<Blake3Kernel512>(words, mode, data, lengths, outputs); break;
            default:
                if (key is null)
                    Blake3.Hash(data, outputs);
                else if (lengths.Length == 1)
                    Blake3.KeyedHash(key, data, outputs);
                else
                    Blake3.KeyedHashMany(key, data, lengths, outputs);
                break;
        }

        return outputs;
    }

    private static byte[] Counting(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i % 251))];

    private static byte[] Noise(int length, int seed)
    {
        byte[] noise = new byte[length];
        new Random(seed).NextBytes(noise);
        return noise;
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
