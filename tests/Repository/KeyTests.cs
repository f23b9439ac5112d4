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

    [Fact]
    public async Task Keys_are_listed_removed_and_never_the_one_in_use()
    {
        var store = new InMemoryObjectStore();
        var other = RepositoryKey.FromKeyFile(Bytes.Of(2, 32));
        await using var repository = await TestRepository.Create(store);
        string added = await repository.Repository.AddKeyAsync(other, default);
        var listed = await repository.Repository.ListKeysAsync(default).ToListAsync();
        string used = Assert.Single(listed, slot => slot.IsOpen).Id;

        var inUse = await Assert.ThrowsAsync<RepositoryException>(async () => await repository.Repository.RemoveKeyAsync(used, default));
        var unknown = await Assert.ThrowsAsync<RepositoryException>(async () => await repository.Repository.RemoveKeyAsync("../config", default));
        await using (var opened = await BackupRepository.OpenAsync(store, other, Options, TimeProvider.System, default))
            await opened.RemoveKeyAsync(used, default);

        Assert.Equal((RepositoryFailure.Conflict, RepositoryFailure.NotFound), (inUse.Failure, unknown.Failure));
        Assert.Equal([used, added], listed.Select(slot => slot.Id).OrderBy(id => id != used));
        var gone = await Assert.ThrowsAsync<RepositoryException>(
            async () => await BackupRepository.OpenAsync(store, TestRepository.Key, Options, TimeProvider.System, default));
        Assert.Equal(RepositoryFailure.WrongKey, gone.Failure);
    }

    [Fact]
    public async Task An_escrowed_key_opens_without_any_slot_and_shows_what_was_mistyped()
    {
        var store = new InMemoryObjectStore();
        byte[] disk = TestDisk.Make(1, 20 * TestDisk.Chunk);
        string text;
        await using (var repository = await TestRepository.Create(store))
        {
            await repository.BackUp(disk, id: "one");
            text = repository.Repository.ExportKey();
        }

        foreach (string name in store.Names.Where(name => name.StartsWith("keys/", StringComparison.Ordinal)).ToList())
            store.Poke(name, null);
        var escrow = RepositoryKey.FromEscrow(text.Replace("\n", "\r\n", StringComparison.Ordinal));
        await using (var rescued = await BackupRepository.OpenAsync(store, escrow, Options, TimeProvider.System, default))
        {
            await Assert.ThrowsAsync<RepositoryException>(async () => await rescued.RotateKeyAsync(TestRepository.Key, default));
            await rescued.AddKeyAsync(TestRepository.Key, default);
        }

        await using (var again = await TestRepository.Open(store))
            Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync("one", default))!));
        for (int i = 0; i < text.Length - 1; i += 7)
            Assert.ThrowsAny<ArgumentException>(() => RepositoryKey.FromEscrow(text[..i] + (text[i] == '0' ? '1' : '0') + text[(i + 1)..]));
        await using var foreign = await TestRepository.Create();
        var wrong = await Assert.ThrowsAsync<RepositoryException>(
            async () => await BackupRepository.OpenAsync(foreign.Store, escrow, Options, TimeProvider.System, default));
        Assert.Equal(RepositoryFailure.WrongKey, wrong.Failure);
    }

    /// <summary>Adding, rotating, removing and destroying stop at every call in turn: some key always opens, and all data is there or destroyed.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_of_keys_that_dies_leaves_a_repository_that_opens(bool afterEffect)
    {
        var before = new InMemoryObjectStore();
        byte[] disk = TestDisk.Make(1, 10 * TestDisk.Chunk);
        var next = RepositoryKey.FromKeyFile(Bytes.Of(2, 32));
        await using (var repository = await TestRepository.Create(before))
            await repository.BackUp(disk, id: "one");
        foreach (string operation in new[] { "add", "rotate", "remove", "destroy" })
        {
            var counting = new FaultyObjectStore(before.Clone());
            await Change(counting);
            for (long call = 1; call <= counting.Calls; call++)
            {
                var store = before.Clone();
                string context = $"{operation}, call {call} of {counting.Calls}";
                try
                {
                    await Change(new FaultyObjectStore(store, FaultPlans.StopAt(call, afterEffect)));
                }
                catch (StoreStoppedException)
                {
                }

                int opened = await Opens(store, TestRepository.Key, operation, context) + await Opens(store, next, operation, context);
                Assert.True(opened > 0, $"{context}: no key opens");
            }

            Assert.Equal(operation is "rotate" or "remove" ? 1 : operation == "add" ? 2 : 1, await OpenKeys(operation));

            async Task Change(FaultyObjectStore store)
            {
                await using (store)
                {
                    await using var repository = await BackupRepository.OpenAsync(store, TestRepository.Key, Options, TimeProvider.System, default);
                    if (operation == "destroy")
                        await repository.DestroyDomainAsync(TestRepository.DomainId, null, default);
                    else if (operation == "rotate")
                        await repository.RotateKeyAsync(next, default);
                    else
                        await repository.AddKeyAsync(next, default);
                    if (operation != "remove")
                        return;
                    string old = (await repository.ListKeysAsync(default).SingleAsync(slot => slot.IsOpen)).Id;
                    await using var other = await BackupRepository.OpenAsync(store, next, Options, TimeProvider.System, default);
                    await other.RemoveKeyAsync(old, default);
                }
            }

            async Task<int> OpenKeys(string what)
            {
                var store = before.Clone();
                await Change(new FaultyObjectStore(store));
                return await Opens(store, TestRepository.Key, what, what) + await Opens(store, next, what, what);
            }
        }

        async Task<int> Opens(InMemoryObjectStore store, RepositoryKey key, string operation, string context)
        {
            try
            {
                await using var repository = await BackupRepository.OpenAsync(store, key, Options, TimeProvider.System, default);
                if (operation == "destroy" && store.Peek($"domains/{TestRepository.DomainId}/key") is null)
                {
                    await repository.DestroyDomainAsync(TestRepository.DomainId, null, default);
                    Assert.DoesNotContain(store.Names, name => name.StartsWith("domains/", StringComparison.Ordinal));
                    return 1;
                }

                await using var domain = await repository.OpenDomainAsync(TestRepository.DomainId, false, default);
                var reader = domain.OpenDisk((await domain.FindBackupAsync("one", default))!, "one");
                var sink = new MemorySink(reader.SizeBytes);
                await reader.RestoreAsync(sink, 1, default);
                Assert.True(disk.AsSpan().SequenceEqual(sink.Bytes), context);
                return 1;
            }
            catch (RepositoryException e) when (e.Failure == RepositoryFailure.WrongKey)
            {
                return 0;
            }
        }
    }

    [Fact]
    public async Task A_destroyed_projects_data_is_unreadable_whatever_copies_there_are_and_others_are_untouched()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store);
        byte[] disk = TestDisk.Make(1, 20 * TestDisk.Chunk);
        await repository.BackUp(disk, id: "mine");
        await using (var other = await repository.Repository.OpenDomainAsync("other", true, default))
        {
            await using var session = await other.BeginBackupAsync((await repository.Describe("theirs")) with { Previous = null }, default);
            var writer = session.OpenDisk(new MemberDescription("theirs", "disk-1", "disk", "/d"), disk.Length, null);
            await TestRepository.Write(writer, disk, 1);
            await writer.FinishAsync(default);
            await session.CommitAsync(null, default);
        }

        // Someone kept a copy of everything but the key.
        var copies = store.Names.Where(name => name.StartsWith("domains/other/", StringComparison.Ordinal) && !name.EndsWith("/key", StringComparison.Ordinal))
            .ToDictionary(name => name, name => store.Peek(name)!);
        Assert.True(await repository.Repository.DestroyDomainAsync("other", null, default) > 3);
        Assert.Equal(0, await repository.Repository.DestroyDomainAsync("other", null, default));
        Assert.DoesNotContain(store.Names, name => name.StartsWith("domains/other/", StringComparison.Ordinal));
        foreach (var (name, content) in copies)
            store.Poke(name, content);
        foreach (bool create in new[] { false, true })
        {
            var unreadable = await Assert.ThrowsAsync<RepositoryException>(async () => await repository.Repository.OpenDomainAsync("other", create, default));
            Assert.Equal(create ? RepositoryFailure.Damaged : RepositoryFailure.NotFound, unreadable.Failure);
        }

        Assert.Equal(disk, await repository.Restore((await repository.Domain.FindBackupAsync("mine", default))!));
    }
}
