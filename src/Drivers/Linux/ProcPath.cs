using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace Strongroom.Drivers.Linux;

/// <summary>
/// <c>/proc/self/fd/N</c>, the way to name an open file to calls that only take paths, and <c>/proc/self/fd/N/name</c>
/// for a name in an open directory: neither grows with the depth of the tree nor passes through names others can change.
/// </summary>
internal static unsafe class ProcPath
{
    /// <summary>Room for the prefix, a descriptor, a slash, a 255-byte name and the closing NUL.</summary>
    internal const int MaxLength = 304;

    /// <summary>Writes the path with its closing NUL. The caller keeps the handle open meanwhile.</summary>
    internal static void Write(SafeFileHandle file, ReadOnlySpan<byte> name, byte* destination)
    {
        var room = new Span<byte>(destination, MaxLength);
        "/proc/self/fd/"u8.CopyTo(room);
        int length = 14;
        Utf8Formatter.TryFormat((int)file.DangerousGetHandle(), room[length..], out int digits);
        length += digits;
        if (!name.IsEmpty)
        {
            room[length++] = (byte)'/';
            name.CopyTo(room[length..]);
            length += name.Length;
        }

        room[length] = 0;
    }
}
