using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

/// <summary>
/// The store is away for a minute, beginning at a call in the middle of a backup, a collection or a restore: each waits, ends as if
/// nothing had been, and does not ask sooner than it was told to.
/// </summary>
public sealed class OutageTests
{
    private const int Starts = 12;
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(20);
    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 128 << 10, PackBytes = 300 << 10 };
    private static readonly byte[] Disk = TestDisk.Make(1, 30 * TestDisk.Chunk);
    private static readonly byte[] Next = TestDisk.Edit(Disk, 2, 12);

    private static readonly Dictionary<string, Func<TestRepository, Task>> Operations = new()
    {
        ["a backup"] = repository => repository.BackUp(Next, id: "new", workers: 2),
        ["a collection"] = repository => GarbageCollection.RunAsync(
            repository.Domain, new CollectionOptions { PollInterval = TimeSpan.FromMilliseconds(1), RewriteAbove = 0.01 }, null, default),
        ["a restore"] = async repository =>
            Assert.Equal(Disk, await repository.Restore((await repository.Domain.FindBackupAsync("old", default))!)),
    };

    public static TheoryData<string, bool> Cases => new(Operations.Keys.SelectMany(name => new[] { (name, false), (name, true) }));

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_minute_without_the_store_is_waited_out_by(string operation, bool tellsPace)
    {
        var before = await Before();
        var counting = new FaultyObjectStore(before.Clone());
        await Run(operation, counting, new RetryOptions(), new SkippingTime());

        for (int i = 0; i < Starts; i++)
        {
            var store = before.Clone();
            var time = new SkippingTime();
            var outage = new Outage(time, 1 + (counting.Calls * i / Starts), tellsPace ? Pace : null);
            await Run(operation, new FaultyObjectStore(store, outage.Plan), new RetryOptions(), time);

            Assert.True(time.Elapsed >= Away, $"{operation}: nobody waited");

            // Two workers and what stores pages meet the outage, each again as often as the pace allows.
            Assert.True(!tellsPace || outage.Refused <= 3 * (1 + (Away / Pace)), $"{operation}: asked {outage.Refused} times within the minute");
            await using var repository = await TestRepository.Open(store, Options);
            Assert.Equal(Disk, await repository.Restore((await repository.Domain.FindBackupAsync("old", default))!));
            if (operation == "a backup")
                Assert.Equal(Next, await repository.Restore((await repository.Domain.FindBackupAsync("new", default))!));
            var report = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);
            Assert.True(report.IsSound, string.Join('\n', report.Damages));
        }
    }

    [Fact]
    public async Task Patience_is_a_setting()
    {
        var store = await Before();
        var time = new SkippingTime();
        var outage = new Outage(time, 30, null);

        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => Run(
            "a backup", new FaultyObjectStore(store, outage.Plan), new RetryOptions { GiveUpAfter = TimeSpan.FromSeconds(20) }, time));

        Assert.Equal(ObjectStoreFailure.Transient, failure.Failure);
        await using var repository = await TestRepository.Open(store, Options);
        Assert.Null(await repository.Domain.FindBackupAsync("new", default));
    }

    private static async Task Run(string operation, FaultyObjectStore faulty, RetryOptions options, SkippingTime time)
    {
        var store = new RetryingObjectStore(faulty, options, time);
        await using var repository = await TestRepository.Open(store, Options);
        await Operations[operation](repository);
    }

    /// <summary>A backup, and half of one that was deleted, so that there is something to collect.</summary>
    private static async Task<InMemoryObjectStore> Before()
    {
        var store = new InMemoryObjectStore { ReadAheadBytes = 1 << 20 };
        await using var repository = await TestRepository.Create(store, Options);
        await repository.BackUp(TestDisk.Edit(Disk, 1, 20), id: "gone");
        await repository.BackUp(Disk, id: "old");
        await repository.Domain.DeleteBackupAsync("gone", default);
        return store;
    }

    private sealed class Outage(SkippingTime time, long from, TimeSpan? pace)
    {
        private readonly Lock gate = new();
        private TimeSpan? began;

        public int Refused { get; private set; }

        public Fault? Plan(StoreCallInfo call)
        {
            lock (gate)
            {
                if (call.Number < from)
                    return null;
                began ??= time.Elapsed;
                if (time.Elapsed - began >= Away)
                    return null;
                Refused++;
                return new Fault.FailBefore(RetryAfter: pace);
            }
        }
    }
}
