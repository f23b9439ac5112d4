using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests;

public sealed class FaultyObjectStoreTests : ObjectStoreContract
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly InMemoryObjectStore _inner = new();

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override ValueTask<IObjectStore> OpenAgainAsync() => ValueTask.FromResult<IObjectStore>(new FaultyObjectStore(_inner));

    [Fact]
    public async Task A_stopped_store_ran_its_first_calls_and_refuses_every_later_one()
    {
        var store = new FaultyObjectStore(_inner, FaultPlans.StopAt(4, afterEffect: false));

        await store.PutAsync("one", new byte[] { 1 }, PutMode.CreateOnly, _none);
        await Assert.ThrowsAsync<StoreStoppedException>(() => store.PutAsync("two", new byte[] { 2 }, PutMode.CreateOnly, _none).AsTask());
        await Assert.ThrowsAsync<StoreStoppedException>(() => store.StatAsync("one", _none).AsTask());
        await Assert.ThrowsAsync<StoreStoppedException>(() => ListAsync("", store));

        Assert.True(store.IsStopped);
        Assert.Equal(["one"], _inner.Names);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task A_commit_that_dies_has_happened_or_not_as_the_plan_says(bool afterEffect, int expected)
    {
        var store = new FaultyObjectStore(_inner, FaultPlans.StopAt(3, afterEffect));

        await Assert.ThrowsAsync<StoreStoppedException>(() => store.PutAsync("one", new byte[] { 1 }, PutMode.CreateOnly, _none).AsTask());

        Assert.Equal(expected, _inner.Names.Count);
    }

    [Fact]
    public async Task Calls_and_bytes_are_counted()
    {
        var store = new FaultyObjectStore(_inner);

        await store.PutAsync("one", new byte[10], PutMode.CreateOnly, _none);
        await store.GetAsync("one", 0, new byte[4], _none);
        await ListAsync("", store);
        await store.DeleteAsync("one", _none);

        Assert.Equal(6, store.Calls);
        Assert.Equal(1, store.CallsOf(StoreCall.Commit));
        Assert.Equal(10, store.BytesOf(StoreCall.Append));
        Assert.Equal(4, store.BytesOf(StoreCall.Get));
    }

    [Fact]
    public async Task Gets_can_be_short_or_wrong_by_a_bit()
    {
        await _inner.PutAsync("one", new byte[100], PutMode.CreateOnly, _none);
        byte[] destination = new byte[100];
        var store = new FaultyObjectStore(_inner, _ => new Fault.Tear(40));

        Assert.Equal(40, await store.GetAsync("one", 0, destination, _none));
        store.Plan = _ => new Fault.Flip(8 * 7);
        Assert.Equal(100, await store.GetAsync("one", 0, destination, _none));

        Assert.Equal(1, destination[7]);
        Assert.Equal(1, destination.Sum(value => value));
    }

    [Fact]
    public async Task A_torn_commit_leaves_a_short_object()
    {
        var store = new FaultyObjectStore(_inner, call => call.Call == StoreCall.Commit ? new Fault.Tear(5) : null);

        await Assert.ThrowsAsync<StoreStoppedException>(() => store.PutAsync("one", new byte[10], PutMode.CreateOnly, _none).AsTask());

        Assert.Equal(5, _inner.Peek("one")!.Length);
    }

    [Fact]
    public async Task A_call_waits_until_the_test_lets_it_go()
    {
        var gate = new TaskCompletionSource();
        var store = new FaultyObjectStore(_inner, _ => new Fault.Wait(gate.Task, new Fault.FailBefore(ObjectStoreFailure.Full)));

        var call = store.StatAsync("one", _none).AsTask();
        Assert.False(call.IsCompleted);
        gate.SetResult();

        await FailsAs(ObjectStoreFailure.Full, () => call);
    }

    [Fact]
    public async Task A_listing_can_be_stale()
    {
        foreach (string name in new[] { "a", "b", "c" })
            await _inner.PutAsync(name, new byte[1], PutMode.CreateOnly, _none);

        var store = new FaultyObjectStore(_inner, _ => new Fault.Hide(name => name == "b"));

        Assert.Equal(["a", "c"], await NamesAsync("", store));
    }

    [Fact]
    public async Task Effects_that_were_reported_can_be_lost()
    {
        await _inner.PutAsync("old", new byte[] { 0 }, PutMode.CreateOnly, _none);
        var store = new FaultyObjectStore(_inner, keepsHistory: true);
        await store.PutAsync("old", new byte[] { 1 }, PutMode.Replace, _none);
        await store.PutAsync("old", new byte[] { 2 }, PutMode.Replace, _none);
        await store.PutAsync("new", new byte[] { 3 }, PutMode.CreateOnly, _none);
        await store.DeleteAsync("old", _none);

        await store.LoseAsync(effect => effect.Order >= 1);

        Assert.Equal(["old"], _inner.Names);
        Assert.Equal([1], _inner.Peek("old")!);
        Assert.Equal(4, store.History.Count);
    }
}
