using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.DiskImages;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests.DiskImages;

/// <summary>
/// A restored disk that is reported complete is on its device: every write done, none failed, and a flush after the last of
/// them. The calls are real ones into a file, watched, and each in turn fails or takes its time.
/// </summary>
public sealed class DiskDurabilityTests : IDisposable
{
    private const int InputOutputError = 5;
    private const int InvalidArgument = 22;
    private const int RunBytes = 700_000;
    private const int WholeBlocks = 696_320;
    private const int Runs = 6;

    private readonly TemporaryDirectory scratch = new();

    [Fact]
    public async Task What_is_complete_was_flushed_after_it_was_written()
    {
        var calls = new WatchedCalls();

        await Restore(calls);

        Assert.Equal(Runs * RunBytes, calls.DurableBytes);
    }

    [Fact]
    public async Task A_write_that_fails_is_never_passed_over()
    {
        var counting = new WatchedCalls();
        await Restore(counting);
        Assert.True(counting.Writes > Runs);

        for (int failing = 1; failing <= counting.Writes; failing++)
        {
            var calls = new WatchedCalls { FailingWrite = failing };
            var failure = await Record.ExceptionAsync(() => Restore(calls));
            Assert.True(failure is DriverException, $"write {failing} of {counting.Writes} failed, and {failure?.GetType().Name ?? "nobody"} told");
            Assert.False(File.Exists(scratch["image"]));
        }
    }

    [Fact]
    public async Task A_flush_that_fails_is_never_passed_over()
    {
        foreach (int failing in new[] { 1, 2 })
            await Assert.ThrowsAsync<DriverException>(() => Restore(new WatchedCalls { FailingFlush = failing }));
    }

    [Fact]
    public async Task Where_writes_past_the_cache_are_refused_all_goes_through_it()
    {
        for (int refused = 1; refused <= 4; refused++)
        {
            var calls = new WatchedCalls { FailingWrite = refused, Error = InvalidArgument, FailsOnlyBehind = true };

            await Restore(calls);

            Assert.Equal(Runs * RunBytes, calls.DurableBytes);
        }
    }

    [Fact]
    public async Task A_write_on_its_way_is_waited_for()
    {
        var calls = new WatchedCalls { HoldsLast = true };
        await using var target = Open(calls);
        using var end = new Releaser(calls);
        target.Write(0, Content(0).AsSpan(0, WholeBlocks));
        Assert.SkipUnless(await calls.IsHeld, "this file system writes nothing past its cache");

        Task completion = target.CompleteAsync(default).AsTask();

        Assert.False(completion.IsCompleted);
        Assert.Equal(0, calls.Flushes);
        calls.LetGo();
        await completion;
        Assert.Equal(WholeBlocks, calls.DurableBytes);
    }

    public void Dispose() => scratch.Dispose();

    private async Task Restore(WatchedCalls calls)
    {
        File.Delete(scratch["image"]);
        await using var target = Open(calls);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(worker => Task.Run(() =>
        {
            for (int run = worker; run < Runs; run += 2)
                target.Write((long)run * RunBytes, Content(run));
        })));
        await target.CompleteAsync(default);
        byte[] written = await File.ReadAllBytesAsync(scratch["image"]);
        Assert.True(Enumerable.Range(0, Runs).All(run => written.AsSpan(run * RunBytes, RunBytes).SequenceEqual(Content(run))));
    }

    private DiskTarget Open(WatchedCalls calls)
    {
        var file = File.OpenHandle(scratch["image"], FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);
        calls.Cached = file;
        return new DiskTarget(scratch["image"], file, Runs * RunBytes, isDevice: false, isNew: true, calls);
    }

    private static byte[] Content(int run)
    {
        byte[] content = new byte[RunBytes];
        Array.Fill(content, (byte)(run + 1));
        return content;
    }

    /// <summary>A test that fails does not wait for what it holds.</summary>
    private sealed class Releaser(WatchedCalls calls) : IDisposable
    {
        public void Dispose() => calls.LetGo();
    }

    private sealed class WatchedCalls : DiskCalls
    {
        private readonly Lock gate = new();
        private readonly TaskCompletionSource<bool> held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim letGo = new();
        private long writtenBytes;
        private int writes;
        private int flushes;

        /// <summary>Writes to others are those past the cache.</summary>
        public SafeFileHandle? Cached { get; set; }

        public int FailingWrite { get; init; }

        public int FailingFlush { get; init; }

        public int Error { get; init; } = InputOutputError;

        /// <summary>Counts only writes past the cache.</summary>
        public bool FailsOnlyBehind { get; init; }

        public bool HoldsLast { get; init; }

        public Task<bool> IsHeld => held.Task;

        public int Writes => writes;

        public int Flushes => flushes;

        /// <summary>Of writes that had ended when a flush began which succeeded.</summary>
        public long DurableBytes { get; private set; }

        public void LetGo() => letGo.Set();

        internal override bool Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
        {
            if (bytes.IsEmpty)
                return true;
            bool isBehind = file != Cached;
            int number;
            lock (gate)
                number = FailsOnlyBehind && !isBehind ? 0 : ++writes;
            if (HoldsLast)
            {
                held.TrySetResult(isBehind);
                if (isBehind)
                    letGo.Wait();
            }

            if (number == FailingWrite && number > 0)
            {
                Marshal.SetLastPInvokeError(Error);
                return false;
            }

            if (!base.Write(file, offset, bytes))
                return false;
            lock (gate)
                writtenBytes += bytes.Length;
            return true;
        }

        internal override bool Flush(SafeFileHandle file)
        {
            long before;
            lock (gate)
            {
                before = writtenBytes;
                flushes++;
            }

            if (flushes == FailingFlush)
            {
                Marshal.SetLastPInvokeError(InputOutputError);
                return false;
            }

            bool isDone = base.Flush(file);
            if (isDone && file == Cached)
                DurableBytes = before;
            return isDone;
        }
    }
}
