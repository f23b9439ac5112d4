using Strongroom.Drivers;
using Strongroom.Drivers.Testing;
using Strongroom.Repository;

namespace Strongroom.Protection.Tests;

public sealed class GuardTests
{
    [Fact]
    public async Task A_source_that_is_not_there_fails_and_leaves_the_store_as_it_was()
    {
        await using TestProtection test = await TestProtection.Create();

        DriverException failure = await Assert.ThrowsAsync<DriverException>(() => test.BackUp("one", test.Scratch["nowhere"]));

        Assert.Equal(DriverFailure.Missing, failure.Failure);
        Assert.Equal(test.Scratch["nowhere"], failure.Location);
        Assert.Empty(await test.ListBackups());
        Assert.DoesNotContain(((ObjectStores.Testing.InMemoryObjectStore)test.Store).Names, name => name.Contains("/sessions/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_tree_that_is_empty_now_fails_unless_that_is_accepted()
    {
        await using TestProtection test = await TestProtection.Create();
        Directory.CreateDirectory(test.Scratch["tree/sub"]);
        await test.BackUp("one", test.Scratch["tree"]);
        Directory.Delete(test.Scratch["tree/sub"]);

        DriverException failure = await Assert.ThrowsAsync<DriverException>(() => test.BackUp("two", test.Scratch["tree"]));
        BackupOutcome accepted = await test.BackUp(TestProtection.Request("three", test.Scratch["tree"]) with { AcceptLoss = true });
        BackupOutcome next = await test.BackUp("four", test.Scratch["tree"]);

        Assert.Contains("is it mounted?", failure.Message, StringComparison.Ordinal);
        Assert.False(accepted.IsPartial);
        Assert.False(next.IsPartial);
        Assert.Equal(["four", "one", "three"], await test.ListBackups());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_file_system_with_next_to_nothing_fails_and_a_clean_up_of_the_same_does_not(bool isOther)
    {
        await using TestProtection test = await TestProtection.Create();
        Directory.CreateDirectory(test.Scratch["tree"]);
        for (int i = 0; i < 50; i++)
            await File.WriteAllTextAsync(test.Scratch[$"tree/{i}"], "content");
        await test.BackUp("one", test.Scratch["tree"]);
        if (isOther)
        {
            Directory.Move(test.Scratch["tree"], test.Scratch["unmounted"]);
            Directory.CreateDirectory(test.Scratch["tree"]);
            await File.WriteAllTextAsync(test.Scratch["tree/README"], "mount the disk here");
        }
        else
        {
            for (int i = 1; i < 50; i++)
                File.Delete(test.Scratch[$"tree/{i}"]);
        }

        Task<BackupOutcome> run = test.BackUp("two", test.Scratch["tree"]);

        if (isOther)
            Assert.Contains("right one mounted", (await Assert.ThrowsAsync<DriverException>(() => run)).Message, StringComparison.Ordinal);
        else
            Assert.False((await run).IsPartial);
    }

    [Fact]
    public async Task A_disk_without_bytes_fails_unless_that_is_accepted()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["disk"], 1);
        await test.BackUp("one", test.Scratch["disk"]);
        RawFiles.WriteFile(RawFiles.Path(test.Scratch["disk"]), 0);

        await Assert.ThrowsAsync<DriverException>(() => test.BackUp("two", test.Scratch["disk"]));
        await test.BackUp(TestProtection.Request("three", test.Scratch["disk"]) with { AcceptLoss = true });

        Assert.Equal(["one", "three"], await test.ListBackups());
    }

    [Fact]
    public async Task A_second_backup_of_one_id_and_a_request_for_another_domain_are_refused()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["disk"], 1);
        await test.BackUp("one", test.Scratch["disk"]);

        RepositoryException taken = await Assert.ThrowsAsync<RepositoryException>(() => test.BackUp("one", test.Scratch["disk"]));
        await Assert.ThrowsAsync<ArgumentException>(
            () => test.BackUp(TestProtection.Request("two", test.Scratch["disk"]) with { DomainId = "other" }));

        Assert.Equal(RepositoryFailure.Conflict, taken.Failure);
    }

    [Fact]
    public async Task Who_may_no_longer_commit_leaves_no_backup()
    {
        await using TestProtection test = await TestProtection.Create();
        RandomImage.Create(test.Scratch["disk"], 1);

        await Assert.ThrowsAsync<InvalidOperationException>(() => test.BackUp(
            TestProtection.Request("one", test.Scratch["disk"]) with
            {
                BeforeCommit = (_, _) => throw new InvalidOperationException("the lease is gone"),
            }));

        Assert.Empty(await test.ListBackups());
        Assert.False((await test.BackUp("one", test.Scratch["disk"])).IsPartial);
    }
}
