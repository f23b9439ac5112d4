using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Strongroom.Cli.Progress;

namespace Strongroom.Cli.Demo;

/// <summary>SHA-256 sums of the originals at one moment.</summary>
internal sealed record DemoSums(string SystemDisk, string DataDisk, string Tree);

/// <summary>What the demo protects: two disks of a server and a directory tree, filled with real files of this machine.</summary>
internal sealed partial class DemoOriginals
{
    public const long SystemDiskBytes = 256L << 20;
    public const long DataDiskBytes = 128L << 20;

    // Room is left in the file systems for what is added later.
    private const long SystemContentBytes = 190L << 20;
    private const long DataContentBytes = 40L << 20;
    private const long TreeContentBytes = 48L << 20;

    // So that the tree has thousands of files.
    private const long TreeFileBytesMax = 128 << 10;

    // About 2 % of each.
    private const long SystemChangeBytes = 5L << 20;
    private const long DataChangeBytes = 2560L << 10;
    private const int TreeFilesPerChange = 50;

    private readonly DiskTools tools;
    private readonly string staging;
    private readonly string[] systemFiles;
    private readonly string[] systemAdditions;
    private readonly string[] dataAdditions;

    private DemoOriginals(DiskTools tools, string directory, string staging, Staged staged)
    {
        this.tools = tools;
        this.staging = staging;
        SystemDisk = Path.Combine(directory, "web-1-system.img");
        DataDisk = Path.Combine(directory, "web-1-data.img");
        Tree = Path.Combine(directory, "projects");
        FileCount = staged.FileCount;
        systemFiles = staged.SystemFiles;
        systemAdditions = staged.SystemAdditions;
        dataAdditions = staged.DataAdditions;
    }

    public string SystemDisk { get; }

    public string DataDisk { get; }

    public string Tree { get; }

    /// <summary>Files of this machine that went into all of it.</summary>
    public int FileCount { get; }

    /// <param name="tools">Make the disks.</param>
    /// <param name="directory">Gets the originals, and copies of the files under <c>staging</c>.</param>
    /// <param name="item">Told how far it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<DemoOriginals> MakeAsync(DiskTools tools, string directory, ProgressItem item, CancellationToken cancellationToken)
    {
        string copies = Path.Combine(directory, "staging");
        var staged = Stage(copies, Path.Combine(directory, "projects"), item, cancellationToken);
        var originals = new DemoOriginals(tools, directory, copies, staged);
        item.Report(0, 0, "making file systems");
        await tools.MakeImageAsync(originals.SystemDisk, SystemDiskBytes, Path.Combine(copies, "system"), "system", cancellationToken);
        await tools.MakeImageAsync(originals.DataDisk, DataDiskBytes, Path.Combine(copies, "data"), "data", cancellationToken);
        await AddOddities(originals.Tree, cancellationToken);
        item.Finish("made");
        return originals;
    }

    public async Task<DemoSums> SumAsync(CancellationToken cancellationToken)
    {
        Task<string> tree = Checksum.OfTreeAsync(Tree, cancellationToken);
        string system = await Checksum.OfFileAsync(SystemDisk, cancellationToken);
        string data = await Checksum.OfFileAsync(DataDisk, cancellationToken);
        return new DemoSums(system, data, await tree);
    }

    /// <summary>A day's work: about 2 % of everything is changed, added or removed, on the disks through their file systems.</summary>
    public async Task ChangeAsync(CancellationToken cancellationToken)
    {
        await tools.ChangeImageAsync(
            SystemDisk, systemFiles.Where((_, number) => number % TreeFilesPerChange == 0), Named(systemAdditions), cancellationToken);
        await tools.ChangeImageAsync(DataDisk, [], Named(dataAdditions), cancellationToken);

        string[] files = [.. Directory.EnumerateFiles(Path.Combine(Tree, "files"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        for (int number = 0; number < files.Length; number += TreeFilesPerChange)
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (number / TreeFilesPerChange % 3)
            {
                case 0:
                    await File.AppendAllTextAsync(files[number], "one more line\n", cancellationToken);
                    break;
                case 1:
                    File.Delete(files[number]);
                    break;
                default:
                    File.Move(files[number], files[number] + ".moved");
                    break;
            }
        }

        foreach ((string path, string name) in Named(dataAdditions))
            File.Copy(path, Path.Combine(Tree, name));
        File.SetUnixFileMode(Path.Combine(Tree, "run.sh"), UnixFileMode.UserRead);
    }

    /// <summary>The bad day: one disk is overwritten here and there, the other one and the tree are gone.</summary>
    public async Task DestroyAsync(CancellationToken cancellationToken)
    {
        const int StripeBytes = 1 << 20;
        byte[] garbage = new byte[StripeBytes];
        await using (FileStream disk = File.OpenWrite(SystemDisk))
        {
            for (long offset = 0; offset < SystemDiskBytes; offset += 4 * StripeBytes)
            {
                RandomNumberGenerator.Fill(garbage);
                disk.Position = offset;
                await disk.WriteAsync(garbage, cancellationToken);
            }
        }

        File.Delete(DataDisk);
        await HostTool.RemoveAsync(Tree, cancellationToken);
    }

    /// <summary>The copies the disks were made from are needed until the changes are made.</summary>
    public Task DropStagingAsync(CancellationToken cancellationToken) => HostTool.RemoveAsync(staging, cancellationToken);

    private static IEnumerable<(string HostPath, string Name)> Named(string[] additions) =>
        additions.Select((path, number) => (path, $"added-{number:000}"));

    private static Staged Stage(string copies, string tree, ProgressItem item, CancellationToken cancellationToken)
    {
        var system = new Container(Path.Combine(copies, "system"), SystemContentBytes);
        var data = new Container(Path.Combine(copies, "data"), DataContentBytes);
        var files = new Container(Path.Combine(tree, "files"), TreeContentBytes) { FileBytesMax = TreeFileBytesMax };
        var forSystem = new Container(Path.Combine(copies, "system-additions"), SystemChangeBytes) { IsFlat = true };
        var forData = new Container(Path.Combine(copies, "data-additions"), DataChangeBytes) { IsFlat = true };
        // The additions first, so that a machine with few files does not end up without change.
        Container[] containers = [forSystem, forData, files, data, system];
        long wanted = containers.Sum(container => container.RoomBytes);
        long copied = 0;
        int next = 0;
        foreach (FileInfo file in HostFiles.List(Path.GetDirectoryName(typeof(object).Assembly.Location)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            while (next < containers.Length && containers[next].IsFull)
                next++;
            if (next == containers.Length)
                break;
            if (!containers[next].TryAdd(file))
                continue;
            copied += file.Length;
            item.Report(copied, wanted, "copying files of this machine");
        }

        return new Staged(
            containers.Sum(container => container.Paths.Count),
            [.. system.Paths.Select(path => path[system.Root.Length..]).Where(path => PlainPath().IsMatch(path))],
            [.. forSystem.Paths],
            [.. forData.Paths]);
    }

    /// <summary>What makes restoring a tree hard: links, holes, odd names, modes, times before 1970, a pipe, nothing at all.</summary>
    private static Task AddOddities(string tree, CancellationToken cancellationToken)
    {
        const string Script = """
            set -eu
            cd "$1"
            printf '#!/bin/sh\necho hello\n' > run.sh
            chmod 750 run.sh
            ln run.sh run-again.sh
            ln -s files link-to-files
            ln -s /nowhere/at/all dangling-link
            : > empty
            mkdir -m 700 empty-directory
            truncate -s 8M sparse
            printf 'the only data' | dd of=sparse bs=1 seek=5000000 conv=notrunc 2>/dev/null
            printf 'latin-1' > "$(printf 'caf\351')"
            printf 'two lines' > "$(printf 'new\nline')"
            mkfifo pipe
            touch -d '1969-07-20 20:17:40.123456789 UTC' moon
            """;
        return HostTool.RunAsync("/bin/sh", ["-c", Script, "sh", tree], cancellationToken);
    }

    // What needs no quoting in a debugfs script.
    [GeneratedRegex("^[A-Za-z0-9/._+-]+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PlainPath();

    private sealed record Staged(int FileCount, string[] SystemFiles, string[] SystemAdditions, string[] DataAdditions);

    /// <summary>A directory that takes copies until it holds enough.</summary>
    private sealed class Container(string root, long roomBytes)
    {
        public string Root { get; } = root;

        public long RoomBytes { get; private set; } = roomBytes;

        public bool IsFull => RoomBytes < 64 << 10;

        public long FileBytesMax { get; init; } = long.MaxValue;

        /// <summary>All files in the directory itself, under numbers.</summary>
        public bool IsFlat { get; init; }

        public List<string> Paths { get; } = [];

        /// <returns>False when the file does not fit or cannot be read.</returns>
        public bool TryAdd(FileInfo file)
        {
            if (file.Length > Math.Min(RoomBytes, FileBytesMax))
                return false;
            string path = IsFlat ? Path.Combine(Root, Paths.Count.ToString("000")) : Root + file.FullName;
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                file.CopyTo(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return false;
            }

            Paths.Add(path);
            RoomBytes -= file.Length;
            return true;
        }
    }
}
