using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

internal sealed class DiskTarget : IDiskTarget
{
    /// <summary>Any logical block of a device divides it, and it is what file systems make holes of.</summary>
    private const int BlockBytes = 4096;

    private static readonly byte[] Zeros = new byte[64 * 1024];

    private readonly SafeFileHandle file;
    private readonly DiskCalls calls;
    private readonly UncachedWriter uncached;
    private readonly bool isDevice;
    private readonly bool isNew;
    private readonly Lock gate = new();
    private bool hasSize;
    private bool isComplete;

    internal DiskTarget(string location, SafeFileHandle file, long sizeBytes, bool isDevice, bool isNew, DiskCalls? calls = null)
    {
        Location = location;
        SizeBytes = sizeBytes;
        this.file = file;
        this.isDevice = isDevice;
        this.isNew = isNew;
        this.calls = calls ?? new DiskCalls();
        uncached = new UncachedWriter(file, location, this.calls);
    }

    public ContentKind Kind => ContentKind.Disk;

    public string Location { get; }

    public long SizeBytes { get; }

    public bool StartsZeroed => isNew;

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        CheckRange(offset, bytes.Length);
        SetSize();
        if (isDevice)
        {
            WriteBytes(offset, bytes);
            return;
        }

        // Blocks of zeros become holes, as fine as the file system has them.
        while (!bytes.IsEmpty)
        {
            int zeros = CountBlocks(offset, bytes, zero: true);
            if (zeros > 0 && !isNew)
                WriteZeros(offset, zeros);
            int data = CountBlocks(offset + zeros, bytes[zeros..], zero: false);
            WriteBytes(offset + zeros, bytes.Slice(zeros, data));
            offset += zeros + data;
            bytes = bytes[(zeros + data)..];
        }
    }

    public void WriteZeros(long offset, long lengthBytes)
    {
        CheckRange(offset, lengthBytes);
        SetSize();
        if (lengthBytes == 0)
            return;
        if (!isDevice && Posix.Punch(file, offset, lengthBytes))
            return;
        long end = offset + lengthBytes;
        long firstBlock = Math.Min(end, (offset + BlockBytes - 1) / BlockBytes * BlockBytes);
        long lastBlock = Math.Max(firstBlock, end / BlockBytes * BlockBytes);
        WriteZeroBytes(offset, firstBlock);
        // Unmapping first: it gives the room back where the device can promise that it then reads as zeros.
        if (firstBlock < lastBlock
            && !Posix.Punch(file, firstBlock, lastBlock - firstBlock)
            && !Posix.Zero(file, firstBlock, lastBlock - firstBlock))
            WriteZeroBytes(firstBlock, lastBlock);
        WriteZeroBytes(lastBlock, end);
    }

    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        SetSize();
        await uncached.FinishAsync();
        if (!calls.Flush(file))
            throw Errno.LastToException(Location, "flush");
        if (isNew)
        {
            using SafeFileHandle directory =
                Posix.OpenLocation(Path.GetDirectoryName(Path.GetFullPath(Location))!, OpenFlags.Read | OpenFlags.Directory)
                ?? throw Errno.LastToException(Location, "flush directory");
            if (!calls.Flush(directory))
                throw Errno.LastToException(Location, "flush directory");
        }

        isComplete = true;
    }

    public async ValueTask DisposeAsync()
    {
        await uncached.DisposeAsync();
        Close();
    }

    /// <summary>A new image that is not complete goes with it, if it is still the one under its name.</summary>
    private void Close()
    {
        if (file.IsClosed)
            return;
        if (isNew && !isComplete
            && Posix.TryStatLocation(Location, out FileStatus present)
            && present.IsSameFileAs(Posix.Stat(file, Location)))
            Posix.Unlink(Posix.WorkingDirectory, Posix.LocationBytes(Location));
        file.Dispose();
    }

    /// <summary>With the first write, not at opening: a restore of several disks that finds one in use has touched none.</summary>
    private void SetSize()
    {
        if (isDevice || Volatile.Read(ref hasSize))
            return;
        lock (gate)
        {
            if (!hasSize && !Posix.Truncate(file, SizeBytes))
                throw Errno.LastToException(Location, "set size");
            Volatile.Write(ref hasSize, true);
        }
    }

    /// <summary>Bytes at the start up to the first block of the other kind. A block is as on the disk; the ends may be cut.</summary>
    private static int CountBlocks(long offset, ReadOnlySpan<byte> bytes, bool zero)
    {
        int length = 0;
        while (length < bytes.Length)
        {
            int block = (int)Math.Min(BlockBytes - ((offset + length) % BlockBytes), bytes.Length - length);
            if (bytes.Slice(length, block).ContainsAnyExcept((byte)0) == zero)
                break;
            length += block;
        }

        return length;
    }

    private void WriteBytes(long offset, ReadOnlySpan<byte> bytes)
    {
        int written = uncached.Write(offset, bytes);
        offset += written;
        bytes = bytes[written..];
        if (!calls.Write(file, offset, bytes))
            throw Errno.LastToException(Location, $"write at {offset}");
    }

    private void WriteZeroBytes(long from, long to)
    {
        for (long offset = from; offset < to; offset += Zeros.Length)
            WriteBytes(offset, Zeros.AsSpan(0, (int)Math.Min(Zeros.Length, to - offset)));
    }

    private void CheckRange(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, SizeBytes - offset, nameof(length));
    }
}
