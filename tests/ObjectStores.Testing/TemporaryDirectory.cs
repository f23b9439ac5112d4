namespace Strongroom.ObjectStores.Testing;

/// <summary>A directory of its own for one test, removed with all it holds.</summary>
/// <param name="inMemory">Where there is a file system in memory, on that: for tests that make thousands of files.</param>
public sealed class TemporaryDirectory(bool inMemory = false) : IDisposable
{
    private const string MemoryFileSystem = "/dev/shm";

    public string Path { get; } = inMemory && Directory.Exists(MemoryFileSystem)
        ? Directory.CreateDirectory($"{MemoryFileSystem}/strongroom-{Guid.NewGuid():N}").FullName
        : Directory.CreateTempSubdirectory("strongroom-").FullName;

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // The platform cannot remove names that are not UTF-8.
            using var remover = System.Diagnostics.Process.Start("rm", ["-rf", "--one-file-system", "--", Path]);
            remover.WaitForExit();
        }
    }
}
