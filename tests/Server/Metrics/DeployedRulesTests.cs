using System.Text.RegularExpressions;
using Strongroom.Server.Metrics;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Metrics;

/// <summary>Rules, dashboard and documentation name series that exist, and every series is documented.</summary>
public sealed partial class DeployedRulesTests(SqliteServer server) : IClassFixture<SqliteServer>
{
    [Fact]
    public async Task Every_series_of_rules_and_dashboard_is_told_and_every_series_told_is_documented()
    {
        VaultWorld world = await VaultWorld.NewAsync(server);
        await world.AddAsync(await world.VaultAsync(), VaultWorld.Disk(await world.NewDiskAsync()));
        TaskMeter.Collected(1, 2);
        TaskMeter.Ended(MetricsTests.Task(Strongroom.Server.Tasks.TaskKind.Backup), Strongroom.Server.Tasks.TaskEnd.Success, null, FakeTimeProvider.Start);
        server.Time.Advance(TimeSpan.FromMinutes(1));

        HashSet<string> told = [.. (await server.GetAsync(null, "/metrics")).Text.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];
        string deploy = Path.Combine(Root(), "deploy");
        string named = string.Concat(Directory.GetFiles(deploy, "*.yml").Concat(Directory.GetFiles(deploy, "grafana*.json")).Select(File.ReadAllText));
        string documented = File.ReadAllText(Path.Combine(Root(), "docs", "operating.md"));

        string[] missing = [.. Names(named).Concat(Names(documented).Except(Others)).Where(name => !told.Contains(name))];
        string[] undocumented = [.. told.Where(name => !documented.Contains($"`{name}", StringComparison.Ordinal))];
        Assert.True(missing.Length == 0, $"not told: {string.Join(", ", missing)}");
        Assert.True(undocumented.Length == 0, $"not documented: {string.Join(", ", undocumented)}");
    }

    // Roles, which the documentation names too.
    private static readonly string[] Others = ["cbr_full", "cbr_operator", "cbr_reader"];

    private static IEnumerable<string> Names(string text) => Series().Matches(text).Select(match => Suffix().Replace(match.Value, "")).Distinct();

    private static string Root()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "Strongroom.slnx")))
            at = Path.GetDirectoryName(at);
        return at ?? throw new DirectoryNotFoundException("The tests do not run within the repository.");
    }

    [GeneratedRegex("(?<![a-zA-Z_/])(cbr_[a-z_]+|vault_util|used_vault_size)(?![a-z_:])")]
    private static partial Regex Series();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
