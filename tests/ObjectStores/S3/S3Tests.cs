using System.Net;
using System.Reflection;
using System.Runtime.Loader;
using Strongroom.ObjectStores.S3;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests.S3;

public sealed class S3Tests
{
    private const string Secret = "a-secret-that-must-not-be-shown";
    private static readonly CancellationToken _none = CancellationToken.None;

    internal static ValueTask<S3ObjectStore> OpenAsync(FakeS3 server, Action<ObjectStoreOptions>? change = null)
    {
        var options = new ObjectStoreOptions
        {
            Url = "s3://vaults/deep/prefix",
            Endpoint = "http://s3.test:1234",
            AccessKeyId = "key",
            SecretAccessKey = Secret,
        };
        change?.Invoke(options);
        // The store disposes its transport; the server outlives every store on it.
        return S3ObjectStore.OpenAsync(options, TimeProvider.System, new Undisposed(server), _none);
    }

    [Fact]
    public async Task The_first_opening_tries_the_server_and_the_next_takes_one_request()
    {
        var server = new FakeS3();
        await (await OpenAsync(server)).DisposeAsync();
        int first = server.Requests.Count;
        Assert.True(first > 10);
        Assert.Equal(["deep/prefix/.features"], server.Keys);
        Assert.Equal(0, server.UploadsUnderWay);

        var store = await OpenAsync(server);

        Assert.Equal(first + 1, server.Requests.Count);
        await foreach (var _ in store.ListAsync("", _none))
            Assert.Fail("nothing of ours is an object");
    }

    [Fact]
    public async Task A_bucket_that_is_away_when_it_is_opened_is_waited_for_and_says_so()
    {
        var server = new FakeS3();
        var time = new SkippingTime();
        var told = new List<string>();
        server.Before = _ => time.Elapsed < TimeSpan.FromSeconds(60) ? FakeS3.Error(HttpStatusCode.ServiceUnavailable, "ServiceUnavailable") : null;
        var options = new ObjectStoreOptions { Waiting = (failure, delay) => told.Add($"{failure.Message} {delay}") };

        await using var store = await ObjectStoreCatalog.WrapAsync(async _ => await OpenAsync(server), options, time, _none);

        await store.PutAsync("a", new byte[1], PutMode.CreateOnly, _none);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(90));
        Assert.Equal(time.Waits.Count, told.Count);
        Assert.Contains("cannot open the store in s3://vaults/deep/prefix", told[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bucket_that_stays_away_ends_the_patience_that_was_set_and_a_wrong_key_ends_it_at_once()
    {
        var server = new FakeS3();
        var time = new SkippingTime();
        var (status, code) = (HttpStatusCode.ServiceUnavailable, "ServiceUnavailable");
        server.Before = _ => FakeS3.Error(status, code);
        var options = new ObjectStoreOptions { Retry = new RetryOptions { GiveUpAfter = TimeSpan.FromSeconds(20) } };
        ValueTask<IObjectStore> Open() => ObjectStoreCatalog.WrapAsync(async _ => await OpenAsync(server), options, time, _none);

        var away = await Assert.ThrowsAsync<ObjectStoreException>(() => Open().AsTask());
        var waited = time.Elapsed;
        (status, code) = (HttpStatusCode.Forbidden, "AccessDenied");
        var denied = await Assert.ThrowsAsync<ObjectStoreException>(() => Open().AsTask());

        Assert.Equal((ObjectStoreFailure.Transient, ObjectStoreFailure.Denied), (away.Failure, denied.Failure));
        Assert.InRange(waited, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(20));
        Assert.Equal(waited, time.Elapsed);
    }

    [Fact]
    public async Task Another_endpoint_or_a_damaged_finding_is_tried_anew()
    {
        var server = new FakeS3();
        await OpenAsync(server);
        int before = server.Requests.Count;

        await OpenAsync(server, options => options.Endpoint = "http://other.test");
        Assert.True(server.Requests.Count > before + 10);
        server.Poke("deep/prefix/.features", [1, 2, 3]);
        before = server.Requests.Count;
        await OpenAsync(server);
        Assert.True(server.Requests.Count > before + 10);
    }

    [Fact]
    public async Task A_server_without_conditional_puts_is_refused_unless_there_is_a_single_writer()
    {
        var server = new FakeS3 { KnowsConditions = false };
        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => OpenAsync(server).AsTask());
        Assert.Equal(ObjectStoreFailure.Invalid, failure.Failure);
        Assert.Contains("SingleWriter", failure.Message, StringComparison.Ordinal);

        for (int opening = 0; opening < 2; opening++)
        {
            await using var store = await OpenAsync(server, options => options.SingleWriter = true);
            await store.PutAsync($"one{opening}", new byte[] { 1 }, PutMode.CreateOnly, _none);
            var taken = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("one0", new byte[] { 2 }, PutMode.CreateOnly, _none).AsTask());
            Assert.Equal(ObjectStoreFailure.AlreadyExists, taken.Failure);
        }
    }

    public static TheoryData<string, Func<object>> UnfitServers => new()
    {
        { "read back", () => new FakeS3 { StoresFrames = true } },
        { "range", () => new FakeS3 { KnowsRanges = false } },
        { "stale", () => new FakeS3 { ListsStale = true } },
    };

    [Theory]
    [MemberData(nameof(UnfitServers))]
    public async Task A_server_that_gives_back_other_than_it_took_is_refused_and_left_clean(string said, Func<object> make)
    {
        var server = (FakeS3)make();

        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => OpenAsync(server).AsTask());

        Assert.Equal(ObjectStoreFailure.Invalid, failure.Failure);
        Assert.Contains(said, failure.Message, StringComparison.Ordinal);
        Assert.Empty(server.Keys);
    }

    [Fact]
    public async Task A_store_opened_for_reading_writes_nothing()
    {
        var server = new FakeS3 { KnowsConditions = false };

        await using var store = await OpenAsync(server, options => options.ReadOnly = true);

        Assert.Null(await store.StatAsync("a", _none));
        Assert.All(server.Requests, request => Assert.True(request.StartsWith("GET", StringComparison.Ordinal) || request.StartsWith("HEAD", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(null, "/vaults/deep/prefix/a", "s3.test")]
    [InlineData(true, "/vaults/deep/prefix/a", "s3.test")]
    [InlineData(false, "/deep/prefix/a", "vaults.s3.test")]
    public async Task The_bucket_stands_in_the_path_or_in_the_name_of_the_host(bool? pathStyle, string path, string host)
    {
        var server = new FakeS3();
        await using var store = await OpenAsync(server, options => options.PathStyle = pathStyle);
        Uri? asked = null;
        server.Before = request =>
        {
            asked = request.RequestUri;
            return null;
        };

        await store.StatAsync("a", _none);

        Assert.Equal((path, host), (asked!.AbsolutePath, asked.Host));
    }

    [Theory]
    [InlineData(404, "NoSuchBucket", ObjectStoreFailure.Denied)]
    [InlineData(403, "AccessDenied", ObjectStoreFailure.Denied)]
    [InlineData(403, "InvalidAccessKeyId", ObjectStoreFailure.Denied)]
    [InlineData(403, "SignatureDoesNotMatch", ObjectStoreFailure.Denied)]
    [InlineData(403, "RequestTimeTooSkewed", ObjectStoreFailure.Denied)]
    [InlineData(400, "AuthorizationHeaderMalformed", ObjectStoreFailure.Denied)]
    [InlineData(301, "PermanentRedirect", ObjectStoreFailure.Denied)]
    [InlineData(403, "QuotaExceeded", ObjectStoreFailure.Full)]
    [InlineData(507, "XMinioStorageFull", ObjectStoreFailure.Full)]
    [InlineData(503, "SlowDown", ObjectStoreFailure.Transient)]
    [InlineData(500, "InternalError", ObjectStoreFailure.Transient)]
    [InlineData(502, "", ObjectStoreFailure.Transient)]
    [InlineData(504, "", ObjectStoreFailure.Transient)]
    [InlineData(429, "TooManyRequests", ObjectStoreFailure.Transient)]
    [InlineData(400, "RequestTimeout", ObjectStoreFailure.Transient)]
    [InlineData(400, "BadDigest", ObjectStoreFailure.Transient)]
    [InlineData(409, "OperationAborted", ObjectStoreFailure.Transient)]
    [InlineData(400, "InvalidArgument", ObjectStoreFailure.Invalid)]
    [InlineData(501, "NotImplemented", ObjectStoreFailure.Invalid)]
    public async Task What_the_server_says_becomes_what_the_caller_can_do(int status, string code, ObjectStoreFailure expected)
    {
        var server = new FakeS3();
        await using var store = await OpenAsync(server);
        server.Before = _ => FakeS3.Error((HttpStatusCode)status, code, "in words");

        foreach (var call in new Func<Task>[]
        {
            () => store.PutAsync("a", new byte[10], PutMode.CreateOnly, _none).AsTask(),
            () => store.GetAsync("a", 0, new byte[10], _none).AsTask(),
            () => store.DeleteAsync("a", _none).AsTask(),
            async () => await store.ListAsync("", _none).GetAsyncEnumerator(_none).MoveNextAsync(),
        })
        {
            var failure = await Assert.ThrowsAsync<ObjectStoreException>(call);
            Assert.Equal(expected, failure.Failure);
            Assert.Contains("s3://vaults/deep/prefix", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Secret, failure.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_pace_the_server_asks_for_is_passed_on()
    {
        var server = new FakeS3();
        await using var store = await OpenAsync(server);
        foreach (bool asDate in new[] { false, true })
        {
            server.Before = _ =>
            {
                var answer = FakeS3.Error(HttpStatusCode.ServiceUnavailable, "SlowDown");
                answer.Headers.RetryAfter = asDate ? new(server.Now + TimeSpan.FromSeconds(17)) : new(TimeSpan.FromSeconds(17));
                return answer;
            };

            var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => store.StatAsync("a", _none).AsTask());

            Assert.Equal(TimeSpan.FromSeconds(17), failure.RetryAfter);
        }
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(80 << 20)]
    public async Task A_create_whose_answer_was_lost_is_settled_by_the_next_attempt(int size)
    {
        var server = new FakeS3();
        await using var store = Retrying(await OpenAsync(server));
        byte[] content = Bytes.Of(1, size);
        // Every answer to a write is lost once.
        var lost = new HashSet<string>();
        server.After = request => request.Method != HttpMethod.Get && request.Method != HttpMethod.Head && lost.Add($"{request.Method} {request.RequestUri}")
            ? throw new HttpRequestException("reset by peer")
            : null;

        await store.PutAsync("a", content, PutMode.CreateOnly, _none);
        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("a", new byte[] { 1 }, PutMode.CreateOnly, _none).AsTask());

        Assert.Equal(ObjectStoreFailure.AlreadyExists, failure.Failure);
        server.After = _ => null;
        Assert.Equal(content, await store.GetAllAsync("a", size, _none));
        Assert.True(lost.Count > 0);
    }

    [Fact]
    public async Task Somebody_elses_object_is_not_taken_for_ours_after_a_lost_answer()
    {
        var server = new FakeS3();
        await using var store = Retrying(await OpenAsync(server));
        bool first = true;
        server.Before = request =>
        {
            if (request.Method != HttpMethod.Put || !first)
                return null;
            first = false;
            server.Poke("deep/prefix/a", [9, 9, 9]);
            return FakeS3.Error(HttpStatusCode.ServiceUnavailable, "SlowDown");
        };

        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("a", new byte[] { 9, 9, 8 }, PutMode.CreateOnly, _none).AsTask());

        Assert.Equal(ObjectStoreFailure.AlreadyExists, failure.Failure);
        Assert.Equal([9, 9, 9], await store.GetAllAsync("a", 10, _none));
    }

    [Fact]
    public async Task Parts_that_failed_are_sent_again_and_no_byte_is_lost_or_doubled()
    {
        var server = new FakeS3();
        await using var store = Retrying(await OpenAsync(server));
        var random = new Random(5);
        int failures = 0;
        server.Before = request => request.RequestUri!.Query.Contains("upload", StringComparison.OrdinalIgnoreCase) && random.Next(3) == 0 && ++failures > 0
            ? FakeS3.Error(HttpStatusCode.InternalServerError, "InternalError")
            : null;
        byte[] content = Bytes.Of(2, 100 << 20);

        await using (var upload = await store.PutAsync("big", PutMode.Replace, content.Length, _none))
        {
            await upload.AppendAsync(content.AsMemory(0, 50 << 20), _none);
            await upload.AppendAsync(content.AsMemory(50 << 20), _none);
            await upload.CommitAsync(_none);
        }

        server.Before = _ => null;
        Assert.True(failures > 2);
        byte[] read = new byte[content.Length];
        Assert.Equal(read.Length, await store.GetAsync("big", 0, read, _none));
        Assert.True(content.AsSpan().SequenceEqual(read));
        Assert.Equal(0, server.UploadsUnderWay);
    }

    [Fact]
    public async Task Parts_that_dead_processes_left_go_after_a_week_of_the_servers_clock()
    {
        var server = new FakeS3();
        await using var store = await OpenAsync(server);
        server.AbandonUpload("deep/prefix/old", server.Now - TimeSpan.FromDays(8));
        server.AbandonUpload("deep/prefix/young", server.Now - TimeSpan.FromDays(6));
        await store.DisposeAsync();

        await using var next = await OpenAsync(server);
        await next.PutAsync("big", new byte[65 << 20], PutMode.Replace, _none);

        Assert.Equal(1, server.UploadsUnderWay);
    }

    [Fact]
    public async Task Small_puts_gets_and_stats_cost_one_request_each()
    {
        var server = new FakeS3();
        var counter = new RequestCounter();
        await using var store = await OpenAsync(server, options => options.Requests = counter);
        var before = counter.Counts;

        await store.PutAsync("a", new byte[32 << 20], PutMode.CreateOnly, _none);
        await store.GetAsync("a", 1000, new byte[4 << 20], _none);
        await store.StatAsync("a", _none);
        await store.DeleteAsync("a", _none);

        var now = counter.Counts;
        Assert.Equal((1, 1, 1, 1, 4), (now.Puts - before.Puts, now.Gets - before.Gets, now.Heads - before.Heads, now.Deletes - before.Deletes, now.Total - before.Total));
        Assert.Equal((32 << 20, 4 << 20), (now.SentBytes - before.SentBytes, now.ReceivedBytes - before.ReceivedBytes));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(60)]
    public async Task A_large_read_of_an_object_that_is_replaced_meanwhile_is_of_one_version(int nextMegabytes)
    {
        var server = new FakeS3();
        await using var store = await OpenAsync(server);
        byte[] old = new byte[60 << 20], next = new byte[nextMegabytes << 20];
        next.AsSpan().Fill(1);
        server.Poke("deep/prefix/a", old);
        int reads = 0;
        server.Before = request =>
        {
            if (request.Method == HttpMethod.Get && ++reads == 3)
                server.Poke("deep/prefix/a", next);
            return null;
        };

        byte[] destination = new byte[60 << 20];
        int read = await store.GetAsync("a", 0, destination, _none);

        Assert.Equal(next.Length, read);
        Assert.Equal(-1, destination.AsSpan(0, read).IndexOfAnyExcept((byte)1));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_or_is_of_the_wrong_length_is_no_data()
    {
        var server = new FakeS3();
        await using var store = await OpenAsync(server);
        await store.PutAsync("a", new byte[1000], PutMode.CreateOnly, _none);

        server.Before = _ => new HttpResponseMessage(HttpStatusCode.PartialContent)
        {
            Content = new StreamContent(new MemoryStream(new byte[400])) { Headers = { ContentLength = 1000, ContentRange = new(0, 999, 1000) } },
        };
        var broken = await Assert.ThrowsAsync<ObjectStoreException>(() => store.GetAsync("a", 0, new byte[1000], _none).AsTask());
        server.Before = _ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(new byte[1000]) };
        var whole = await Assert.ThrowsAsync<ObjectStoreException>(() => store.GetAsync("a", 500, new byte[100], _none).AsTask());

        Assert.Equal(ObjectStoreFailure.Transient, broken.Failure);
        Assert.Equal(ObjectStoreFailure.Invalid, whole.Failure);
    }

    [Fact]
    public async Task A_server_that_hangs_is_given_up_when_no_byte_moves()
    {
        var server = new FakeS3();
        var time = new ManualTime();
        await OpenAsync(server);
        var options = new ObjectStoreOptions { Url = "s3://vaults/deep/prefix", Endpoint = "http://s3.test:1234", AccessKeyId = "key", SecretAccessKey = Secret };
        var hanging = new Hanging(server);
        await using var store = await S3ObjectStore.OpenAsync(options, time, hanging, _none);
        hanging.Hangs = true;

        var call = store.PutAsync("a", new byte[10], PutMode.CreateOnly, _none).AsTask();
        await hanging.Reached.Task;
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        var failure = await Assert.ThrowsAsync<ObjectStoreException>(() => call);
        Assert.Equal(ObjectStoreFailure.Transient, failure.Failure);
    }

    [Fact]
    public async Task A_server_that_is_not_there_or_not_trusted_says_so()
    {
        var server = new FakeS3();
        await using var store = await OpenAsync(server);

        server.Before = _ => throw new HttpRequestException("Connection refused (s3.test:1234)");
        var gone = await Assert.ThrowsAsync<ObjectStoreException>(() => store.StatAsync("a", _none).AsTask());
        server.Before = _ => throw new HttpRequestException("SSL", new System.Security.Authentication.AuthenticationException("untrusted root"));
        var untrusted = await Assert.ThrowsAsync<ObjectStoreException>(() => store.StatAsync("a", _none).AsTask());

        Assert.Equal((ObjectStoreFailure.Transient, ObjectStoreFailure.Denied), (gone.Failure, untrusted.Failure));
        Assert.Contains("refused", gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_minute_without_the_server_is_survived()
    {
        var server = new FakeS3();
        var time = new SkippingTime();
        await using var store = new RetryingObjectStore(await OpenAsync(server), new RetryOptions(), time);
        byte[] content = Bytes.Of(3, 70 << 20);
        await using var upload = await store.PutAsync("a", PutMode.CreateOnly, content.Length, _none);
        await upload.AppendAsync(content.AsMemory(0, 40 << 20), _none);

        server.Before = _ => time.Elapsed < TimeSpan.FromMinutes(1) ? throw new HttpRequestException("Connection refused") : null;
        await upload.AppendAsync(content.AsMemory(40 << 20), _none);
        await upload.CommitAsync(_none);

        Assert.True(time.Elapsed > TimeSpan.FromMinutes(1));
        Assert.Equal(content, await store.GetAllAsync("a", content.Length, _none));
    }

    [Theory]
    [InlineData("s3://bucket", "s3://bucket")]
    [InlineData("s3://bucket/", "s3://bucket")]
    [InlineData("s3://bucket/a/b/", "s3://bucket/a/b")]
    [InlineData("s3://bucket/A?endpoint=http://host:9000/&region=eu-de", "s3://bucket/A?endpoint=http://host:9000&region=eu-de")]
    [InlineData("s3://bucket?path-style=false&endpoint=https%3A%2F%2Fhost", "s3://bucket?endpoint=https://host&path-style=false")]
    public void An_address_says_where_the_objects_are(string url, string expected) =>
        Assert.Equal(expected, S3Address.Parse(new ObjectStoreOptions { Url = url }).ToString());

    [Theory]
    [InlineData("s3:bucket")]
    [InlineData("s3://")]
    [InlineData("s3://a")]
    [InlineData("s3://buck et/a")]
    [InlineData("s3://bucket/a//b")]
    [InlineData("s3://bucket/../b")]
    [InlineData("s3://bucket/a?b=c")]
    [InlineData("s3://bucket?endpoint=ftp://host")]
    [InlineData("s3://bucket?endpoint=host:9000")]
    [InlineData("s3://bucket?path-style=perhaps")]
    public void An_address_that_makes_no_sense_is_refused(string url)
    {
        var failure = Assert.Throws<ObjectStoreException>(() => S3Address.Parse(new ObjectStoreOptions { Url = url }));
        Assert.Equal(ObjectStoreFailure.Invalid, failure.Failure);
    }

    [Fact]
    public void Keys_in_the_endpoint_are_refused_and_not_repeated()
    {
        var failure = Assert.Throws<ObjectStoreException>(
            () => S3Address.Parse(new ObjectStoreOptions { Url = "s3://bucket", Endpoint = $"http://user:{Secret}@host" }));

        Assert.DoesNotContain(Secret, failure.ToString(), StringComparison.Ordinal);
    }

    /// <summary>In a load context of its own, where the SDK would have to be loaded anew.</summary>
    [Fact]
    public async Task A_process_that_uses_directories_never_loads_the_sdk()
    {
        using var directory = new TemporaryDirectory();
        var asked = new List<string>();
        var context = new AssemblyLoadContext("alone", isCollectible: true);
        context.Resolving += (_, name) =>
        {
            asked.Add(name.Name!);
            return null;
        };
        var assembly = context.LoadFromAssemblyPath(typeof(ObjectStoreCatalog).Assembly.Location);
        object options = Activator.CreateInstance(assembly.GetType(typeof(ObjectStoreOptions).FullName!)!)!;
        options.GetType().GetProperty("Url")!.SetValue(options, directory.Path);

        object opening = assembly.GetType(typeof(ObjectStoreCatalog).FullName!)!.GetMethod("OpenAsync")!.Invoke(null, [options, TimeProvider.System, _none])!;
        object store = opening.GetType().GetProperty("Result")!.GetValue(opening)!;
        var stat = store.GetType().GetMethod("StatAsync")!.Invoke(store, ["a", _none])!;
        await ((Task)stat.GetType().GetMethod("AsTask")!.Invoke(stat, [])!);
        await ((IAsyncDisposable)store).DisposeAsync();

        Assert.DoesNotContain(asked, name => name.StartsWith("AWSSDK", StringComparison.Ordinal));
        context.Unload();
    }

    private static RetryingObjectStore Retrying(IObjectStore store) => new(store, new RetryOptions(), new SkippingTime());

    private sealed class Undisposed(HttpMessageHandler inner) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _inner = new(inner, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            _inner.SendAsync(request, cancellationToken);
    }

    private sealed class Hanging(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        public bool Hangs { get; set; }

        public TaskCompletionSource Reached { get; } = new();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (!Hangs)
                return await base.SendAsync(request, cancellationToken);
            Reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new System.Diagnostics.UnreachableException();
        }
    }
}
