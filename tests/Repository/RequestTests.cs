using System.Globalization;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

/// <summary>What a backup of an unchanged disk asks of a store: the figure that decides the bill of a bucket.</summary>
public sealed class RequestTests : IDisposable
{
    private const long DiskBytes = 4L << 30;
    private const int Region = 4 << 20;
    private const int OtherBackups = 200;
    private const int ReadAhead = 8 << 20;

    /// <summary>Opening a repository and a domain: config, the list of key slots, the slot, the domain's key.</summary>
    private const int Opening = 4;

    /// <summary>Those of them that are gets.</summary>
    private const int OpeningGets = 3;

    /// <summary>
    /// The list of backups; the new one's name; the session; the list of collections; the backup before and whether it is marked as
    /// damaged; the root; the session's end.
    /// </summary>
    private const int Unchanged = Opening + 8;

    /// <summary>
    /// Read all again, the pages of the backup before are looked up, and so are those of the new one: runs are listed for both, packs for
    /// the latter. What the runs and pages hold is in the cache.
    /// </summary>
    private const int ReadAgain = Unchanged + 3;

    private readonly TemporaryDirectory directory = new();
    private int number;

    private RepositoryOptions Options => TestRepository.SmallOptions with { CacheDirectory = Path.Combine(directory.Path, "cache") };

    [Fact]
    [Trait("Category", "Slow")]
    public async Task An_unchanged_disk_costs_a_dozen_requests_however_many_backups_there_are()
    {
        await using var store = new FaultyObjectStore(new InMemoryObjectStore());

        var counts = await Run(() => ValueTask.FromResult<IObjectStore>(new Undisposed(store)), () => Requests(store));

        Assert.Equal((Unchanged, ReadAgain), counts);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task An_unchanged_disk_costs_as_few_requests_on_a_real_server()
    {
        var options = await S3TestServer.OptionsAsync();
        options.Requests = new RequestCounter();

        var counts = await Run(() => ObjectStoreCatalog.OpenAsync(options, TimeProvider.System, default), () => options.Requests.Counts.Total);

        // One more, since opening the bucket looks at what was found out about its server.
        Assert.Equal((Unchanged + 1, ReadAgain + 1), counts);
    }

    [Fact]
    public async Task A_restore_and_a_check_ask_for_each_pack_of_data_once()
    {
        await using var store = new FaultyObjectStore(new InMemoryObjectStore { ReadAheadBytes = ReadAhead });

        var (packs, restore, check) = await RestoreAndCheck(() => ValueTask.FromResult<IObjectStore>(new Undisposed(store)), () => store.CallsOf(StoreCall.Get));

        Assert.Equal((OpeningGets + packs.Data, packs.Data + packs.Pages), (restore, check));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_restore_and_a_check_of_a_real_server_ask_for_each_pack_of_data_once()
    {
        var options = await S3TestServer.OptionsAsync();
        options.Requests = new RequestCounter();

        var (packs, restore, check) = await RestoreAndCheck(
            () => ObjectStoreCatalog.OpenAsync(options, TimeProvider.System, default), () => options.Requests.Counts.Gets);

        // One more, since opening the bucket looks at what was found out about its server.
        Assert.Equal((OpeningGets + packs.Data + 1, packs.Data + packs.Pages), (restore, check));
    }

    [Fact]
    public async Task A_cache_that_rots_is_dropped_and_filled_anew()
    {
        await using var store = new FaultyObjectStore(new InMemoryObjectStore());
        await (await TestRepository.Create(store, Options)).DisposeAsync();
        await BackUp(store, Options, "disk", reads: true);
        await BackUp(store, Options, "disk", reads: true);
        var files = Directory.GetFiles(Options.CacheDirectory!, "*", SearchOption.AllDirectories);
        foreach (string file in files)
        {
            byte[] content = await File.ReadAllBytesAsync(file);
            for (int i = 0; i < content.Length; i += 50)
                content[i] ^= 0x55;
            await File.WriteAllBytesAsync(file, content);
        }

        await BackUp(store, Options, "disk", reads: true);

        long before = Requests(store);
        await BackUp(store, Options, "disk", reads: true);
        Assert.Equal(ReadAgain, Requests(store) - before);
        await using var repository = await TestRepository.Open(store, Options);
        Assert.Equal(4, await repository.Domain.ListBackupsAsync(default).CountAsync());
        Assert.NotEmpty(files);
    }

    [Fact]
    public async Task A_check_reads_the_store_and_not_the_cache()
    {
        var store = new InMemoryObjectStore();
        await (await TestRepository.Create(store, Options)).DisposeAsync();
        await BackUp(store, Options, "disk", reads: true);
        await using var repository = await TestRepository.Open(store, Options);
        Assert.True(await IsSound(repository));

        foreach (string part in new[] { "backups", "indexes", "packs" })
        {
            foreach (string name in store.Names.Where(name => name.Contains($"/{part}/", StringComparison.Ordinal)))
            {
                store.Peek(name)![^60] ^= 1;
                Assert.False(await IsSound(repository), $"damage to {name} was not found");
                store.Peek(name)![^60] ^= 1;
            }
        }
    }

    [Fact]
    public async Task A_cache_stays_within_its_bound_and_holds_nothing_in_plain()
    {
        var options = Options with { CacheBytes = 1 << 20 };
        var store = new InMemoryObjectStore();
        await (await TestRepository.Create(store, options)).DisposeAsync();
        for (int i = 0; i < 60; i++)
            await BackUp(store, options, $"name-of-disk-{i}", reads: true, seed: i);

        var files = new DirectoryInfo(options.CacheDirectory!).GetFiles("*", SearchOption.AllDirectories);

        Assert.InRange(files.Sum(file => file.Length), 1, options.CacheBytes);
        Assert.All(files, file => Assert.False(File.ReadAllBytes(file.FullName).AsSpan().IndexOf("name-of-disk"u8) >= 0));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            new DirectoryInfo(options.CacheDirectory!).UnixFileMode);
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_costs_nothing_but_itself()
    {
        string file = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(file, "no directory");
        var options = Options with { CacheDirectory = Path.Combine(file, "cache") };
        var store = new InMemoryObjectStore();
        await (await TestRepository.Create(store, options)).DisposeAsync();

        await BackUp(store, options, "disk", reads: true);
        await BackUp(store, options, "disk", reads: true);

        await using var repository = await TestRepository.Open(store, options);
        Assert.True(await IsSound(repository));
    }

    public void Dispose() => directory.Dispose();

    /// <summary>A disk whose segments lie in its packs one after the other; its index, map and root are in the cache.</summary>
    /// <returns>The packs, the gets of a restore, and how many more a check makes that reads all data.</returns>
    private async Task<((long Data, long Pages) Packs, long Restore, long Check)> RestoreAndCheck(Func<ValueTask<IObjectStore>> open, Func<long> count)
    {
        byte[] disk = Bytes.Of(3, 100 * TestDisk.Chunk);
        (long Data, long Pages) packs;
        await using (var store = await open())
        {
            await using var repository = await TestRepository.Create(store, Options);
            await repository.BackUp(disk, "disk");
            packs = await CountPacks(store);
        }

        long restore = await Counted(async repository =>
            Assert.Equal(disk, await repository.Restore((await repository.Domain.FindNewestAsync("disk", default))!)));
        long structure = await Counted(repository => Check(repository, readData: false));
        return (packs, restore, await Counted(repository => Check(repository, readData: true)) - structure);

        async Task<long> Counted(Func<TestRepository, Task> work)
        {
            long before = count();
            await using (var store = await open())
            {
                await using var repository = await TestRepository.Open(store, Options);
                await work(repository);
            }

            return count() - before;
        }

        static async Task Check(TestRepository repository, bool readData) => Assert.True(
            (await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = readData }, null, default)).IsSound);
    }

    /// <summary>Byte 10 of a pack tells its kind.</summary>
    private static async Task<(long Data, long Pages)> CountPacks(IObjectStore store)
    {
        (long Data, long Pages) packs = default;
        byte[] header = new byte[11];
        await foreach (var pack in store.ListAsync($"domains/{TestRepository.DomainId}/packs/", default))
        {
            await store.GetAsync(pack.Name, 0, header, default);
            packs = header[10] == 1 ? (packs.Data + 1, packs.Pages) : (packs.Data, packs.Pages + 1);
        }

        Assert.True(packs.Data > 3);
        return packs;
    }

    private static long Requests(FaultyObjectStore store) =>
        new[] { StoreCall.Commit, StoreCall.Get, StoreCall.Stat, StoreCall.List, StoreCall.Delete }.Sum(store.CallsOf);

    private static async Task<bool> IsSound(TestRepository repository) =>
        (await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default)).IsSound;

    /// <summary>A first backup, two hundred of other disks, and one from a machine with an empty cache; then what is counted.</summary>
    private async Task<(long Kept, long ReadAgain)> Run(Func<ValueTask<IObjectStore>> open, Func<long> count)
    {
        await using (var store = await open())
        {
            await (await TestRepository.Create(store, Options)).DisposeAsync();
            await BackUp(store, Options, "disk", reads: true);
            await using var others = await TestRepository.Open(store);
            await Parallel.ForAsync(0, OtherBackups, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
                await BackUp(others, $"other-{i}", previous: null, reads: true, seed: i, regions: 1));
        }

        var elsewhere = Options with { CacheDirectory = Path.Combine(directory.Path, "elsewhere") };
        await Counted(elsewhere, reads: true);
        return (await Counted(elsewhere, reads: false), await Counted(elsewhere, reads: true));

        async Task<long> Counted(RepositoryOptions options, bool reads)
        {
            long before = count();
            await using (var store = await open())
                await BackUp(store, options, "disk", reads);
            return count() - before;
        }
    }

    private async Task BackUp(IObjectStore store, RepositoryOptions options, string resource, bool reads, int seed = 7)
    {
        await using var repository = await TestRepository.Open(store, options);
        await BackUp(repository, resource, await repository.Domain.FindNewestAsync(resource, default), reads, seed);
    }

    /// <param name="reads">Whether the disk is read and compared, or kept as it was when there is a backup before.</param>
    private async Task BackUp(TestRepository repository, string resource, BackupRecord? previous, bool reads, int seed, int regions = 20)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"backup-{Interlocked.Increment(ref number)}");
        var description = new BackupDescription
        {
            BackupId = id,
            ResourceId = resource,
            ResourceName = resource,
            ResourceType = "OS::Cinder::Volume",
            CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20000),
            Attributes = new Dictionary<string, string>(),
            Previous = previous,
        };
        await using var session = await repository.Domain.BeginBackupAsync(description, default);
        var disk = session.OpenDisk(new MemberDescription(id, resource, "disk", "/d"), DiskBytes, session.Previous?.Members[0]);
        if (!reads && session.Previous is not null)
        {
            disk.KeepAll();
        }
        else
        {
            await using var worker = disk.CreateWorker();
            for (int i = 0; i < regions; i++)
                await worker.WriteAsync(i * (DiskBytes / regions / Region) * Region, Bytes.Of(seed + (i * 1000), 5 * TestDisk.Chunk), default);
            await worker.FinishAsync(default);
            await disk.FinishAsync(default);
        }

        await session.CommitAsync(null, default);
    }

    /// <summary>The counts outlive what a repository disposes.</summary>
    private sealed class Undisposed(IObjectStore inner) : IObjectStore
    {
        public string Address => inner.Address;

        public int ReadAheadBytes => inner.ReadAheadBytes;

        public ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken) =>
            inner.PutAsync(name, mode, sizeHintBytes, cancellationToken);

        public ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
            inner.GetAsync(name, offset, destination, cancellationToken);

        public ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken) => inner.StatAsync(name, cancellationToken);

        public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

        public ValueTask DeleteAsync(string name, CancellationToken cancellationToken) => inner.DeleteAsync(name, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
