using Strongroom.Drivers;
using Strongroom.Drivers.Directories;
using Strongroom.Drivers.Testing;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Protection.Tests;

/// <summary>The store fails or the run is cancelled at every point in turn: a backup is whole or it is not there.</summary>
public sealed class FaultTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_store_that_fails_at_any_one_call_leaves_a_whole_backup_or_none(bool afterEffect)
    {
        await using TestProtection test = await Prepare();
        TreeSnapshot state = TreeSnapshot.Take(test.Scratch["tree"]);
        int committed = 0;
        for (int number = 1; ; number++)
        {
            var inner = ((InMemoryObjectStore)test.Store).Clone();
            var faulty = new FaultyObjectStore(inner);
            await using (TestProtection broken = await TestProtection.Open(faulty))
            {
                long from = faulty.Calls;
                faulty.Plan = call => call.Number != from + number ? null
                    : afterEffect ? new Fault.FailAfter(ObjectStoreFailure.Denied) : new Fault.FailBefore(ObjectStoreFailure.Denied);
                bool succeeded = await TryBackUp(broken, test);
                committed += succeeded ? 1 : 0;
                if (faulty.Calls < from + number)
                {
                    Assert.True(succeeded);
                    Assert.InRange(number, 10, 500);
                    return;
                }

                await AssertWholeOrNone(inner, test, state, succeeded);
            }
        }
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_dies_at_any_one_call_leaves_a_whole_backup_or_none(bool afterEffect)
    {
        await using TestProtection test = await Prepare();
        TreeSnapshot state = TreeSnapshot.Take(test.Scratch["tree"]);
        for (int number = 1; ; number++)
        {
            var inner = ((InMemoryObjectStore)test.Store).Clone();
            var faulty = new FaultyObjectStore(inner);
            await using (TestProtection broken = await TestProtection.Open(faulty))
            {
                faulty.Plan = FaultPlans.StopAt(faulty.Calls + number, afterEffect);
                bool succeeded = await TryBackUp(broken, test);
                if (succeeded)
                    return;
                await AssertWholeOrNone(inner, test, state, succeeded);
            }
        }
    }

    [Fact]
    public async Task A_backup_cancelled_at_any_moment_leaves_none_and_the_next_one_is_whole()
    {
        await using TestProtection test = await Prepare();
        var driver = new WatchedDriver(new DirectoriesDriver());
        test.Drivers = new DriverCatalog(driver);
        for (int moment = 1; moment < 40; moment += 2)
        {
            using var cancelling = new CancellationTokenSource();
            int left = moment;
            void Step(TreePath path)
            {
                if (Interlocked.Decrement(ref left) == 0)
                    cancelling.Cancel();
            }

            driver.BeforeList = driver.BeforeOpen = driver.AfterRead = Step;
            // Not incremental, so that there are many moments.
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => test.BackUp(TestProtection.Request("two", test.Scratch["tree"]) with { Incremental = false }, null, cancelling.Token));
            Assert.Equal(["one"], await test.ListBackups());
        }

        driver.BeforeList = driver.BeforeOpen = driver.AfterRead = null;
        Assert.Empty((await test.BackUp("two", test.Scratch["tree"])).Problems);
        await test.Restore("two", test.Scratch["copy"]);
        TreeSnapshot.AssertEqual(test.Scratch["tree"], test.Scratch["copy"]);
    }

    [Fact]
    public async Task A_restore_cancelled_in_the_middle_can_be_run_again()
    {
        await using TestProtection test = await Prepare();
        RandomImage.Create(test.Scratch["disk"], 5);
        await test.BackUp(TestProtection.Request("disk", test.Scratch["disk"]) with { ResourceId = "other" });
        foreach ((string id, string source) in new[] { ("one", "tree"), ("disk", "disk") })
        {
            using var cancelling = new CancellationTokenSource();
            var progress = new RecordedProgress(one =>
            {
                if (one.Phase == RunPhase.Writing)
                    cancelling.Cancel();
            });

            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => test.Restore(id, [new RestoreMember($"{id}-0", test.Scratch["copy" + id])], progress, cancelling.Token));
            await test.Restore(id, test.Scratch["copy" + id]);

            if (id == "disk")
                RandomImage.AssertEqual(test.Scratch[source], test.Scratch["copy" + id]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Progress_never_falls_and_ends_where_it_was_headed(int workers)
    {
        await using TestProtection test = await TestProtection.Create();
        test.Workers = workers;
        RandomTree.Create(test.Scratch["tree"], workers, 150);
        RandomImage.Create(test.Scratch["disk"], workers);
        for (int i = 0; i < 2; i++)
        {
            var backup = new RecordedProgress();
            await test.BackUp(TestProtection.Request($"b{i}", test.Scratch["disk"], test.Scratch["tree"]), backup);
            backup.AssertMonotone();
            Assert.Equal(backup.All[^1].BytesTotal, backup.All[^1].BytesDone);
            Assert.Equal(RunPhase.Committing, backup.All[^1].Phase);
            var restore = new RecordedProgress();
            await test.Restore(
                $"b{i}", [new($"b{i}-0", test.Scratch[$"disk{i}"]), new($"b{i}-1", test.Scratch[$"tree{i}"])], restore);
            restore.AssertMonotone();
            Assert.Equal(restore.All[^1].BytesTotal, restore.All[^1].BytesDone);
        }
    }

    /// <summary>One backup of a tree, and then some changes to it.</summary>
    private static async Task<TestProtection> Prepare()
    {
        TestProtection test = await TestProtection.Create();
        RandomTree.Create(test.Scratch["tree"], 77, 30);
        await test.BackUp("one", test.Scratch["tree"]);
        RandomTree.Change(test.Scratch["tree"], 78, 6);
        return test;
    }

    private static async Task<bool> TryBackUp(TestProtection broken, TestProtection test)
    {
        try
        {
            await broken.BackUp("two", test.Scratch["tree"]);
            return true;
        }
        catch (Exception e) when (e is ObjectStoreException or StoreStoppedException or Repository.RepositoryException)
        {
            return false;
        }
    }

    /// <summary>In the store as another process finds it.</summary>
    private static async Task AssertWholeOrNone(InMemoryObjectStore store, TestProtection test, TreeSnapshot state, bool mustBeThere)
    {
        await using TestProtection next = await TestProtection.Open(store);
        List<string> backups = await next.ListBackups();
        Assert.Contains("one", backups);
        Assert.True(backups.Contains("two") || !mustBeThere);
        if (!backups.Contains("two"))
            await next.BackUp("two", test.Scratch["tree"]);
        Assert.Empty((await next.Restore("two", next.Scratch["copy"])).Problems);
        state.AssertEqualTo(next.Scratch["copy"]);
    }
}
