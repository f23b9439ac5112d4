using Strongroom.ObjectStores.S3;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests.S3;

public sealed class S3OnFakeServerTests : ObjectStoreContract
{
    private readonly FakeS3 _server = new();

    // More than fits one request either way.
    protected override int BigObjectBytes => 100 << 20;

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override async ValueTask<IObjectStore> OpenAgainAsync() => await S3Tests.OpenAsync(_server);

    protected override ValueTask<bool> IsFreeOfLeftoversAsync() => ValueTask.FromResult(_server.UploadsUnderWay == 0);
}

/// <summary>A server without conditional completion: large create-only objects go in one request.</summary>
public sealed class S3OnSimpleServerTests : ObjectStoreContract
{
    private readonly FakeS3 _server = new() { KnowsConditionalCompletion = false };

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => OpenAgainAsync();

    protected override async ValueTask<IObjectStore> OpenAgainAsync() => await S3Tests.OpenAsync(_server);
}

/// <summary>
/// As the product opens it, with the retries round it: Ceph's gateway answers a get that a replacement overtakes with 500.
/// </summary>
public sealed class S3OnRealServerTests : ObjectStoreContract
{
    private ObjectStoreOptions? _options;

    protected override async ValueTask<IObjectStore> OpenEmptyAsync()
    {
        _options = await S3TestServer.OptionsAsync();
        return await OpenAgainAsync();
    }

    protected override ValueTask<IObjectStore> OpenAgainAsync() => ObjectStoreCatalog.OpenAsync(_options!, TimeProvider.System, CancellationToken.None);

    [Fact]
    public async Task The_bucket_may_stand_in_the_name_of_the_host()
    {
        var options = await S3TestServer.OptionsAsync();
        var (address, server) = (S3Address.Parse(options), S3Address.Parse(options).Endpoint!);
        await using var inPath = await ObjectStoreCatalog.OpenAsync(options, TimeProvider.System, CancellationToken.None);
        await inPath.PutAsync("one", new byte[] { 1 }, PutMode.CreateOnly, CancellationToken.None);
        // The server answers to names below s3.test; they lead here without a DNS.
        options.Url = $"s3://{address.Bucket}/{address.Prefix}?endpoint=http://s3.test:{server.Port}&path-style=false";
        using var sockets = new SocketsHttpHandler
        {
            ConnectCallback = async (context, token) =>
            {
                Assert.Equal($"{address.Bucket}.s3.test", context.DnsEndPoint.Host);
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                await socket.ConnectAsync(server.Host, server.Port, token);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        };

        await using var inHost = await S3ObjectStore.OpenAsync(options, TimeProvider.System, sockets, CancellationToken.None);

        Assert.Equal([1], await inHost.GetAllAsync("one", 10, CancellationToken.None));
        Assert.Equal(["one"], await NamesAsync("", inHost));
    }
}
