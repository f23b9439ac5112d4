using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Strongroom.Repository.Chunking;
using Strongroom.Repository.Compression;
using Strongroom.Repository.Crypto;

namespace Strongroom.Benchmarks;

/// <summary>A chunk of a disk is 64 KiB: what naming it costs, against the platform's own hash.</summary>
public class HashBenchmarks
{
    private readonly byte[] key = new byte[Blake3.KeyLength];
    private readonly byte[] hash = new byte[Blake3.HashLength];
    private byte[] data = [];

    [Params(64 << 10, 1 << 20)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp() => data = Samples.Noise(Bytes);

    [Benchmark(Baseline = true)]
    public int Sha256() => SHA256.HashData(data, hash);

    [Benchmark]
    public void KeyedBlake3() => Blake3.KeyedHash(key, data, hash);
}

/// <summary>File trees are mostly small files: 512 pieces of 2 KiB.</summary>
public class SmallPiecesBenchmarks
{
    private const int PieceBytes = 2048;

    private readonly byte[] key = new byte[Blake3.KeyLength];
    private int[] lengths = [];
    private byte[] hashes = [];
    private byte[] data = [];

    [Params(1 << 20)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        data = Samples.Noise(Bytes);
        lengths = [.. Enumerable.Repeat(PieceBytes, Bytes / PieceBytes)];
        hashes = new byte[lengths.Length * Blake3.HashLength];
    }

    [Benchmark(Baseline = true)]
    public void Sha256()
    {
        for (int piece = 0; piece < lengths.Length; piece++)
            SHA256.HashData(data.AsSpan(piece * PieceBytes, PieceBytes), hashes.AsSpan(piece * Blake3.HashLength, Blake3.HashLength));
    }

    [Benchmark]
    public void KeyedBlake3OneByOne()
    {
        for (int piece = 0; piece < lengths.Length; piece++)
            Blake3.KeyedHash(key, data.AsSpan(piece * PieceBytes, PieceBytes), hashes.AsSpan(piece * Blake3.HashLength, Blake3.HashLength));
    }

    [Benchmark]
    public void KeyedBlake3Together() => Blake3.KeyedHashMany(key, data, lengths, hashes);
}

/// <summary>The other steps of the pipeline on a segment of 1 MiB, with the hash as the yardstick.</summary>
public class SegmentBenchmarks
{
    private readonly byte[] key = new byte[Blake3.KeyLength];
    private readonly byte[] hash = new byte[Blake3.HashLength];
    private readonly byte[] tag = new byte[16];
    private readonly byte[] nonce = new byte[12];
    private readonly AesGcm cipher = new(new byte[32], 16);
    private readonly ZstdCompressor level1 = new(1);
    private readonly ZstdCompressor level3 = new(3);
    private readonly ZstdDecompressor decompressor = new();
    private byte[] noise = [];
    private byte[] zeros = [];
    private byte[] real = [];
    private byte[] packed = [];
    private byte[] output = [];

    [Params(1 << 20)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        noise = Samples.Noise(Bytes);
        zeros = new byte[Bytes];
        real = Samples.RealFiles(Bytes);
        output = new byte[ZstdCompressor.Bound(Bytes)];
        packed = output[..level3.Compress(real, output)];
    }

    [Benchmark(Baseline = true)]
    public void KeyedBlake3() => Blake3.KeyedHash(key, noise, hash);

    [Benchmark]
    public bool AllZero() => ZeroTest.IsAllZero(zeros);

    [Benchmark]
    public int ContentDefinedCuts()
    {
        int position = 0;
        while (position < noise.Length)
            position += FastCdc.NextCut(noise.AsSpan(position), FastCdcParameters.Default);
        return position;
    }

    [Benchmark]
    public int ZstdLevel1() => level1.Compress(real, output);

    [Benchmark]
    public int ZstdLevel3() => level3.Compress(real, output);

    [Benchmark]
    public int ZstdOpen() => decompressor.Decompress(packed, output);

    [Benchmark]
    public int ZstdLevel3OfNoise() => level3.Compress(noise, output);

    [Benchmark]
    public void AesGcmSeal() => cipher.Encrypt(nonce, noise, output.AsSpan(0, noise.Length), tag);

    [GlobalCleanup]
    public void CleanUp()
    {
        cipher.Dispose();
        level1.Dispose();
        level3.Dispose();
        decompressor.Dispose();
    }
}
