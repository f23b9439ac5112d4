namespace Strongroom.Cli.Demo;

/// <summary>The programs that make and change ext4 images without mounting them, so that nobody has to be root.</summary>
internal sealed class DiskTools
{
    private const string Package = "e2fsprogs";

    private readonly string makeFileSystem;
    private readonly string debugFileSystem;

    private DiskTools(string makeFileSystem, string debugFileSystem)
    {
        this.makeFileSystem = makeFileSystem;
        this.debugFileSystem = debugFileSystem;
    }

    /// <summary>Finds them, and installs Debian's package when they are missing and the process may.</summary>
    /// <exception cref="CommandException">They are missing and cannot be installed; says what to run.</exception>
    public static async Task<DiskTools> FindAsync(Shell shell, CancellationToken cancellationToken)
    {
        if (TryFind() is { } found)
            return found;
        string? installer = HostTool.Find("apt-get");
        if (installer is null || !Environment.IsPrivilegedProcess)
            throw new CommandException(ExitCode.Failed, $"mkfs.ext4 and debugfs are missing; install them with: sudo apt-get install {Package}");
        shell.Say($"demo: installing the Debian package {Package} (mkfs.ext4 and debugfs make the demo's disks)");
        try
        {
            await HostTool.RunAsync(installer, ["install", "-y", "--no-install-recommends", Package], cancellationToken);
        }
        catch (CommandException)
        {
            // A fresh image has no package lists yet.
            await HostTool.RunAsync(installer, ["update"], cancellationToken);
            await HostTool.RunAsync(installer, ["install", "-y", "--no-install-recommends", Package], cancellationToken);
        }

        return TryFind() ?? throw new CommandException(ExitCode.Failed, $"{Package} was installed and mkfs.ext4 is still missing.");
    }

    /// <summary>An ext4 file system of that size in a new sparse file, holding a copy of the directory.</summary>
    public async Task MakeImageAsync(string imagePath, long sizeBytes, string fromDirectory, string label, CancellationToken cancellationToken)
    {
        await using (FileStream image = File.Create(imagePath))
            image.SetLength(sizeBytes);
        await HostTool.RunAsync(
            makeFileSystem, ["-q", "-F", "-L", label, "-m", "0", "-E", "root_owner=0:0", "-d", fromDirectory, imagePath], cancellationToken);
    }

    /// <summary>Removes and adds files inside an image, as its own operating system would.</summary>
    /// <param name="imagePath">Not mounted.</param>
    /// <param name="removed">Paths inside the image.</param>
    /// <param name="added">Files of the host, each put into the image's root directory under the given name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task ChangeImageAsync(
        string imagePath, IEnumerable<string> removed, IEnumerable<(string HostPath, string Name)> added, CancellationToken cancellationToken)
    {
        string script = Path.GetTempFileName();
        try
        {
            IEnumerable<string> lines = removed.Select(path => $"rm \"{path}\"").Concat(added.Select(file => $"write \"{file.HostPath}\" \"{file.Name}\""));
            await File.WriteAllLinesAsync(script, lines, cancellationToken);
            await HostTool.RunAsync(debugFileSystem, ["-w", "-f", script, imagePath], cancellationToken);
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static DiskTools? TryFind() =>
        HostTool.Find("mkfs.ext4") is { } make && HostTool.Find("debugfs") is { } debug ? new DiskTools(make, debug) : null;
}
