using System.Text;

namespace Strongroom.Server.Identity;

/// <summary>
/// Text put together as bytes, one for each character: header values came as Latin-1 (StrongroomHost), so that this gives
/// back the very bytes that were sent.
/// </summary>
internal sealed class LatinText
{
    // The longest there is: what Kestrel takes as a request line and headers, which is about 40 KiB.
    private const int KeptBytesMax = 64 << 10;

    [ThreadStatic]
    private static LatinText? ofThread;

    private byte[] buffer = new byte[1024];
    private int length;

    public ReadOnlySpan<byte> Bytes => buffer.AsSpan(0, length);

    /// <summary>An empty one, the same for each caller of a thread: to be done with before anything is awaited.</summary>
    public static LatinText OfThread()
    {
        if (ofThread is null || ofThread.buffer.Length > KeptBytesMax)
            ofThread = new LatinText();
        ofThread.length = 0;
        return ofThread;
    }

    public void Append(ReadOnlySpan<char> text)
    {
        Reserve(text.Length);
        length += Encoding.Latin1.GetBytes(text, buffer.AsSpan(length));
    }

    public void Append(char c)
    {
        Reserve(1);
        buffer[length++] = c <= byte.MaxValue ? (byte)c : (byte)'?';
    }

    /// <summary>In lower case.</summary>
    public void AppendHex(ReadOnlySpan<byte> bytes)
    {
        Reserve(2 * bytes.Length);
        Convert.TryToHexStringLower(bytes, buffer.AsSpan(length), out int written);
        length += written;
    }

    private void Reserve(int count)
    {
        if (buffer.Length - length < count)
            Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + count));
    }
}
