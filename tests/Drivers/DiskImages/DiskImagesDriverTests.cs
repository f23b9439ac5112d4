using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests.DiskImages;

public sealed class DiskImagesDriverTests : ResourceDriverContract
{
    protected override IResourceDriver Driver { get; } = new DiskImagesDriver();

    protected override ContentKind Kind => ContentKind.Disk;

    protected override string Create(string name, int seed)
    {
        RandomImage.Create(Scratch[name], seed);
        return Scratch[name];
    }

    protected override void Damage(string location, int seed)
    {
        var random = new Random(seed);
        byte[] path = RawFiles.Path(location);
        long size = RawFiles.Status(path).SizeBytes;
        byte[] rubbish = new byte[100_000];
        random.NextBytes(rubbish);
        // Longer, shorter or of its size, with data where holes were.
        RawFiles.WriteFile(path, size + ((seed % 3) - 1) * 12_345, (random.NextInt64(size / 2), rubbish), (size / 2, rubbish));
    }

    protected override void AssertEqual(string expected, string actual) => RandomImage.AssertEqual(expected, actual);
}
