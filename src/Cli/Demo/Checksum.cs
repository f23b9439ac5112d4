using System.Security.Cryptography;

namespace Strongroom.Cli.Demo;

/// <summary>SHA-256 sums of what was protected, made by programs that are not part of the product.</summary>
internal static class Checksum
{
    private const int BufferBytes = 1 << 20;

    public static async Task<string> OfFileAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferBytes, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
    }

    /// <summary>
    /// The sum of GNU tar's archive of the directory: names, contents, types, modes, owners, times to the nanosecond, links,
    /// extended attributes and ACLs; without what a restore cannot or need not bring back (inode change and access times).
    /// </summary>
    public static async Task<string> OfTreeAsync(string directory, CancellationToken cancellationToken)
    {
        string tar = HostTool.Find("tar") ?? throw new CommandException(ExitCode.Failed, "tar is missing; install it with: sudo apt-get install tar");
        string[] arguments =
        [
            "--create", "--file=-", "--directory", directory, "--sort=name", "--numeric-owner", "--format=posix",
            "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", "--xattrs", "--xattrs-include=*", "--acls", ".",
        ];
        byte[] sum = [];
        await HostTool.RunAsync(tar, arguments, async (output, token) => sum = await SHA256.HashDataAsync(output, token), cancellationToken);
        return Convert.ToHexStringLower(sum);
    }
}
