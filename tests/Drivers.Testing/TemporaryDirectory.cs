namespace Strongroom.Drivers.Testing;

/// <summary>A directory of one test, removed with whatever names and modes the test left in it.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory() => Path = Directory.CreateTempSubdirectory("strongroom-").FullName;

    public string Path { get; }

    /// <summary>A path in it, where nothing need be.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        if (!RawFiles.IsRoot)
            RawFiles.Run("chmod", "-R", "u+rwX", Path);
        RawFiles.Run("rm", "-rf", "--one-file-system", Path);
    }
}
