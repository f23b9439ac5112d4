using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests.Local;

public sealed class LocalObjectStoreTests : ObjectStoreContract
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly TemporaryDirectory _directory = new();

    // Two levels that do not exist yet: the store makes them.
    private string Root => Path.Combine(_directory.Path, "new", "store");

    private string Uploads => Path.Combine(Root, LocalObjectStore.UploadsDirectory);

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override ValueTask<IObjectStore> OpenAgainAsync() => ValueTask.FromResult<IObjectStore>(LocalObjectStore.Open(Root));

    protected override ValueTask<bool> IsFreeOfLeftoversAsync() =>
        ValueTask.FromResult(!Directory.Exists(Uploads) || Directory.GetFileSystemEntries(Uploads).Length == 0);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Opening_and_reading_make_nothing()
    {
        Assert.Empty(await ListAsync(""));
        Assert.Null(await Store.StatAsync("a", _none));
        await Store.DeleteAsync("a", _none);

        Assert.False(Directory.Exists(Path.GetDirectoryName(Root)));
    }

    [Fact]
    public async Task Only_the_owner_may_read_what_is_stored()
    {
        await Store.PutAsync("a/b", new byte[1], PutMode.CreateOnly, _none);

        Assert.Equal("600", await RunAsync("stat", "-c", "%a", Root + "/a/b"));
        foreach (string directory in new[] { Root, Root + "/a", Uploads, Path.GetDirectoryName(Root)! })
            Assert.Equal("700", await RunAsync("stat", "-c", "%a", directory));
    }

    [Fact]
    public async Task An_object_takes_no_more_room_than_its_bytes()
    {
        await using (var upload = await Store.PutAsync("a", PutMode.CreateOnly, 64 << 20, _none))
        {
            await upload.AppendAsync(new byte[] { 1 }, _none);
            await upload.CommitAsync(_none);
        }

        Assert.True(await RunAsync("stat", "-c", "%b", Root + "/a") is "8" or "1" or "0", "blocks set aside were kept");
    }

    [Fact]
    public async Task Litter_of_dead_processes_goes_at_the_next_opening_and_uploads_under_way_stay()
    {
        await using var upload = await Store.PutAsync("alive", PutMode.CreateOnly, 0, _none);
        await upload.AppendAsync(new byte[] { 1 }, _none);
        string dead = Path.Combine(Uploads, Guid.NewGuid().ToString("N")), foreign = Path.Combine(Uploads, "notes.txt");
        await File.WriteAllBytesAsync(dead, new byte[10]);
        await File.WriteAllBytesAsync(foreign, new byte[10]);

        await using var other = await OpenAgainAsync();

        Assert.False(File.Exists(dead));
        Assert.True(File.Exists(foreign));
        await upload.CommitAsync(_none);
        Assert.Equal([1], await other.GetAllAsync("alive", 10, _none));
    }

    [Fact]
    public async Task Stores_that_open_while_others_write_take_nothing_away()
    {
        using var stop = new CancellationTokenSource();
        var opener = Task.Run(async () =>
        {
            int count = 0;
            for (; !stop.IsCancellationRequested; count++)
                await (await OpenAgainAsync()).DisposeAsync();
            return count;
        });
        await Parallel.ForAsync(0, 300, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, token) =>
            await Store.PutAsync($"busy/{i:d3}", Bytes.Of(i, 100), i % 2 == 0 ? PutMode.CreateOnly : PutMode.Replace, token));
        await stop.CancelAsync();

        Assert.True(await opener > 0);
        Assert.Equal(300, (await NamesAsync("busy/")).Count);
        Assert.True(await IsFreeOfLeftoversAsync());
    }

    [Fact]
    public async Task Foreign_entries_are_neither_listed_nor_read()
    {
        await Store.PutAsync("packs/one", new byte[] { 1 }, PutMode.CreateOnly, _none);
        await File.WriteAllTextAsync(Root + "/README", "");
        await File.WriteAllTextAsync(Root + "/packs/.hidden", "");
        await File.WriteAllTextAsync(Root + "/packs/a name", "");
        Directory.CreateDirectory(Root + "/lost+found");
        Directory.CreateDirectory(Root + "/empty/deep");
        File.CreateSymbolicLink(Root + "/packs/link", Root + "/packs/one");
        Directory.CreateSymbolicLink(Root + "/folder", Root + "/packs");
        await RunAsync("mkfifo", Root + "/packs/pipe");
        await RunAsync("bash", "-c", $"touch {Root}/$'packs/caf\\xe9'");

        Assert.Equal(["packs/one"], await NamesAsync(""));
        foreach (string name in new[] { "packs/link", "packs/pipe", "empty/deep" })
            Assert.Null(await Store.StatAsync(name, _none));
        await FailsAs(ObjectStoreFailure.NotFound, () => Store.GetAsync("packs/link", 0, new byte[1], _none).AsTask());
        await FailsAs(ObjectStoreFailure.Invalid, () => Store.GetAsync("packs/pipe", 0, new byte[1], _none).AsTask());
        await FailsAs(ObjectStoreFailure.Invalid, () => Store.PutAsync("folder/one", new byte[1], PutMode.CreateOnly, _none).AsTask());
    }

    [Theory]
    [InlineData(PutMode.CreateOnly)]
    [InlineData(PutMode.Replace)]
    public async Task A_name_above_or_below_an_object_is_refused(PutMode mode)
    {
        await Store.PutAsync("a/b", new byte[] { 1 }, PutMode.CreateOnly, _none);

        await FailsAs(ObjectStoreFailure.Invalid, () => Store.PutAsync("a", new byte[1], mode, _none).AsTask());
        await FailsAs(ObjectStoreFailure.Invalid, () => Store.PutAsync("a/b/c", new byte[1], mode, _none).AsTask());

        Assert.Equal(["a/b"], await NamesAsync(""));
        Assert.True(await IsFreeOfLeftoversAsync());
    }

    [Fact]
    public async Task A_directory_that_was_taken_away_is_made_again()
    {
        await Store.PutAsync("packs/ab/one", new byte[1], PutMode.CreateOnly, _none);
        Directory.Delete(Root + "/packs", recursive: true);

        await FailsAs(ObjectStoreFailure.Transient, () => Store.PutAsync("packs/ab/two", new byte[1], PutMode.CreateOnly, _none).AsTask());
        await Store.PutAsync("packs/ab/two", new byte[1], PutMode.CreateOnly, _none);

        Assert.Equal(["packs/ab/two"], await NamesAsync(""));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(50)]
    public async Task A_listing_of_many_pages_is_as_exact_as_one_of_one_page(int pageNames)
    {
        var random = new Random(pageNames);
        for (int i = 0; i < 150; i++)
        {
            string path = $"{Root}/{"ab-._0"[random.Next(2)]}{random.Next(5)}/{(random.Next(2) == 0 ? "" : "x.y/")}{random.Next(1000):d3}";
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, new byte[i]);
        }

        var names = new List<string>();
        await foreach (var one in new LocalListing(Root, "file:", "", pageNames).EnumerateAsync(_none))
            names.Add(one.Name);

        Assert.Equal(
            Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Root, path)).Order(StringComparer.Ordinal),
            names);
    }

    /// <summary>Fails every system call of a put and of a delete in turn.</summary>
    [Theory]
    [InlineData(Errno.NoSpace, ObjectStoreFailure.Full)]
    [InlineData(Errno.Quota, ObjectStoreFailure.Full)]
    [InlineData(Errno.AccessDenied, ObjectStoreFailure.Denied)]
    [InlineData(Errno.NotPermitted, ObjectStoreFailure.Denied)]
    [InlineData(Errno.ReadOnly, ObjectStoreFailure.Denied)]
    [InlineData(Errno.InputOutput, ObjectStoreFailure.Transient)]
    [InlineData(Errno.FilesOpen, ObjectStoreFailure.Transient)]
    [InlineData(75, ObjectStoreFailure.Invalid)]
    public async Task A_failing_system_call_is_a_failure_of_its_kind_and_leaves_no_half_object(int error, ObjectStoreFailure expected)
    {
        using var directory = new TemporaryDirectory(inMemory: true);
        int failures = 0;
        for (int number = 1; ; number++)
        {
            string root = Path.Combine(directory.Path, $"failing-{number}");
            var calls = new FailingFileCalls(number, error);
            await using var store = new LocalObjectStore(root, calls);
            try
            {
                await store.PutAsync("a/b", Bytes.Of(1, 2 << 20), PutMode.CreateOnly, _none);
                await store.PutAsync("a/b", Bytes.Of(1, 2 << 20), PutMode.Replace, _none);
                await store.DeleteAsync("a/b", _none);
            }
            catch (ObjectStoreException failure)
            {
                failures++;
                Assert.Equal(expected, failure.Failure);
                Assert.Contains("a/b", failure.Message, StringComparison.Ordinal);
            }

            if (!calls.HasFailed)
                break;
            string uploads = Path.Combine(root, LocalObjectStore.UploadsDirectory);
            Assert.False(Directory.Exists(uploads) && Directory.EnumerateFiles(uploads).Any());
            byte[]? content = await store.GetAllAsync("a/b", 4 << 20, _none);
            Assert.True(content is null || content.AsSpan().SequenceEqual(Bytes.Of(1, 2 << 20)));
            await store.PutAsync("a/b", new byte[] { 1 }, PutMode.Replace, _none);
        }

        Assert.True(failures >= 15, $"only {failures} calls failed");
    }

    [Fact]
    public void What_cannot_be_read_says_whose_fault_it_is()
    {
        Assert.Equal(ObjectStoreFailure.Invalid, Errno.WhileReading(Errno.InvalidArgument, "x").Failure);
        Assert.Equal(ObjectStoreFailure.Denied, Errno.WhileReading(Errno.AccessDenied, "x").Failure);
        Assert.Equal(ObjectStoreFailure.Transient, Errno.WhileReading(Errno.Stale, "x").Failure);
        Assert.Equal(ObjectStoreFailure.NotFound, Errno.WhileReading(Errno.NoEntry, "x").Failure);
    }

    [Theory]
    [InlineData(Errno.InputOutput)]
    [InlineData(Errno.NoData)]
    [InlineData(Errno.IllegalSequence)]
    [InlineData(Errno.BadMessage)]
    [InlineData(Errno.NeedsCleaning)]
    [InlineData(Errno.RemoteInputOutput)]
    public void What_the_medium_does_not_give_up_is_unreadable(int error) =>
        Assert.Equal(ObjectStoreFailure.Unreadable, Errno.WhileReading(error, "x").Failure);

    /// <summary>The kernel answers EIO where nothing of this process's memory is mapped, as it does for a bad sector.</summary>
    [Fact]
    public async Task A_file_that_gives_EIO_is_unreadable_and_named()
    {
        await using var store = LocalObjectStore.Open("/proc/self", removeLitter: false);

        var failure = await Assert.ThrowsAsync<ObjectStoreException>(async () => await store.GetAsync("mem", 0, new byte[8], _none));

        Assert.Equal(ObjectStoreFailure.Unreadable, failure.Failure);
        Assert.StartsWith("cannot read mem in file:/proc/self: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Check the disk", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Passed over, it would look deleted, and a collection would take what it needs.</summary>
    [Fact]
    public async Task A_listing_fails_that_cannot_look_at_an_entry()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root may look at everything");
        await Store.PutAsync("a/b", new byte[1], PutMode.CreateOnly, _none);
        File.SetUnixFileMode(Root + "/a", UnixFileMode.UserRead);
        try
        {
            var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => ListAsync(""));

            Assert.Equal(ObjectStoreFailure.Denied, failure.Failure);
            Assert.Contains("/a/b", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(Root + "/a", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public async Task Reading_allocates_nothing()
    {
        await Store.PutAsync("a", new byte[1000], PutMode.CreateOnly, _none);
        byte[] destination = new byte[500];
        for (int i = 0; i < 100; i++)
            await Store.GetAsync("a", 10, destination, _none);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            await Store.GetAsync("a", 10, destination, _none);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    private static async Task<string> RunAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }

    private sealed class FailingFileCalls(int failAt, int error) : FileCalls
    {
        private int _number;

        public bool HasFailed => _number >= failAt;

        public override int MakeDirectory(string path) => Next() ? error : base.MakeDirectory(path);

        public override int CreateLocked(string path, out SafeFileHandle file)
        {
            if (!Next())
                return base.CreateLocked(path, out file);
            file = new SafeFileHandle();
            return error;
        }

        public override int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes)
        {
            if (!Next())
                return base.Write(file, bytes);
            base.Write(file, bytes[..(bytes.Length / 2)]);
            return error;
        }

        public override int Truncate(SafeFileHandle file, long sizeBytes) => Next() ? error : base.Truncate(file, sizeBytes);

        public override int Sync(SafeFileHandle file) => Next() ? error : base.Sync(file);

        public override int SyncDirectory(string path) => Next() ? error : base.SyncDirectory(path);

        public override int Link(string from, string to) => Next() ? error : base.Link(from, to);

        public override int Move(string from, string to) => Next() ? error : base.Move(from, to);

        public override int MoveNew(string from, string to) => Next() ? error : base.MoveNew(from, to);

        // Not the removal of the temporary file: what fails there stays as litter, which has its own test.
        public override int Remove(string path) =>
            !path.Contains(LocalObjectStore.UploadsDirectory, StringComparison.Ordinal) && Next() ? error : base.Remove(path);

        private bool Next() => ++_number == failAt;
    }
}
