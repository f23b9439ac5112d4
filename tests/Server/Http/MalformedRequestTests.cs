using System.Text;

namespace Strongroom.Server.Tests.Http;

/// <summary>What is not even HTTP is refused like everything else: JSON, an id, a code.</summary>
public sealed class MalformedRequestTests(SqliteServer server) : IClassFixture<SqliteServer>
{
    public static TheoryData<string, int> Requests => new()
    {
        { "GET\r\n\r\n", 400 },
        { "GET /healthcheck\r\n\r\n", 400 },
        { "GET /healthcheck HTTP/9.9\r\nHost: x\r\n\r\n", 400 },
        { "G\x01T /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "GET /healthcheck HTTP/1.1\r\n\r\n", 400 }, // no Host
        { "GET /healthcheck HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400 },
        { "GET /healthcheck HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
        { "GET /v3/%00/vaults HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "GET /v3/%zz/vaults HTTP/1.1\r\nHost: x\r\n\r\n", 401 },
        { "GET /v3/%ff%fe/vaults HTTP/1.1\r\nHost: x\r\n\r\n", 401 },
        { "GET /v3/%ED%A0%80/vaults HTTP/1.1\r\nHost: x\r\n\r\n", 401 },
        { "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 401 },
        { "GET //v3//vaults HTTP/1.1\r\nHost: x\r\n\r\n", 401 },
        { "GET healthcheck HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
        { "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
        { "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 401 },
        { "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 401 },
        { "GET /healthcheck HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400 },
        { "GET /healthcheck HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400 },
        { "GET /healthcheck HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", 400 },
        { "GET /v3/projects HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \u00ff\u00fe\u0080\r\n\r\n", 401 },
        { "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400 },
        { "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400 },
        { "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400 },
        { "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip\r\n\r\n", 400 },
        { "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400 },
        { "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n", 413 },
        { "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400 },
        { "GET /" + new string('a', 20_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414 },
        { "GET /healthcheck HTTP/1.1\r\nHost: x\r\nA: " + new string('a', 70_000) + "\r\n\r\n", 431 },
        { "GET /healthcheck HTTP/1.1\r\nHost: x\r\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"A{i}: 1\r\n")) + "\r\n", 431 },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_that_is_not_sound_is_refused_in_json(string request, int status)
    {
        RawReply reply = await RawHttp.ExchangeAsync(server.Address, Encoding.Latin1.GetBytes(request));

        Assert.Equal(status, reply.Status);
        reply.AssertRefusal();
    }

    [Fact]
    public async Task A_chunked_body_over_the_limit_is_413()
    {
        await using RawHttp raw = await RawHttp.ConnectAsync(server.Address);
        byte[] head = Encoding.Latin1.GetBytes(
            "POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n500000\r\n");
        byte[] request = [.. head, .. Enumerable.Repeat((byte)' ', 5 << 20), .. "\r\n0\r\n\r\n"u8];

        RawReply? reply = await raw.ExchangeAsync(request);

        Assert.Equal(413, reply!.Status);
        reply.AssertRefusal();
    }

    /// <summary>Through a client as people have them: it sends all of its body before it looks for the answer.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(60)]
    public async Task A_client_that_sends_too_much_reads_why_it_was_refused(int mebibytes)
    {
        TestReply reply = await server.SendAsync(null, "POST", "/v3/auth/tokens", new string(' ', mebibytes << 20));

        Assert.Equal(413, reply.Status);
        Assert.Contains("larger than 4 MiB", reply.Text, StringComparison.Ordinal);
    }
}
