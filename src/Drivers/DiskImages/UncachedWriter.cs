using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

/// <summary>
/// Writes long runs past the page cache (O_DIRECT) and behind the caller, who goes on while a few of them are on their way: a
/// restored disk does not push out what the machine works with, and is on the disk when it is written, not when it is
/// flushed at the end. Short and unaligned runs are left to the cache, which gathers them. Where the file system has no such
/// writes everything is. Thread-safe.
/// </summary>
internal sealed class UncachedWriter : IAsyncDisposable
{
    /// <summary>A multiple of every logical block size.</summary>
    private const int BlockBytes = 4096;

    private const int BufferBytes = 1 << 20;

    /// <summary>Below this the way to the disk and back costs more than the cache does.</summary>
    private const int RunBytesMin = 256 << 10;

    /// <summary>Writes on their way at once: a disk takes several together faster than one by one, beyond four no more so.</summary>
    private const int WritesAtOnce = 4;

    private readonly SafeFileHandle file;
    private readonly string location;
    private readonly DiskCalls calls;
    private readonly SafeFileHandle? direct;
    private readonly BlockingCollection<nint> free = [];
    private readonly BlockingCollection<Run> filled = [];
    private readonly Lock gate = new();
    private Task[] writers = [];
    private volatile DriverException? failure;
    private volatile bool isRefused;

    /// <param name="file">Open for writing. Kept open by the caller as long as this is used.</param>
    internal unsafe UncachedWriter(SafeFileHandle file, string location, DiskCalls calls)
    {
        this.file = file;
        this.calls = calls;
        this.location = location;
        byte* path = stackalloc byte[ProcPath.MaxLength];
        ProcPath.Write(file, [], path);
        direct = Posix.Open(Posix.WorkingDirectory, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path), OpenFlags.Write | OpenFlags.Direct);
        isRefused = direct is null;
    }

    /// <returns>How many bytes of the start are taken: whole blocks, or 0 when the cache is the better way.</returns>
    /// <exception cref="DriverException">The device failed or is full, at this write or one before.</exception>
    internal unsafe int Write(long offset, ReadOnlySpan<byte> bytes)
    {
        ThrowIfFailed();
        int length = bytes.Length / BlockBytes * BlockBytes;
        if (isRefused || offset % BlockBytes != 0 || length < RunBytesMin)
            return 0;
        Start();
        for (int done = 0; done < length;)
        {
            nint buffer = free.Take();
            int count = Math.Min(BufferBytes, length - done);
            bytes.Slice(done, count).CopyTo(new Span<byte>((void*)buffer, count));
            filled.Add(new Run(buffer, offset + done, count));
            done += count;
        }

        return length;
    }

    /// <summary>Waits for what is on its way. Nothing is written after it.</summary>
    /// <exception cref="DriverException">The device failed or is full.</exception>
    internal async Task FinishAsync()
    {
        filled.CompleteAdding();
        await Task.WhenAll(writers);
        ThrowIfFailed();
    }

    public async ValueTask DisposeAsync()
    {
        filled.CompleteAdding();
        await Task.WhenAll(writers);
        Free();
        free.Dispose();
        filled.Dispose();
        direct?.Dispose();
    }

    private unsafe void Free()
    {
        while (free.TryTake(out nint buffer))
            NativeMemory.AlignedFree((void*)buffer);
    }

    private unsafe void Start()
    {
        if (Volatile.Read(ref writers).Length > 0)
            return;
        lock (gate)
        {
            if (writers.Length > 0)
                return;
            for (int i = 0; i < WritesAtOnce; i++)
                free.Add((nint)NativeMemory.AlignedAlloc(BufferBytes, BlockBytes));
            Volatile.Write(ref writers, [.. Enumerable.Range(0, WritesAtOnce).Select(_ =>
                Task.Factory.StartNew(WriteRuns, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))]);
        }
    }

    private void WriteRuns()
    {
        foreach (Run run in filled.GetConsumingEnumerable())
        {
            if (failure is null)
                WriteRun(run);
            free.Add(run.Buffer);
        }
    }

    private unsafe void WriteRun(in Run run)
    {
        var bytes = new ReadOnlySpan<byte>((void*)run.Buffer, run.LengthBytes);
        if (!isRefused && calls.Write(direct!, run.Offset, bytes))
            return;
        if (isRefused || Errno.Last is Errno.Invalid or Errno.NotSupported)
        {
            isRefused = true;
            if (calls.Write(file, run.Offset, bytes))
                return;
        }

        failure ??= Errno.LastToException(location, $"write at {run.Offset}");
    }

    private void ThrowIfFailed()
    {
        if (failure is { } found)
            ExceptionDispatchInfo.Throw(found);
    }

    private readonly record struct Run(nint Buffer, long Offset, int LengthBytes);
}
