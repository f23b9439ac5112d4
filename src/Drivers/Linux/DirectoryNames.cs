using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Strongroom.Drivers.Linux;

/// <summary>The names in a directory, raw, without <c>.</c> and <c>..</c>.</summary>
internal static unsafe class DirectoryNames
{
    private const int BufferBytes = 64 * 1024;

    // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name with its closing NUL.
    private const int RecordLengthOffset = 16;
    private const int NameOffset = 19;

    /// <summary>All names in ordinal order, each once. The handle was opened for this and for nothing else: reading moves its position.</summary>
    internal static List<byte[]> ReadSorted(SafeFileHandle directory, string location)
    {
        var names = new List<byte[]>();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (ReadSome(directory, buffer, names, location))
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        names.Sort((left, right) => left.AsSpan().SequenceCompareTo(right));
        // A name that is moved while the directory is read may be told twice.
        int kept = 0;
        for (int i = 0; i < names.Count; i++)
            if (i == 0 || !names[i].AsSpan().SequenceEqual(names[kept - 1]))
                names[kept++] = names[i];
        names.RemoveRange(kept, names.Count - kept);
        return names;
    }

    internal static bool IsEmpty(SafeFileHandle directory, string location)
    {
        var names = new List<byte[]>();
        byte[] buffer = new byte[1024];
        while (names.Count == 0 && ReadSome(directory, buffer, names, location))
        {
        }

        return names.Count == 0;
    }

    private static bool ReadSome(SafeFileHandle directory, byte[] buffer, List<byte[]> names, string location)
    {
        nint length;
        fixed (byte* room = buffer)
            length = Libc.GetDents64(directory, room, (nuint)buffer.Length);
        if (length < 0)
            throw Errno.LastToException(location, "list");
        ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)length);
        while (!records.IsEmpty)
        {
            ReadOnlySpan<byte> record = records[..BinaryPrimitives.ReadUInt16LittleEndian(records[RecordLengthOffset..])];
            ReadOnlySpan<byte> name = record[NameOffset..];
            name = name[..name.IndexOf((byte)0)];
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add(name.ToArray());
            records = records[record.Length..];
        }

        return length > 0;
    }
}
