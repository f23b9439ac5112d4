using System.Diagnostics.Metrics;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests;

public sealed class ObservedObjectStoreTests : ObjectStoreContract
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly InMemoryObjectStore _inner = new();

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override ValueTask<IObjectStore> OpenAgainAsync() =>
        ValueTask.FromResult<IObjectStore>(new ObservedObjectStore(_inner, new StoreActivity(TimeProvider.System)));

    [Fact]
    public async Task Failed_attempts_are_counted_by_call_and_code_and_what_is_only_not_there_is_not()
    {
        var counted = new Dictionary<string, long>();
        using MeterListener listener = Listen(counted);
        var faulty = new FaultyObjectStore(_inner, call => call.Number switch
        {
            1 or 2 => new Fault.FailBefore(),
            4 => new Fault.FailBefore(ObjectStoreFailure.Full),
            6 => new Fault.FailBefore(ObjectStoreFailure.Unreadable),
            _ => null,
        });
        await using var store = new RetryingObjectStore(
            new ObservedObjectStore(faulty, new StoreActivity(TimeProvider.System)), new RetryOptions(), new SkippingTime());

        await store.StatAsync("a", _none);
        await FailsAs(ObjectStoreFailure.Full, () => store.DeleteAsync("a", _none).AsTask());
        await FailsAs(ObjectStoreFailure.NotFound, () => store.GetAsync("a", 0, new byte[1], _none).AsTask());
        lock (counted)
            Assert.DoesNotContain(counted.Keys, key => key.Contains("errors_total get", StringComparison.Ordinal));
        await FailsAs(ObjectStoreFailure.Unreadable, () => store.GetAsync("a", 0, new byte[1], _none).AsTask());

        lock (counted)
        {
            Assert.Equal(2, counted["cbr_store_errors_total stat transient"]);
            Assert.Equal(2, counted["cbr_store_retries_total stat"]);
            Assert.Equal(1, counted["cbr_store_errors_total delete full"]);
            Assert.Equal(3, counted["cbr_store_request_duration_seconds stat"]);
            Assert.Equal(1, counted["cbr_store_errors_total get unreadable"]);
            Assert.Equal(2, counted["cbr_store_request_duration_seconds get"]);
        }
    }

    [Fact]
    public async Task A_store_that_answers_or_fails_for_good_is_in_no_trouble_and_one_that_hangs_or_keeps_failing_is()
    {
        var time = new ManualTime();
        var activity = new StoreActivity(time);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Fault? fault = null;
        var faulty = new FaultyObjectStore(_inner, _ => fault);
        await using var store = new ObservedObjectStore(faulty, activity);

        await store.StatAsync("packs/a", _none);
        fault = new Fault.FailBefore(ObjectStoreFailure.Denied);
        await FailsAs(ObjectStoreFailure.Denied, () => store.StatAsync("packs/a", _none).AsTask());
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(activity.Trouble(TimeSpan.FromSeconds(10)));

        fault = new Fault.FailBefore(ObjectStoreFailure.Unreadable);
        await FailsAs(ObjectStoreFailure.Unreadable, () => store.GetAsync("packs/a", 0, new byte[1], _none).AsTask());
        Assert.Null(activity.Trouble(TimeSpan.FromSeconds(10)));

        fault = new Fault.Wait(gate.Task);
        Task hanging = store.StatAsync("packs/a", _none).AsTask();
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.Null(activity.Trouble(TimeSpan.FromSeconds(10)));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("(stat of packs/a)", activity.Trouble(TimeSpan.FromSeconds(10)), StringComparison.Ordinal);
        gate.SetResult();
        await hanging;
        Assert.Null(activity.Trouble(TimeSpan.Zero));

        fault = new Fault.FailBefore();
        await FailsAs(ObjectStoreFailure.Transient, () => store.StatAsync("packs/a", _none).AsTask());
        time.Advance(TimeSpan.FromSeconds(8));
        await FailsAs(ObjectStoreFailure.Transient, () => store.StatAsync("packs/b", _none).AsTask());
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains("has failed since", activity.Trouble(TimeSpan.FromSeconds(10)), StringComparison.Ordinal);
        fault = null;
        await store.StatAsync("packs/a", _none);
        Assert.Null(activity.Trouble(TimeSpan.Zero));
    }

    /// <summary>Counts measurements made in the flow of this test, by instrument and labels.</summary>
    private static MeterListener Listen(Dictionary<string, long> counted)
    {
        var own = new AsyncLocal<bool> { Value = true };
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, owner) =>
            {
                if (instrument.Meter.Name == StoreMeter.Name)
                    owner.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Add(instrument, 1, tags));
        listener.Start();
        return listener;

        void Add(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (!own.Value)
                return;
            string key = instrument.Name;
            foreach (KeyValuePair<string, object?> tag in tags)
                key += " " + tag.Value;
            lock (counted)
                counted[key] = counted.GetValueOrDefault(key) + value;
        }
    }
}
