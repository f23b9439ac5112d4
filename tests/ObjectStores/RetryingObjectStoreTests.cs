using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests;

/// <summary>The whole contract, while one call in five fails before or after it takes effect.</summary>
public sealed class RetryingObjectStoreContractTests : ObjectStoreContract
{
    private readonly InMemoryObjectStore _inner = new();
    private int _seed = 20_000;

    protected override int BigObjectBytes => 20 << 20;

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override ValueTask<IObjectStore> OpenAgainAsync() => ValueTask.FromResult<IObjectStore>(
        new RetryingObjectStore(new FaultyObjectStore(_inner, FaultPlans.Transient(_seed++, 0.2)), new RetryOptions(), new SkippingTime()));
}

public sealed class RetryingObjectStoreTests
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly InMemoryObjectStore _inner = new();
    private readonly SkippingTime _time = new();

    [Fact]
    public async Task Waits_double_up_to_the_longest_and_end_when_patience_does()
    {
        var faulty = new FaultyObjectStore(_inner, _ => new Fault.FailBefore());
        await using var store = Retrying(faulty, spread: 1);

        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => store.StatAsync("one", _none).AsTask());

        Assert.Equal(ObjectStoreFailure.Transient, failure.Failure);
        Assert.Equal([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15, 15], _time.Waits.Take(9).Select(wait => wait.TotalSeconds));
        Assert.InRange(_time.Elapsed, TimeSpan.FromMinutes(4.5), TimeSpan.FromMinutes(5));
        Assert.Equal(faulty.Calls, _time.Waits.Count + 1);
    }

    [Fact]
    public async Task Waits_are_spread_so_that_callers_do_not_come_back_together()
    {
        var faulty = new FaultyObjectStore(_inner, call => call.Number < 6 ? new Fault.FailBefore() : null);
        await using var store = Retrying(faulty, spread: 0);

        await store.StatAsync("one", _none);

        Assert.Equal([0.1, 0.2, 0.4, 0.8, 1.6], _time.Waits.Select(wait => wait.TotalSeconds));
    }

    [Theory]
    [InlineData(ObjectStoreFailure.NotFound)]
    [InlineData(ObjectStoreFailure.AlreadyExists)]
    [InlineData(ObjectStoreFailure.Denied)]
    [InlineData(ObjectStoreFailure.Full)]
    [InlineData(ObjectStoreFailure.Invalid)]
    [InlineData(ObjectStoreFailure.Unreadable)]
    public async Task Only_transient_failures_are_tried_again(ObjectStoreFailure failure)
    {
        var faulty = new FaultyObjectStore(_inner, _ => new Fault.FailBefore(failure));
        await using var store = Retrying(faulty);

        var thrown = await Assert.ThrowsAsync<ObjectStoreException>(() => store.DeleteAsync("one", _none).AsTask());

        Assert.Equal(failure, thrown.Failure);
        Assert.Equal(1, faulty.Calls);
    }

    [Fact]
    public async Task A_pace_the_store_asked_for_holds_up_every_caller()
    {
        var faulty = new FaultyObjectStore(
            _inner, call => call.Number == 1 ? new Fault.FailBefore(RetryAfter: TimeSpan.FromSeconds(30)) : null);
        var gate = new ManualTime();
        await using var store = new RetryingObjectStore(faulty, new RetryOptions(), gate, () => 1);

        var first = store.StatAsync("one", _none).AsTask();
        var second = store.StatAsync("two", _none).AsTask();

        Assert.Equal(1, faulty.Calls);
        gate.Advance(TimeSpan.FromSeconds(29));
        Assert.False(first.IsCompleted || second.IsCompleted);
        gate.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(first, second);
        Assert.Equal(3, faulty.Calls);
    }

    [Fact]
    public async Task A_pace_longer_than_our_patience_is_a_failure_at_once()
    {
        var faulty = new FaultyObjectStore(_inner, _ => new Fault.FailBefore(RetryAfter: TimeSpan.FromHours(1)));
        await using var store = Retrying(faulty);

        await Assert.ThrowsAsync<ObjectStoreException>(() => store.StatAsync("one", _none).AsTask());

        Assert.Empty(_time.Waits);
    }

    [Fact]
    public async Task An_upload_that_cannot_repeat_fails_at_its_first_failure()
    {
        using var directory = new TemporaryDirectory();
        var local = ObjectStores.Local.LocalObjectStore.Open(directory.Path);
        var faulty = new FaultyObjectStore(local, call => call.Call == StoreCall.Append ? new Fault.FailBefore() : null);
        await using var store = Retrying(faulty);

        await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("one", new byte[1], PutMode.Replace, _none).AsTask());

        Assert.Equal(1, faulty.CallsOf(StoreCall.Append));
        Assert.Empty(_time.Waits);
    }

    [Fact]
    public async Task Cancelling_ends_the_wait()
    {
        var faulty = new FaultyObjectStore(_inner, _ => new Fault.FailBefore());
        await using var store = new RetryingObjectStore(faulty, new RetryOptions(), new ManualTime());
        using var cancel = new CancellationTokenSource();

        var call = store.StatAsync("one", cancel.Token).AsTask();
        Assert.False(call.IsCompleted);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task A_listing_goes_on_where_it_broke_off()
    {
        for (int i = 0; i < 50; i++)
            await _inner.PutAsync($"n{i:d2}", new byte[1], PutMode.CreateOnly, _none);
        // Every listing dies seven objects further on than the last.
        var faulty = new FaultyObjectStore(_inner, call => new Fault.Tear((int)call.Number * 7));
        await using var store = Retrying(faulty);

        var names = new List<string>();
        await foreach (var one in store.ListAsync("", _none))
            names.Add(one.Name);

        Assert.Equal(_inner.Names, names);
        Assert.Equal(8, faulty.Calls);
    }

    private RetryingObjectStore Retrying(IObjectStore store, double spread = 0.5) => new(store, new RetryOptions(), _time, () => spread);
}
