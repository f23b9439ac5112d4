using System.Collections.Concurrent;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

/// <summary>A repository in a store of the test, with small packs and segments so that little data makes many of them.</summary>
public sealed class TestRepository : IAsyncDisposable
{
    public const string DomainId = "project";

    public static readonly RepositoryKey Key = RepositoryKey.FromKeyFile(Bytes.Of(4711, 32));

    public static readonly RepositoryOptions SmallOptions = new()
    {
        CompressionLevel = 1,
        SegmentBytes = 192 << 10,
        PackBytes = 1 << 20,
        IndexCacheBytes = 1 << 20,
        SegmentCacheBytes = 2 << 20,
    };

    private int backups;

    private TestRepository(IObjectStore store, BackupRepository repository, RepositoryDomain domain)
    {
        Store = store;
        Repository = repository;
        Domain = domain;
    }

    public IObjectStore Store { get; }

    public BackupRepository Repository { get; }

    public RepositoryDomain Domain { get; }

    public static async Task<TestRepository> Create(IObjectStore? store = null, RepositoryOptions? options = null)
    {
        store ??= new InMemoryObjectStore();
        await (await BackupRepository.CreateAsync(store, Key, options ?? SmallOptions, TimeProvider.System, default)).DisposeAsync();
        return await Open(store, options);
    }

    public static async Task<TestRepository> Open(IObjectStore store, RepositoryOptions? options = null, RepositoryKey? key = null)
    {
        var repository = await BackupRepository.OpenAsync(store, key ?? Key, options ?? SmallOptions, TimeProvider.System, default);
        return new TestRepository(store, repository, await repository.OpenDomainAsync(DomainId, true, default));
    }

    /// <summary>Backs up a disk as the only member of a backup, compared with the newest one of the same resource.</summary>
    public async Task<BackupRecord> BackUp(
        byte[] disk, string resource = "disk-1", string? id = null, bool incremental = true, int workers = 2, Func<CancellationToken, ValueTask>? beforeCommit = null)
    {
        id ??= $"backup-{Interlocked.Increment(ref backups)}";
        await using var session = await Domain.BeginBackupAsync(await Describe(id, resource), default);
        var parent = incremental ? session.Previous?.Members.FirstOrDefault(member => member.ResourceId == resource) : null;
        var writer = session.OpenDisk(new MemberDescription(id, resource, "disk", "/" + resource), disk.Length, parent);
        await Write(writer, disk, workers);
        await writer.FinishAsync(default);
        return await session.CommitAsync(beforeCommit is null ? null : (_, token) => beforeCommit(token), default);
    }

    public async Task<BackupDescription> Describe(string id, string resource = "disk-1") => new()
    {
        BackupId = id,
        ResourceId = resource,
        ResourceName = "name of " + resource,
        ResourceType = "OS::Cinder::Volume",
        CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20000),
        Attributes = new Dictionary<string, string> { ["vault"] = "v" },
        Previous = await Domain.FindNewestAsync(resource, default),
    };

    /// <summary>Writes all of a disk with several workers, each taking the next region.</summary>
    public static async Task Write(DiskWriter writer, byte[] disk, int workers)
    {
        long next = -1;
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(async () =>
        {
            await using var worker = writer.CreateWorker();
            for (long region; (region = Interlocked.Increment(ref next)) < writer.RegionCount;)
            {
                long offset = region * writer.RegionBytes;
                int length = (int)Math.Min(writer.RegionBytes, disk.Length - offset);
                await worker.WriteAsync(offset, disk.AsMemory((int)offset, length), default);
            }

            await worker.FinishAsync(default);
        })));
    }

    /// <summary>Restores a disk, whole and in pieces, and gives its bytes; fails when a sink is told the same place twice or not at all.</summary>
    public async Task<byte[]> Restore(BackupRecord backup, string? memberId = null, int workers = 2)
    {
        var reader = Domain.OpenDisk(backup, memberId ?? backup.Members[0].Id);
        var sink = new MemorySink(reader.SizeBytes);
        await reader.RestoreAsync(sink, workers, default);
        sink.CheckCovered();
        return sink.Bytes;
    }

    public IReadOnlyList<string> Names(string part) =>
        [.. ((InMemoryObjectStore)Store).Names.Where(name => name.StartsWith($"domains/{DomainId}/{part}/", StringComparison.Ordinal))];

    public async ValueTask DisposeAsync()
    {
        await Domain.DisposeAsync();
        await Repository.DisposeAsync();
    }
}

public sealed class MemorySink(long sizeBytes) : IDiskSink
{
    private readonly ConcurrentBag<(long Offset, long Length)> pieces = [];

    public byte[] Bytes { get; } = Filled((int)sizeBytes);

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Bytes.AsSpan((int)offset));
        pieces.Add((offset, bytes.Length));
    }

    public void WriteZeros(long offset, long lengthBytes)
    {
        Bytes.AsSpan((int)offset, (int)lengthBytes).Clear();
        pieces.Add((offset, lengthBytes));
    }

    public void CheckCovered()
    {
        long end = 0;
        foreach (var (offset, length) in pieces.Order())
        {
            Assert.Equal(end, offset);
            end += length;
        }

        Assert.Equal(Bytes.Length, end);
    }

    private static byte[] Filled(int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)0xEE);
        return bytes;
    }
}

/// <summary>Disks of all the kinds of content there are, made from a seed.</summary>
public static class TestDisk
{
    public const int Chunk = 64 << 10;

    /// <summary>Runs of chunks: random, compressible, zeros, and repetitions of earlier chunks; ends anywhere.</summary>
    public static byte[] Make(int seed, int sizeBytes)
    {
        var random = new Random(seed);
        byte[] disk = new byte[sizeBytes];
        for (int at = 0; at < sizeBytes;)
        {
            int length = Math.Min(sizeBytes - at, random.Next(1, 12) * Chunk);
            var run = disk.AsSpan(at, length);
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(run);
                    break;
                case 1:
                    for (int i = 0; i < length; i += 16)
                        System.Text.Encoding.ASCII.GetBytes($"line {at + i,10}\n").AsSpan(0, Math.Min(16, length - i)).CopyTo(run[i..]);
                    break;
                case 2 when at >= length:
                    disk.AsSpan((random.Next(0, at - length + 1) / Chunk * Chunk), length).CopyTo(run);
                    break;
            }

            at += length;
        }

        return disk;
    }

    /// <summary>A copy with some places overwritten, zeroed or moved.</summary>
    public static byte[] Edit(byte[] disk, int seed, int edits = 5)
    {
        var random = new Random(seed);
        byte[] edited = [.. disk];
        for (int i = 0; i < edits && disk.Length > 0; i++)
        {
            int at = random.Next(disk.Length);
            int length = Math.Min(disk.Length - at, random.Next(1, 3 * Chunk));
            if (random.Next(3) == 0)
                edited.AsSpan(at, length).Clear();
            else
                random.NextBytes(edited.AsSpan(at, length));
        }

        return edited;
    }
}
