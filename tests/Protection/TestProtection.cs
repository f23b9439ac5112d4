using Strongroom.Drivers;
using Strongroom.Drivers.Testing;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository;
using TemporaryDirectory = Strongroom.Drivers.Testing.TemporaryDirectory;

namespace Strongroom.Protection.Tests;

/// <summary>A repository in memory, with small packs and segments so that little data makes many, and a place for resources.</summary>
public sealed class TestProtection : IAsyncDisposable
{
    public const string DomainId = "project";

    private static readonly RepositoryKey Key = RepositoryKey.FromKeyFile(Bytes.Of(4711, 32));

    private static readonly RepositoryOptions Small = new()
    {
        CompressionLevel = 1,
        SegmentBytes = 192 << 10,
        PackBytes = 1 << 20,
        IndexCacheBytes = 1 << 20,
        SegmentCacheBytes = 2 << 20,
    };

    private readonly BackupRepository repository;

    private TestProtection(IObjectStore store, BackupRepository repository, RepositoryDomain domain)
    {
        Store = store;
        this.repository = repository;
        Domain = domain;
    }

    public TemporaryDirectory Scratch { get; } = new();

    public IObjectStore Store { get; }

    public RepositoryDomain Domain { get; }

    public DriverCatalog Drivers { get; set; } = DriverCatalog.CreateDefault();

    public int Workers { get; set; } = 2;

    /// <summary>A minute ahead, so that what a test makes is not too young to be trusted.</summary>
    public TimeProvider Time { get; set; } = new LaterTime(TimeSpan.FromMinutes(1));

    public static async Task<TestProtection> Create()
    {
        var store = new InMemoryObjectStore();
        await (await BackupRepository.CreateAsync(store, Key, Small, TimeProvider.System, default)).DisposeAsync();
        return await Open(store);
    }

    /// <summary>Opens the repository that is in a store, as another process would.</summary>
    public static async Task<TestProtection> Open(IObjectStore store)
    {
        var repository = await BackupRepository.OpenAsync(store, Key, Small, TimeProvider.System, default);
        return new TestProtection(store, repository, await repository.OpenDomainAsync(DomainId, true, default));
    }

    public static BackupRequest Request(string id, params IEnumerable<string> locations) => new()
    {
        DomainId = DomainId,
        BackupId = id,
        ResourceId = "resource",
        ResourceName = "the resource",
        ResourceType = "OS::Nova::Server",
        CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20000),
        Members = [.. locations.Select((location, i) => new BackupMember($"{id}-{i}", $"member-{i}", $"name {i}", location))],
    };

    public Task<BackupOutcome> BackUp(
        BackupRequest request, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        new BackupRun(Domain, Drivers, new ProtectionOptions { Workers = Workers }, Time)
            .RunAsync(request, progress, cancellationToken);

    public Task<BackupOutcome> BackUp(string id, params IEnumerable<string> locations) => BackUp(Request(id, locations));

    public Task<RestoreOutcome> Restore(
        string id, RestoreMember[] members, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        new RestoreRun(Domain, Drivers, new ProtectionOptions { Workers = Workers }, Time)
            .RunAsync(new RestoreRequest { DomainId = DomainId, BackupId = id, Members = members }, progress, cancellationToken);

    public Task<RestoreOutcome> Restore(string id, string location, bool removeOthers = false) =>
        Restore(id, [new RestoreMember($"{id}-0", location, RemoveOthers: removeOthers)]);

    public async Task<List<string>> ListBackups()
    {
        var ids = new List<string>();
        await foreach (BackupRecord record in Domain.ListBackupsAsync(default))
            ids.Add(record.Id);
        return ids;
    }

    public async ValueTask DisposeAsync()
    {
        await Domain.DisposeAsync();
        await repository.DisposeAsync();
        Scratch.Dispose();
    }
}

/// <summary>Told at once and in order, unlike <see cref="Progress{T}"/>.</summary>
public sealed class RecordedProgress(Action<RunProgress>? then = null) : IProgress<RunProgress>
{
    public List<RunProgress> All { get; } = [];

    public void Report(RunProgress value)
    {
        All.Add(value);
        then?.Invoke(value);
    }

    /// <summary>Fails when a figure fell or more was done than there is.</summary>
    public void AssertMonotone()
    {
        Assert.NotEmpty(All);
        foreach ((RunProgress before, RunProgress after) in All.Zip(All.Skip(1)))
        {
            Assert.True(after.Phase >= before.Phase, $"{before.Phase} to {after.Phase}");
            Assert.True(after.BytesDone >= before.BytesDone && after.BytesTotal >= before.BytesTotal, $"{before} to {after}");
            Assert.True(after.BytesChanged >= before.BytesChanged && after.BytesStored >= before.BytesStored, $"{before} to {after}");
        }

        Assert.All(All, one => Assert.True(one.BytesDone <= one.BytesTotal, one.ToString()));
    }
}

/// <summary>The system's clock, so much ahead.</summary>
public sealed class LaterTime(TimeSpan ahead) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + ahead;
}
