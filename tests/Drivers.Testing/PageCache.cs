using System.Diagnostics;
using System.Globalization;

namespace Strongroom.Drivers.Testing;

/// <summary>What the system keeps of a file in memory.</summary>
public static class PageCache
{
    /// <summary>Has the system forget the file from an offset on.</summary>
    public static void Drop(string path, long fromOffset)
    {
        // dd's nocache with nothing to copy is posix_fadvise(DONTNEED) on the rest of the input; what is dirty has to be written first.
        using (Process sync = Process.Start("sync", path))
            sync.WaitForExit();
        using Process dd = Process.Start(
            "dd", [$"if={path}", "iflag=nocache,skip_bytes", "count=0", "status=none", string.Create(CultureInfo.InvariantCulture, $"skip={fromOffset}")]);
        dd.WaitForExit();
        if (dd.ExitCode != 0)
            throw new InvalidOperationException($"dd ended with {dd.ExitCode}");
    }
}
