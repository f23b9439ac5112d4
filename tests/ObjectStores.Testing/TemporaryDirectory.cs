namespace Strongroom.ObjectStores.Testing;

/// <summary>A directory of its own for one test, removed with all it holds.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("strongroom-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
