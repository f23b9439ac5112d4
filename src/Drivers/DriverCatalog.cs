using Strongroom.Drivers.Directories;
using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers;

/// <summary>The drivers there are, by name and by what is at a location.</summary>
public sealed class DriverCatalog
{
    private readonly IReadOnlyList<IResourceDriver> drivers;

    public DriverCatalog(params IReadOnlyList<IResourceDriver> drivers) => this.drivers = drivers;

    /// <summary>Every driver this product has, with its default settings.</summary>
    public static DriverCatalog CreateDefault() => new(new DirectoriesDriver(), new DiskImagesDriver());

    /// <summary>The driver of that name, or null.</summary>
    public IResourceDriver? Find(string name) =>
        drivers.FirstOrDefault(driver => string.Equals(driver.Name, name, StringComparison.Ordinal));

    /// <summary>The driver that reads what is at <paramref name="location"/>: a directory's tree, or a file's or block device's bytes.</summary>
    /// <exception cref="DriverException">There is nothing, or nothing any driver handles.</exception>
    public IResourceDriver ForSource(string location)
    {
        if (!Posix.TryStatLocation(location, out FileStatus status))
            throw Errno.LastToException(location, "look");
        return status.Type switch
        {
            TreeEntryType.Directory => Get(DirectoriesDriver.DriverName, location),
            TreeEntryType.File or TreeEntryType.BlockDevice => Get(DiskImagesDriver.DriverName, location),
            _ => throw new DriverException(
                DriverFailure.WrongKind, location, "look", "this is neither a directory, nor a file, nor a block device"),
        };
    }

    /// <summary>The driver that writes content of that kind to <paramref name="location"/>, where nothing need be yet.</summary>
    public IResourceDriver ForTarget(string location, ContentKind kind) =>
        Get(kind == ContentKind.Tree ? DirectoriesDriver.DriverName : DiskImagesDriver.DriverName, location);

    private IResourceDriver Get(string name, string location) =>
        Find(name)
        ?? throw new DriverException(DriverFailure.WrongKind, location, "look", $"the driver {name} is not installed here");
}
