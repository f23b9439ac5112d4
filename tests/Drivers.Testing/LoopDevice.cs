namespace Strongroom.Drivers.Testing;

/// <summary>An image file attached as a block device, optionally with a mounted file system. Needs root.</summary>
public sealed class LoopDevice : IDisposable
{
    private string? mountPoint;

    public LoopDevice(string imagePath, long sizeBytes)
    {
        if (!File.Exists(imagePath))
            RawFiles.WriteFile(RawFiles.Path(imagePath), sizeBytes);
        Path = RawFiles.Run("losetup", "--find", "--show", imagePath).Trim();
    }

    /// <summary>Like <c>/dev/loop0</c>.</summary>
    public string Path { get; }

    /// <summary>Why a test of this kind cannot run here; null when it can.</summary>
    public static string? Obstacle(params string[] tools) =>
        !RawFiles.IsRoot ? "loop devices need root"
        : !File.Exists("/dev/loop-control") ? "this kernel has no loop devices"
        : tools.FirstOrDefault(tool => !RawFiles.HasTool(tool)) is { } missing ? $"{missing} is not installed"
        : null;

    public void Mount(string fileSystem, string at)
    {
        RawFiles.Run($"mkfs.{fileSystem}", "-q", Path);
        MountAgain(at);
    }

    /// <summary>Mounts the file system that is on it already.</summary>
    public void MountAgain(string at)
    {
        Directory.CreateDirectory(at);
        RawFiles.Run("mount", Path, at);
        mountPoint = at;
    }

    public void Unmount()
    {
        if (mountPoint is not null)
            RawFiles.Run("umount", mountPoint);
        mountPoint = null;
    }

    public void Dispose()
    {
        Unmount();
        RawFiles.Run("losetup", "--detach", Path);
    }
}
