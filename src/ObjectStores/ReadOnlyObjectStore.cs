namespace Strongroom.ObjectStores;

/// <summary>Any store with everything that changes it refused as <see cref="ObjectStoreFailure.Denied"/>: for audits and rescue.</summary>
/// <param name="inner">Owned: disposed with this store.</param>
public sealed class ReadOnlyObjectStore(IObjectStore inner) : IObjectStore
{
    public string Address => inner.Address;

    public int CommitsAtOnce => inner.CommitsAtOnce;

    public int ReadAheadBytes => inner.ReadAheadBytes;

    public ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        return ValueTask.FromException<ObjectUpload>(Refusal("write", name));
    }

    public ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.GetAsync(name, offset, destination, cancellationToken);

    public ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken) => inner.StatAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, cancellationToken);

    public ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        return ValueTask.FromException(Refusal("delete", name));
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private ObjectStoreException Refusal(string verb, string name) =>
        new(ObjectStoreFailure.Denied, $"cannot {verb} {name} in {Address}: the store was opened for reading only.");
}
