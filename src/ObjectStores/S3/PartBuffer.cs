using System.Runtime.InteropServices;

namespace Strongroom.ObjectStores.S3;

/// <summary>
/// Bytes waiting to be sent, readable as often as a request has to be made again. In memory of the system's, in pieces: it is
/// given back as soon as the bytes have arrived, where the shared pool of arrays drops most of so many and lets the heap grow.
/// </summary>
internal sealed unsafe class PartBuffer : IDisposable
{
    private const int PieceBytes = 1 << 20;
    private readonly List<nint> _pieces = [];

    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int at = (int)(Length % PieceBytes);
            if (at == 0)
                _pieces.Add((nint)NativeMemory.Alloc(PieceBytes));
            int count = Math.Min(bytes.Length, PieceBytes - at);
            bytes[..count].CopyTo(new Span<byte>((byte*)_pieces[^1] + at, count));
            Length += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>The bytes from an offset on, as far as they lie together; valid until the buffer is disposed.</summary>
    public ReadOnlySpan<byte> At(long offset)
    {
        int at = (int)(offset % PieceBytes);
        return new ReadOnlySpan<byte>((byte*)_pieces[(int)(offset / PieceBytes)] + at, (int)Math.Min(PieceBytes - at, Length - offset));
    }

    /// <summary>Gives the memory back. Nobody may be reading.</summary>
    public void Dispose()
    {
        foreach (nint piece in _pieces)
            NativeMemory.Free((void*)piece);
        _pieces.Clear();
        Length = 0;
    }
}

/// <summary>Some buffers one after the other, as the body of a request.</summary>
internal sealed class PartStream(IReadOnlyList<PartBuffer> parts, S3Exchange exchange) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; } = parts.Sum(part => part.Length);

    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        // Whoever reads, sends: that is a byte that moved.
        exchange.Progress();
        long offset = Position;
        foreach (var part in parts)
        {
            if (offset < part.Length)
            {
                var bytes = part.At(offset);
                int count = Math.Min(bytes.Length, buffer.Length);
                bytes[..count].CopyTo(buffer);
                Position += count;
                return count;
            }

            offset -= part.Length;
        }

        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : ValueTask.FromResult(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
