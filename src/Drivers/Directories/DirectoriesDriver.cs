using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

/// <summary>Directory trees of this machine's file systems, with all that Linux keeps of a file.</summary>
/// <param name="crossMounts">
/// Whether a source enters other file systems mounted inside the tree. By default it does not, and reports those that hold
/// data, so that nobody believes them protected.
/// </param>
public sealed class DirectoriesDriver(bool crossMounts = false) : IResourceDriver
{
    public const string DriverName = "directories";

    public string Name => DriverName;

    public ValueTask<ResourceState> InspectAsync(string location, CancellationToken cancellationToken)
    {
        if (!Posix.TryStatLocation(location, out FileStatus status))
            throw Errno.LastToException(location, "inspect");
        return status.Type == TreeEntryType.Directory
            ? ValueTask.FromResult(new ResourceState(ContentKind.Tree, 0, IsDevice: false))
            : throw new DriverException(DriverFailure.WrongKind, location, "inspect", "this is no directory");
    }

    public ValueTask<ISource> OpenSourceAsync(string location, CancellationToken cancellationToken)
    {
        SafeFileHandle root = OpenRoot(location);
        try
        {
            return ValueTask.FromResult<ISource>(new TreeSource(location, root, crossMounts));
        }
        catch
        {
            root.Dispose();
            throw;
        }
    }

    public ValueTask<ITarget> OpenTargetAsync(string location, TargetRequest request, CancellationToken cancellationToken)
    {
        if (!Posix.TryStatLocation(location, out _)
            && !Posix.MakeDirectory(Posix.WorkingDirectory, Posix.LocationBytes(location)))
            throw Errno.LastToException(location, "make directory");
        SafeFileHandle root = OpenRoot(location);
        try
        {
            return ValueTask.FromResult<ITarget>(new TreeTarget(location, root));
        }
        catch
        {
            root.Dispose();
            throw;
        }
    }

    private static SafeFileHandle OpenRoot(string location) =>
        Posix.OpenLocation(location, OpenFlags.PathOnly | OpenFlags.Directory)
        ?? throw (Errno.Last == Errno.NotDirectory
            ? new DriverException(DriverFailure.WrongKind, location, "open", "this is no directory")
            : Errno.LastToException(location, "open"));
}
