using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests.DiskImages;

public sealed class DiskSourceTests : IDisposable
{
    private readonly TemporaryDirectory scratch = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Extents_are_the_map_of_the_file_system_clipped_to_what_is_asked(int seed)
    {
        string path = scratch["image"];
        RandomImage.Create(path, seed);
        await using IDiskSource source = await Open(path);
        long from = source.SizeBytes / 5, to = source.SizeBytes * 4 / 5;

        var extents = source.DataExtents(from, to).Select(extent => (extent.Offset, extent.Offset + extent.LengthBytes)).ToList();

        Assert.Equal(
            RawFiles.DataMap(RawFiles.Path(path), source.SizeBytes)
                .Select(range => (Math.Max(range.From, from), Math.Min(range.To, to))).Where(range => range.Item1 < range.Item2),
            extents);
    }

    [Fact]
    public async Task A_write_to_an_image_that_is_read_is_told()
    {
        string path = scratch["image"];
        RandomImage.Create(path, 1);
        await using IDiskSource source = await Open(path);
        Assert.Null(source.ChangeSinceOpen());

        // The clock that stamps inodes ticks every few milliseconds.
        DateTime before = File.GetLastWriteTimeUtc(path);
        do
            RandomImage.Change(path, 2);
        while (File.GetLastWriteTimeUtc(path) == before);

        Assert.NotNull(source.ChangeSinceOpen());
    }

    [Fact]
    public async Task Bytes_are_the_same_in_and_out_of_the_page_cache()
    {
        string path = scratch["image"];
        byte[] wanted = new byte[9 << 20];
        new Random(6).NextBytes(wanted);
        await File.WriteAllBytesAsync(path, wanted);
        foreach (long cachedBytes in new[] { 0L, 3 << 20, wanted.Length })
        {
            PageCache.Drop(path, cachedBytes);
            await using IDiskSource source = await Open(path);
            byte[] read = new byte[wanted.Length];
            for (int offset = 0; offset < read.Length; offset += 1 << 20)
                source.Read(offset, read.AsSpan(offset, 1 << 20));
            Assert.True(wanted.AsSpan().SequenceEqual(read), $"{cachedBytes} bytes were cached");
        }
    }

    [Fact]
    public async Task An_image_cut_short_while_it_is_read_is_a_failure()
    {
        string path = scratch["image"];
        RawFiles.WriteFile(RawFiles.Path(path), new byte[100_000]);
        await using IDiskSource source = await Open(path);
        RawFiles.WriteFile(RawFiles.Path(path), 50_000);

        DriverException failure = Assert.Throws<DriverException>(() => source.Read(40_000, new byte[20_000]));

        Assert.Equal(DriverFailure.Failed, failure.Failure);
        Assert.Equal(path, failure.Location);
        Assert.NotNull(source.ChangeSinceOpen());
    }

    [Fact]
    public async Task Where_files_can_share_blocks_an_image_is_read_as_it_was_at_opening()
    {
        string? obstacle = LoopDevice.Obstacle("mkfs.xfs");
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
        using var device = new LoopDevice(scratch["disk"], 400 << 20);
        device.Mount("xfs", scratch["mounted"]);
        string path = scratch["mounted/image"];
        RandomImage.Create(path, 3);
        File.CreateSymbolicLink(scratch["link"], path);
        File.Copy(path, scratch["as it was"]);

        await using (IDiskSource source = await Open(scratch["link"]))
        {
            RandomImage.Change(path, 4);
            byte[] bytes = new byte[source.SizeBytes];
            source.Read(0, bytes);

            Assert.Equal(await File.ReadAllBytesAsync(scratch["as it was"]), bytes);
            Assert.Null(source.ChangeSinceOpen());
            Assert.Single(Directory.EnumerateFiles(scratch["mounted"]));
        }
    }

    [Fact]
    public async Task A_device_is_read_as_its_file_system_wrote_it_and_its_writes_are_told()
    {
        string? obstacle = LoopDevice.Obstacle("mkfs.ext4");
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
        using var device = new LoopDevice(scratch["image"], 32 << 20);
        device.Mount("ext4", scratch["mounted"]);
        byte[] mark = new byte[8192];
        new Random(5).NextBytes(mark);
        // Read once, so that the device's own cache holds every page.
        await using (IDiskSource first = await Open(device.Path))
        {
            Assert.Equal(32 << 20, first.SizeBytes);
            Assert.Equal([new DiskExtent(0, 32 << 20)], first.DataExtents(0, first.SizeBytes));
            first.Read(0, new byte[first.SizeBytes]);
        }

        await File.WriteAllBytesAsync(scratch["mounted/file"], mark);

        await using IDiskSource source = await Open(device.Path);
        byte[] bytes = new byte[source.SizeBytes];
        source.Read(0, bytes);
        Assert.True(bytes.AsSpan().IndexOf(mark) >= 0);
        Assert.Null(source.ChangeSinceOpen());
        mark[0]++;
        await File.WriteAllBytesAsync(scratch["mounted/file2"], mark);
        RawFiles.Run("sync", "-f", scratch["mounted"]);
        Assert.NotNull(source.ChangeSinceOpen());
    }

    public void Dispose() => scratch.Dispose();

    private static async Task<IDiskSource> Open(string path) =>
        (IDiskSource)await new DiskImagesDriver().OpenSourceAsync(path, default);
}
