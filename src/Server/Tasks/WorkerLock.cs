namespace Strongroom.Server.Tasks;

/// <summary>
/// A file locked for as long as its process lives. On the same machine this tells at once, and for certain, that a worker
/// is dead: the system drops the lock with the process, however it ended.
/// </summary>
internal sealed class WorkerLock : IDisposable
{
    private const string Suffix = ".lock";

    private readonly FileStream file;

    private WorkerLock(string directory, FileStream file, bool isReliable)
    {
        Directory = directory;
        this.file = file;
        IsReliable = isReliable;
    }

    /// <summary>False where the file system does not keep locks: then nothing may be concluded from one.</summary>
    public bool IsReliable { get; }

    private string Directory { get; }

    public static WorkerLock Take(string directory, string workerId)
    {
        System.IO.Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, workerId + Suffix);
        FileStream held = Open(path, FileMode.CreateNew);
        using FileStream? second = TryLock(path);
        return new WorkerLock(directory, held, isReliable: second is null);
    }

    /// <summary>Workers that left a file here and hold it no more. The caller forgets them, then calls <see cref="Remove"/>.</summary>
    public IEnumerable<string> FindDead()
    {
        if (!IsReliable)
            yield break;
        foreach (string path in System.IO.Directory.EnumerateFiles(Directory, "*" + Suffix))
        {
            if (path == file.Name || TryLock(path) is not { } dead)
                continue;
            dead.Dispose();
            yield return Path.GetFileNameWithoutExtension(path);
        }
    }

    public void Remove(string workerId) => File.Delete(Path.Combine(Directory, workerId + Suffix));

    /// <summary>The worker is registered no more: nothing needs to be told of it.</summary>
    public void RemoveOwn() => File.Delete(file.Name);

    /// <summary>Drops the lock. Without <see cref="RemoveOwn"/> before, the file stays and tells others that this worker is dead.</summary>
    public void Dispose() => file.Dispose();

    private static FileStream? TryLock(string path)
    {
        try
        {
            return Open(path, FileMode.Open);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static FileStream Open(string path, FileMode mode) =>
        new(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
}
