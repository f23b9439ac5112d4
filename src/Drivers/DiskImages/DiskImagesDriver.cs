using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

/// <summary>Raw disk images in files, and block devices.</summary>
/// <param name="time">What an image's times are compared with; null is the system's.</param>
public sealed class DiskImagesDriver(TimeProvider? time = null) : IResourceDriver
{
    public const string DriverName = "disk-image";

    private const uint OwnerOnly = 0x180;

    public string Name => DriverName;

    public ValueTask<ResourceState> InspectAsync(string location, CancellationToken cancellationToken)
    {
        bool isDevice = IsDevice(Look(location, "inspect"), location, "inspect");
        using SafeFileHandle file = Posix.OpenLocation(location, OpenFlags.Read | OpenFlags.NonBlocking)
            ?? throw Errno.LastToException(location, "inspect");
        return ValueTask.FromResult(new ResourceState(ContentKind.Disk, SizeOf(file, location), isDevice));
    }

    public ValueTask<ISource> OpenSourceAsync(string location, CancellationToken cancellationToken)
    {
        IsDevice(Look(location, "open"), location, "open");
        SafeFileHandle file = Posix.OpenToRead(Posix.WorkingDirectory, Posix.LocationBytes(location), OpenFlags.NonBlocking)
            ?? throw Errno.LastToException(location, "open");
        try
        {
            return ValueTask.FromResult<ISource>(DiskSource.Open(location, file, time ?? TimeProvider.System));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public async ValueTask<ITarget> OpenTargetAsync(string location, TargetRequest request, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(request.SizeBytes);
        return Posix.TryStatLocation(location, out FileStatus status) ? OpenPresent(location, status, request.SizeBytes)
            : Errno.Last == Errno.NoEntry ? await MakeImageAsync(location, request.SizeBytes)
            : throw Errno.LastToException(location, "open");
    }

    /// <summary>
    /// Whether it lies where devices live: one that is gone must not be replaced by a file in memory of the same name. <c>/dev/shm</c> is for files.
    /// </summary>
    public static bool IsDevicePath(string location)
    {
        string path = Path.GetFullPath(location);
        return path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal);
    }

    private static DiskTarget OpenPresent(string location, in FileStatus status, long sizeBytes)
    {
        bool isDevice = IsDevice(status, location, "open");
        if (TargetUse.Find(status, isDevice) is { } use)
            throw new DriverException(DriverFailure.InUse, location, "open", use);
        // On a block device O_EXCL is refused while the kernel itself holds it: mounted, or part of an array or a volume group.
        SafeFileHandle file =
            Posix.OpenLocation(location, OpenFlags.ReadWrite | OpenFlags.NonBlocking | (isDevice ? OpenFlags.Exclusive : 0))
            ?? throw Errno.LastToException(location, "open");
        try
        {
            if (!Posix.Stat(file, location).IsSameFileAs(status))
                throw new DriverException(DriverFailure.InUse, location, "open", "it was replaced while it was being opened");
            TargetUse.Lock(file, location);
            long presentBytes = SizeOf(file, location);
            if (isDevice && presentBytes < sizeBytes)
                throw new DriverException(
                    DriverFailure.TooSmall, location, "open", $"it has {presentBytes} bytes, {sizeBytes} are to be written");
            return new DiskTarget(location, file, isDevice ? presentBytes : sizeBytes, isDevice, isNew: false);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static async ValueTask<DiskTarget> MakeImageAsync(string location, long sizeBytes)
    {
        if (IsDevicePath(location))
            throw new DriverException(
                DriverFailure.Missing, location, "open", "there is no such device; attach it or restore to another place");
        SafeFileHandle file = Posix.OpenLocation(
            location, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, OwnerOnly)
            ?? throw (Errno.Last == Errno.NoEntry
                ? new DriverException(DriverFailure.Missing, location, "create", "the directory it is to lie in does not exist")
                : Errno.LastToException(location, "create"));
        var target = new DiskTarget(location, file, sizeBytes, isDevice: false, isNew: true);
        try
        {
            TargetUse.Lock(file, location);
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    private static FileStatus Look(string location, string step) =>
        Posix.TryStatLocation(location, out FileStatus status) ? status : throw Errno.LastToException(location, step);

    private static bool IsDevice(in FileStatus status, string location, string step) => status.Type switch
    {
        TreeEntryType.File => false,
        TreeEntryType.BlockDevice => true,
        _ => throw new DriverException(
            DriverFailure.WrongKind, location, step, "this is neither an image file nor a block device"),
    };

    private static long SizeOf(SafeFileHandle file, string location)
    {
        long length = Posix.Length(file);
        return length >= 0 ? length : throw Errno.LastToException(location, "measure");
    }
}
