using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Strongroom.Server.Http;

/// <summary>
/// A request's body, read once into one pooled buffer that lives as long as the request: what checks a signature and what
/// parses see the same bytes.
/// </summary>
internal sealed class ReceivedBody : IDisposable
{
    /// <summary>Bytes. 256 resources with all their fields are well under 1 MiB.</summary>
    public const int BytesMax = 4 << 20;

    /// <summary>
    /// Bytes the host takes off the wire of a request it has refused (for five seconds at most): a client in the middle of
    /// sending reads its 413 only when it got rid of the rest, else it is told of a broken pipe.
    /// </summary>
    public const int DrainedBytesMax = 64 << 20;

    // Grown as bytes arrive, not as a header promises them.
    private const int FirstBufferBytes = 16 << 10;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
    private int length;

    private ReadOnlyMemory<byte> Bytes => buffer.AsMemory(0, length);

    /// <summary>All of it; empty when there is none. Valid until the request ends. May be asked for again.</summary>
    /// <exception cref="BadHttpRequestException">It is too large, or not sent as the headers say.</exception>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadAsync(HttpContext context)
    {
        if (context.Features.Get<ReceivedBody>() is { } known)
            return known.Bytes;
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            return ReadOnlyMemory<byte>.Empty;
        var body = new ReceivedBody();
        context.Response.RegisterForDispose(body);
        await body.FillAsync(context);
        context.Features.Set(body);
        return body.Bytes;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        length = 0;
    }

    private async ValueTask FillAsync(HttpContext context)
    {
        if (context.Request.ContentLength > BytesMax)
            throw TooLarge();
        try
        {
            int got;
            while ((got = await context.Request.Body.ReadAsync(buffer.AsMemory(length), context.RequestAborted)) > 0)
            {
                length += got;
                if (length > BytesMax)
                    throw TooLarge();
                if (length == buffer.Length)
                    Grow();
            }
        }
        catch (IOException error) when (error is not BadHttpRequestException)
        {
            // A chunk size past all bounds comes out of Kestrel like a failure of its own.
            throw new BadHttpRequestException("The body is not sent as its headers say.", StatusCodes.Status400BadRequest, error);
        }
    }

    private static BadHttpRequestException TooLarge() =>
        new(RequestShell.Describe(StatusCodes.Status413PayloadTooLarge).Message, StatusCodes.Status413PayloadTooLarge);

    private void Grow()
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
