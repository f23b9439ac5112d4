using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests;

public sealed class InMemoryObjectStoreTests : ObjectStoreContract
{
    private readonly InMemoryObjectStore _store = new();

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => ValueTask.FromResult<IObjectStore>(_store);

    protected override ValueTask<IObjectStore> OpenAgainAsync() => ValueTask.FromResult<IObjectStore>(_store);
}
