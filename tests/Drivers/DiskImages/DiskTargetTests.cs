using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests.DiskImages;

public sealed class DiskTargetTests : IDisposable
{
    private readonly TemporaryDirectory scratch = new();

    [Fact]
    public async Task A_new_image_is_all_hole_and_for_its_owner_only()
    {
        await using (IDiskTarget target = await Open(scratch["image"], 1L << 40))
        {
            Assert.True(target.StartsZeroed);
            target.Write(1L << 39, [1, 2, 3]);
            await target.CompleteAsync(default);
        }

        RawStatus status = RawFiles.Status(RawFiles.Path(scratch["image"]));
        Assert.Equal(1L << 40, status.SizeBytes);
        Assert.InRange(status.AllocatedBytes, 1, 65536);
        Assert.Equal(0x180u, status.ModeAndType & 0xFFF);
    }

    [Fact]
    public async Task A_new_image_that_is_not_complete_is_removed()
    {
        await using (IDiskTarget target = await Open(scratch["image"], 1 << 20))
            target.Write(0, [1]);

        Assert.False(File.Exists(scratch["image"]));
    }

    [Fact]
    public async Task An_image_that_is_there_keeps_its_inode_and_gets_the_size_asked()
    {
        foreach (int size in new[] { 3000, 100_000, 250_000 })
        {
            RawFiles.WriteFile(RawFiles.Path(scratch["image"]), Enumerable.Repeat((byte)7, 100_000).ToArray());
            ulong inode = RawFiles.Status(RawFiles.Path(scratch["image"])).Inode;

            await using (IDiskTarget target = await Open(scratch["image"], size))
            {
                Assert.False(target.StartsZeroed);
                target.WriteZeros(1000, 1000);
                await target.CompleteAsync(default);
            }

            byte[] bytes = await File.ReadAllBytesAsync(scratch["image"]);
            Assert.Equal(size, bytes.Length);
            Assert.Equal(inode, RawFiles.Status(RawFiles.Path(scratch["image"])).Inode);
            Assert.Equal(
                Enumerable.Range(0, size).Select(at => at is >= 1000 and < 2000 or >= 100_000 ? (byte)0 : (byte)7), bytes);
        }
    }

    [Fact]
    public async Task A_file_system_without_room_is_told_by_the_completion_at_the_latest()
    {
        string? obstacle = LoopDevice.Obstacle("mkfs.ext4");
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
        using var device = new LoopDevice(scratch["disk"], 32 << 20);
        device.Mount("ext4", scratch["mounted"]);
        byte[] run = new byte[1 << 20];
        Array.Fill(run, (byte)7);

        DriverException failure = await Assert.ThrowsAsync<DriverException>(async () =>
        {
            await using IDiskTarget target = await Open(scratch["mounted/image"], 64 << 20);
            for (long offset = 0; offset < target.SizeBytes; offset += run.Length)
                target.Write(offset, run);
            await target.CompleteAsync(default);
        });

        Assert.Equal(DriverFailure.Full, failure.Failure);
        Assert.False(File.Exists(scratch["mounted/image"]));
    }

    [Fact]
    public async Task What_is_written_from_many_threads_in_any_order_is_there_when_it_is_complete()
    {
        const int PieceBytes = 700_000;
        byte[] wanted = new byte[40 * PieceBytes];
        new Random(5).NextBytes(wanted);
        await using (IDiskTarget target = await Open(scratch["image"], wanted.Length))
        {
            Parallel.ForEach(
                Enumerable.Range(0, 40).OrderBy(piece => piece * 17 % 40), new ParallelOptions { MaxDegreeOfParallelism = 4 },
                piece => target.Write(piece * PieceBytes, wanted.AsSpan(piece * PieceBytes, PieceBytes)));
            await target.CompleteAsync(default);
        }

        byte[] written = await File.ReadAllBytesAsync(scratch["image"]);
        Assert.True(wanted.AsSpan().SequenceEqual(written));
    }

    [Fact]
    public async Task Opening_alone_changes_nothing()
    {
        RawFiles.WriteFile(RawFiles.Path(scratch["image"]), new byte[100_000]);

        await using (await Open(scratch["image"], 10))
        {
        }

        Assert.Equal(100_000, new FileInfo(scratch["image"]).Length);
    }

    [Fact]
    public async Task Zeros_over_data_become_holes()
    {
        RawFiles.WriteFile(RawFiles.Path(scratch["image"]), Enumerable.Repeat((byte)7, 4 << 20).ToArray());

        await using (IDiskTarget target = await Open(scratch["image"], 4 << 20))
        {
            target.WriteZeros(1 << 20, 2 << 20);
            await target.CompleteAsync(default);
        }

        Assert.Equal([(0, 1 << 20), (3 << 20, 4 << 20)], RawFiles.DataMap(RawFiles.Path(scratch["image"]), 4 << 20));
    }

    [Fact]
    public async Task Nothing_is_written_beyond_the_size()
    {
        await using IDiskTarget target = await Open(scratch["image"], 1000);

        Assert.Throws<ArgumentOutOfRangeException>(() => target.Write(999, [1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => target.Write(-1, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => target.WriteZeros(0, 1001));
        Assert.Throws<ArgumentOutOfRangeException>(() => target.WriteZeros(long.MaxValue, 1));
    }

    [Fact]
    public async Task A_device_that_is_gone_is_missing_and_no_file_is_made_in_its_place()
    {
        const string gone = "/dev/strongroom-no-such-device";

        Assert.Equal(DriverFailure.Missing, await Refused(gone, 4096));
        Assert.False(File.Exists(gone));
    }

    [Fact]
    public async Task An_image_somebody_has_locked_or_restores_to_is_in_use()
    {
        RawFiles.WriteFile(RawFiles.Path(scratch["image"]), new byte[8192]);
        await using (FileStream machine = File.Open(scratch["image"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
#pragma warning disable CA1416 // The drivers and their tests are for Linux.
            machine.Lock(100, 1);
#pragma warning restore CA1416
            Assert.Equal(DriverFailure.InUse, await Refused(scratch["image"], 8192));
        }

        await using IDiskTarget first = await Open(scratch["image"], 8192);
        Assert.Equal(DriverFailure.InUse, await Refused(scratch["image"], 8192));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public async Task An_image_comes_back_onto_a_device_over_what_was_there(int seed)
    {
        SkipWithoutLoopDevices();
        RandomImage.Create(scratch["original"], seed, 30_000_000);
        RawFiles.WriteFile(RawFiles.Path(scratch["disk"]), Enumerable.Repeat((byte)7, 31 << 20).ToArray());
        using var device = new LoopDevice(scratch["disk"], 31 << 20);

        await ResourceCopy.Copy(new DiskImagesDriver(), scratch["original"], device.Path);

        long size = RawFiles.Status(RawFiles.Path(scratch["original"])).SizeBytes;
        byte[] want = await File.ReadAllBytesAsync(scratch["original"]);
        byte[] have = await File.ReadAllBytesAsync(device.Path);
        Assert.Equal(31 << 20, have.Length);
        Assert.True(have.AsSpan(0, want.Length).SequenceEqual(want));
        Assert.True(have.AsSpan((int)size).IndexOfAnyExcept((byte)7) < 0);
    }

    [Fact]
    public async Task A_device_too_small_is_refused_untouched()
    {
        SkipWithoutLoopDevices();
        using var device = new LoopDevice(scratch["disk"], 1 << 20);

        Assert.Equal(DriverFailure.TooSmall, await Refused(device.Path, (1 << 20) + 1));
        await using IDiskTarget target = await Open(device.Path, 1 << 20);
        Assert.Equal(1 << 20, target.SizeBytes);
        Assert.False(target.StartsZeroed);
    }

    [Fact]
    public async Task A_mounted_device_and_the_image_behind_one_are_in_use()
    {
        SkipWithoutLoopDevices();
        using var device = new LoopDevice(scratch["disk"], 16 << 20);
        Assert.Equal(DriverFailure.InUse, await Refused(scratch["disk"], 16 << 20));

        device.Mount("ext4", scratch["mounted here"]);
        DriverException mounted = await Assert.ThrowsAsync<DriverException>(() => Open(device.Path, 16 << 20));
        Assert.Equal(DriverFailure.InUse, mounted.Failure);
        Assert.Contains("mounted here", mounted.Message, StringComparison.Ordinal);
        device.Unmount();

        await using IDiskTarget free = await Open(device.Path, 16 << 20);
        Assert.Equal(DriverFailure.InUse, await Refused(device.Path, 16 << 20));
    }

    public void Dispose() => scratch.Dispose();

    private static void SkipWithoutLoopDevices()
    {
        string? obstacle = LoopDevice.Obstacle("mkfs.ext4");
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
    }

    private static async Task<IDiskTarget> Open(string path, long sizeBytes) =>
        (IDiskTarget)await new DiskImagesDriver().OpenTargetAsync(path, new TargetRequest(sizeBytes), default);

    private static async Task<DriverFailure> Refused(string path, long sizeBytes) =>
        (await Assert.ThrowsAsync<DriverException>(() => Open(path, sizeBytes))).Failure;
}
