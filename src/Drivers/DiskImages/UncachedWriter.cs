using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

/// <summary>
/// Writes long runs past the page cache (O_DIRECT): a restored disk does not push out what the machine works with, and is
/// on the disk when it is written, not when it is flushed at the end. Short and unaligned runs are left to the cache, which
/// gathers them. Where the file system has no such writes everything is. Thread-safe.
/// </summary>
internal sealed unsafe class UncachedWriter : IDisposable
{
    /// <summary>A multiple of every logical block size.</summary>
    private const int BlockBytes = 4096;

    private const int BufferBytes = 1 << 20;

    /// <summary>Below this the way to the disk and back costs more than the cache does.</summary>
    private const int RunBytesMin = 256 << 10;

    private readonly SafeFileHandle? direct;
    private readonly ConcurrentBag<nint> buffers = [];
    private volatile bool isRefused;

    /// <param name="file">Open for writing. Kept open by the caller as long as this is used.</param>
    internal UncachedWriter(SafeFileHandle file)
    {
        byte* path = stackalloc byte[ProcPath.MaxLength];
        ProcPath.Write(file, [], path);
        direct = Posix.Open(Posix.WorkingDirectory, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path), OpenFlags.Write | OpenFlags.Direct);
        isRefused = direct is null;
    }

    /// <returns>How many bytes of the start were written: whole blocks, or 0 when the cache is the better way.</returns>
    /// <exception cref="DriverException">The device failed or is full.</exception>
    internal int Write(long offset, ReadOnlySpan<byte> bytes, string location)
    {
        int length = bytes.Length / BlockBytes * BlockBytes;
        if (isRefused || offset % BlockBytes != 0 || length < RunBytesMin)
            return 0;
        nint buffer = buffers.TryTake(out nint free) ? free : (nint)NativeMemory.AlignedAlloc(BufferBytes, BlockBytes);
        try
        {
            int done = 0;
            while (done < length)
            {
                var piece = new Span<byte>((void*)buffer, Math.Min(BufferBytes, length - done));
                bytes.Slice(done, piece.Length).CopyTo(piece);
                if (Posix.Write(direct!, offset + done, piece))
                {
                    done += piece.Length;
                    continue;
                }

                if (Errno.Last is not (Errno.Invalid or Errno.NotSupported))
                    throw Errno.LastToException(location, $"write at {offset + done}");
                isRefused = true;
                break;
            }

            return done;
        }
        finally
        {
            buffers.Add(buffer);
        }
    }

    public void Dispose()
    {
        direct?.Dispose();
        while (buffers.TryTake(out nint buffer))
            NativeMemory.AlignedFree((void*)buffer);
    }
}
