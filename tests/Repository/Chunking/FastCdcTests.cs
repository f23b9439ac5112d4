using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Strongroom.Repository.Chunking;

namespace Strongroom.Repository.Tests.Chunking;

public sealed class FastCdcTests
{
    private static readonly FastCdcParameters Small = new(MinBytes: 64, NormalBytes: 256, MaxBytes: 1000);

    /// <summary>
    /// Worked out by a few lines of Python from the format's rule. Stored chunks were cut so. If this test fails, unchanged files of every existing repository are stored anew: change
    /// the code, never the numbers.
    /// </summary>
    [Fact]
    public void The_cut_points_of_a_known_stream_stay_what_they_are()
    {
        byte[] stream = Stream(2 << 20);

        Assert.Equal(
            [
                66642, 150712, 169016, 277768, 349836, 458235, 525312, 621542, 691246, 764737, 832127, 921222,
                1011731, 1078111, 1168915, 1279990, 1354042, 1424232, 1523550, 1573447, 1666882, 1725164,
                1793144, 1867694, 1935933, 2015036, 2091374, 2097152,
            ],
            Cut(stream, FastCdcParameters.Default));
    }

    [Fact]
    public void The_gear_table_stays_what_it_is()
    {
        byte[] table = new byte[256 * 8];
        for (int i = 0; i < 256; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(8 * i), FastCdc.Gear[i]);

        Assert.Equal("c1ea4fa262df370163635a6a4640cef0842e655a49664bdf1e1bbdc7f3b545a2", Convert.ToHexStringLower(SHA256.HashData(table)));
    }

    /// <summary>The rule as the format states it, one byte at a time, against the code in use.</summary>
    [Fact]
    public void Cut_points_follow_the_rule_of_the_format()
    {
        var random = new Random(11);
        FastCdcParameters[] all = [Small, new(64, 256, 256), new(65, 256, 257), new(100, 1024, 5000), new(256, 256, 4096)];
        for (int round = 0; round < 300; round++)
        {
            FastCdcParameters parameters = all[round % all.Length];
            byte[] data = new byte[random.Next(0, 3 * parameters.MaxBytes)];
            random.NextBytes(data);
            if (round % 7 == 0)
                data.AsSpan(data.Length / 2).Fill((byte)(round % 256));

            Assert.Equal(CutPlainly(data, parameters), Cut(data, parameters));
        }

        byte[] large = Stream(1 << 20);
        Assert.Equal(CutPlainly(large, FastCdcParameters.Default), Cut(large, FastCdcParameters.Default));
    }

    [Fact]
    public void Every_chunk_but_the_last_is_within_the_limits()
    {
        FastCdcParameters parameters = FastCdcParameters.Default;
        byte[] stream = Stream(8 << 20);

        int[] lengths = Lengths(Cut(stream, parameters));

        Assert.All(lengths, length => Assert.InRange(length, 1, parameters.MaxBytes));
        Assert.All(lengths[..^1], length => Assert.InRange(length, parameters.MinBytes + 1, parameters.MaxBytes));
        Assert.InRange(lengths.Average(), 68_000, 90_000);
    }

    /// <summary>What makes content-defined chunks worth their cost: everything after an insertion is found again.</summary>
    [Fact]
    public void An_insertion_changes_only_the_cuts_near_it()
    {
        byte[] before = Stream(4 << 20);
        var random = new Random(5);
        for (int round = 0; round < 10; round++)
        {
            int at = random.Next(before.Length);
            byte[] inserted = new byte[random.Next(1, 5000)];
            random.NextBytes(inserted);
            byte[] after = [.. before.AsSpan(0, at), .. inserted, .. before.AsSpan(at)];

            HashSet<string> known = [.. Chunks(before)];
            string[] chunks = [.. Chunks(after)];

            int unknown = chunks.Count(chunk => !known.Contains(chunk));
            Assert.True(unknown <= 6, $"{unknown} of {chunks.Length} chunks are new after {inserted.Length} bytes were put in at {at}.");
        }

        static IEnumerable<string> Chunks(byte[] data)
        {
            int start = 0;
            foreach (int cut in Cut(data, FastCdcParameters.Default))
            {
                yield return Convert.ToHexString(SHA256.HashData(data.AsSpan(start, cut - start)));
                start = cut;
            }
        }
    }

    [Fact]
    public void What_follows_the_longest_chunk_does_not_matter()
    {
        byte[] data = Stream(3000);
        int expected = FastCdc.NextCut(data.AsSpan(0, Small.MaxBytes), Small);

        Assert.Equal(expected, FastCdc.NextCut(data, Small));
    }

    [Fact]
    public void Bytes_that_never_cut_are_cut_at_the_limit()
    {
        Assert.Equal([1000, 2000, 2500], Cut(new byte[2500], Small));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    public void Data_up_to_the_least_size_is_one_chunk(int length)
    {
        Assert.Equal(length, FastCdc.NextCut(new byte[length], Small));
    }

    [Theory]
    [InlineData(63, 256, 1000)]
    [InlineData(64, 300, 1000)]
    [InlineData(64, 128, 1000)]
    [InlineData(512, 256, 1000)]
    [InlineData(64, 256, 255)]
    [InlineData(-1, 256, 1000)]
    public void Sizes_that_make_no_sense_are_refused(int min, int normal, int max)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new FastCdcParameters(min, normal, max));
    }

    private static int[] Cut(byte[] data, FastCdcParameters parameters)
    {
        List<int> cuts = [];
        for (int position = 0; position < data.Length; cuts.Add(position))
            position += FastCdc.NextCut(data.AsSpan(position), parameters);
        return [.. cuts];
    }

    private static int[] CutPlainly(byte[] data, FastCdcParameters parameters)
    {
        List<int> cuts = [];
        for (int position = 0; position < data.Length; cuts.Add(position))
            position += NextCutPlainly(data[position..Math.Min(position + parameters.MaxBytes, data.Length)], parameters);
        return [.. cuts];
    }

    private static int NextCutPlainly(byte[] data, FastCdcParameters parameters)
    {
        int bits = (int)Math.Log2(parameters.NormalBytes);
        UInt128 strict = (UInt128.One << (64 - bits - 2)) - 1;
        UInt128 easy = (UInt128.One << (64 - bits + 2)) - 1;
        UInt128 hash = 0;
        for (int i = parameters.MinBytes; i < data.Length; i++)
        {
            hash = (2 * hash + Gear(data[i])) % (UInt128.One << 64);
            if (hash <= (i < parameters.NormalBytes ? strict : easy))
                return i + 1;
        }

        return data.Length;
    }

    private static readonly Dictionary<byte, ulong> GearByHand = [];

    private static ulong Gear(byte value)
    {
        if (!GearByHand.TryGetValue(value, out ulong gear))
        {
            byte[] hash = SHA256.HashData([.. Encoding.ASCII.GetBytes("strongroom gear 1"), value]);
            for (int i = 7; i >= 0; i--)
                gear = gear << 8 | hash[i];
            GearByHand.Add(value, gear);
        }

        return gear;
    }

    private static int[] Lengths(int[] cuts) => [.. cuts.Zip(cuts.Prepend(0), (cut, before) => cut - before)];

    /// <summary>Bytes anyone can make again: SHA-256 of 0, 1, 2, … as eight bytes little-endian, one after the other.</summary>
    private static byte[] Stream(int length)
    {
        byte[] stream = new byte[length];
        byte[] counter = new byte[8];
        byte[] hash = new byte[32];
        for (int position = 0; position < length; position += hash.Length)
        {
            BinaryPrimitives.WriteInt64LittleEndian(counter, position / hash.Length);
            SHA256.HashData(counter, hash);
            hash.AsSpan(0, Math.Min(hash.Length, length - position)).CopyTo(stream.AsSpan(position));
        }

        return stream;
    }
}
