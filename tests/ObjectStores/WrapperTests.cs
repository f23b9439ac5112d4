using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests;

public sealed class LimitedObjectStoreTests : ObjectStoreContract
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly InMemoryObjectStore _inner = new();

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override ValueTask<IObjectStore> OpenAgainAsync() => ValueTask.FromResult<IObjectStore>(new LimitedObjectStore(_inner, 2));

    [Fact]
    public async Task No_more_calls_than_allowed_are_under_way_and_a_failed_one_gives_its_place_back()
    {
        int under = 0, most = 0;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var faulty = new FaultyObjectStore(_inner, _ =>
        {
            int now = Interlocked.Increment(ref under);
            InterlockedMax(ref most, now);
            return new Fault.Wait(gate.Task.ContinueWith(_ => Interlocked.Decrement(ref under), TaskScheduler.Default), new Fault.FailBefore());
        });
        await using var store = new LimitedObjectStore(faulty, 3);

        var calls = Enumerable.Range(0, 20).Select(i => store.StatAsync($"n{i}", _none).AsTask()).ToArray();
        Assert.Equal(3, faulty.Calls);
        gate.SetResult();

        foreach (var call in calls)
            await FailsAs(ObjectStoreFailure.Transient, () => call);
        Assert.Equal(20, faulty.Calls);
        Assert.Equal(3, most);
    }

    [Fact]
    public async Task Open_uploads_do_not_hold_places()
    {
        var uploads = new List<ObjectUpload>();
        for (int i = 0; i < 10; i++)
            uploads.Add(await Store.PutAsync($"u{i}", PutMode.CreateOnly, 0, _none));
        foreach (var upload in uploads)
        {
            await upload.AppendAsync(new byte[1], _none);
            await upload.CommitAsync(_none);
            await upload.DisposeAsync();
        }

        Assert.Equal(10, _inner.Names.Count);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (int seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target))
            Interlocked.CompareExchange(ref target, value, seen);
    }
}

public sealed class ReadOnlyObjectStoreTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Everything_reads_and_nothing_writes()
    {
        var inner = new InMemoryObjectStore();
        await inner.PutAsync("one", new byte[] { 1 }, PutMode.CreateOnly, _none);
        await using var store = new ReadOnlyObjectStore(inner);

        var put = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("two", new byte[1], PutMode.Replace, _none).AsTask());
        var delete = await Assert.ThrowsAsync<ObjectStoreException>(() => store.DeleteAsync("one", _none).AsTask());

        Assert.Equal((ObjectStoreFailure.Denied, ObjectStoreFailure.Denied), (put.Failure, delete.Failure));
        Assert.Equal([1], await store.GetAllAsync("one", 10, _none));
        Assert.Equal(["one"], inner.Names);
    }
}

public sealed class ObjectStoreCatalogTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("file:{0}/store")]
    [InlineData("file://{0}/store")]
    [InlineData("{0}/store")]
    [InlineData("{0}/store/")]
    public async Task A_directory_is_named_by_a_path_or_a_file_address(string form)
    {
        using var directory = new TemporaryDirectory();

        await using var store = await OpenAsync(string.Format(null, form, directory.Path));
        await store.PutAsync("a/b", new byte[] { 1 }, PutMode.CreateOnly, _none);

        Assert.Equal($"file:{directory.Path}/store", store.Address);
        Assert.True(File.Exists($"{directory.Path}/store/a/b"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("file:")]
    [InlineData("gopher://example/store")]
    [InlineData("c:\\store")]
    public async Task What_names_no_store_is_refused_in_words(string url)
    {
        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => OpenAsync(url).AsTask());

        Assert.Equal(ObjectStoreFailure.Invalid, failure.Failure);
        Assert.Contains(url.Replace("file:", "", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_opened_for_reading_is_not_even_made()
    {
        using var directory = new TemporaryDirectory();
        await using var store = await ObjectStoreCatalog.OpenAsync(
            new ObjectStoreOptions { Url = directory.Path + "/none", ReadOnly = true }, TimeProvider.System, _none);

        Assert.Null(await store.StatAsync("a", _none));
        await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("a", new byte[1], PutMode.Replace, _none).AsTask());
        Assert.False(Directory.Exists(directory.Path + "/none"));
    }

    private static ValueTask<IObjectStore> OpenAsync(string url) =>
        ObjectStoreCatalog.OpenAsync(new ObjectStoreOptions { Url = url }, TimeProvider.System, _none);
}
