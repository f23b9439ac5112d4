using System.Security.Cryptography;

namespace Strongroom.Repository.Crypto;

/// <summary>Makes the ids of chunks (docs/repository-format.md, section 4). Safe for any number of threads.</summary>
internal abstract class ChunkHasher
{
    public const int IdBytes = 32;

    public static ChunkHasher Create(ChunkHash hash, byte[] key) => hash switch
    {
        ChunkHash.Blake3Keyed => new Blake3Hasher(key),
        ChunkHash.HmacSha256 => new HmacHasher(key),
        _ => throw new ArgumentOutOfRangeException(nameof(hash)),
    };

    public abstract void Hash(ReadOnlySpan<byte> plain, Span<byte> id);

    /// <summary>Ids of consecutive pieces in one call, which is faster when they are small.</summary>
    /// <param name="data">All pieces, one directly after the other.</param>
    /// <param name="lengths">Their lengths, which sum up to the length of the data.</param>
    /// <param name="ids">Receives 32 bytes each.</param>
    public abstract void HashMany(ReadOnlySpan<byte> data, ReadOnlySpan<int> lengths, Span<byte> ids);

    private sealed class Blake3Hasher(byte[] key) : ChunkHasher
    {
        public override void Hash(ReadOnlySpan<byte> plain, Span<byte> id) => Blake3.KeyedHash(key, plain, id);

        public override void HashMany(ReadOnlySpan<byte> data, ReadOnlySpan<int> lengths, Span<byte> ids) =>
            Blake3.KeyedHashMany(key, data, lengths, ids);
    }

    private sealed class HmacHasher(byte[] key) : ChunkHasher
    {
        public override void Hash(ReadOnlySpan<byte> plain, Span<byte> id) => HMACSHA256.HashData(key, plain, id);

        public override void HashMany(ReadOnlySpan<byte> data, ReadOnlySpan<int> lengths, Span<byte> ids)
        {
            for (int i = 0, offset = 0; i < lengths.Length; offset += lengths[i++])
                Hash(data.Slice(offset, lengths[i]), ids.Slice(i * IdBytes, IdBytes));
        }
    }
}
