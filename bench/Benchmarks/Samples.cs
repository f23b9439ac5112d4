namespace Strongroom.Benchmarks;

internal static class Samples
{
    /// <summary>Bytes nothing can compress.</summary>
    public static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(1).NextBytes(noise);
        return noise;
    }

    /// <summary>Bytes of real programs, there wherever this runs: the runtime's own files, in order of their names.</summary>
    public static byte[] RealFiles(int length)
    {
        byte[] sample = new byte[length];
        int filled = 0;
        foreach (string path in Directory.EnumerateFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!).Order(StringComparer.Ordinal))
        {
            using FileStream file = File.OpenRead(path);
            filled += file.ReadAtLeast(sample.AsSpan(filled), length - filled, throwOnEndOfStream: false);
            if (filled == length)
                return sample;
        }

        throw new InvalidOperationException($"The runtime's files hold only {filled} bytes.");
    }
}
