using Strongroom.Drivers.Directories;
using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests;

public sealed class DriverCatalogTests : IDisposable
{
    private readonly TemporaryDirectory scratch = new();
    private readonly DriverCatalog catalog = DriverCatalog.CreateDefault();

    [Fact]
    public void Drivers_are_found_by_name()
    {
        Assert.IsType<DirectoriesDriver>(catalog.Find("directories"));
        Assert.IsType<DiskImagesDriver>(catalog.Find("disk-image"));
        Assert.Null(catalog.Find("tape"));
    }

    [Fact]
    public async Task What_is_there_chooses_the_driver()
    {
        await File.WriteAllTextAsync(scratch["image"], "");
        File.CreateSymbolicLink(scratch["link"], scratch["image"]);
        RawFiles.MakeNode(RawFiles.Path(scratch["fifo"]), 0x1000);

        Assert.IsType<DirectoriesDriver>(catalog.ForSource(scratch.Path));
        Assert.IsType<DiskImagesDriver>(catalog.ForSource(scratch["image"]));
        Assert.IsType<DiskImagesDriver>(catalog.ForSource(scratch["link"]));
        Assert.Equal(
            DriverFailure.WrongKind, Assert.Throws<DriverException>(() => catalog.ForSource(scratch["fifo"])).Failure);
        Assert.Equal(
            DriverFailure.Missing, Assert.Throws<DriverException>(() => catalog.ForSource(scratch["nothing"])).Failure);
    }

    [Fact]
    public void The_kind_of_content_chooses_the_driver_where_nothing_is_yet()
    {
        Assert.IsType<DirectoriesDriver>(catalog.ForTarget(scratch["new"], ContentKind.Tree));
        Assert.IsType<DiskImagesDriver>(catalog.ForTarget(scratch["new"], ContentKind.Disk));
    }

    public void Dispose() => scratch.Dispose();
}
