using System.Runtime.CompilerServices;

namespace Strongroom.ObjectStores.Testing;

/// <summary>
/// Any store, broken by plan: each call is counted and may fail, wait, be torn, repeated or answered wrongly, or be where the
/// process dies. With a history it can also take back effects that were reported durable, as a lying disk would.
/// </summary>
/// <remarks>
/// The inner store is not disposed with this one: a test looks at what is left in it. <see cref="DisposeAsync"/> drops the
/// uploads still open, as the death of a process does.
/// </remarks>
public sealed class FaultyObjectStore(IObjectStore inner, FaultPlan? plan = null, bool keepsHistory = false) : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly long[] _calls = new long[Enum.GetValues<StoreCall>().Length];
    private readonly long[] _bytes = new long[Enum.GetValues<StoreCall>().Length];
    private readonly HashSet<ObjectUpload> _open = [];
    private readonly List<StoreEffect> _history = [];
    private readonly SemaphoreSlim _oneEffect = new(1, 1);
    private long _number;

    public string Address => "faulty:" + inner.Address;

    public int CommitsAtOnce => inner.CommitsAtOnce;

    public int ReadAheadBytes => inner.ReadAheadBytes;

    /// <summary>What goes wrong from the next call on; null: nothing.</summary>
    public FaultPlan? Plan { get; set; } = plan;

    /// <summary>Whether the process has died.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>All calls so far, the failed ones too.</summary>
    public long Calls => Interlocked.Read(ref _number);

    /// <summary>Every commit and delete that took effect, oldest first; empty unless the store keeps a history.</summary>
    public IReadOnlyList<StoreEffect> History
    {
        get
        {
            lock (_lock)
                return [.. _history];
        }
    }

    public long CallsOf(StoreCall call) => Interlocked.Read(ref _calls[(int)call]);

    /// <summary>Bytes appended or asked for.</summary>
    public long BytesOf(StoreCall call) => Interlocked.Read(ref _bytes[(int)call]);

    /// <summary>Takes back the effects that <paramref name="isLost"/> names, although they were reported: the store had lied about them.</summary>
    public async Task LoseAsync(Predicate<StoreEffect> isLost)
    {
        foreach (var effects in History.GroupBy(effect => effect.Name, StringComparer.Ordinal))
        {
            var kept = effects.LastOrDefault(effect => !isLost(effect));
            byte[]? content = kept is null ? effects.First().Before : kept.After;
            if (content is null)
                await inner.DeleteAsync(effects.Key, CancellationToken.None);
            else
                await inner.PutAsync(effects.Key, content, PutMode.Replace, CancellationToken.None);
        }
    }

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        var fault = await BeginAsync(StoreCall.Put, name, 0);
        if (fault is Fault.Repeat)
            await (await inner.PutAsync(name, mode, sizeHintBytes, cancellationToken)).DisposeAsync();
        var upload = await inner.PutAsync(name, mode, sizeHintBytes, cancellationToken);
        lock (_lock)
            _open.Add(upload);
        try
        {
            End(fault, name);
        }
        catch (ObjectStoreException)
        {
            await CloseAsync(upload);
            throw;
        }

        return new Upload(this, upload, name, mode);
    }

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        var fault = await BeginAsync(StoreCall.Get, name, destination.Length, offset);
        if (fault is Fault.Repeat)
            await inner.GetAsync(name, offset, destination, cancellationToken);
        int read = await inner.GetAsync(name, offset, destination, cancellationToken);
        End(fault, name);
        if (fault is Fault.Flip flip && read > 0)
            destination.Span[(int)(flip.Bit / 8 % read)] ^= (byte)(1 << (int)(flip.Bit % 8));
        return fault is Fault.Tear tear ? Math.Min(tear.Count, read) : read;
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        var fault = await BeginAsync(StoreCall.Stat, name, 0);
        var stat = await inner.StatAsync(name, cancellationToken);
        End(fault, name);
        return stat;
    }

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectName.CheckPrefix(prefix);
        return EnumerateAsync(prefix, cancellationToken);
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        var fault = await BeginAsync(StoreCall.Delete, name, 0);
        await TakeEffectAsync(name, async () =>
        {
            await inner.DeleteAsync(name, cancellationToken);
            if (fault is Fault.Repeat)
                await inner.DeleteAsync(name, cancellationToken);
        });
        End(fault, name);
    }

    public async ValueTask DisposeAsync()
    {
        ObjectUpload[] open;
        lock (_lock)
            open = [.. _open];
        foreach (var upload in open)
            await CloseAsync(upload);
        _oneEffect.Dispose();
    }

    private async IAsyncEnumerable<ObjectStat> EnumerateAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fault = await BeginAsync(StoreCall.List, prefix, 0);
        int left = fault is Fault.Tear tear ? tear.Count : int.MaxValue;
        await foreach (var one in inner.ListAsync(prefix, cancellationToken))
        {
            if (left-- == 0)
                throw Failure(ObjectStoreFailure.Transient, prefix);
            ThrowIfStopped();
            if (fault is not Fault.Hide hide || !hide.Names(one.Name))
                yield return one;
        }

        End(fault, prefix);
    }

    /// <summary>Counts the call and carries out what goes wrong before it; returns what is left of the fault.</summary>
    private async ValueTask<Fault?> BeginAsync(StoreCall call, string name, long bytes, long offset = 0)
    {
        ThrowIfStopped();
        Interlocked.Increment(ref _calls[(int)call]);
        Interlocked.Add(ref _bytes[(int)call], bytes);
        var info = new StoreCallInfo(Interlocked.Increment(ref _number), call, name, bytes, offset);
        var fault = Plan?.Invoke(info);
        while (fault is Fault.Wait wait)
        {
            await wait.Until;
            ThrowIfStopped();
            fault = wait.Then;
        }

        if (fault is Fault.Stop)
        {
            IsStopped = true;
            ThrowIfStopped();
        }

        return fault is Fault.FailBefore failure ? throw Failure(failure.Failure, name, failure.RetryAfter) : fault;
    }

    /// <summary>Carries out what goes wrong after the effect.</summary>
    private void End(Fault? fault, string name)
    {
        if (fault is Fault.StopAfter)
            IsStopped = true;
        ThrowIfStopped();
        if (fault is Fault.FailAfter failure)
            throw Failure(failure.Failure, name);
    }

    private void ThrowIfStopped()
    {
        if (IsStopped)
            throw new StoreStoppedException();
    }

    private ObjectStoreException Failure(ObjectStoreFailure failure, string name, TimeSpan? retryAfter = null) =>
        new(failure, $"{name} in {Address}: a fault of the test's.") { RetryAfter = retryAfter };

    private async ValueTask TakeEffectAsync(string name, Func<ValueTask> effect)
    {
        if (!keepsHistory)
        {
            await effect();
            return;
        }

        await _oneEffect.WaitAsync();
        try
        {
            byte[]? before = await inner.GetAllAsync(name, int.MaxValue, CancellationToken.None);
            await effect();
            byte[]? after = await inner.GetAllAsync(name, int.MaxValue, CancellationToken.None);
            lock (_lock)
                _history.Add(new StoreEffect(_history.Count, name, before, after));
        }
        finally
        {
            _oneEffect.Release();
        }
    }

    private async ValueTask CloseAsync(ObjectUpload upload)
    {
        lock (_lock)
            _open.Remove(upload);
        await upload.DisposeAsync();
    }

    private sealed class Upload(FaultyObjectStore store, ObjectUpload upload, string name, PutMode mode) : ObjectUpload
    {
        private bool _torn;
        private bool _appended; // by a call whose answer was lost; the next call is its repetition
        private bool _committed; // the same

        public override bool CanRepeat => upload.CanRepeat && !_torn;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            var fault = await store.BeginAsync(StoreCall.Append, name, bytes.Length);
            if (fault is Fault.Tear tear)
            {
                _torn = true;
                await upload.AppendAsync(bytes[..Math.Min(tear.Count, bytes.Length)], cancellationToken);
                throw store.Failure(ObjectStoreFailure.Transient, name);
            }

            if (!_appended)
                await upload.AppendAsync(bytes, cancellationToken);
            _appended = fault is Fault.FailAfter;
            store.End(fault, name);
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            var fault = await store.BeginAsync(StoreCall.Commit, name, 0);
            if (!_committed)
                await store.TakeEffectAsync(name, () => upload.CommitAsync(cancellationToken));
            _committed = fault is Fault.FailAfter;
            if (fault is Fault.Tear tear)
                await TearAsync(tear.Count);
            if (fault is Fault.Repeat && mode == PutMode.Replace)
                await RepeatAsync();
            store.End(fault, name);
        }

        public override ValueTask DisposeAsync() => store.IsStopped ? ValueTask.CompletedTask : store.CloseAsync(upload);

        private async ValueTask TearAsync(int bytes)
        {
            byte[] whole = (await store.Inner.GetAllAsync(name, int.MaxValue, CancellationToken.None))!;
            await store.Inner.PutAsync(name, whole.AsMemory(0, Math.Min(bytes, whole.Length)), PutMode.Replace, CancellationToken.None);
            store.IsStopped = true;
            store.ThrowIfStopped();
        }

        private async ValueTask RepeatAsync()
        {
            byte[] whole = (await store.Inner.GetAllAsync(name, int.MaxValue, CancellationToken.None))!;
            await store.Inner.PutAsync(name, whole, PutMode.Replace, CancellationToken.None);
        }
    }

    private IObjectStore Inner => inner;
}

/// <summary>A commit or a delete that took effect: the object's content before and after, null where there was none.</summary>
public sealed record StoreEffect(int Order, string Name, byte[]? Before, byte[]? After);
