using System.Text.Json;
using Strongroom.Contract.Resources;

namespace Strongroom.Scenarios;

/// <summary>A large sparse image and many files: back with the service, and without it once its database is gone.</summary>
[Trait("Category", "Slow")]
public sealed class RescueScenarios
{
    private const int FileCount = 20_000;

    [Fact]
    public async Task A_sparse_image_and_twenty_thousand_files_come_back_with_the_service_and_without_its_database()
    {
        using var directory = new TemporaryDirectory();
        string image = directory["image"];
        string tree = directory["tree"];
        await MakeImage(image);
        await MakeTree(tree);
        string imageSum = await Sums.OfFile(image);
        string treeSum = await Sums.OfTree(tree);
        long imageAllocated = await Sums.AllocatedBytes(image);
        string diskBackup;
        string treeBackup;

        await using (RunningService service = await RunningService.Start(directory["data"]))
        {
            Protected disk = await Protected.Add(service.Cbr, ResourceTypes.Disk, "disk", image);
            Protected files = await Protected.Add(service.Cbr, ResourceTypes.FileSystem, "files", tree);
            diskBackup = await disk.BackUp(service.Cbr);
            treeBackup = await files.BackUp(service.Cbr);
            File.Delete(image);
            await Sums.Shell("rm -rf \"$1\"", tree);

            await disk.Restore(service.Cbr, diskBackup);
            await files.Restore(service.Cbr, treeBackup);

            Assert.Equal(imageSum, await Sums.OfFile(image));
            Assert.Equal(treeSum, await Sums.OfTree(tree));
            await AssertAsSparse(image, imageAllocated);
        }

        foreach (string database in Directory.GetFiles(directory["data"], "strongroom.db*"))
            File.Delete(database);
        JsonElement[] listed =
        [
            .. JsonDocument.Parse(await StrongroomBinary.Do(null, "repo", "list", "--data", directory["data"], "-f", "json")).RootElement.EnumerateArray(),
        ];
        await StrongroomBinary.Do(null, "repo", "check", "--read-data", "--data", directory["data"]);
        await StrongroomBinary.Do(null, "repo", "restore", diskBackup, "--to", directory["image-rescued"], "--data", directory["data"]);
        await StrongroomBinary.Do(null, "repo", "restore", treeBackup, "--to", directory["tree-rescued"], "--data", directory["data"]);

        Assert.Equal(
            new[] { diskBackup, treeBackup }.Order(StringComparer.Ordinal),
            listed.Select(row => row.GetProperty("id").GetString()!).Order(StringComparer.Ordinal));
        Assert.Equal(imageSum, await Sums.OfFile(directory["image-rescued"]));
        Assert.Equal(treeSum, await Sums.OfTree(directory["tree-rescued"]));
        await AssertAsSparse(directory["image-rescued"], imageAllocated);
        Assert.Empty(Directory.GetFiles(directory["data"], "strongroom.db*"));
    }

    // Chunks are 64 KiB: a restored image may have a hole where the original had written zeros, never the other way round
    // by more than the blocks at the edges.
    private static async Task AssertAsSparse(string path, long originalBytes)
    {
        Assert.Equal(2L << 30, new FileInfo(path).Length);
        long now = await Sums.AllocatedBytes(path);
        Assert.True(now <= originalBytes + (8 << 20), $"{now} bytes are allocated, of the original {originalBytes}.");
    }

    /// <summary>2 GiB, 200 MiB of them data in 50 places.</summary>
    private static Task<string> MakeImage(string path) => Sums.Shell(
        """
        truncate -s 2G "$1"
        for place in $(seq 0 49); do
            dd if=/dev/urandom of="$1" bs=1M count=4 seek=$((place * 40 + 3)) conv=notrunc status=none
        done
        """,
        path);

    private static Task<string> MakeTree(string path) => Sums.Shell(
        $$"""
        mkdir "$1"; cd "$1"
        for directory in $(seq 1 100); do
            mkdir -p "d$directory/sub"
            for file in $(seq 1 {{FileCount / 100}}); do
                printf 'file %s of %s\n' "$file" "$directory" > "d$directory/sub/f$file"
            done
        done
        chmod 600 d1/sub/f1; chmod 4755 d1/sub/f2; ln d2/sub/f1 hard; ln -s d3 soft; mkfifo pipe
        touch -d '2001-02-03 04:05:06.123456789 UTC' d4/sub/f1
        printf x > "$(printf 'caf\351')"
        truncate -s 64M sparse; printf end >> sparse
        """,
        path);
}
