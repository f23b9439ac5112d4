namespace Strongroom.Repository.Chunking;

/// <summary>Zeros are neither hashed nor stored, so every chunk is asked this first.</summary>
internal static class ZeroTest
{
    /// <summary>True as well for no bytes at all. Reads no further than the first byte that is not zero.</summary>
    public static bool IsAllZero(ReadOnlySpan<byte> data) => !data.ContainsAnyExcept((byte)0);
}
