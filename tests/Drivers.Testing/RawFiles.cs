using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Strongroom.Drivers.Testing;

/// <summary>
/// The plainest calls on files by their full raw path, for tests. On purpose not the drivers' own code, nor its way of
/// doing it (open directories, lazily): what checks the drivers must not share their mistakes.
/// </summary>
public static unsafe partial class RawFiles
{
    private const int WorkingDirectory = -100;
    private const int NoFollow = 0x100;

    public static bool IsRoot => UserId == 0;

    public static uint UserId => geteuid();

    public static uint GroupId => getegid();

    public static byte[] Path(string text) => Encoding.UTF8.GetBytes(text);

    public static byte[] Join(byte[] directory, ReadOnlySpan<byte> name) => [.. directory, (byte)'/', .. name];

    /// <summary>Names of a directory in ordinal order.</summary>
    public static List<byte[]> Names(byte[] directory)
    {
        nint stream;
        fixed (byte* path = Terminated(directory))
            stream = opendir(path);
        if (stream == 0)
            throw Failure("opendir", directory);
        var names = new List<byte[]>();
        // struct dirent of 64-bit glibc: inode 8, offset 8, record length 2, type 1, name.
        for (byte* entry = readdir(stream); entry is not null; entry = readdir(stream))
        {
            byte[] name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + 19).ToArray();
            if (!name.AsSpan().SequenceEqual("."u8) && !name.AsSpan().SequenceEqual(".."u8))
                names.Add(name);
        }

        _ = closedir(stream);
        names.Sort((left, right) => left.AsSpan().SequenceCompareTo(right));
        return names;
    }

    public static RawStatus Status(byte[] path)
    {
        byte[] buffer = new byte[256];
        fixed (byte* name = Terminated(path))
        fixed (byte* room = buffer)
            Check(statx(WorkingDirectory, name, NoFollow, 0x7FF, room), "statx", path);
        uint Word(int at) => BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(at));
        long Long(int at) => BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(at));
        return new RawStatus(
            Word(28) & 0xFFFF, Word(20), Word(24), Word(16), (ulong)Long(32), Long(40), Long(48) * 512,
            Long(112), Word(120), Word(128), Word(132));
    }

    public static byte[] LinkTarget(byte[] path)
    {
        byte[] target = new byte[4096];
        fixed (byte* name = Terminated(path))
        fixed (byte* room = target)
        {
            nint length = readlink(name, room, (nuint)target.Length);
            return length >= 0 ? target[..(int)length] : throw Failure("readlink", path);
        }
    }

    /// <summary>Attribute names and values, as Latin-1 text and hexadecimal digits, ordered.</summary>
    public static SortedDictionary<string, string> Attributes(byte[] path)
    {
        var attributes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        byte[] list = new byte[65536];
        byte[] value = new byte[65536];
        fixed (byte* name = Terminated(path))
        fixed (byte* room = list)
        fixed (byte* valueRoom = value)
        {
            nint length = llistxattr(name, room, (nuint)list.Length);
            if (length < 0)
                return Marshal.GetLastPInvokeError() == 95 ? attributes : throw Failure("llistxattr", path);
            foreach (string key in Encoding.Latin1.GetString(list, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries))
            {
                fixed (byte* keyBytes = Terminated(Encoding.Latin1.GetBytes(key)))
                {
                    nint size = lgetxattr(name, keyBytes, valueRoom, (nuint)value.Length);
                    attributes[key] = size >= 0 ? Convert.ToHexStringLower(value, 0, (int)size) : throw Failure("lgetxattr", path);
                }
            }
        }

        return attributes;
    }

    public static void SetAttribute(byte[] path, string name, byte[] value)
    {
        fixed (byte* key = Terminated(Encoding.Latin1.GetBytes(name)))
        fixed (byte* target = Terminated(path))
        fixed (byte* bytes = Terminated(value))
            Check(lsetxattr(target, key, bytes, (nuint)value.Length, 0), $"lsetxattr {name}", path);
    }

    public static int Open(byte[] path, bool write = false)
    {
        fixed (byte* name = Terminated(path))
        {
            int descriptor = open(name, (write ? 0x42 : 0) | 0x80000, 0x180);
            return descriptor >= 0 ? descriptor : throw Failure("open", path);
        }
    }

    public static void Close(int descriptor) => _ = close(descriptor);

    /// <summary>Writes a file: its size, and data at some offsets; the rest are holes.</summary>
    public static void WriteFile(byte[] path, long sizeBytes, params IEnumerable<(long Offset, byte[] Bytes)> pieces)
    {
        int descriptor = Open(path, write: true);
        try
        {
            Check(ftruncate(descriptor, sizeBytes), "ftruncate", path);
            foreach ((long offset, byte[] bytes) in pieces)
                fixed (byte* data = bytes)
                    if (pwrite(descriptor, data, (nuint)bytes.Length, offset) != bytes.Length)
                        throw Failure("pwrite", path);
        }
        finally
        {
            Close(descriptor);
        }
    }

    public static void WriteFile(byte[] path, byte[] content) => WriteFile(path, content.Length, (0, content));

    /// <summary>The ranges the file system says hold data.</summary>
    public static List<(long From, long To)> DataMap(byte[] path, long sizeBytes)
    {
        var map = new List<(long From, long To)>();
        int descriptor = Open(path);
        try
        {
            for (long at = 0; at < sizeBytes;)
            {
                long data = lseek(descriptor, at, 3);
                if (data < 0)
                    break;
                long hole = lseek(descriptor, data, 4);
                map.Add((data, hole));
                at = hole;
            }
        }
        finally
        {
            Close(descriptor);
        }

        return map;
    }

    public static void MakeDirectory(byte[] path) => WithPath(path, name => mkdir(name, 0x1ED), "mkdir");

    public static void MakeLink(byte[] target, byte[] path)
    {
        fixed (byte* value = Terminated(target))
        fixed (byte* name = Terminated(path))
            Check(symlink(value, name), "symlink", path);
    }

    public static void MakeHardLink(byte[] existing, byte[] path)
    {
        fixed (byte* from = Terminated(existing))
        fixed (byte* to = Terminated(path))
            Check(link(from, to), "link", path);
    }

    public static void Rename(byte[] from, byte[] to)
    {
        fixed (byte* source = Terminated(from))
        fixed (byte* target = Terminated(to))
            Check(rename(source, target), "rename", from);
    }

    /// <param name="path">Where.</param>
    /// <param name="type">The file type bits: 0x1000 fifo, 0x2000 character device, 0x6000 block device, 0xC000 socket.</param>
    /// <param name="device">Below 256 each: major times 256 plus minor.</param>
    public static void MakeNode(byte[] path, uint type, uint device = 0) =>
        WithPath(path, name => mknod(name, type | 0x1A4, device), "mknod");

    public static void ChangeMode(byte[] path, uint mode) => WithPath(path, name => chmod(name, mode), "chmod");

    public static void ChangeOwner(byte[] path, uint uid, uint gid) => WithPath(path, name => lchown(name, uid, gid), "lchown");

    public static void SetModified(byte[] path, long seconds, long nanoseconds)
    {
        long* times = stackalloc long[4];
        times[0] = 0;
        times[1] = (1L << 30) - 2;
        times[2] = seconds;
        times[3] = nanoseconds;
        fixed (byte* name = Terminated(path))
            Check(utimensat(WorkingDirectory, name, times, NoFollow), "utimensat", path);
    }

    /// <summary>Runs a tool and returns what it printed; throws when it fails.</summary>
    public static string Run(string tool, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{tool} {string.Join(' ', arguments)}: {errors.GetAwaiter().GetResult()}");
    }

    /// <summary>Whether a tool is installed, looking where administrators' tools lie too.</summary>
    public static bool HasTool(string tool) =>
        "/usr/sbin:/sbin:/usr/bin:/bin".Split(':').Any(directory => File.Exists($"{directory}/{tool}"));

    private static byte[] Terminated(byte[] path) => [.. path, 0];

    private delegate int PathCall(byte* path);

    private static void WithPath(byte[] path, PathCall call, string name)
    {
        fixed (byte* text = Terminated(path))
            Check(call(text), name, path);
    }

    private static void Check(int result, string call, byte[] path)
    {
        if (result < 0)
            throw Failure(call, path);
    }

    private static IOException Failure(string call, byte[] path) =>
        new($"{call} {TreePath.Show(path)}: {Marshal.GetLastPInvokeErrorMessage()}");

#pragma warning disable IDE1006, SYSLIB1054 // The C library's own names.
    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint getegid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint opendir(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial byte* readdir(nint stream);

    [LibraryImport("libc")]
    private static partial int closedir(nint stream);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(int directory, byte* path, int flags, uint mask, byte* status);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint readlink(byte* path, byte* target, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint llistxattr(byte* path, byte* list, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint lgetxattr(byte* path, byte* name, byte* value, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lsetxattr(byte* path, byte* name, byte* value, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int descriptor, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int descriptor, byte* bytes, nuint length, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(int descriptor, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdir(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int symlink(byte* target, byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int link(byte* from, byte* to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int rename(byte* from, byte* to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mknod(byte* path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int chmod(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lchown(byte* path, uint uid, uint gid);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int utimensat(int directory, byte* path, long* times, int flags);
#pragma warning restore IDE1006, SYSLIB1054
}

/// <param name="ModeAndType">All of <c>st_mode</c>.</param>
/// <param name="AllocatedBytes">What the file system says it takes.</param>
public readonly record struct RawStatus(
    uint ModeAndType, uint Uid, uint Gid, uint LinkCount, ulong Inode, long SizeBytes, long AllocatedBytes,
    long ModifiedSeconds, uint ModifiedNanoseconds, uint NodeMajor, uint NodeMinor)
{
    public uint Type => ModeAndType & 0xF000;

    public bool IsDirectory => Type == 0x4000;

    public bool IsFile => Type == 0x8000;

    public bool IsLink => Type == 0xA000;
}
