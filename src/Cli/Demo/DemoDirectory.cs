namespace Strongroom.Cli.Demo;

/// <summary>Where the demo lives: a temporary directory that goes when it ends, or one the user named, which stays.</summary>
internal sealed class DemoDirectory : IAsyncDisposable
{
    private bool isTemporary;

    private DemoDirectory(string path, bool isTemporary)
    {
        Path = path;
        this.isTemporary = isTemporary;
    }

    public string Path { get; }

    public static DemoDirectory Make(string? named)
    {
        if (named is null)
            return new DemoDirectory(Directory.CreateTempSubdirectory("strongroom-demo-").FullName, isTemporary: true);
        if (Directory.Exists(named) && Directory.EnumerateFileSystemEntries(named).Any())
            throw new CommandException(ExitCode.Refused, $"{named} is not empty; the demo wants a directory of its own.");
        return new DemoDirectory(Directory.CreateDirectory(named).FullName, isTemporary: false);
    }

    public void Keep() => isTemporary = false;

    public async ValueTask DisposeAsync()
    {
        if (isTemporary)
            await HostTool.RemoveAsync(Path, CancellationToken.None);
    }
}
