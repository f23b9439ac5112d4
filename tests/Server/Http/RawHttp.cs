using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Strongroom.Server.Tests.Http;

/// <summary>An answer read from a socket; the body is never longer than its Content-Length said.</summary>
internal sealed record RawReply(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    /// <summary>What every refusal must have, whoever in the stack sent it.</summary>
    public void AssertRefusal()
    {
        Assert.True(Status is >= 400 and < 500, $"{Status}: {Body}");
        Assert.Equal("application/json", Headers["content-type"]);
        Assert.Matches("^[0-9a-f]{32}$", Headers["x-request-id"]);
        JsonNode json;
        try
        {
            json = JsonNode.Parse(Body)!;
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"The body of the {Status} is not JSON: {Body}", error);
        }

        // The one published exception: an unknown feature is a bare string.
        if (json is JsonValue && ((string)json!).StartsWith("There is no feature ", StringComparison.Ordinal))
            return;
        Assert.Matches(@"^(BackupService\.\d{4}|APIG\.\d{4}|IAM\.\d{4})$", (string?)json["error_code"]);
        Assert.False(string.IsNullOrWhiteSpace((string?)json["error_msg"]));
    }
}

/// <summary>HTTP/1.1 by hand, for requests that no client library would send.</summary>
internal sealed class RawHttp : IAsyncDisposable
{
    private readonly TcpClient connection;
    private readonly BufferedStream stream;

    private RawHttp(TcpClient connection)
    {
        this.connection = connection;
        stream = new BufferedStream(connection.GetStream());
    }

    public static async Task<RawHttp> ConnectAsync(Uri address)
    {
        var connection = new TcpClient { NoDelay = true };
        await connection.ConnectAsync(address.Host, address.Port);
        return new RawHttp(connection);
    }

    public static async Task<RawReply> ExchangeAsync(Uri address, byte[] request)
    {
        await using RawHttp raw = await ConnectAsync(address);
        return await raw.ExchangeAsync(request) ?? throw new EndOfStreamException("The connection was closed without an answer.");
    }

    /// <param name="request">Sent as it is.</param>
    /// <param name="isHead">The answer has no body, whatever its length says.</param>
    /// <returns>Null when the server closed the connection instead.</returns>
    public async Task<RawReply?> ExchangeAsync(byte[] request, bool isHead = false)
    {
        try
        {
            await connection.GetStream().WriteAsync(request);
        }
        catch (IOException)
        {
            // It answered and closed before it had read all of it; the answer is there to read.
        }

        return await ReadAsync(isHead);
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        connection.Dispose();
    }

    private async Task<RawReply?> ReadAsync(bool isHead)
    {
        string? statusLine = await ReadLineAsync();
        while (statusLine is not null && statusLine.StartsWith("HTTP/1.1 100", StringComparison.Ordinal))
        {
            await ReadLineAsync();
            statusLine = await ReadLineAsync();
        }

        if (statusLine is null)
            return null;
        int status = int.Parse(statusLine.Split(' ')[1], CultureInfo.InvariantCulture);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync() is { Length: > 0 } line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        if (isHead || !headers.TryGetValue("content-length", out string? length))
            return new RawReply(status, headers, "");
        byte[] body = new byte[int.Parse(length, CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body);
        return new RawReply(status, headers, Encoding.UTF8.GetString(body));
    }

    private async Task<string?> ReadLineAsync()
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (true)
        {
            int count;
            try
            {
                count = await stream.ReadAsync(one);
            }
            catch (IOException)
            {
                return null;
            }

            if (count == 0)
                return null;
            if (one[0] == '\n')
                return line.ToString().TrimEnd('\r');
            line.Append((char)one[0]);
        }
    }
}
