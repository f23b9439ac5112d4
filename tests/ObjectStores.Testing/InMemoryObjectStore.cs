namespace Strongroom.ObjectStores.Testing;

/// <summary>A store in memory that keeps the whole contract, with a way past it for tests that damage what is stored.</summary>
public sealed class InMemoryObjectStore : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);

    public string Address => "memory:";

    /// <summary>As a store of the test's choice says: 4 as a directory, 1 as a bucket.</summary>
    public int CommitsAtOnce { get; init; } = 1;

    /// <summary>As a store of the test's choice says: 0 as a directory, more as a bucket.</summary>
    public int ReadAheadBytes { get; init; }

    /// <summary>Every object's name, in ordinal order.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_lock)
                return [.. _objects.Keys];
        }
    }

    /// <summary>The stored bytes themselves (no copy: changing them damages the object); null when there are none.</summary>
    public byte[]? Peek(string name)
    {
        lock (_lock)
            return _objects.GetValueOrDefault(name);
    }

    /// <summary>Stores the array itself under the name, or removes the name when it is null.</summary>
    public void Poke(string name, byte[]? content)
    {
        ObjectName.Check(name);
        lock (_lock)
        {
            if (content is null)
                _objects.Remove(name);
            else
                _objects[name] = content;
        }
    }

    /// <summary>Another store with the same objects: what a copy of the bucket would be.</summary>
    public InMemoryObjectStore Clone()
    {
        var clone = new InMemoryObjectStore { CommitsAtOnce = CommitsAtOnce, ReadAheadBytes = ReadAheadBytes };
        lock (_lock)
        {
            foreach (var (name, content) in _objects)
                clone._objects.Add(name, [.. content]);
        }

        return clone;
    }

    public ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHintBytes);
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<ObjectUpload>(new Upload(this, name, mode));
    }

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        byte[] content = Peek(name) ?? throw new ObjectStoreException(ObjectStoreFailure.NotFound, $"{name} in memory: there is no such object.");
        if (offset >= content.Length)
            return 0;
        var part = content.AsMemory((int)offset);
        part = part[..Math.Min(part.Length, destination.Length)];
        part.CopyTo(destination);
        return part.Length;
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        return Peek(name) is { } content ? new ObjectStat(name, content.Length) : null;
    }

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectName.CheckPrefix(prefix);
        return List();

        async IAsyncEnumerable<ObjectStat> List()
        {
            List<ObjectStat> found;
            lock (_lock)
            {
                found = [.. _objects.Where(one => one.Key.StartsWith(prefix, StringComparison.Ordinal))
                    .Select(one => new ObjectStat(one.Key, one.Value.Length))];
            }

            foreach (var one in found)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return one;
            }
        }
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        Poke(name, null);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Publish(string name, PutMode mode, byte[] content)
    {
        lock (_lock)
        {
            if (mode == PutMode.CreateOnly && _objects.ContainsKey(name))
                throw new ObjectStoreException(ObjectStoreFailure.AlreadyExists, $"{name} in memory exists already.");
            _objects[name] = content;
        }
    }

    private sealed class Upload(InMemoryObjectStore store, string name, PutMode mode) : ObjectUpload
    {
        private readonly MemoryStream _content = new();
        private bool _ended;

        // Nothing fails here by itself; a fault that a wrapper injects in front leaves the upload untouched.
        public override bool CanRepeat => true;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            Check(cancellationToken);
            _content.Write(bytes.Span);
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            Check(cancellationToken);
            _ended = true;
            store.Publish(name, mode, _content.ToArray());
        }

        public override ValueTask DisposeAsync()
        {
            _ended = true;
            return ValueTask.CompletedTask;
        }

        private void Check(CancellationToken cancellationToken)
        {
            if (_ended)
                throw new InvalidOperationException($"The upload of {name} has ended; nothing can be added to it.");
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
