using Strongroom.ObjectStores;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Parity;

/// <summary>
/// A domain's store that writes a parity beside every pack: after the pack, which is whole without it, and away with it. What it
/// does not see to, since it was stopped in between, collections and repairs do.
/// </summary>
/// <param name="inner">Not owned.</param>
internal sealed class ParityStore(IObjectStore inner, DomainNames names) : IObjectStore
{
    public string Address => inner.Address;

    public int CommitsAtOnce => inner.CommitsAtOnce;

    public int ReadAheadBytes => inner.ReadAheadBytes;

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        var upload = await inner.PutAsync(name, mode, sizeHintBytes, cancellationToken);
        return names.PackOf(name) is { } pack ? new Upload(inner, upload, names.Parity(pack), new ParityBuilder(pack, sizeHintBytes)) : upload;
    }

    public ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.GetAsync(name, offset, destination, cancellationToken);

    public ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken) => inner.StatAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await inner.DeleteAsync(name, cancellationToken);
        if (names.PackOf(name) is { } pack)
            await inner.DeleteAsync(names.Parity(pack), cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Upload(IObjectStore store, ObjectUpload pack, string name, ParityBuilder parity) : ObjectUpload
    {
        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await pack.AppendAsync(bytes, cancellationToken);
            parity.Append(bytes.Span);
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken)
        {
            await pack.CommitAsync(cancellationToken);
            await parity.StoreAsync(store, name, cancellationToken);
        }

        public override ValueTask DisposeAsync()
        {
            parity.Dispose();
            return pack.DisposeAsync();
        }
    }
}

/// <summary>For those who put packs into a store that may or may not add parities.</summary>
internal static class ParityExtensions
{
    /// <summary>Bytes that the store adds to a pack.</summary>
    public static long ParityBytes(this IObjectStore store, long packBytes, long sizeHintBytes) =>
        store is ParityStore ? ParityFormat.SizeBytes(packBytes, ParityFormat.LastColumns(sizeHintBytes, packBytes)) : 0;
}
