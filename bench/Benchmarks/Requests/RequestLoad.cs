using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strongroom.Benchmarks.Requests;

/// <summary>
/// Sends one request over and over on some connections and counts whole answers. As little of a client as can be: answers are
/// taken by their length, which the first one tells and every other shares.
/// </summary>
internal sealed class RequestLoad : IAsyncDisposable
{
    private readonly byte[] request;
    private readonly List<Socket> sockets = [];
    private int replyBytes;

    private RequestLoad(byte[] request) => this.request = request;

    /// <param name="port">Of the loopback interface.</param>
    /// <param name="path">What is asked for.</param>
    /// <param name="headers">Beside <c>Host</c>, each with its line end.</param>
    /// <param name="connectionCount">Each is used by one request at a time.</param>
    public static async Task<RequestLoad> StartAsync(int port, string path, string headers, int connectionCount)
    {
        var load = new RequestLoad(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n"));
        for (int i = 0; i < connectionCount; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            load.sockets.Add(socket);
        }

        load.replyBytes = await load.FirstReplyAsync(load.sockets[0]);
        return load;
    }

    /// <summary>Answers a second.</summary>
    public async Task<double> MeasureAsync(TimeSpan duration)
    {
        long started = Stopwatch.GetTimestamp();
        int[] counts = await Task.WhenAll(sockets.Select(socket => Task.Run(() => RepeatAsync(socket, started, duration))));
        return counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public ValueTask DisposeAsync()
    {
        foreach (Socket socket in sockets)
            socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<int> RepeatAsync(Socket socket, long started, TimeSpan duration)
    {
        byte[] buffer = new byte[64 << 10];
        int count = 0;
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            await socket.SendAsync(request);
            for (int left = replyBytes; left > 0;)
            {
                int got = await socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, left)));
                left -= got > 0 ? got : throw new EndOfStreamException("The server closed the connection.");
            }

            count++;
        }

        return count;
    }

    private async Task<int> FirstReplyAsync(Socket socket)
    {
        await socket.SendAsync(request);
        byte[] buffer = new byte[1 << 20];
        int length = 0;
        while (true)
        {
            length += await socket.ReceiveAsync(buffer.AsMemory(length));
            string head = Encoding.ASCII.GetString(buffer, 0, Math.Min(length, 4096));
            int end = head.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0)
                continue;
            if (!head.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                throw new InvalidDataException(head);
            const string LengthHeader = "Content-Length: ";
            int at = head.IndexOf(LengthHeader, StringComparison.Ordinal) + LengthHeader.Length;
            int total = end + 4 + int.Parse(head.AsSpan(at, head.IndexOf('\r', at) - at), null);
            if (length == total)
                return total;
        }
    }
}
