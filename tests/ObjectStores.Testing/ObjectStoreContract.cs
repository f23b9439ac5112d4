namespace Strongroom.ObjectStores.Testing;

/// <summary>What <see cref="IObjectStore"/> promises, as tests. One derived class per implementation.</summary>
public abstract class ObjectStoreContract : IAsyncLifetime
{
    private static readonly CancellationToken _none = CancellationToken.None;

    /// <summary>The store under test: empty when the test begins.</summary>
    protected IObjectStore Store { get; private set; } = null!;

    /// <summary>Size of the big object: large enough for several parts where a store sends parts.</summary>
    protected virtual int BigObjectBytes => 100 << 20;

    /// <summary>A new, empty store.</summary>
    protected abstract ValueTask<IObjectStore> OpenEmptyAsync();

    /// <summary>A second handle on the same objects, as another process would have; owned by the caller.</summary>
    protected abstract ValueTask<IObjectStore> OpenAgainAsync();

    /// <summary>Whether nothing of an upload that did not commit is left; for stores that can tell more than a listing does.</summary>
    protected virtual ValueTask<bool> IsFreeOfLeftoversAsync() => ValueTask.FromResult(true);

    public async ValueTask InitializeAsync() => Store = await OpenEmptyAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_was_put_is_read_back_whole_and_in_parts()
    {
        byte[] content = Bytes.Of(1, 300_000);

        await Store.PutAsync("packs/ab/one.pack", content, PutMode.CreateOnly, _none);

        Assert.Equal(content, await Store.GetAllAsync("packs/ab/one.pack", content.Length, _none));
        byte[] part = new byte[1000];
        Assert.Equal(1000, await Store.GetAsync("packs/ab/one.pack", 123_456, part, _none));
        Assert.Equal(content[123_456..124_456], part);
    }

    [Fact]
    public async Task An_object_may_be_empty()
    {
        await Store.PutAsync("empty", ReadOnlyMemory<byte>.Empty, PutMode.CreateOnly, _none);

        Assert.Equal(new ObjectStat("empty", 0), await Store.StatAsync("empty", _none));
        Assert.Equal(0, await Store.GetAsync("empty", 0, new byte[10], _none));
        Assert.Equal(["empty"], await NamesAsync(""));
    }

    [Theory]
    [InlineData(0, 10, 10)]
    [InlineData(990, 10, 10)]
    [InlineData(990, 11, 10)]
    [InlineData(999, 500, 1)]
    [InlineData(1000, 1, 0)]
    [InlineData(1001, 1, 0)]
    [InlineData(long.MaxValue - 10, 10, 0)]
    [InlineData(5, 0, 0)]
    public async Task A_read_is_short_only_at_the_end_and_empty_past_it(long offset, int length, int expected)
    {
        byte[] content = Bytes.Of(2, 1000);
        await Store.PutAsync("ranges", content, PutMode.CreateOnly, _none);

        byte[] destination = new byte[length];
        int read = await Store.GetAsync("ranges", offset, destination, _none);

        Assert.Equal(expected, read);
        if (read > 0)
            Assert.Equal(content.AsSpan((int)offset, read), destination.AsSpan(0, read));
    }

    [Fact]
    public async Task A_read_leaves_what_lies_past_the_end_of_the_object_alone()
    {
        await Store.PutAsync("short", new byte[] { 1, 2, 3 }, PutMode.CreateOnly, _none);

        byte[] destination = [9, 9, 9, 9, 9];
        await Store.GetAsync("short", 1, destination, _none);

        Assert.Equal([2, 3, 9, 9, 9], destination);
    }

    [Fact]
    public async Task A_missing_object_is_not_found_and_has_no_stat()
    {
        await Store.PutAsync("there/is/one", new byte[10], PutMode.CreateOnly, _none);

        foreach (string name in new[] { "nothing", "nothing/at/all", "there", "there/is", "there/is/one/below", "there/is/onee" })
        {
            Assert.Null(await Store.StatAsync(name, _none));
            await FailsAs(ObjectStoreFailure.NotFound, () => Store.GetAsync(name, 0, new byte[1], _none).AsTask());
            await FailsAs(ObjectStoreFailure.NotFound, () => Store.GetAsync(name, 100, Memory<byte>.Empty, _none).AsTask());
            Assert.Null(await Store.GetAllAsync(name, 10, _none));
        }
    }

    [Fact]
    public async Task Nothing_is_visible_before_the_commit()
    {
        await using var other = await OpenAgainAsync();
        await using var upload = await Store.PutAsync("a/b", PutMode.CreateOnly, 2 << 20, _none);

        await upload.AppendAsync(Bytes.Of(3, 2 << 20), _none);

        foreach (var store in new[] { Store, other })
        {
            Assert.Null(await store.StatAsync("a/b", _none));
            Assert.Empty(await NamesAsync("", store));
            await FailsAs(ObjectStoreFailure.NotFound, () => store.GetAsync("a/b", 0, new byte[1], _none).AsTask());
        }

        await upload.CommitAsync(_none);

        foreach (var store in new[] { Store, other })
        {
            Assert.Equal(new ObjectStat("a/b", 2 << 20), await store.StatAsync("a/b", _none));
            Assert.Equal(["a/b"], await NamesAsync("", store));
        }
    }

    [Fact]
    public async Task An_upload_that_is_disposed_leaves_nothing()
    {
        await using (var upload = await Store.PutAsync("gone", PutMode.CreateOnly, 0, _none))
            await upload.AppendAsync(Bytes.Of(4, 100_000), _none);
        await using (await Store.PutAsync("gone/too", PutMode.Replace, 0, _none))
        {
        }

        Assert.Null(await Store.StatAsync("gone", _none));
        Assert.Empty(await NamesAsync(""));
        Assert.True(await IsFreeOfLeftoversAsync());
    }

    [Fact]
    public async Task An_upload_commits_once_and_takes_no_bytes_after_that()
    {
        await using var upload = await Store.PutAsync("once", PutMode.Replace, 0, _none);
        await upload.AppendAsync(new byte[] { 1 }, _none);
        await upload.CommitAsync(_none);

        await Assert.ThrowsAsync<InvalidOperationException>(() => upload.CommitAsync(_none).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => upload.AppendAsync(new byte[] { 2 }, _none).AsTask());
        await upload.DisposeAsync();

        Assert.Equal([1], await Store.GetAllAsync("once", 10, _none));
    }

    [Fact]
    public async Task The_appended_buffer_may_be_reused_at_once()
    {
        byte[] buffer = new byte[70_000];
        await using (var upload = await Store.PutAsync("reused", PutMode.CreateOnly, 0, _none))
        {
            for (byte i = 1; i <= 3; i++)
            {
                buffer.AsSpan().Fill(i);
                await upload.AppendAsync(buffer, _none);
            }

            buffer.AsSpan().Clear();
            await upload.CommitAsync(_none);
        }

        byte[] content = (await Store.GetAllAsync("reused", 210_000, _none))!;
        Assert.Equal([1, 2, 3], new[] { content[0], content[70_000], content[209_999] });
        Assert.Equal(210_000, content.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(5 << 20)]
    public async Task The_size_hint_is_only_a_hint(long hint)
    {
        byte[] content = Bytes.Of(5, 2 << 20);

        await using (var upload = await Store.PutAsync("hinted", PutMode.CreateOnly, hint, _none))
        {
            await upload.AppendAsync(content, _none);
            await upload.CommitAsync(_none);
        }

        Assert.Equal(content, await Store.GetAllAsync("hinted", content.Length, _none));
    }

    [Fact]
    public async Task Create_only_refuses_a_taken_name_and_leaves_the_object_as_it_is()
    {
        await Store.PutAsync("taken", new byte[] { 1 }, PutMode.CreateOnly, _none);

        await FailsAs(ObjectStoreFailure.AlreadyExists, () => Store.PutAsync("taken", new byte[] { 2 }, PutMode.CreateOnly, _none).AsTask());

        Assert.Equal([1], await Store.GetAllAsync("taken", 10, _none));
        Assert.True(await IsFreeOfLeftoversAsync());
    }

    [Fact]
    public async Task Of_32_writers_racing_to_create_a_name_exactly_one_wins()
    {
        await using var other = await OpenAgainAsync();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writers = Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            await using var upload = await (i % 2 == 0 ? Store : other).PutAsync("race/one", PutMode.CreateOnly, 0, _none);
            await upload.AppendAsync(Bytes.Of(i, 10_000), _none);
            await go.Task;
            try
            {
                await upload.CommitAsync(_none);
                return i;
            }
            catch (ObjectStoreException exception) when (exception.Failure == ObjectStoreFailure.AlreadyExists)
            {
                return -1;
            }
        })).ToArray();

        go.SetResult();
        int[] results = await Task.WhenAll(writers);

        int winner = Assert.Single(results, i => i >= 0);
        Assert.Equal(Bytes.Of(winner, 10_000), await Store.GetAllAsync("race/one", 10_000, _none));
    }

    [Fact]
    public async Task Replace_replaces_the_whole_object()
    {
        await Store.PutAsync("root", Bytes.Of(6, 50_000), PutMode.Replace, _none);
        await Store.PutAsync("root", new byte[] { 7, 7 }, PutMode.Replace, _none);

        Assert.Equal(new ObjectStat("root", 2), await Store.StatAsync("root", _none));
        Assert.Equal([7, 7], await Store.GetAllAsync("root", 10, _none));
    }

    [Fact]
    public async Task Readers_during_a_replace_see_the_old_object_or_the_new_one_and_never_a_mix()
    {
        const int length = 256 * 1024;
        await using var other = await OpenAgainAsync();
        await Store.PutAsync("swapped", Filled(0, length), PutMode.Replace, _none);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            byte[] destination = new byte[length];
            int last = 0;
            do
            {
                int read = await (i % 2 == 0 ? Store : other).GetAsync("swapped", 0, destination, _none);
                Assert.Equal(length, read);
                Assert.Equal(-1, destination.AsSpan().IndexOfAnyExcept(destination[0]));
                Assert.True(destination[0] >= last, "an older object came back after a newer one");
                last = destination[0];
            }
            while (!stop.IsCancellationRequested);
        })).ToArray();

        for (byte value = 1; value <= 40; value++)
            await Store.PutAsync("swapped", Filled(value, length), PutMode.Replace, _none);
        await stop.CancelAsync();
        await Task.WhenAll(readers);

        Assert.Equal(Filled(40, length), await Store.GetAllAsync("swapped", length, _none));
    }

    [Fact]
    public async Task Every_reader_sees_a_write_as_soon_as_it_returns()
    {
        await using var other = await OpenAgainAsync();
        for (int i = 0; i < 20; i++)
        {
            string name = $"seen/{i:d3}";
            await Store.PutAsync(name, Bytes.Of(i, 100), PutMode.CreateOnly, _none);
            Assert.Equal(Bytes.Of(i, 100), await other.GetAllAsync(name, 100, _none));
            Assert.Contains(name, await NamesAsync("seen/", other));
        }

        await Store.DeleteAsync("seen/004", _none);

        Assert.Null(await other.StatAsync("seen/004", _none));
        Assert.Equal(19, (await NamesAsync("seen/", other)).Count);
    }

    [Fact]
    public async Task Deleting_is_harmless_to_repeat_and_to_the_neighbours()
    {
        await Store.PutAsync("d/one", new byte[] { 1 }, PutMode.CreateOnly, _none);
        await Store.PutAsync("d/onetwo", new byte[] { 2 }, PutMode.CreateOnly, _none);

        await Store.DeleteAsync("d/one", _none);
        await Store.DeleteAsync("d/one", _none);
        await Store.DeleteAsync("d", _none);
        await Store.DeleteAsync("d/onetwo/three", _none);
        await Store.DeleteAsync("never/was", _none);

        Assert.Equal(["d/onetwo"], await NamesAsync(""));
        await Store.PutAsync("d/one", new byte[] { 3 }, PutMode.CreateOnly, _none);
        Assert.Equal([3], await Store.GetAllAsync("d/one", 10, _none));
    }

    [Fact]
    public async Task A_listing_is_complete_sized_and_in_ordinal_order_of_whole_names()
    {
        // A dot and a hyphen sort before the slash and an underscore after the digits, which trees of directories get wrong.
        string[] names = ["a-b", "a.b", "a/b", "a/b.c/d", "a0", "a_b", "ab/c", "b/0/0", "b/0/1", "b/0_", "b/1/0", "z", "0"];
        for (int i = 0; i < names.Length; i++)
            await Store.PutAsync(names[i], new byte[i], PutMode.CreateOnly, _none);

        var listed = await ListAsync("");

        Assert.Equal(names.Order(StringComparer.Ordinal), listed.Select(one => one.Name));
        Assert.All(listed, one => Assert.Equal(Array.IndexOf(names, one.Name), one.SizeBytes));
    }

    [Theory]
    [InlineData("", 7)]
    [InlineData("p", 6)]
    [InlineData("packs", 5)]
    [InlineData("packs/", 3)]
    [InlineData("packs/a", 2)]
    [InlineData("packs/aa", 2)]
    [InlineData("packs/aa/", 2)]
    [InlineData("packs/aa/1", 1)]
    [InlineData("packs/aa/1/", 0)]
    [InlineData("packs/aa/1.", 0)]
    [InlineData("none", 0)]
    [InlineData("none/at/all/", 0)]
    public async Task A_prefix_need_not_end_where_a_segment_does(string prefix, int expected)
    {
        foreach (string name in new[] { "index/1", "packs/aa/1", "packs/aa/2", "packs/bb/1", "packs-old/1", "packs.txt", "page" })
            await Store.PutAsync(name, new byte[1], PutMode.CreateOnly, _none);

        var names = await NamesAsync(prefix);

        Assert.Equal(expected, names.Count);
        Assert.All(names, name => Assert.StartsWith(prefix, name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_listing_shows_what_stays_while_others_come_and_go()
    {
        for (int i = 0; i < 200; i++)
            await Store.PutAsync($"stay/{i:d4}", new byte[1], PutMode.CreateOnly, _none);

        var seen = new List<string>();
        int turn = 0;
        await foreach (var one in Store.ListAsync("stay/", _none))
        {
            seen.Add(one.Name);
            if (turn++ % 20 != 0)
                continue;
            await Store.PutAsync($"stay/new-{turn}", new byte[1], PutMode.CreateOnly, _none);
            await Store.DeleteAsync($"stay/new-{turn - 20}", _none);
        }

        Assert.Equal(seen.Distinct(), seen);
        Assert.Equal(seen.Order(StringComparer.Ordinal), seen);
        Assert.Equal(200, seen.Count(name => !name.Contains("new", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData("a/.hidden")]
    [InlineData(".uploads/a")]
    [InlineData("A")]
    [InlineData("a b")]
    [InlineData("a\\b")]
    [InlineData("a\0b")]
    [InlineData("a%2fb")]
    [InlineData("ä")]
    [InlineData("a:b")]
    [InlineData("a?b=c")]
    public async Task Names_outside_the_rules_are_refused_by_every_call(string name)
    {
        await RefusedAsync(name);
        if (name.Length > 0 && name != "a/")
            Assert.Throws<ArgumentException>(() => Store.ListAsync(name, _none));
    }

    [Fact]
    public async Task Names_may_be_as_long_as_the_rules_say_and_no_longer()
    {
        string segment = new('a', ObjectName.MaxSegmentLength);
        string longest = string.Join('/', segment, segment, segment, new string('b', ObjectName.MaxLength - (3 * 129)));
        Assert.Equal(ObjectName.MaxLength, longest.Length);

        await Store.PutAsync(longest, new byte[] { 1 }, PutMode.CreateOnly, _none);

        Assert.Equal([1], await Store.GetAllAsync(longest, 10, _none));
        Assert.Equal([longest], await NamesAsync(longest));
        await RefusedAsync(longest + "b");
        await RefusedAsync(segment + "a");
        await Store.DeleteAsync(longest, _none);
    }

    [Fact]
    public async Task Cancelled_calls_throw_and_leave_nothing()
    {
        await Store.PutAsync("kept", new byte[] { 1 }, PutMode.CreateOnly, _none);
        var cancelled = new CancellationToken(canceled: true);

        await CancelledAsync(() => Store.PutAsync("new", PutMode.CreateOnly, 10, cancelled).AsTask());
        await CancelledAsync(() => Store.GetAsync("kept", 0, new byte[1], cancelled).AsTask());
        await CancelledAsync(() => Store.StatAsync("kept", cancelled).AsTask());
        await CancelledAsync(() => Store.DeleteAsync("kept", cancelled).AsTask());
        await CancelledAsync(async () =>
        {
            await foreach (var _ in Store.ListAsync("", cancelled))
            {
            }
        });
        foreach (bool atCommit in new[] { false, true })
        {
            await using var upload = await Store.PutAsync("new", PutMode.CreateOnly, 10, _none);
            await upload.AppendAsync(new byte[10], _none);
            await CancelledAsync(() => atCommit ? upload.CommitAsync(cancelled).AsTask() : upload.AppendAsync(new byte[1], cancelled).AsTask());
        }

        Assert.Equal(["kept"], await NamesAsync(""));
        Assert.True(await IsFreeOfLeftoversAsync());
    }

    [Fact]
    public async Task Many_callers_work_side_by_side()
    {
        await Parallel.ForAsync(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, token) =>
        {
            string name = $"many/{i % 7:x2}/{i:d4}";
            byte[] content = Bytes.Of(i, 1000 + (i * 37));
            await Store.PutAsync(name, content, i % 2 == 0 ? PutMode.CreateOnly : PutMode.Replace, token);
            Assert.Equal(content, await Store.GetAllAsync(name, content.Length, token));
            if (i % 3 == 0)
                await Store.DeleteAsync(name, token);
        });

        Assert.Equal(66, (await NamesAsync("many/")).Count);
    }

    [Theory]
    [InlineData(PutMode.CreateOnly)]
    [InlineData(PutMode.Replace)]
    public async Task A_big_object_comes_back_as_it_went(PutMode mode)
    {
        const int piece = 1 << 20;
        int pieces = BigObjectBytes / piece;
        byte[] buffer = Bytes.Of(8, piece);
        await using (var upload = await Store.PutAsync("big", mode, BigObjectBytes + 1L, _none))
        {
            for (int i = 0; i < pieces; i++)
            {
                BitConverter.TryWriteBytes(buffer, i);
                await upload.AppendAsync(buffer, _none);
            }

            await upload.AppendAsync(new byte[] { 42 }, _none);
            Assert.Null(await Store.StatAsync("big", _none));
            await upload.CommitAsync(_none);
        }

        Assert.Equal(new ObjectStat("big", BigObjectBytes + 1L), await Store.StatAsync("big", _none));
        byte[] read = new byte[piece];
        for (int i = 0; i < pieces; i++)
        {
            Assert.Equal(piece, await Store.GetAsync("big", (long)i * piece, read, _none));
            BitConverter.TryWriteBytes(buffer, i);
            Assert.True(buffer.AsSpan().SequenceEqual(read), $"piece {i} differs");
        }

        Assert.Equal(1, await Store.GetAsync("big", BigObjectBytes, read, _none));
        Assert.Equal(42, read[0]);
        // One read larger than any one answer need be.
        byte[] half = new byte[BigObjectBytes / 2];
        Assert.Equal(half.Length, await Store.GetAsync("big", piece / 2, half, _none));
        BitConverter.TryWriteBytes(buffer, 1);
        Assert.True(buffer.AsSpan(0, piece).SequenceEqual(half.AsSpan(piece / 2, piece)));
        if (mode == PutMode.CreateOnly)
            await FailsAs(ObjectStoreFailure.AlreadyExists, () => Store.PutAsync("big", new byte[1], PutMode.CreateOnly, _none).AsTask());
    }

    [Fact]
    public void The_address_names_the_store() => Assert.Contains(':', Store.Address);

    protected async Task<List<string>> NamesAsync(string prefix, IObjectStore? store = null) =>
        [.. (await ListAsync(prefix, store)).Select(one => one.Name)];

    protected async Task<List<ObjectStat>> ListAsync(string prefix, IObjectStore? store = null)
    {
        var found = new List<ObjectStat>();
        await foreach (var one in (store ?? Store).ListAsync(prefix, _none))
            found.Add(one);
        return found;
    }

    protected static async Task FailsAs(ObjectStoreFailure failure, Func<Task> call)
    {
        var exception = await Assert.ThrowsAsync<ObjectStoreException>(call);
        Assert.Equal(failure, exception.Failure);
    }

    private async Task RefusedAsync(string name)
    {
        foreach (var mode in new[] { PutMode.CreateOnly, PutMode.Replace })
            await Assert.ThrowsAsync<ArgumentException>(() => Store.PutAsync(name, mode, 0, _none).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => Store.GetAsync(name, 0, new byte[1], _none).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => Store.StatAsync(name, _none).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(name, _none).AsTask());
    }

    private static async Task CancelledAsync(Func<Task> call) => await Assert.ThrowsAnyAsync<OperationCanceledException>(call);

    private static byte[] Filled(byte value, int length)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
