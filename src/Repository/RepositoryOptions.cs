namespace Strongroom.Repository;

/// <summary>The keyed hash that names chunks; chosen when a repository is made, for good.</summary>
public enum ChunkHash
{
    Blake3Keyed,
    HmacSha256,
}

/// <summary>How a repository is written and how much memory that may take. Only <see cref="Hash"/> and <see cref="Parity"/> become part of the repository.</summary>
public sealed record RepositoryOptions
{
    /// <summary>Used by creation only. HMAC-SHA-256 is for those who may not own a hash of their own; it costs three to four times the time.</summary>
    public ChunkHash Hash { get; init; } = ChunkHash.Blake3Keyed;

    /// <summary>
    /// Used by creation only: a parity beside every pack, about three per cent more bytes, from which a sector that rots or cannot be
    /// read is brought back.
    /// </summary>
    public bool Parity { get; init; }

    /// <summary>zstd's level: 1 is "fast", 3 "small" (docs in perf: 1.5 times the CPU for a tenth fewer bytes).</summary>
    public int CompressionLevel { get; init; } = 3;

    /// <summary>
    /// Plain bytes compressed and sealed as one; 0 chooses 1 MiB up to level 2 and 4 MiB from level 3 on. Larger ones
    /// compress better and cost memory per worker, and more bytes read for a single small file. At most 15 MiB.
    /// </summary>
    public int SegmentBytes { get; init; }

    /// <summary>Size at which a pack is closed; on S3 some tens of MiB keep requests few. At most 1 GiB.</summary>
    public int PackBytes { get; init; } = 32 << 20;

    /// <summary>Memory for index blocks read from the store, shared by all users of a domain. 64 MiB hold the index of 150 GiB whole; beyond that, blocks come and go.</summary>
    public long IndexCacheBytes { get; init; } = 64 << 20;

    /// <summary>Memory for decoded segments of pages and of random reads.</summary>
    public long SegmentCacheBytes { get; init; } = 16 << 20;

    /// <summary>New chunks a backup keeps in memory before it writes them out as an index run: 48 bytes each.</summary>
    public int SessionIndexEntries { get; init; } = 1 << 18;

    /// <summary>How often a running backup shows that it lives; collections wait many times longer before they doubt it.</summary>
    public TimeSpan SessionHeartbeat { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// A directory of this machine where index runs, roots and pages are kept as they are in the store, sealed, so that a remote one is
    /// asked for each only once; may be shared by repositories and processes. Null or empty: none, as for a store that is local itself.
    /// </summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Bound of all that is in <see cref="CacheDirectory"/>; the least recently used goes first. From 1 MiB; 0: no cache.</summary>
    public long CacheBytes { get; init; } = 1L << 30;

    internal int EffectiveSegmentBytes => SegmentBytes > 0 ? SegmentBytes : CompressionLevel <= 2 ? 1 << 20 : 4 << 20;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(CompressionLevel, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CompressionLevel, 19);
        ArgumentOutOfRangeException.ThrowIfNegative(SegmentBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SegmentBytes, 15 << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(PackBytes, 1 << 16);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PackBytes, 1 << 30);
        ArgumentOutOfRangeException.ThrowIfLessThan(IndexCacheBytes, 1 << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(SegmentCacheBytes, 1 << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(SessionIndexEntries, 64);
        if (CacheBytes != 0)
            ArgumentOutOfRangeException.ThrowIfLessThan(CacheBytes, 1 << 20);
    }
}
