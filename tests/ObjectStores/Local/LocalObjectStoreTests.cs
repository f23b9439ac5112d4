using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests.Local;

public sealed class LocalObjectStoreTests : ObjectStoreContract
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly TemporaryDirectory _directory = new();

    // Two levels that do not exist yet: the store makes them.
    private string Root => Path.Combine(_directory.Path, "new", "store");

    private string Uploads => Path.Combine(Root, LocalObjectStore.UploadsDirectory);

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override ValueTask<IObjectStore> OpenAgainAsync() => ValueTask.FromResult<IObjectStore>(LocalObjectStore.Open(Root));

    protected override ValueTask<bool> IsFreeOfLeftoversAsync() =>
        ValueTask.FromResult(!Directory.Exists(Uploads) || Directory.GetFileSystemEntries(Uploads).Length == 0);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }
}
