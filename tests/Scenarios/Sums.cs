using System.Diagnostics;

namespace Strongroom.Scenarios;

/// <summary>What is on disk, told by programs that are not part of the product.</summary>
internal static class Sums
{
    public static Task<string> OfFile(string path) => Shell("sha256sum < \"$1\"", path);

    /// <summary>Names, contents, types, modes, owners, times to the nanosecond, links, extended attributes, ACLs.</summary>
    public static Task<string> OfTree(string directory) => Shell(
        """
        tar --create --file=- --directory "$1" --sort=name --numeric-owner --format=posix \
            --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' --xattrs '--xattrs-include=*' --acls . | sha256sum
        """,
        directory);

    /// <summary>Bytes that take room on disk: what is not holes.</summary>
    public static async Task<long> AllocatedBytes(string path) => 1024L * long.Parse((await Shell("du -k \"$1\" | cut -f1", path)).Trim());

    public static async Task<string> Shell(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", ["-euc", "set -o pipefail; " + script, "bash", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{script}: {await error}");
        return output;
    }
}
