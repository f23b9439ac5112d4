using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

/// <summary>Whether an image or device that would be overwritten is in use, and by what.</summary>
internal static unsafe class TargetUse
{
    private const int SetOpenFileLock = 37;
    private const short WriteLock = 1;
    private const int TryAgain = 11;

    /// <summary>What uses it, for people; null when nothing is known to. The lock and O_EXCL have the last word.</summary>
    internal static string? Find(in FileStatus status, bool isDevice) =>
        isDevice ? FindMount(status) ?? FindSwap(status) : FindLoopDevice(status) ?? FindSwap(status);

    /// <summary>
    /// Locks the whole file against others who lock: a virtual machine of QEMU that has the image open holds locks on it, and
    /// none can open it until the handle is closed. A file system without locks is no obstacle.
    /// </summary>
    internal static void Lock(SafeFileHandle file, string location)
    {
        var whole = new RecordLock { Type = WriteLock };
        if (Libc.FCntl(file, SetOpenFileLock, &whole) == 0 || Errno.Last is not (TryAgain or Errno.AccessDenied))
            return;
        throw new DriverException(
            DriverFailure.InUse, location, "open", "another process has locked it, such as a running virtual machine");
    }

    private static string? FindMount(in FileStatus device)
    {
        HashSet<string> numbers = NumbersOf(device);
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            // Id, parent, major:minor, root, mount point, … (proc_pid_mountinfo(5)).
            string[] fields = line.Split(' ');
            if (fields.Length > 4 && numbers.Contains(fields[2]))
                return $"it is mounted at {Unescape(fields[4])}";
        }

        return null;
    }

    /// <summary>The device's own number, <c>major:minor</c>, and those of its partitions.</summary>
    private static HashSet<string> NumbersOf(in FileStatus device)
    {
        string own = string.Create(CultureInfo.InvariantCulture, $"{device.NodeMajor}:{device.NodeMinor}");
        var numbers = new HashSet<string> { own };
        string directory = $"/sys/dev/block/{own}";
        if (Directory.Exists(directory))
            foreach (string child in Directory.EnumerateDirectories(directory))
                if (File.Exists($"{child}/partition") && File.Exists($"{child}/dev"))
                    numbers.Add(File.ReadAllText($"{child}/dev").Trim());
        return numbers;
    }

    private static string? FindLoopDevice(in FileStatus image)
    {
        if (!Directory.Exists("/sys/block"))
            return null;
        foreach (string device in Directory.EnumerateDirectories("/sys/block", "loop*"))
        {
            string backing = $"{device}/loop/backing_file";
            if (File.Exists(backing) && IsSame(image, File.ReadAllText(backing).TrimEnd('\n')))
                return $"it is attached to /dev/{Path.GetFileName(device)}";
        }

        return null;
    }

    private static string? FindSwap(in FileStatus status)
    {
        if (!File.Exists("/proc/swaps"))
            return null;
        foreach (string line in File.ReadLines("/proc/swaps").Skip(1))
            if (IsSame(status, Unescape(line.Split(' ')[0])))
                return "the system swaps to it";
        return null;
    }

    private static bool IsSame(in FileStatus status, string path) =>
        path.StartsWith('/') && Posix.TryStatLocation(path, out FileStatus other) && other.IsSameFileAs(status);

    /// <summary>Space, tab, line feed and backslash stand there as three octal digits.</summary>
    private static string Unescape(string text) =>
        text.Replace(@"\040", " ", StringComparison.Ordinal)
            .Replace(@"\011", "\t", StringComparison.Ordinal)
            .Replace(@"\012", "\n", StringComparison.Ordinal)
            .Replace(@"\134", @"\", StringComparison.Ordinal);
}
