using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Strongroom.Drivers.Linux;

/// <summary>Extended attributes, by way of <see cref="ProcPath"/>: the calls on descriptors do not work for links and path-only handles.</summary>
internal static unsafe class Attributes
{
    /// <summary>The kernel's own limit for a list and for a value.</summary>
    private const int LargestBytes = 65536;

    /// <summary>
    /// The attributes of a name in a directory (a link's own), or of the open file itself when the name is empty, ordered by name.
    /// </summary>
    /// <param name="directory">An open directory, or the file itself.</param>
    /// <param name="name">A name in it, or empty.</param>
    /// <param name="problem">What could not be read; null when all could.</param>
    internal static IReadOnlyList<ExtendedAttribute> Read(SafeFileHandle directory, ReadOnlySpan<byte> name, out string? problem)
    {
        problem = null;
        bool follow = name.IsEmpty;
        byte* path = stackalloc byte[ProcPath.MaxLength];
        ProcPath.Write(directory, name, path);
        // Nearly all lists are empty or hold one short name.
        const int usual = 512;
        byte* list = stackalloc byte[usual];
        nint length = follow ? Libc.ListXAttr(path, list, usual) : Libc.LListXAttr(path, list, usual);
        if (length == 0 || (length < 0 && Errno.Last == Errno.NotSupported))
            return [];
        if (length > 0)
            return ReadValues(path, new ReadOnlySpan<byte>(list, (int)length), follow, ref problem);
        if (Errno.Last != Errno.OutOfRange)
        {
            problem = $"its extended attributes cannot be listed: {Errno.Describe(Errno.Last)}";
            return [];
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(LargestBytes);
        fixed (byte* buffer = larger)
        {
            length = follow ? Libc.ListXAttr(path, buffer, LargestBytes) : Libc.LListXAttr(path, buffer, LargestBytes);
            IReadOnlyList<ExtendedAttribute> attributes = [];
            if (length < 0)
                problem = $"its extended attributes cannot be listed: {Errno.Describe(Errno.Last)}";
            else
                attributes = ReadValues(path, new ReadOnlySpan<byte>(buffer, (int)length), follow, ref problem);
            ArrayPool<byte>.Shared.Return(larger);
            return attributes;
        }
    }

    /// <summary>Sets one attribute of an open file, path-only handles included.</summary>
    internal static bool Set(SafeFileHandle file, ExtendedAttribute attribute)
    {
        byte* path = stackalloc byte[ProcPath.MaxLength];
        ProcPath.Write(file, [], path);
        fixed (byte* key = Terminated(attribute.Name))
        fixed (byte* value = attribute.Value)
        {
            byte nothing;
            return Libc.SetXAttr(path, key, value is null ? &nothing : value, (nuint)attribute.Value.Length, 0) == 0;
        }
    }

    internal static bool Remove(SafeFileHandle file, byte[] name)
    {
        byte* path = stackalloc byte[ProcPath.MaxLength];
        ProcPath.Write(file, [], path);
        fixed (byte* key = Terminated(name))
            return Libc.RemoveXAttr(path, key) == 0;
    }

    private static List<ExtendedAttribute> ReadValues(byte* path, ReadOnlySpan<byte> list, bool follow, ref string? problem)
    {
        var attributes = new List<ExtendedAttribute>();
        while (!list.IsEmpty)
        {
            int end = list.IndexOf((byte)0);
            ReadOnlySpan<byte> name = end < 0 ? list : list[..end];
            list = end < 0 ? [] : list[(end + 1)..];
            byte[]? value = ReadValue(path, name, follow);
            if (value is not null)
                attributes.Add(new ExtendedAttribute(name.ToArray(), value));
            else if (Errno.Last != Errno.NoData)
                problem ??= $"its attribute {TreePath.Show(name)} cannot be read: {Errno.Describe(Errno.Last)}";
        }

        attributes.Sort((left, right) => left.Name.AsSpan().SequenceCompareTo(right.Name));
        return attributes;
    }

    private static byte[]? ReadValue(byte* path, ReadOnlySpan<byte> name, bool follow)
    {
        byte[] key = Terminated(name);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(LargestBytes);
        try
        {
            fixed (byte* k = key)
            fixed (byte* value = buffer)
            {
                nint length = follow
                    ? Libc.GetXAttr(path, k, value, LargestBytes)
                    : Libc.LGetXAttr(path, k, value, LargestBytes);
                return length < 0 ? null : buffer.AsSpan(0, (int)length).ToArray();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Terminated(ReadOnlySpan<byte> name)
    {
        byte[] terminated = new byte[name.Length + 1];
        name.CopyTo(terminated);
        return terminated;
    }
}
