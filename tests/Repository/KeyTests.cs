using System.Text;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

public sealed class KeyTests
{
    private static readonly RepositoryOptions Options = TestRepository.SmallOptions;

    [Fact]
    public async Task Any_of_several_keys_opens_and_no_other_does()
    {
        var store = new InMemoryObjectStore();
        var password = RepositoryKey.FromPassword("correct horse");
        string id;
        await using (var made = await BackupRepository.CreateAsync(store, password, Options, TimeProvider.System, default))
        {
            id = made.Id;
            await made.AddKeyAsync(TestRepository.Key, default);
        }

        foreach (var key in new[] { password, TestRepository.Key })
        {
            await using var opened = await BackupRepository.OpenAsync(store, key, Options, TimeProvider.System, default);
            Assert.Equal(id, opened.Id);
        }

        foreach (var key in new[] { RepositoryKey.FromPassword("correct horses"), RepositoryKey.FromKeyFile(Bytes.Of(1, 32)) })
        {
            var wrong = await Assert.ThrowsAsync<RepositoryException>(
                async () => await BackupRepository.OpenAsync(store, key, Options, TimeProvider.System, default));
            Assert.Equal(RepositoryFailure.WrongKey, wrong.Failure);
        }

        string slot = Encoding.ASCII.GetString(store.Peek(store.Names.First(name => name.StartsWith("keys/", StringComparison.Ordinal)
            && Encoding.ASCII.GetString(store.Peek(name)!).Contains("password", StringComparison.Ordinal)))!);
        int iterations = int.Parse(System.Text.RegularExpressions.Regex.Match(slot, "\"iterations\":(\\d+)").Groups[1].Value);
        Assert.InRange(iterations, 600_000, 50_000_000);
    }

    [Fact]
    public async Task A_store_has_one_repository_and_says_when_it_has_none()
    {
        var store = new InMemoryObjectStore();
        Assert.False(await BackupRepository.ExistsAsync(store, default));
        var none = await Assert.ThrowsAsync<RepositoryException>(
            async () => await BackupRepository.OpenAsync(store, TestRepository.Key, Options, TimeProvider.System, default));
        await (await BackupRepository.CreateAsync(store, TestRepository.Key, Options, TimeProvider.System, default)).DisposeAsync();
        var second = await Assert.ThrowsAsync<RepositoryException>(
            async () => await BackupRepository.CreateAsync(store, TestRepository.Key, Options, TimeProvider.System, default));

        Assert.True(await BackupRepository.ExistsAsync(store, default));
        Assert.Equal((RepositoryFailure.NotFound, RepositoryFailure.Conflict), (none.Failure, second.Failure));
    }

    [Fact]
    public async Task Domains_are_apart_and_go_with_their_key()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = TestDisk.Make(1, 20 * TestDisk.Chunk);
        var mine = await repository.BackUp(disk, id: "mine");
        await using var other = await repository.Repository.OpenDomainAsync("other", true, default);

        Assert.Null(await other.FindBackupAsync("mine", default));
        Assert.Equal(["other", TestRepository.DomainId], await repository.Repository.ListDomainsAsync(default).ToListAsync());
        var absent = await Assert.ThrowsAsync<RepositoryException>(async () => await repository.Repository.OpenDomainAsync("absent", false, default));
        Assert.Equal(RepositoryFailure.NotFound, absent.Failure);

        // A project's object under another project's name must not open.
        store.Poke("domains/other/backups/mine", store.Peek($"domains/{TestRepository.DomainId}/backups/mine"));
        var moved = await Assert.ThrowsAsync<RepositoryException>(async () => await other.FindBackupAsync("mine", default));
        Assert.Equal(RepositoryFailure.Damaged, moved.Failure);

        store.Poke("domains/other/key", null);
        Assert.Equal(disk, await repository.Restore(mine));
    }

    [Fact]
    public async Task Nothing_of_the_data_or_its_names_is_in_the_store_in_the_clear()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a secret sentence to look for. ", 20_000)));
        await repository.BackUp(disk);

        foreach (string name in store.Names)
        {
            Assert.Equal(-1, store.Peek(name).AsSpan().IndexOf("secret sentence"u8));
            Assert.Equal(-1, store.Peek(name).AsSpan().IndexOf("name of disk-1"u8));
        }
    }
}
