using System.Text.Json;

namespace Strongroom.Scenarios;

/// <summary><c>strongroom demo</c> as a newcomer runs it.</summary>
[Trait("Category", "Slow")]
public sealed class DemoScenarios
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task The_demo_brings_both_points_back_identical()
    {
        SkipWithoutTools();
        using var directory = new TemporaryDirectory();

        CommandResult demo = await StrongroomBinary.Run(
            new Dictionary<string, string> { ["TMPDIR"] = directory.Path }, Limit, "demo", "--exit", "-f", "json");

        Assert.True(demo.ExitCode == 0, demo.Error);
        JsonElement[] rows = [.. JsonDocument.Parse(demo.Output).RootElement.EnumerateArray()];
        Assert.Equal(4, rows.Count(row => row.GetProperty("verdict").GetString() == "available"));
        Assert.Equal(4, rows.Count(row => row.GetProperty("verdict").GetString() == "identical"));
        Assert.Equal("sound", rows[^1].GetProperty("verdict").GetString());
        // What changed about 2 % costs far less than the first backup.
        Assert.True(rows[2].GetProperty("stored_bytes").GetInt64() * 4 < rows[0].GetProperty("stored_bytes").GetInt64());
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path, "strongroom-demo-*"));
    }

    // The largest pack holds contents; which kind the first one is differs from run to run.
    [Theory]
    [InlineData("pack")]
    [InlineData("pack:0")]
    public async Task A_flipped_bit_in_any_pack_fails_it_and_names_the_object_and_the_backup(string damage)
    {
        SkipWithoutTools();
        using var directory = new TemporaryDirectory();

        CommandResult demo = await StrongroomBinary.Run(
            new Dictionary<string, string> { ["STRONGROOM_DEMO_DAMAGE"] = damage }, Limit, "demo", "--exit", "--data", directory["demo"]);

        Assert.Equal(1, demo.ExitCode);
        string pack = demo.Error.Split('\n').Single(line => line.Contains("flipped one bit", StringComparison.Ordinal)).Split('/')[^1].Trim();
        string[] named = [.. demo.Error.Split('\n').Where(line => line.StartsWith("demo: check: ", StringComparison.Ordinal))];
        Assert.Contains(named, line => line.Contains(pack, StringComparison.Ordinal));
        Assert.Contains(named, line => System.Text.RegularExpressions.Regex.IsMatch(line, "Backups touched: [0-9a-f]{8}-[0-9a-f]{4}-"));
    }

    private static void SkipWithoutTools() =>
        Assert.SkipUnless(
            Environment.IsPrivilegedProcess || File.Exists("/usr/sbin/debugfs"),
            "needs mkfs.ext4 and debugfs: install e2fsprogs, as ./test does");
}
