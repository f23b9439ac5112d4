namespace Strongroom.ObjectStores.Testing;

/// <summary>Bytes that tell where they came from: any range can be made again from a seed.</summary>
public static class Bytes
{
    /// <summary><paramref name="length"/> bytes that look random and are the same for the same seed.</summary>
    public static byte[] Of(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
